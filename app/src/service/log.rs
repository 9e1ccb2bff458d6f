//! A task's log: what failed and what Plakar said, line by line, and how far it is.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use super::meter::Meter;
use super::sizes::{Reference, Sizes};
use crate::model::{Expected, plain_text};
use crate::scheduler::Job;
use crate::state::LogWriter;
use plakar_driver::{Failure, Progress};

/// Maximum length of a line of a log, in letters: plakar's own lines are cut at as many bytes.
const MAX_LINE_LETTERS: usize = 64 << 10;

/// Maximum number of failures that are known to have been said.
const MAX_SAID_FAILURES: usize = 1000;

/// How often what is waited for in patience gives a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// Writes a task's log. A log that cannot be written does not stop the task.
pub(super) struct TaskLog<'a> {
    job: &'a Job,
    file: Option<LogWriter>,
    meter: Meter,
    /// Of this phase.
    sizes: Option<Sizes>,
    exit: Option<i32>,
    /// What failed, as it was said: path and reason.
    failures: Vec<String>,
    /// How often the drive said to wait.
    waits: u64,
    /// Whether it was said that the daily volume of downloads is used up.
    volume_used_up: bool,
}

/// Gives signs of life for what gives none itself.
pub(super) struct Patience(Meter);

impl Patience {
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let lives = async {
            loop {
                self.0.take(|_, _| ());
                tokio::time::sleep(SIGN_OF_LIFE).await;
            }
        };
        tokio::select! {
            done = work => done,
            never = lives => never,
        }
    }
}

impl<'a> TaskLog<'a> {
    pub(super) fn new(job: &'a Job, meter: &Meter) -> Self {
        let file =
            job.log().map_err(|error| tracing::warn!(task = job.task.id, %error, "no log")).ok();
        Self {
            job,
            file,
            meter: meter.clone(),
            sizes: None,
            exit: None,
            failures: Vec::new(),
            waits: 0,
            volume_used_up: false,
        }
    }

    /// Plakar's exit status, of the last run of it.
    pub(super) fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// How often the drive said to wait, as its connector told.
    pub(super) fn waits(&self) -> u64 {
        self.waits
    }

    /// Whether the drive said, as its connector told, that the daily volume is used up.
    pub(super) fn volume_used_up(&self) -> bool {
        self.volume_used_up
    }

