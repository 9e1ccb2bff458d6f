//! What was done in this process.

use support_plugin::resources::Resources;

use crate::faults::Tally;

/// What was done.
#[derive(Default)]
pub struct Report {
    /// How often each place was gone through.
    pub rounds: u64,
    /// Operations that failed and said so.
    pub said: Vec<String>,
    /// Bytes that were compared.
    pub verified: u64,
    /// Calls of the drive.
    pub calls: u64,
    /// Faults that struck.
    pub faults: Tally,
    /// What was held after the first rounds, and at the end.
    pub resources: Option<(Resources, Resources)>,
}

impl Report {
    /// Takes note of a failure that was said.
    ///
    /// # Errors
    /// If it is a bug.
    pub fn say(&mut self, error: &impl std::fmt::Display) -> Result<(), String> {
        let text = error.to_string();
        if text.contains("a bug:") {
            return Err(text);
        }
        self.said.push(text);
        Ok(())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, said, verified, calls, faults, resources } = self;
        for text in said {
            writeln!(f, "  said: {text}")?;
        }
        let said = said.len();
        write!(
            f,
            "library: {rounds} rounds, {said} failures that were said; {calls} calls, {faults}; {:.1} MB compared, 0 lost",
            *verified as f64 / 1e6
        )?;
        if let Some((before, after)) = resources {
            write!(f, "\n  before: {before}\n  after:  {after}")?;
        }
        Ok(())
    }
}
