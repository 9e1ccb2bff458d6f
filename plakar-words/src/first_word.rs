//! Whether plakar ended before it had begun with what it was told.
//!
//! Where it cannot read the states of a store it says why on standard output, does nothing, and ends
//! with the exit status 0: that is the status of the command, which was never run (plakar v1.1.4,
//! main.go).

use std::path::Path;

/// What it greets a new user with, and the last line of that.
const GREETING: [&str; 2] = ["Welcome to plakar !", "EOT"];

/// Reads standard output as far as the first line of a command. Only plakar can have written it: a
/// name, which can have any line in it, comes after words of plakar's.
#[derive(Debug, Default)]
pub struct FirstWord {
    greets: bool,
    is_reason: Option<bool>,
}

impl FirstWord {
    /// Takes the next line.
    pub fn take(&mut self, line: &str) {
        if self.is_reason.is_some() {
            return;
        }
        let [first, last] = GREETING;
        match line.trim_end() {
            "" => {}
            line if line == first => self.greets = true,
            line if self.greets => self.greets = line != last,
            line if line.starts_with("info: ") || line.starts_with("trace: ") => {}
            line => self.is_reason = Some(is_reason(line)),
        }
    }

    /// Whether it is the reason why there is nothing else.
    pub fn is_reason(&self) -> bool {
        self.is_reason == Some(true)
    }
}

/// Plakar's reasons begin with what it was called by: its name, or its path, where that is what
/// somebody said in `PLAKAR`.
fn is_reason(line: &str) -> bool {
    let Some((called, _)) = line.split_once(": ") else { return false };
    // What has words before the path is no path: a line of `ls`.
    let is_path = !called.contains(' ') || Path::new(called).is_absolute();
    let name = Path::new(called).file_name();
    is_path && name.is_some_and(|name| name == "plakar" || name == "plakar.exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_tells_that_nothing_was_begun() {
        let of = |lines: &[&str]| {
            let mut first = FirstWord::default();
            lines.iter().for_each(|line| first.take(line));
            first.is_reason()
        };
        let reason = "plakar: rpc error: code = Internal desc = the drive is away";
        assert!(of(&[reason]));
        let path = if cfg!(windows) { r"C:\my tools\plakar.exe" } else { "/my tools/plakar" };
        for called in [path, "tools/plakar"] {
            assert!(of(&[&format!("{called}: unexpected EOF")]), "{called}");
        }
        assert!(of(&["Welcome to plakar !", "", "By default, plakar checks", "EOT", reason]));
        assert!(of(&["info: the store is slow", "trace: repository: New()", reason]));
        // The end of the name `x\nplakar: the drive is away`.
        assert!(!of(&["630e9ca1: OK ✓ /x", "plakar: the drive is away"]));
        assert!(!of(&["630e9ca1: OK ✓ /plakar: x"]) && !of(&["2026-11-29T15:00:45Z /plakar: x"]));
        assert!(!of(&[]) && !of(&["{\"drive\":{}}"]) && !of(&["Welcome to plakar !"]));
    }
}
