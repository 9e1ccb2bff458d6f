//! What plakar's lines say about a job that runs, and the line with its result.
//!
//! Names go raw into the lines, so one with a newline in it makes a line of its own that may look
//! like plakar's. What it cannot know is the id of the snapshot that is being made: each line of
//! plakar's begins with it, and the first such line is always plakar's.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::process::job_end::{JobEnd, refused};
use crate::process::lines::{Line, Stream};

/// News of a job that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A file or folder is done.
    Done(String),
    /// A file or folder failed: its path and the reason, not told apart.
    Failed(String),
    /// Any other line of Plakar's, or of a connector of it; names in it are as hostile as their
    /// maker.
    Said(String),
    /// A line of this library's own.
    Noted(String),
    /// Plakar ended, with this exit status. A job may run it more than once.
    Exited(i32),
}

/// Reads a job's lines.
#[derive(Debug, Default)]
pub(crate) struct ProgressReader {
    word: &'static str,
    id: Option<String>,
    errors: Option<u64>,
    written: Option<u64>,
    failed: Vec<String>,
    skipped: BTreeSet<String>,
    more_skipped: u64,
    complaint: Option<String>,
}

/// Maximum number of failures that are kept.
const MAX_FAILURES: usize = 1000;

/// Begins a line on what went wrong for the whole job. Plakar may say all the same that it
/// completed: a packfile that cannot be written ends the backup, and nothing of it is stored
/// (kloset v1.1.3, packer/packer_seq.go).
const COMPLAINT: &str = "error: ";

/// Plakar leaves out what lies under the path of a store in a folder, whatever the source is, and
/// counts no error (kloset v1.1.3, snapshot/backup.go). Its other warnings tell of nothing that is
/// left out: a cache that cannot be used, or what ends the backup anyway.
const SKIPPED: &str = "warn: skipping entry from repository: ";

/// Why an entry was left out that plakar says so of.
pub(crate) const SKIPPED_REASON: &str =
    "Plakar left it out, as its path is that of the store, or below; move the store elsewhere";

impl ProgressReader {
    /// For the lines of `backup` or `check`.
    pub(crate) fn of(word: &'static str) -> Self {
        Self { word, ..Self::default() }
    }

    /// Whether the line with the result has come.
    pub(crate) fn has_result(&self) -> bool {
        self.errors.is_some()
    }

    /// The first eight digits of the snapshot's id.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How many failures lines tell of, up to a bound: plakar's own number lacks one of the root.
    pub(crate) fn failures(&self) -> u64 {
        self.failed.len() as u64
    }

    /// The failures: path and reason.
    pub(crate) fn failed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.failed)
    }

    /// Bytes that were written to the store, by the result line: to three digits.
    pub(crate) fn written(&self) -> Option<u64> {
        self.written
    }

    /// The first thing that plakar said went wrong, of no single entry.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// How many entries plakar left out, and the paths of the first. An entry with extended
    /// attributes is told of more than once.
    pub(crate) fn skipped(&self) -> (u64, impl Iterator<Item = &str>) {
        let count = self.skipped.len() as u64 + self.more_skipped;
        (count, self.skipped.iter().map(String::as_str))
    }

    /// The number of errors that the result line tells. Exit status 0 without that line is no
    /// success.
    pub(crate) fn result(&self, ended: JobEnd) -> Result<u64> {
        let reason = ended.reason();
        match (ended.how?, self.errors) {
            (0, Some(count)) => Ok(count),
            (0, None) => {
                Err(Error::Answer(format!("there is no result line; the last line was: {reason}")))
            }
            (code, _) => Err(refused(code, reason)),
        }
    }

    /// Takes a line and gives the news in it.
    pub(crate) fn read(&mut self, line: &Line) -> Progress {
        let said = || Progress::Said(line.text.clone());
        if let (Some(path), Stream::Error) = (line.text.strip_prefix(SKIPPED), line.stream) {
            return self.skip(path);
        }
        if let (Some(complaint), Stream::Error) = (line.text.strip_prefix(COMPLAINT), line.stream) {
            self.complaint.get_or_insert_with(|| complaint.trim().to_owned());
        }
        let Some((id, rest)) = line.text.split_once(": ") else { return said() };
        let is_id =
            id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let done = rest.strip_prefix("OK ✓ ");
        let failed = rest.strip_prefix("KO ✘ ");
        let result = rest.strip_prefix(self.word).and_then(|rest| rest.strip_prefix(" completed "));
        let ours = match &self.id {
            Some(known) => known == id,
            None => is_id && line.stream == Stream::Out && (done.is_some() || result.is_some()),
        };
        if let (true, Some(failed), Stream::Error) = (is_id, failed, line.stream) {
            if self.failed.len() < MAX_FAILURES {
                self.failed.push(failed.to_owned());
            }
            return Progress::Failed(failed.to_owned());
        }
        if !ours || line.stream != Stream::Out {
            return said();
        }
        self.id.get_or_insert_with(|| id.to_owned());
        if let Some(errors) = result.and_then(errors) {
            self.errors = Some(errors);
            self.written = result.and_then(written);
        }
        done.map_or_else(said, |path| Progress::Done(path.to_owned()))
    }
}

