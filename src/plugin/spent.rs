//! One line on standard error, at the end of a process, on what it has asked of a drive.
//!
//! It is there for whoever has started Plakar: where the level `info` is wanted, and where the
//! variable [`VARIABLE`] has a mark. The mark stands at the end of the line then. Names of files are
//! in other lines as they are, the ends of lines in them too; a mark that is drawn for each run of
//! Plakar is in none of them.

use crate::rclone::Rclone;
use terminal::diagnostics::say;

/// Holds the mark.
const VARIABLE: &str = "PLAKAR_OPENDRIVE_MARK";

/// Says what this process has asked of drives, if it was anything. Call it when its remotes are
/// closed.
pub fn say_spent() {
    let mark = std::env::var(VARIABLE).ok().filter(|mark| !mark.is_empty());
    if mark.is_none() && !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let spent = Rclone::get().spent();
    if spent.calls > 0 {
        let mark = mark.map(|mark| format!(" [{mark}]")).unwrap_or_default();
        say(&format!("{spent}{mark}"));
    }
}
