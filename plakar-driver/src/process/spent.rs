//! What connectors say that they asked of a drive.
//!
//! Each process of `plakar-opendrive` says it at its end, in one line on standard error
//! (`src/plugin/spent.rs`). A name of a file with the end of a line in it can make any line, but not
//! this one: the line ends with a mark that is drawn for each run of plakar and that only plakar,
//! its connectors and whoever may look into their environment know. So a connector can still say
//! what it likes, and so can a process of the same user; no more than numbers is believed of them.

use std::ops::AddAssign;

/// The variable that tells a connector the mark.
pub(crate) const MARK_VARIABLE: &str = "PLAKAR_OPENDRIVE_MARK";

/// Begins the line, as our connectors say lines.
const PREFIX: &str = "plakar-opendrive: calls to the drive: ";

/// Maximum of each number, which JSON and SQLite have as it is; a larger one is no number of ours.
const MAX_NUMBER: u64 = 1 << 53;

/// What was asked of drives that count it, of OpenDrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriveSpent {
    /// Calls that were made, each time that one was made again too.
    pub calls: u64,
    /// Answers that were to wait (429).
    pub waits: u64,
    /// Bytes of files that came.
    pub down: u64,
    /// Bytes of files that were sent.
    pub up: u64,
}

impl AddAssign for DriveSpent {
    fn add_assign(&mut self, other: Self) {
        let sum = |a: u64, b: u64| a.saturating_add(b).min(MAX_NUMBER);
        self.calls = sum(self.calls, other.calls);
        self.waits = sum(self.waits, other.waits);
        self.down = sum(self.down, other.down);
        self.up = sum(self.up, other.up);
    }
}

impl DriveSpent {
    /// Reads a line of standard error, if it is such a one and has this mark. What stands before it
    /// in the line, a line of another process without an end, is given too.
    pub(crate) fn read<'a>(line: &'a str, mark: &str) -> Option<(&'a str, Self)> {
        let line = line.strip_suffix(']')?.strip_suffix(mark)?.strip_suffix(" [")?;
        let (before, numbers) = line.rsplit_once(PREFIX)?;
        let (calls, rest) = numbers.split_once(", waits: ")?;
        let (waits, rest) = rest.split_once(", bytes down: ")?;
        let (down, up) = rest.split_once(", bytes up: ")?;
        let (calls, waits, down, up) = (number(calls)?, number(waits)?, number(down)?, number(up)?);
        Some((before, Self { calls, waits, down, up }))
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= MAX_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef";

    #[test]
    fn what_a_connector_says_is_read_and_added_up() {
        let line = "plakar-opendrive: calls to the drive: 123, waits: 4, bytes down: 5872025, bytes up: 0 [0123456789abcdef]";
        let spent = DriveSpent { calls: 123, waits: 4, down: 5_872_025, up: 0 };
        assert_eq!(DriveSpent::read(line, MARK), Some(("", spent)));
        let cut = format!("half a line{line}");
        assert_eq!(DriveSpent::read(&cut, MARK), Some(("half a line", spent)));
        let mut all = spent;
        all += spent;
        assert_eq!(all, DriveSpent { calls: 246, waits: 8, down: 11_744_050, up: 0 });
        all += DriveSpent { calls: MAX_NUMBER, ..DriveSpent::default() };
        assert_eq!(all.calls, MAX_NUMBER);
    }

    #[test]
    fn no_other_line_is_one() {
        for line in [
            "",
            "]",
            " [0123456789abcdef]",
            // Without the mark, or with another one: the end of a file's name.
            "plakar-opendrive: calls to the drive: 9, waits: 0, bytes down: 0, bytes up: 0",
            "plakar-opendrive: calls to the drive: 9, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdee]",
            "plakar-opendrive: calls to the drive: 9, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef] ",
            "calls to the drive: 9, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: 9, waits: 0, bytes down: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: , waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: +9, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: -9, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: 9007199254740993, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
            "plakar-opendrive: calls to the drive: 99999999999999999999, waits: 0, bytes down: 0, bytes up: 0 [0123456789abcdef]",
        ] {
            assert_eq!(DriveSpent::read(line, MARK), None, "{line}");
        }
    }
}
