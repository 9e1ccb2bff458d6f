//! What this process has asked of OpenDrive (go/drive/spent.go).

use std::fmt;

use serde::Deserialize;

use super::client::Rclone;

/// What all remotes on OpenDrive of this process have asked of their drives. Other remotes are not
/// counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Spent {
    /// Requests that were sent, each time that one was sent again too.
    pub calls: u64,
    /// Answers that were to wait.
    pub waits: u64,
    /// Bytes of files that came, those that came again too.
    pub down: u64,
    /// Bytes of files that were sent, those that were sent again too.
    pub up: u64,
}

/// As `plakar-driver/src/process/spent.rs` reads it.
impl fmt::Display for Spent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, waits, down, up } = self;
        write!(
            out,
            "calls to the drive: {calls}, waits: {waits}, bytes down: {down}, bytes up: {up}"
        )
    }
}

impl Rclone {
    /// What was asked since the process began.
    pub fn spent(&self) -> Spent {
        // The call takes nothing and cannot fail but by a bug.
        self.rpc_blocking("bridge/spent", &serde_json::json!({})).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_a_line_that_a_program_reads() {
        let spent = Spent { calls: 123, waits: 4, down: 5_872_025, up: 0 };
        let line = "calls to the drive: 123, waits: 4, bytes down: 5872025, bytes up: 0";
        assert_eq!(spent.to_string(), line);
    }
}
