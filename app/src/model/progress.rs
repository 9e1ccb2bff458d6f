//! How far a task is, as every front end shows it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::words::{duration_text, plain_text, size_text};

/// Maximum length of a path in the line of words, in letters.
const MAX_SHOWN_PATH_LETTERS: usize = 160;

/// How far a task is. [`TaskProgress::line`] says it in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskProgress {
    /// What it is at.
    pub phase: String,
    /// The number of that phase, from 1; 0 if the phases are not known.
    pub step: u32,
    /// How many phases there are; 0 if they are not known.
    pub steps: u32,
    /// Files and folders that are done in this phase.
    pub entries: u64,
    /// How many there will be, by the last run or by the restore point: an estimate.
    pub expected_entries: Option<u64>,
    /// Of those that are done, how many failed.
    pub failed: u64,
    /// Bytes of the files that are done, as far as their sizes are known.
    pub bytes: Option<u64>,
    /// How many there will be: an estimate.
    pub expected_bytes: Option<u64>,
    /// How far the whole task is: never less than before, and under 100 until it has ended. None
    /// where nothing is known to compare with.
    pub percent: Option<u8>,
    /// Bytes that Plakar reads, a second.
    pub bytes_per_second: Option<u64>,
    /// An estimate, in seconds.
    pub seconds_left: Option<u64>,
    /// The last files and folders, the newest first.
    pub paths: Vec<String>,
    /// What holds it up, such as a drive that refuses; empty if nothing does.
    pub notice: String,
    /// That and since when it gives no sign of life; empty if it does.
    pub silence: String,
    /// What is done of what is expected, in words.
    pub amount: String,
    /// How fast it is and what is left, in words.
    pub pace: String,
}

impl TaskProgress {
    /// A task of which only this is known.
    pub fn at(phase: &str) -> Self {
        Self { phase: plain_text(phase, MAX_SHOWN_PATH_LETTERS), ..Self::default() }
    }

    /// The same, with its amount and its pace in words.
    #[must_use]
    pub fn in_words(mut self) -> Self {
        (self.amount, self.pace) = (self.amount(), self.pace());
        self
    }

    fn amount(&self) -> String {
        let mut parts = Vec::new();
        match self.expected_entries {
            Some(expected) if expected >= self.entries => {
                parts.push(format!("{} of about {expected} entries done", self.entries));
            }
            // More than there were: what is still to come is not known.
            _ if self.entries > 0 => parts.push(format!("{} entries done", self.entries)),
            _ => {}
        }
        match (self.bytes, self.expected_bytes) {
            (Some(bytes), Some(expected)) if expected >= bytes => {
                parts.push(format!("{} of about {}", size_text(bytes), size_text(expected)));
            }
            (Some(bytes), _) => parts.push(size_text(bytes)),
            _ => {}
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        parts.join(", ")
    }

    fn pace(&self) -> String {
        let rate = self.bytes_per_second.map(|rate| format!("{}/s", size_text(rate)));
        let left = self.seconds_left.map(|seconds| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 1000);
            format!("about {} left", duration_text(TimeDelta::seconds(rounded(seconds))))
        });
        rate.into_iter().chain(left).collect::<Vec<_>>().join(", ")
    }

    /// All of it in one line: what is wrong first.
    pub fn line(&self) -> String {
        let mut line = self.phase.clone();
        if self.steps > 1 {
            line = format!("{line} (step {} of {})", self.step, self.steps);
        }
        let percent = self.percent.map(|percent| format!("{percent} %"));
        let said = [
            self.silence.clone(),
            self.notice.clone(),
            percent.unwrap_or_default(),
            self.amount.clone(),
            self.pace.clone(),
        ];
        let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
        if !said.is_empty() {
            line = format!("{line}: {}", said.join(", "));
        }
        if let Some(path) = self.paths.first() {
            line = format!("{line}: {}", plain_text(path, MAX_SHOWN_PATH_LETTERS));
        }
        line
    }
}

/// An estimate is no clock: whole minutes where there are many.
fn rounded(seconds: i64) -> i64 {
    match seconds {
        0..90 => seconds,
        90..5_400 => (seconds + 30) / 60 * 60,
        _ => (seconds + 300) / 600 * 600,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known_and_no_more() {
        assert_eq!(TaskProgress::at("pruning").line(), "pruning");
        let first = TaskProgress { entries: 7, ..TaskProgress::at("backing up") }.in_words();
        assert_eq!(first.line(), "backing up: 7 entries done");
        let all = TaskProgress {
            phase: "restoring".into(),
            step: 1,
            steps: 3,
            entries: 1204,
            expected_entries: Some(1834),
            failed: 1,
            bytes: Some(3 << 30),
            expected_bytes: Some(5 << 30),
            percent: Some(31),
            bytes_per_second: Some(12 << 20),
            seconds_left: Some(130),
            paths: vec!["/a\nb".into(), "/old".into()],
            notice: "the drive answers 503".into(),
            ..TaskProgress::default()
        };
        assert_eq!(
            all.clone().in_words().line(),
            "restoring (step 1 of 3): the drive answers 503, 31 %, 1204 of about 1834 entries done, \
             3.0 GiB of about 5.0 GiB, 1 failed, 12 MiB/s, about 2 min left: /a\u{fffd}b"
        );
        let grown = TaskProgress { entries: 2000, bytes: Some(6 << 30), ..all }.in_words();
        assert!(grown.line().contains("2000 entries done, 6.0 GiB, 1 failed"), "{}", grown.line());
    }

    #[test]
    fn what_an_older_version_wrote_is_read() {
        let read: TaskProgress = serde_json::from_str(r#"{"phase":"checking","x":1}"#).unwrap();
        assert_eq!(read, TaskProgress::at("checking"));
    }
}
