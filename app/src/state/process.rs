//! Which process runs a task, told apart from a later one with the same number.

use chrono::{DateTime, TimeDelta, Utc};

/// Timeout of a runner that can only be judged by its heartbeat.
const HEARTBEAT_TIMEOUT: TimeDelta = TimeDelta::minutes(2);

/// A process, known by more than its number: numbers are given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i64,
    /// When it started, in clock ticks since boot; 0 where it cannot be told.
    pub start: i64,
    /// The boot that it belongs to; empty where it cannot be told.
    pub boot: String,
    /// In which namespace its number counts (containers); empty where it cannot be told.
    pub namespace: String,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = i64::from(std::process::id());
        Self { pid, start: start(pid).unwrap_or(0), boot: boot(), namespace: namespace() }
    }

    /// Whether it still lives, as far as `here`, a living process, can tell; else by when it was
    /// last heard.
    pub(super) fn is_alive(
        &self,
        here: &Process,
        heartbeat: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        if self == here {
            return true;
        }
        let judge = !self.boot.is_empty() && !here.boot.is_empty();
        if judge && self.boot != here.boot {
            // SQLite's shared memory binds all users of one database to one machine: this was
            // before a restart.
            return false;
        }
        if judge && self.namespace == here.namespace && !here.namespace.is_empty() {
            return start(self.pid) == Some(self.start);
        }
        is_recent(heartbeat, now)
    }

    /// Whether it is told from every other process. Where no start is known, another one may look the
    /// same: a later one with its number, or one in another container.
    pub(super) fn is_unique(&self) -> bool {
        self.start != 0
    }
}

/// Whether a process that was heard then may live, where nothing else tells.
pub(super) fn is_recent(heartbeat: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    // Also when the clock was set back.
    (now - heartbeat).abs() <= HEARTBEAT_TIMEOUT
}

/// Field 22 of `/proc/PID/stat`; the second field is a name that may hold anything, up to the last
/// parenthesis.
#[cfg(target_os = "linux")]
fn start(pid: i64) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn start(_pid: i64) -> Option<i64> {
    None
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_one_with_the_same_number() {
        let (now, long_ago) = (Utc::now(), Utc::now() - TimeDelta::days(1));
        let here = Process::current();
        assert!(here.start > 0 && !here.boot.is_empty() && !here.namespace.is_empty());
        assert!(here.is_alive(&here, long_ago, now));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i64::from(child.id());
        let other = Process { pid, start: start(pid).unwrap(), ..here.clone() };
        assert!(other.is_alive(&here, long_ago, now));
        let earlier = Process { start: other.start - 1, ..other.clone() };
        assert!(!earlier.is_alive(&here, now, now), "the number was given again");
        let before = Process { boot: "another".into(), ..other.clone() };
        assert!(!before.is_alive(&here, now, now), "before the restart");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!other.is_alive(&here, now, now));
        let container = Process { namespace: "pid:[1]".into(), ..other };
        assert!(container.is_alive(&here, now - HEARTBEAT_TIMEOUT, now));
        assert!(!container.is_alive(&here, now - HEARTBEAT_TIMEOUT - TimeDelta::seconds(1), now));
    }
}