    /// The phases that will come, with what share of the work each is.
    pub(super) fn steps(&mut self, steps: &[(&'static str, u32)]) {
        self.meter.take(|tracker, _| tracker.steps(steps));
    }

    /// Begins to count anew, for another part of the work.
    pub(super) fn phase(&mut self, phase: &'static str) {
        if self.meter.take(|tracker, now| tracker.phase(phase, now)) {
            self.sizes = None;
            self.say(phase);
        }
    }

    /// What the phase that has begun will have: an estimate.
    pub(super) fn expect(&mut self, expected: Expected) {
        self.meter.take(|tracker, _| tracker.expect(expected));
    }

    /// Where the sizes are of what the phase that has begun does: a restore point, and the folder
    /// of it that the paths begin at.
    pub(super) fn sizes(
        &mut self,
        reference: impl Future<Output = plakar_driver::Result<Option<Reference>>> + Send + 'static,
    ) {
        self.sizes = Some(Sizes::start(reference, self.meter.clone()));
    }

    /// A line of ours.
    pub(super) fn say(&mut self, text: &str) {
        let at = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S");
        // Names have anything in them: nothing of a line must look like another, or move a
        // terminal's cursor.
        let plain = plain_text(text, MAX_LINE_LETTERS);
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{at} {plain}")
        {
            tracing::warn!(task = self.job.task.id, %error, "the log is not written any more");
            self.file = None;
        }
    }

    /// News of Plakar's.
    pub(super) fn news(&mut self, news: &Progress) {
        match news {
            Progress::Done(path) => {
                self.meter.done(path);
                if let Some(sizes) = &self.sizes {
                    sizes.done(path);
                }
            }
            Progress::Failed(what) => {
                self.volume_used_up |= says_used_up(what);
                self.say(&format!("failed: {what}"));
                self.meter.failed(what);
                if self.failures.len() < MAX_SAID_FAILURES {
                    self.failures.push(what.clone());
                }
            }
            Progress::Said(line) => {
                if let Some(notice) = notice(line) {
                    self.meter.take(|tracker, _| tracker.notice(notice));
                } else {
                    self.heard();
                }
                self.volume_used_up |= says_used_up(line);
                self.waits += u64::from(asks_to_wait(line));
                if let Some(complaint) = line.strip_prefix("error: ") {
                    self.meter.complained(complaint);
                }
                self.say(&plakars(line));
            }
            Progress::Noted(line) => self.say(line),
            Progress::Exited(code) => {
                self.exit = Some(*code);
                self.say(&format!("plakar ended with the exit status {code}"));
            }
        }
    }

    /// What holds it up now; empty for nothing.
    pub(super) fn notice(&mut self, text: &str) {
        self.meter.take(|tracker, _| tracker.notice(text));
    }

    /// For something that has a limit of its own: that it is quiet means nothing.
    pub(super) fn patience(&self) -> Patience {
        Patience(self.meter.clone())
    }

    /// A sign of life that is no line.
    pub(super) fn heard(&mut self) {
        self.meter.take(|_, _| ());
    }

    /// Something that failed, unless it was said when it happened.
    pub(super) fn list_failure(&mut self, Failure { path, reason }: &Failure) {
        let is_it = |said: &String| match said.strip_prefix(path.as_str()) {
            Some(rest) if !path.is_empty() => rest.is_empty() || rest.starts_with(':'),
            _ => path.is_empty() && said == reason,
        };
        if !self.failures.iter().any(is_it) {
            self.say(&format!("failed: {path} {reason}"));
        }
    }

    /// How many entries have been compared.
    pub(super) fn compared(&mut self, entries: u64) {
        self.meter.take(|tracker, _| tracker.counted(entries));
    }
}

/// A line of Plakar's, as the log has it. A name may have the end of a line in it, and what follows
/// would look like a line of ours.
fn plakars(line: &str) -> Cow<'_, str> {
    const PREFIX: &str = "plakar: ";
    if line.starts_with(PREFIX) { line.into() } else { format!("{PREFIX}{line}").into() }
}

/// What a line of a connector's says of a drive that holds it up; nothing in it if the drive does
/// so no more.
fn notice(line: &str) -> Option<&str> {
    if line.contains("the drive gives bytes again") {
        return Some("");
    }
    let holds = ["trying again", "waits until then", "daily volume"];
    if !holds.iter().any(|words| line.contains(words)) {
        return None;
    }
    // A connector's lines begin with its name, or with a time, a level and a place in its source.
    let said = line.split_once("plakar-opendrive: ").map(|(_, said)| said);
    let traced = || line.split_once("  INFO ").or_else(|| line.split_once("  WARN "));
    let traced = || traced().and_then(|(_, rest)| rest.split_once(": ")).map(|(_, said)| said);
    Some(said.or_else(traced).unwrap_or(line))
}

/// Whether a line, or the reason of a failure, says that the daily volume is used up
/// (`go/drive/downloads_answers.go`).
fn says_used_up(line: &str) -> bool {
    line.contains("the account's daily download volume") && line.contains(" is used up")
}

/// Whether a line of our connector's says that the drive asked to wait.
fn asks_to_wait(line: &str) -> bool {
    line.contains("plakar-opendrive: the drive answers 429")
}

#[cfg(test)]
mod tests {
    use super::{asks_to_wait, notice, plakars, says_used_up};

    #[test]
    fn a_volume_that_is_used_up_is_noticed() {
        let told = "/a/b: the account's daily download volume (1024 MB) is used up; it resets at noon Pacific time";
        assert!(says_used_up(told) && !says_used_up("/a/daily download volume is used up"));
    }

    #[test]
    fn a_wait_is_counted_when_the_connector_tells_of_one() {
        let waits =
            "info: plakar-opendrive: the drive answers 429: Too many downloads; trying again";
        assert!(asks_to_wait(waits));
        for other in ["plakar-opendrive: the drive answers 503: x; trying again", "/a/429", ""] {
            assert!(!asks_to_wait(other), "{other}");
        }
    }

    #[test]
    fn no_line_of_plakars_looks_like_one_of_ours() {
        let read = [
            // The end of the name `evil\nsucceeded: fine`.
            ("succeeded: fine", "plakar: succeeded: fine"),
            ("630e9ca1: OK ✓ /a", "plakar: 630e9ca1: OK ✓ /a"),
            ("plakar: the store is locked", "plakar: the store is locked"),
        ];
        for (line, logged) in read {
            assert_eq!(plakars(line), logged);
        }
    }

    #[test]
    fn what_holds_a_drive_up_is_told_from_other_lines() {
        let read = [
            ("630e9ca1: OK", None),
            ("info: something else", None),
            (
                "plakar-opendrive: the drive answers 503; trying again (failures in a row: 4)",
                Some("the drive answers 503; trying again (failures in a row: 4)"),
            ),
            (
                "2026-11-29T11:00:00.1Z  INFO plakar_opendrive::connector::retry: \"a\": gone; trying again",
                Some("\"a\": gone; trying again"),
            ),
            (
                "2026-11-29T11:00:00.1Z  WARN plakar_opendrive::volume: used up. It waits until then",
                Some("used up. It waits until then"),
            ),
            (
                "2026-11-29T11:00:00.1Z  WARN x::y: the drive gives bytes again: it goes on",
                Some(""),
            ),
        ];
        for (line, said) in read {
            assert_eq!(notice(line), said, "{line}");
        }
    }
}
