//! What was measured.

use std::fmt;
use std::time::Duration;

use opendrive_sim::Calls;
use support::memory::{Hops, Used};

/// rclone lets one call through every 10 ms (backend/opendrive/opendrive.go, minSleep).
const PACE: f64 = 0.010;

/// OpenDrive lets so many downloads of an account go on at once (docs/reliability.md).
const DOWNLOADS_AT_ONCE: f64 = 6.0;

/// The cases that are looked up by name.
pub mod names {
    pub const FEW: &str = "backup of 200 x 100 kB";
    pub const UNCHANGED: &str = "200 files, nothing changed";
    pub const MANY: &str = "backup of 5,000 x 20 kB";
    pub const CHANGED: &str = "5,000 files, 1 % changed";
    pub const RESTORE: &str = "restore of 200 x 100 kB";
    pub const LARGE: &str = "one file of 2 GB";
    pub const LINE: &str = "2 GB over a line of 100 MB/s";
    pub const LOCAL: &str = "local folder of 20,000 x 20 kB";
    pub const SLOW_FILE: &str = "one file of 40 MB, 1 MB/s a connection";
    pub const SLOW_FILES: &str = "24 files of 4 MB, 200 kB/s a connection";
    pub const SLOW_FILES_LONG: &str = "24 files of 8 MB, 200 kB/s a connection";
    pub const SLOW_CHECK: &str = "check of a store of 70 MiB, 200 kB/s a connection";
    pub const RESTORE_NEW: &str = "restore of 200 new files of 100 kB";
    pub const RESTORE_KNOWN: &str = "restore of 200 files that the drive knows";
    pub const ONE_FOLDER: &str = "300,000 files in one folder listed, 1 % read";
    pub const MILLION: &str = "a million files in 5,000 folders listed, 1 % read";
    pub const PACKFILES_CAT: &str = "store of 50,000 packfiles: cat";
    pub const PACKFILES_CHECK: &str = "store of 50,000 packfiles: check";
    pub const PACKFILES_MAINTENANCE: &str = "store of 50,000 packfiles: maintenance lists them";
    pub const COLD_LS: &str = "ls of 16 snapshots on a fresh machine";
    pub const LOCAL_TINY: &str = "local folder of 20,000 x 4 kB";
    pub const STORE_CHECK: &str = "store of 70 MiB: check";
    pub const STORE_RESTORE: &str = "store of 70 MiB: restore";
    pub const FAST_FILE: &str = "one file of 400 MB, 10 MB/s a connection";
    pub const FAST_FILES: &str = "24 files of 20 MB, 10 MB/s a connection";
    pub const FAST_CHECK: &str = "check of a store of 70 MiB, 10 MB/s a connection";
}

/// Who did the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Our package in Plakar.
    Ours,
    /// The release before, in Plakar.
    Before,
    /// The other package in Plakar.
    Peer,
    /// Plakar alone, with what it has built in for the local disk.
    Plakar,
    /// The least that a plugin can be, in Plakar: what no plugin can beat.
    Bare,
    /// The real rclone.
    Rclone,
    /// Our executable without Plakar.
    Plugin,
    /// The program `cat`.
    Cat,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "this package",
            Self::Before => "the release before",
            Self::Peer => "the peer",
            Self::Plakar => "Plakar, local disk",
            Self::Bare => "a bare plugin",
            Self::Rclone => "rclone cat",
            Self::Plugin => "this plugin alone",
            Self::Cat => "cat",
        }
    }
}

/// One run of one thing.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub time: Duration,
    pub calls: Option<Calls>,
    /// Bytes of resident memory at the most, of any one plugin.
    pub peak: Option<u64>,
    /// What the processor did for the plugins.
    pub processor: Option<Duration>,
    /// What the plugins did to take bytes in and give them out.
    pub hops: Option<Hops>,
}

impl Sample {
    /// Of a command that took so long and so many calls to the drive, and what was seen of its plugins.
    pub fn new(time: Duration, calls: Option<Calls>, used: Option<Used>) -> Self {
        let (peak, processor) = used.map(|used| (used.peak, used.processor)).unzip();
        Self { time, calls, peak, processor, hops: used.map(|used| used.hops) }
    }
}

/// All runs of one thing by one contestant.
#[derive(Debug)]
pub struct Row {
    pub case: String,
    pub latency: Duration,
    pub who: Who,
    /// Levels of the tree, each a round trip at least; `None` where there is no floor.
    pub depth: Option<u32>,
    /// Bytes of the content that was moved, where throughput is the point.
    pub bytes: Option<u64>,
    /// How many files were worth reading, where that is the point.
    pub wanted: Option<u64>,
    pub samples: Vec<Sample>,
    /// Why it was not measured, or not to the end.
    pub skipped: Option<String>,
}

