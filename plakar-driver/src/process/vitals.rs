//! Signs of life of plakar and its connectors, as the system knows them, and what they asked of a
//! drive, as they say.
//!
//! A single large file gives no line of plakar's for hours. What its processes read, write and
//! compute is seen in `/proc`, on Linux; elsewhere nothing is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::process::spent::DriveSpent;

/// What the jobs of one task run: made known to [`Plakar::watched`](crate::Plakar::watched), and
/// looked at by whoever waits for the task.
#[derive(Clone, Debug, Default)]
pub struct Vitals(Arc<Mutex<Watching>>);

#[derive(Debug, Default)]
struct Watching {
    /// The process ids of guards.
    guards: Vec<u32>,
    spent: Option<DriveSpent>,
}

/// What was seen of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VitalSigns {
    /// Bytes that all of them have read and written.
    pub moved: u64,
    /// Bytes that plakar itself has read: from a connector, a local source or a local store.
    pub read: u64,
    /// How long they have computed.
    pub computed: Duration,
    /// Bytes of memory that they hold; what several of them share counts for each.
    pub resident: u64,
    /// Their process ids.
    pub processes: Vec<u32>,
    /// How long each of them has computed, in the same order.
    pub times: Vec<Duration>,
    /// Those that somebody has stopped: their names, and their process ids.
    pub stopped: Vec<(String, u32)>,
}

/// As long as it lives, a job is looked at.
pub(crate) struct Watched {
    vitals: Vitals,
    guard: u32,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.vitals.lock().guards.retain(|guard| *guard != self.guard);
    }
}

impl Vitals {
    /// Looks at the job whose guard has this process id.
    pub(crate) fn watch(&self, guard: u32) -> Watched {
        self.lock().guards.push(guard);
        Watched { vitals: self.clone(), guard }
    }

    /// What is to be seen now; none if nothing runs, or where nothing can be seen.
    pub fn signs(&self) -> Option<VitalSigns> {
        let guards = self.lock().guards.clone();
        if guards.is_empty() { None } else { seen(&guards) }
    }

    /// What all connectors of the jobs that have ended asked of a drive; `None` if none of them said
    /// anything, which is not nothing.
    pub fn spent(&self) -> Option<DriveSpent> {
        self.lock().spent
    }

    /// Adds what one connector said.
    pub(crate) fn add_spent(&self, spent: DriveSpent) {
        *self.lock().spent.get_or_insert_default() += spent;
    }

    fn lock(&self) -> MutexGuard<'_, Watching> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process, as `/proc/PID/stat` tells it.
#[cfg(target_os = "linux")]
struct Process {
    id: u32,
    parent: u32,
    name: String,
    stopped: bool,
    ticks: u64,
    /// Pages of memory that it holds.
    pages: u64,
}

#[cfg(target_os = "linux")]
impl Process {
    /// Reads a line such as `7 (a name) S 1 …`; the name may have anything in it.
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.rsplit_once(") ")?;
        let (id, name) = before.split_once(" (")?;
        let mut fields = after.split(' ');
        let stopped = matches!(fields.next()?, "T" | "t");
        let parent = fields.next()?.parse().ok()?;
        // utime and stime are the 14th and 15th of all.
        let mut numbers = fields.skip(9).map(|field| field.trim().parse::<u64>().ok());
        let ticks = numbers.next()?? + numbers.next()??;
        // rss is the 24th.
        let pages = numbers.nth(8)??;
        Some(Self { id: id.parse().ok()?, parent, name: name.to_owned(), stopped, ticks, pages })
    }
}

#[cfg(target_os = "linux")]
fn seen(guards: &[u32]) -> Option<VitalSigns> {
    use std::fs::read_to_string;
    let ids = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        entry.file_name().to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
        // It may have ended by now.
        Process::parse(&read_to_string(entry.path().join("stat")).ok()?)
    });
    let all: Vec<Process> = ids.collect();
    let mut family: Vec<u32> = guards.to_vec();
    let (mut signs, mut seen) = (VitalSigns::default(), Vec::new());
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        for process in all.iter().filter(|process| process.parent == parent) {
            family.push(process.id);
            let computed = Duration::from_millis(process.ticks * 1000 / ticks_per_second());
            seen.push((process.id, computed));
            signs.computed += computed;
            let resident = process.pages.saturating_mul(rustix::param::page_size() as u64);
            signs.resident = signs.resident.saturating_add(resident);
            if process.stopped {
                signs.stopped.push((process.name.clone(), process.id));
            }
            let io = read_to_string(format!("/proc/{}/io", process.id)).unwrap_or_default();
            let (read, written) = (counted(&io, "rchar:"), counted(&io, "wchar:"));
            signs.moved = signs.moved.saturating_add(read).saturating_add(written);
            // The guard's own children are plakar, and the daemon of a cache of its own.
            if guards.contains(&parent) {
                signs.read = signs.read.saturating_add(read);
            }
        }
    }
    seen.sort_unstable();
    (signs.processes, signs.times) = seen.into_iter().unzip();
    (!signs.processes.is_empty()).then_some(signs)
}

#[cfg(not(target_os = "linux"))]
fn seen(_: &[u32]) -> Option<VitalSigns> {
    None
}

/// A number of `/proc/PID/io`.
#[cfg(target_os = "linux")]
fn counted(io: &str, name: &str) -> u64 {
    let value = io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_line_of_a_process_is_read_whatever_its_name() {
        let line = "77 (a) S (b) T 12 77 77 0 -1 4194304 99 0 0 0 30 12 0 0 20 0 1 0 5 6 7";
        let process = Process::parse(line).unwrap();
        assert_eq!((process.id, process.parent, process.ticks), (77, 12, 42));
        assert_eq!(process.pages, 7);
        assert!(process.stopped && process.name == "a) S (b");
        for broken in ["", "77", "77 (a) S", "77 (a) S x 1 2 3 4 5 6 7 8 9 10 11 12 13"] {
            assert!(Process::parse(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn what_a_child_does_is_seen_and_that_it_is_stopped() {
        let vitals = Vitals::default();
        assert_eq!(vitals.signs(), None);
        let watched = vitals.watch(std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "read line; head -c 100000 /dev/zero | cat >/dev/null; kill -STOP $$"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let ours = || {
            let signs = vitals.signs()?;
            signs.processes.contains(&child.id()).then_some(signs)
        };
        let begun = std::time::Instant::now();
        let until = |is_so: &dyn Fn(&VitalSigns) -> bool| loop {
            let signs = ours().unwrap();
            if is_so(&signs) {
                return signs;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{signs:?}");
            std::thread::sleep(Duration::from_millis(5));
        };
        // A shell holds some memory when it has begun, and no gigabyte.
        let before = until(&|signs| signs.resident >= 100_000);
        assert!(before.resident < 1 << 30, "{}", before.resident);
        assert!(!before.stopped.iter().any(|(_, id)| *id == child.id()));
        use std::io::Write;
        child.stdin.as_ref().unwrap().write_all(b"go\n").unwrap();
        until(&|signs| signs.stopped.contains(&("sh".to_owned(), child.id())));
        child.kill().unwrap();
        child.wait().unwrap();
        drop(watched);
        assert_eq!(vitals.signs(), None);
    }
}
