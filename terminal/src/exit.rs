//! How a command ends: its exit status, and what is said when it fails.

use std::io;

use crate::signals::Signal;
use crate::text;

/// The exit status of a command. Where rclone has the same case it has the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1: anything that is not below.
    Failed,
    /// 2: the command line, or what was entered, cannot be used.
    Usage,
    /// 3: a folder, a file, an app, a restore point or a task is not there.
    NotFound,
    /// 4: the server refused the login or the access, or the password decrypts nothing.
    Refused,
    /// 5: no answer, too many calls or downloads, or another task runs.
    Temporary,
    /// 6: some files or folders failed, also in a task.
    Incomplete,
    /// 7: a configuration is wrong, or there is none of that name.
    Configuration,
    /// 128 and the number of the signal.
    Signal(Signal),
}

/// What `--help` and the manual page say about them.
pub const TABLE: [(&str, &str); 9] = [
    ("0", "done"),
    ("1", "failed, for a reason that is none of the following"),
    ("2", "the command line, or what was entered, cannot be used"),
    ("3", "the folder, file, app, restore point or task is not there"),
    ("4", "the server refused the login or the access, or the password decrypts nothing"),
    (
        "5",
        "no answer, too many calls or downloads, or another task runs: the same command may succeed later",
    ),
    (
        "6",
        "some files or folders failed, each with a line on standard error: a task completed with errors",
    ),
    ("7", "the configuration is wrong or there is none of that name, or Plakar is not there"),
    ("130", "interrupted (129, 143: ended by SIGHUP, SIGTERM); nothing half-written stays"),
];

impl Exit {
    /// The number.
    pub fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Temporary => 5,
            Self::Incomplete => 6,
            Self::Configuration => 7,
            Self::Signal(signal) => signal.exit_status(),
        }
    }
}

/// Why a command ends early: one line for the user, unless all is said.
#[derive(Debug)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// The line, without a name before it.
    pub message: Option<String>,
}

impl Failure {
    /// With a line, which is made fit for a terminal.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(text::line(&message.into())) }
    }

    /// The command line says what cannot be done.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Ended, and said so.
    pub fn silent(exit: Exit) -> Self {
        Self { exit, message: None }
    }
}

/// Standard output failed; other files' errors are put into words where they happen.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever reads has enough, as in `ls | head`.
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Done),
            _ => Self::new(Exit::Failed, format!("cannot write to standard output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_status() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::Refused,
            Exit::Temporary,
            Exit::Incomplete,
            Exit::Configuration,
            Exit::Signal(Signal::Interrupt),
        ];
        assert_eq!(
            all.map(|exit| exit.status().to_string()),
            TABLE.map(|(status, _)| status.to_owned())
        );
    }
}