impl Row {
    fn median_of(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.samples.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    pub fn seconds(&self) -> Option<f64> {
        self.median_of(|sample| Some(sample.time.as_secs_f64()))
    }

    /// What the processor did for the plugins, in seconds.
    pub fn processor(&self) -> Option<f64> {
        self.median_of(|sample| Some(sample.processor?.as_secs_f64()))
    }

    /// One of the figures of a plugin's way to Plakar.
    pub fn hops(&self, of: impl Fn(Hops) -> u64) -> Option<f64> {
        self.median_of(|sample| Some(of(sample.hops?) as f64))
    }

    pub fn calls(&self) -> Option<f64> {
        self.median_of(|sample| sample.calls.as_ref().map(|calls| calls.total as f64))
    }

    pub fn down(&self) -> Option<f64> {
        self.median_of(|sample| sample.calls.as_ref().map(|calls| calls.bytes_down as f64))
    }

    pub fn up(&self) -> Option<f64> {
        self.median_of(|sample| sample.calls.as_ref().map(|calls| calls.bytes_up as f64))
    }

    pub fn peak(&self) -> Option<u64> {
        self.samples.iter().filter_map(|sample| sample.peak).max()
    }

    /// What the calls alone cost, in seconds: their pace, or the round trips of the downloads where
    /// these take longer, and one for each level.
    pub fn floor(&self) -> Option<f64> {
        let (depth, latency) = (f64::from(self.depth?), self.latency.as_secs_f64());
        let downloads =
            self.median_of(|sample| Some(sample.calls.as_ref()?.of("download/file") as f64));
        let turns = downloads? / DOWNLOADS_AT_ONCE * latency;
        Some((self.calls()? * PACE).max(turns) + depth * latency)
    }

    pub fn above_floor(&self) -> Option<f64> {
        Some(self.seconds()? / self.floor()?)
    }

    /// Bytes per second.
    pub fn speed(&self) -> Option<f64> {
        Some(self.bytes? as f64 / self.seconds()?)
    }

    /// Files that were read and not wanted, at the worst of all runs.
    pub fn in_vain(&self) -> Option<u64> {
        let wanted = self.wanted?;
        self.samples
            .iter()
            .filter_map(|sample| {
                Some(sample.calls.as_ref()?.of("download/file").saturating_sub(wanted))
            })
            .max()
    }
}

/// Says a row while the run goes on.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ms, {}:", self.case, self.latency.as_millis(), self.who.name())?;
        for sample in &self.samples {
            write!(f, " {:.2} s", sample.time.as_secs_f64())?;
        }
        if let Some(calls) = self.calls() {
            write!(f, ", {calls} calls")?;
        }
        if let Some(ratio) = self.above_floor() {
            write!(f, ", {ratio:.2} x the floor")?;
        }
        if let Some(speed) = self.speed() {
            write!(f, ", {:.0} MB/s", speed / 1e6)?;
        }
        if let Some(seconds) = self.processor() {
            write!(f, ", {seconds:.2} s of processor")?;
        }
        if let Some(peak) = self.peak() {
            write!(f, ", peak {} MiB", peak >> 20)?;
        }
        match &self.skipped {
            Some(reason) => write!(f, " SKIPPED: {reason}"),
            None => Ok(()),
        }
    }
}

/// A single figure of the bridge's.
#[derive(Debug)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Figures {
    pub rows: Vec<Row>,
    pub facts: Vec<Fact>,
    /// What must not be, and was.
    pub failures: Vec<String>,
}

impl Figures {
    /// The row of a case, made if it is the first time.
    pub fn row(&mut self, case: &str, latency: Duration, who: Who) -> &mut Row {
        let position = self
            .rows
            .iter()
            .position(|row| row.case == case && row.latency == latency && row.who == who);
        let position = position.unwrap_or_else(|| {
            let row = Row {
                case: case.to_owned(),
                latency,
                who,
                depth: None,
                bytes: None,
                wanted: None,
                samples: Vec::new(),
                skipped: None,
            };
            self.rows.push(row);
            self.rows.len() - 1
        });
        &mut self.rows[position]
    }

    pub fn find(&self, case: &str, latency: Duration, who: Who) -> Option<&Row> {
        self.rows.iter().find(|row| row.case == case && row.latency == latency && row.who == who)
    }

    pub fn fact(&mut self, name: &str, value: String) {
        eprintln!("bench: {name}: {value}");
        self.facts.push(Fact { name: name.to_owned(), value });
    }
}
