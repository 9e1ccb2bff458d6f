//! Runs one script of `hooks.toml`, and bounds what it says.

use super::error::Result;
use super::log::TaskLog;
use super::references::{configuration_kind, store_of};
use crate::hooks::{Hook, HookMoment};
use crate::state::{App, AppKind};
use plakar_driver::{CancellationToken, Kind, Name, Plakar, ProgramJob, Store};

/// Maximum number of lines of one script that are kept.
const MAX_SAID_LINES: usize = 1000;

/// Maximum of what one script says that is kept, in bytes.
const MAX_SAID_BYTES: usize = 256 << 10;

/// Whose secrets no line of a script must show.
pub(super) struct HookPlace {
    entries: Vec<(Kind, Name)>,
    store: Option<Store>,
}

impl HookPlace {
    /// Those of an app and its store.
    ///
    /// # Errors
    /// Its names are none.
    pub(super) fn of(app: &App) -> Result<Self> {
        let entry = (configuration_kind(app.spec.kind), Name::new(&app.spec.entry)?);
        let is_source = app.spec.kind == AppKind::Source;
        let store = is_source.then(|| store_of(app)).transpose()?;
        Ok(Self { entries: vec![entry], store })
    }
}

/// A script that is to run.
pub(super) struct HookRun<'a> {
    pub(super) hook: &'a Hook,
    pub(super) moment: HookMoment,
    pub(super) place: &'a HookPlace,
    /// What it is told, beside its name and the moment.
    pub(super) variables: &'a [(&'static str, String)],
}

impl HookRun<'_> {
    /// Runs it to its end; nothing if the hook has none at this moment.
    ///
    /// # Errors
    /// It could not be started, its exit status was not 0, it took too long, or it was cancelled.
    pub(super) async fn run(
        &self,
        plakar: &Plakar,
        said: &mut (dyn FnMut(&str) + Send),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let Some((program, arguments)) = self.hook.command(self.moment) else { return Ok(()) };
        let mut variables = vec![
            ("HOOK_NAME", self.hook.name.clone()),
            ("HOOK_MOMENT", self.moment.as_str().to_owned()),
        ];
        // A variable cannot hold the byte zero.
        let told = self.variables.iter().map(|(name, value)| (*name, value.replace('\0', " ")));
        variables.extend(told);
        let job = ProgramJob {
            program,
            arguments,
            variables: &variables,
            timeout: self.hook.timeout,
            entries: &self.place.entries,
            store: self.place.store.as_ref(),
        };
        match plakar.run_program(&job, said, cancel).await {
            Err(plakar_driver::Error::TimedOut(limit)) => {
                let reason = format!("it did not end within {} s and was ended", limit.as_secs());
                Err(plakar_driver::Error::Refused(reason).into())
            }
            ran => Ok(ran?),
        }
    }
}

/// What a script says goes into the log, up to a bound.
#[derive(Default)]
pub(super) struct HookVoice {
    lines: usize,
    bytes: usize,
}

impl HookVoice {
    pub(super) fn say(&mut self, run: &HookRun<'_>, line: &str, log: &mut TaskLog<'_>) {
        let begin = format!("{} ({})", run.moment.as_str(), run.hook.name);
        match self.take(line) {
            Said::Kept => log.say(&format!("{begin}: {line}")),
            Said::FirstLeftOut => log.say(&format!("{begin} says more, which is left out here")),
            Said::LeftOut => log.heard(),
        }
    }

    fn take(&mut self, line: &str) -> Said {
        let was_full = self.is_full();
        self.lines += 1;
        self.bytes += line.len();
        match (was_full, self.is_full()) {
            (false, false) => Said::Kept,
            (false, true) => Said::FirstLeftOut,
            (true, _) => Said::LeftOut,
        }
    }

    fn is_full(&self) -> bool {
        self.lines > MAX_SAID_LINES || self.bytes > MAX_SAID_BYTES
    }
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Kept,
    FirstLeftOut,
    LeftOut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_script_is_bounded() {
        let count = |line: &str, lines: usize| {
            let mut voice = HookVoice::default();
            let said: Vec<Said> = (0..lines).map(|_| voice.take(line)).collect();
            let of = |what| said.iter().filter(|said| **said == what).count();
            (of(Said::Kept), of(Said::FirstLeftOut), of(Said::LeftOut))
        };
        assert_eq!(count("a", MAX_SAID_LINES), (MAX_SAID_LINES, 0, 0));
        assert_eq!(count("a", MAX_SAID_LINES + 5), (MAX_SAID_LINES, 1, 4));
        assert_eq!(count(&"a".repeat(64 << 10), 10), (4, 1, 5));
    }
}
