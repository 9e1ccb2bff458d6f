//! Uploads that nobody will finish.

use std::time::{Duration, SystemTime};

use crate::rclone::Remote;

/// Minimum age of an unfinished upload that is taken for one that nobody will finish.
const MIN_LEFTOVER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The time before which an unfinished upload must have begun to be taken for one that nobody will
/// finish. Times are the remote's, so that its clock counts: with one of this machine's that is a
/// day ahead, what another machine is uploading now would look abandoned.
pub(super) async fn abandoned_before(remote: &Remote) -> SystemTime {
    let ahead = remote.clock_ahead().await.ok().flatten().unwrap_or_default();
    let now = shifted(SystemTime::now(), -ahead);
    now.checked_sub(MIN_LEFTOVER_AGE).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A time some seconds later, or earlier if they are negative.
fn shifted(time: SystemTime, seconds: f64) -> SystemTime {
    let span = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
    if seconds < 0.0 { time.checked_sub(span) } else { time.checked_add(span) }.unwrap_or(time)
}