impl ProgressReader {
    fn skip(&mut self, path: &str) -> Progress {
        if self.skipped.len() < MAX_FAILURES {
            self.skipped.insert(path.to_owned());
        } else if !self.skipped.contains(path) {
            self.more_skipped += 1;
        }
        Progress::Failed(format!("{path}: {SKIPPED_REASON}"))
    }
}

/// `without errors in ..` or `with 2 errors in ..`.
pub(crate) fn errors(result: &str) -> Option<u64> {
    if result.starts_with("without errors in ") {
        return Some(0);
    }
    let (count, rest) = result.strip_prefix("with ")?.split_once(' ')?;
    (rest.starts_with("error in ") || rest.starts_with("errors in "))
        .then(|| count.parse().ok())
        .flatten()
}

/// What was written to the store: `.. in 1.2s (in: 3 B, out: 4.0 KiB)`.
fn written(result: &str) -> Option<u64> {
    let (_, both) = result.trim_end().strip_suffix(')')?.rsplit_once("(in: ")?;
    size(both.split_once(", out: ")?.1)
}

/// `4.0 KiB` in bytes.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = units.iter().position(|known| *known == unit)?;
    let number: f64 = number.parse().ok().filter(|number: &f64| *number >= 0.0)?;
    Some((number * 1024_f64.powi(i32::try_from(power).ok()?)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(Stream, &str)]) -> (Option<String>, Option<u64>, usize) {
        let mut reader = ProgressReader::of("backup");
        for (stream, text) in lines {
            reader.read(&Line { stream: *stream, text: (*text).to_owned() });
        }
        (reader.id.clone(), reader.errors, reader.failed().len())
    }

    #[test]
    fn the_result_is_plakars_and_no_file_names() {
        use Stream::{Error, Out};
        let real = "630e9ca1: backup completed with 2 errors in 1.2s (in: 3 B, out: 4 KiB)";
        let lines = [
            (Out, "Welcome to plakar !"),
            (Out, "630e9ca1: OK ✓ /a"),
            (Out, "00000000: backup completed without errors in 1s (in: 0 B, out: 0 B)"),
            (Error, "630e9ca1: KO ✘ /b: gone"),
            (Error, "630e9ca1: backup completed without errors in 1s"),
            (Error, "630e9ca1: KO ✘ /c: denied"),
        ];
        assert_eq!(read(&lines), (Some("630e9ca1".into()), None, 2));
        assert_eq!(
            read(&[&lines[..], &[(Out, real)]].concat()),
            (Some("630e9ca1".into()), Some(2), 2)
        );
        assert_eq!(
            read(&[(Out, "630e9ca1: backup completed without errors in 1s (in")]).1,
            Some(0)
        );
        assert_eq!(read(&[(Out, "630e9ca1: check completed without errors in 1s (in")]).1, None);
    }

    #[test]
    fn the_result_tells_what_was_written() {
        let of = |text: &str| written(text);
        assert_eq!(of("without errors in 1s (in: 3 B, out: 4.0 KiB)"), Some(4096));
        assert_eq!(of("with 2 errors in 1.2s (in: 1.5 MiB, out: 1.5 MiB)"), Some(3 << 19));
        for other in [
            "without errors in 1s",
            "without errors in 1s (in",
            "without errors in 1s (in: 3 B)",
            "without errors in 1s (in: 3 B, out: x KiB)",
            "without errors in 1s (in: 3 B, out: -4 KiB)",
            "without errors in 1s (in: 3 B, out: NaN KiB)",
            "without errors in 1s (in: 3 B, out: 4 MB)",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn what_plakar_leaves_out_with_a_warning_is_no_success() {
        let mut reader = ProgressReader::of("backup");
        let mut take = |stream, text: &str| {
            reader.read(&Line { stream, text: text.to_owned() });
        };
        take(Stream::Error, "warn: skipping entry from repository: /data/store");
        take(Stream::Error, "warn: skipping entry from repository: /data/store/CONFIG");
        // The same entry's extended attributes.
        take(Stream::Error, "warn: skipping entry from repository: /data/store/CONFIG");
        // A name that is printed as done.
        take(Stream::Out, "warn: skipping entry from repository: /forged");
        take(Stream::Error, "warn: VFS CACHE: no such thing");
        let (count, paths) = reader.skipped();
        assert_eq!(
            (count, paths.collect::<Vec<_>>()),
            (2, vec!["/data/store", "/data/store/CONFIG"])
        );
        for n in 0..2 * MAX_FAILURES {
            let text = format!("{SKIPPED}/data/store/{n}");
            reader.read(&Line { stream: Stream::Error, text });
        }
        assert_eq!(reader.skipped().0, 2 + 2 * MAX_FAILURES as u64);
    }
}
