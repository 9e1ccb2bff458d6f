//! What plakar's lines say about a job that runs, and the line with its result.
//!
//! Names go raw into the lines, so one with a newline in it makes a line of its own that may look
//! like plakar's. What it can't know is the id of the snapshot that is being made: each line of
//! plakar's begins with it, and the first such line is always plakar's.

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
    /// Any other line.
    Said(String),
    /// Plakar ended, with this exit status. A job may run it more than once.
    Exited(i32),
}

/// Reads a job's lines.
#[derive(Debug, Default)]
pub(crate) struct ProgressReader {
    word: &'static str,
    id: Option<String>,
    errors: Option<u64>,
    failed: Vec<String>,
}

/// Maximum number of failures that are kept.
const MAX_FAILURES: usize = 1000;

impl ProgressReader {
    /// For the lines of `backup` or `check`.
    pub(crate) fn of(word: &'static str) -> Self {
        Self { word, ..Self::default() }
    }

    /// The first eight digits of the snapshot's id.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The number of errors in the result line, if there was one.
    pub(crate) fn errors(&self) -> Option<u64> {
        self.errors
    }

    /// The failures: path and reason.
    pub(crate) fn failed(self) -> Vec<String> {
        self.failed
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
        }
        done.map_or_else(said, |path| Progress::Done(path.to_owned()))
    }
}

/// `without errors in ..` or `with 2 errors in ..`.
fn errors(result: &str) -> Option<u64> {
    if result.starts_with("without errors in ") {
        return Some(0);
    }
    let (count, rest) = result.strip_prefix("with ")?.split_once(' ')?;
    (rest.starts_with("error in ") || rest.starts_with("errors in "))
        .then(|| count.parse().ok())
        .flatten()
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
}
