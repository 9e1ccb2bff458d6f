//! What is known of an app, for the verdict on it.

use chrono::{DateTime, Utc};

use super::due::Calendar;
use super::promise::PolicyPromise;

/// How a task ended, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// Without errors.
    Well,
    /// To its end, but some items failed.
    WithErrors,
    /// It did not do what it should.
    Failed,
    /// Its process ended before it did.
    Interrupted,
}

/// A task that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTask {
    /// Its id.
    pub id: i64,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How.
    pub end: TaskEnd,
    /// What was said of it, one line.
    pub verdict: String,
}

/// A schedule that is enabled.
#[derive(Clone, Debug)]
pub struct PlannedTask {
    /// Whether it makes backups.
    pub is_backup: bool,
    /// Whether it copies to the second store.
    pub is_sync: bool,
    /// What it runs, in a word.
    pub kind: &'static str,
    /// When.
    pub calendar: Calendar,
    /// Slots up to here have been dealt with.
    pub handled: DateTime<Utc>,
}

/// All that the verdict on an app depends on. Tasks that were missed or cancelled are none of
/// these.
#[derive(Clone, Debug, Default)]
pub struct HealthFacts {
    /// It is a destination.
    pub is_destination: bool,
    /// Why it needs no protection; empty for an app that needs it.
    pub excluded: String,
    /// Why its resource needs none; empty if it does.
    pub resource_excluded: String,
    /// Without a schedule of backups: how old its newest backup may be, in days.
    pub max_age_days: u32,
    /// Its schedules, those of its policies too.
    pub planned: Vec<PlannedTask>,
    /// A task of it runs or is about to, and sees to what is due.
    pub is_busy: bool,
    /// The newest backup that made a restore point in its present store.
    pub backup: Option<PastTask>,
    /// There is one in another store only.
    pub was_elsewhere: bool,
    /// The newest backup that ended in any way.
    pub tried: Option<PastTask>,
    /// The newest check that came to an end; interrupted ones say nothing.
    pub check: Option<PastTask>,
    /// The newest prune of these.
    pub prune: Option<PastTask>,
    /// The newest maintenance of these.
    pub maintenance: Option<PastTask>,
    /// The newest restore of these.
    pub restore: Option<PastTask>,
    /// The newest restore drill of these.
    pub drill: Option<PastTask>,
    /// The newest comparison with the drive of these.
    pub compare: Option<PastTask>,
    /// It has a second store.
    pub has_second_store: bool,
    /// The newest copy to it that ended in any way.
    pub sync: Option<PastTask>,
    /// The newest one without errors.
    pub last_sync: Option<PastTask>,
    /// How many restore points were damaged when they were checked last.
    pub damaged_points: usize,
    /// The newest restore point is one of them.
    pub is_newest_damaged: bool,
    /// A task that runs and gives no sign of life.
    pub silent: Option<SilentTask>,
    /// What policies promise of it.
    pub promises: Vec<PolicyPromise>,
    /// When its backups ended without errors, if anything is promised.
    pub good_backups: Vec<DateTime<Utc>>,
    /// Of earlier ones not all may be known.
    pub known_since: DateTime<Utc>,
    /// Its prunes are held.
    pub held: Option<HeldFact>,
}

/// Why prunes are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFact {
    /// Since when: since the first of the alarms that are not released.
    pub at: DateTime<Utc>,
    /// The newest backup whose changes were alarming.
    pub task: i64,
    /// In figures.
    pub reason: String,
    /// How many backups before it were alarming, and are not released either.
    pub earlier: usize,
}

/// A task that runs and gives no sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentTask {
    /// Its id.
    pub id: i64,
    /// What it does, in a word.
    pub kind: &'static str,
    /// Since when, and why if that is known.
    pub silence: String,
}
