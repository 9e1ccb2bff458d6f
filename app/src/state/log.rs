//! The log of a task: a file beside the database that only grows, up to a bound.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::database::State;
use super::error::{Result, StateError};
use super::files;
use super::ids::TaskId;

pub(super) const DIRECTORY: &str = "logs";

/// Maximum length of the log of one task, in bytes.
const MAX_LOG_BYTES: u64 = 4 << 20;

/// The last line of a log that has reached its bound.
const CUT_NOTICE: &[u8] = b"\n(the log is cut here: it has reached 4 MiB)\n";

/// Appends to a task's log. What goes beyond 4 MiB is dropped, which the log then says.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    length: u64,
    max_bytes: u64,
}

/// A piece of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// The bytes, as they were written.
    pub bytes: Vec<u8>,
    /// Where to read on.
    pub next: u64,
}

impl State {
    /// Where a task's log is.
    pub fn log_path(&self, task: TaskId) -> PathBuf {
        self.directory().join(DIRECTORY).join(format!("{task}.log"))
    }

    /// Opens a task's log to append to it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is a link.
    pub fn log_writer(&self, task: TaskId) -> Result<LogWriter> {
        let path = self.log_path(task);
        let file = files::private()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(StateError::file(&path))?;
        let length = file.metadata().map_err(StateError::file(&path))?.len();
        Ok(LogWriter { file, length, max_bytes: MAX_LOG_BYTES })
    }

    /// Reads up to `limit` bytes of a task's log from an offset on. A log that is not there yet is
    /// empty.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is a link.
    pub fn read_log(&self, task: TaskId, offset: u64, limit: usize) -> Result<LogPart> {
        let path = self.log_path(task);
        let mut file = match files::private().read(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(LogPart { bytes: Vec::new(), next: offset });
            }
            file => file.map_err(StateError::file(&path))?,
        };
        let mut bytes = Vec::new();
        // File systems refuse to go to where no file can end.
        if offset >= file.metadata().map_err(StateError::file(&path))?.len() {
            return Ok(LogPart { bytes, next: offset });
        }
        file.seek(SeekFrom::Start(offset)).map_err(StateError::file(&path))?;
        file.take(limit as u64).read_to_end(&mut bytes).map_err(StateError::file(&path))?;
        let next = offset + bytes.len() as u64;
        Ok(LogPart { bytes, next })
    }

    /// Removes logs whose tasks are gone. One that cannot be removed is left: nothing depends on
    /// it.
    pub(super) fn remove_logs(&self, tasks: &[TaskId]) {
        for task in tasks {
            if let Err(error) = fs::remove_file(self.log_path(*task)) {
                tracing::debug!(task, %error, "log not removed");
            }
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room =
            usize::try_from(self.max_bytes.saturating_sub(self.length)).unwrap_or(usize::MAX);
        if room > 0 {
            let kept = &bytes[..bytes.len().min(room)];
            self.file.write_all(kept)?;
            self.length += kept.len() as u64;
            if kept.len() == room {
                self.file.write_all(CUT_NOTICE)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_grows_up_to_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        assert_eq!(state.read_log(7, 0, 100).unwrap(), LogPart { bytes: Vec::new(), next: 0 });
        let mut log = state.log_writer(7).unwrap();
        log.write_all(b"first\n").unwrap();
        let part = state.read_log(7, 0, 3).unwrap();
        assert_eq!((part.bytes.as_slice(), part.next), (&b"fir"[..], 3));
        assert_eq!(
            state.read_log(7, u64::MAX, 3).unwrap(),
            LogPart { bytes: Vec::new(), next: u64::MAX }
        );
        log.max_bytes = 10;
        log.write_all(b"second\n").unwrap();
        log.write_all(b"third\n").unwrap();
        let text = String::from_utf8(state.read_log(7, 3, 1000).unwrap().bytes).unwrap();
        assert!(text.starts_with("st\nseco\n(the log is cut") && !text.contains("third"), "{text}");
        let mut again = state.log_writer(8).unwrap();
        again.write_all(b"a").unwrap();
        state.log_writer(8).unwrap().write_all(b"b").unwrap();
        assert_eq!(state.read_log(8, 0, 10).unwrap().bytes, b"ab");
    }
}
