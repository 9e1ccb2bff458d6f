//! What this process holds, to find leaks.

use std::time::{Duration, Instant};

use plakar_opendrive::rclone::{Rclone, Stats};

/// How long it may take to come to rest before the rounds.
const REST: Duration = Duration::from_secs(10);

/// How long whatever was told to end may take. A connection that was busy then is closed a minute
/// later at the latest.
const PATIENCE: Duration = Duration::from_secs(150);

/// Threads that Go's and Tokio's pools may have started since: they do with load, and keep them for
/// a while.
const SPARE_THREADS: usize = 8;

/// What this process holds at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Resources {
    /// What the bridge counts of itself.
    pub bridge: Stats,
    /// Threads of the process.
    pub threads: usize,
    /// Open descriptors.
    pub descriptors: usize,
    /// Resident memory in bytes.
    pub resident: u64,
}

impl Resources {
    /// Counts, after Go has collected its garbage.
    pub fn now() -> Self {
        let collected: Result<serde_json::Value, _> =
            Rclone::get().rpc_blocking("core/gc", &serde_json::json!({}));
        collected.unwrap();
        let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            bridge: Rclone::get().stats(),
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
            resident: resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10,
        }
    }

    /// Counts when nothing is open any more and the numbers of goroutines and of descriptors have
    /// come to rest.
    pub async fn at_rest() -> Self {
        let start = Instant::now();
        let mut before = Self::now();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = Self::now();
            let counts = |now: &Self| (now.bridge.goroutines, now.descriptors);
            if (now.open() == 0 && counts(&now) == counts(&before)) || start.elapsed() > REST {
                return now;
            }
            before = now;
        }
    }

    /// Handles and calls.
    fn open(&self) -> usize {
        let Stats { remotes, objects, streams, calls, .. } = self.bridge;
        remotes + objects + streams + calls
    }

    /// Waits until nothing is open and everything is as it was, memory but for `growth` bytes.
    ///
    /// # Errors
    /// What is there instead.
    pub async fn settle(before: &Self, growth: u64) -> Result<Self, String> {
        let start = Instant::now();
        loop {
            let now = Self::now();
            if now.is_no_more_than(before, growth) {
                return Ok(now);
            }
            if start.elapsed() > PATIENCE {
                let open = std::fs::read_dir("/proc/self/fd")
                    .unwrap()
                    .flatten()
                    .filter_map(|entry| std::fs::read_link(entry.path()).ok());
                let open: Vec<_> = open.collect();
                return Err(format!(
                    "something is left behind: {now}; before there was {before}; descriptors: {open:?}"
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn is_no_more_than(&self, before: &Self, growth: u64) -> bool {
        let (now, then) = (&self.bridge, &before.bridge);
        self.open() == 0
            && now.goroutines <= then.goroutines
            && now.heap_bytes <= then.heap_bytes + growth
            && self.threads <= before.threads + SPARE_THREADS
            && self.descriptors <= before.descriptors
            && self.resident <= before.resident + growth
    }
}

impl std::fmt::Display for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Stats { remotes, objects, streams, calls, goroutines, heap_bytes } = self.bridge;
        write!(
            f,
            "{remotes} remotes, {objects} objects, {streams} streams, {calls} calls, {goroutines} goroutines, {} threads, \
             {} descriptors, {:.1} MiB in Go's heap, {:.1} MiB resident",
            self.threads,
            self.descriptors,
            heap_bytes as f64 / 1_048_576.0,
            self.resident as f64 / 1_048_576.0
        )
    }
}
