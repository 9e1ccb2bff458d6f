//! Why an app is not simply protected, and the words for it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::health_facts::{HeldFact, PastTask, SilentTask, TaskEnd};
use super::health_verdict::HealthVerdict;
use super::promise::BrokenPromise;
use super::words::count_text;

/// Why an app is not simply protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthReason {
    /// It is restored to, and has no backups.
    IsDestination,
    /// Its user says so.
    Excluded(String),
    /// Its user says so of its resource.
    ResourceExcluded(String),
    /// Of a resource that was entered by hand: no app backs it up.
    NothingBackedUp,
    /// There is no restore point that is known of.
    NeverBackedUp,
    /// There is none in its present store.
    StoreChanged,
    /// The newest backup is older than twice the longest gap of its schedules.
    OlderThanSchedule {
        /// The backup.
        backup: PastTask,
        /// The gap.
        gap: TimeDelta,
    },
    /// It has no schedule of backups, and the newest is older than the days it may be.
    OlderThanAllowed {
        /// The backup.
        backup: PastTask,
        /// The days.
        days: u32,
    },
    /// The newest check found something, or could not be done.
    CheckFailed(PastTask),
    /// The newest restore point was damaged when it was checked last.
    NewestDamaged,
    /// So many older ones were.
    OlderDamaged(usize),
    /// A task that runs gives no sign of life.
    Silent(SilentTask),
    /// The newest try of a backup did not go well.
    BackupFailed(PastTask),
    /// A backup found alarming changes, and holds the prunes.
    PruneHeld(HeldFact),
    /// The newest prune did not.
    PruneFailed(PastTask),
    /// The newest maintenance did not.
    MaintenanceFailed(PastTask),
    /// The newest restore did not.
    RestoreFailed(PastTask),
    /// There were fewer backups than a policy promises.
    PromiseBroken(BrokenPromise),
    /// The newest restore drill did not.
    DrillFailed(PastTask),
    /// The newest comparison with the drive did not.
    CompareFailed(PastTask),
    /// The newest copy to the second store did not.
    SecondCopyFailed(PastTask),
    /// It has a second store, to which nothing was copied yet.
    NeverCopied,
    /// The newest good copy is older than twice the longest gap of its schedules.
    SecondCopyOld {
        /// The copy.
        copy: PastTask,
        /// How old it may be.
        limit: TimeDelta,
    },
    /// A slot passed, and nobody saw to it.
    Overdue {
        /// What was due, in a word.
        kind: &'static str,
        /// When.
        slot: DateTime<Utc>,
    },
}

impl HealthReason {
    /// What it makes of the app.
    pub fn verdict(&self) -> HealthVerdict {
        match self {
            Self::IsDestination | Self::Excluded(_) | Self::ResourceExcluded(_) => {
                HealthVerdict::Excluded
            }
            Self::NothingBackedUp
            | Self::NeverBackedUp
            | Self::StoreChanged
            | Self::OlderThanSchedule { .. }
            | Self::OlderThanAllowed { .. }
            | Self::CheckFailed(_)
            | Self::NewestDamaged => HealthVerdict::NotProtected,
            Self::OlderDamaged(_)
            | Self::Silent(_)
            | Self::BackupFailed(_)
            | Self::PruneHeld(_)
            | Self::PruneFailed(_)
            | Self::MaintenanceFailed(_)
            | Self::RestoreFailed(_)
            | Self::PromiseBroken(_)
            | Self::DrillFailed(_)
            | Self::CompareFailed(_)
            | Self::SecondCopyFailed(_)
            | Self::NeverCopied
            | Self::SecondCopyOld { .. }
            | Self::Overdue { .. } => HealthVerdict::AtRisk,
        }
    }

    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::IsDestination => "destination",
            Self::Excluded(_) => "excluded",
            Self::ResourceExcluded(_) => "resource_excluded",
            Self::NothingBackedUp => "nothing_backed_up",
            Self::NeverBackedUp => "never_backed_up",
            Self::StoreChanged => "store_changed",
            Self::OlderThanSchedule { .. } => "older_than_schedule",
            Self::OlderThanAllowed { .. } => "older_than_allowed",
            Self::CheckFailed(_) => "check_failed",
            Self::NewestDamaged => "newest_damaged",
            Self::OlderDamaged(_) => "older_damaged",
            Self::Silent(_) => "silent",
            Self::BackupFailed(_) => "backup_failed",
            Self::PruneHeld(_) => "prune_held",
            Self::PruneFailed(_) => "prune_failed",
            Self::MaintenanceFailed(_) => "maintenance_failed",
            Self::RestoreFailed(_) => "restore_failed",
            Self::PromiseBroken(_) => "promise_broken",
            Self::DrillFailed(_) => "drill_failed",
            Self::CompareFailed(_) => "compare_failed",
            Self::SecondCopyFailed(_) => "second_copy_failed",
            Self::NeverCopied => "never_copied",
            Self::SecondCopyOld { .. } => "second_copy_old",
            Self::Overdue { .. } => "overdue",
        }
    }

    /// The task that tells more.
    pub fn task(&self) -> Option<i64> {
        match self {
            Self::OlderThanSchedule { backup: task, .. }
            | Self::OlderThanAllowed { backup: task, .. }
            | Self::CheckFailed(task)
            | Self::BackupFailed(task)
            | Self::PruneFailed(task)
            | Self::MaintenanceFailed(task)
            | Self::RestoreFailed(task)
            | Self::DrillFailed(task)
            | Self::CompareFailed(task) => Some(task.id),
            Self::SecondCopyFailed(task) | Self::SecondCopyOld { copy: task, .. } => Some(task.id),
            Self::Silent(task) => Some(task.id),
            Self::PruneHeld(held) => Some(held.task),
            Self::NewestDamaged
            | Self::OlderDamaged(_)
            | Self::IsDestination
            | Self::Excluded(_)
            | Self::ResourceExcluded(_)
            | Self::NothingBackedUp
            | Self::NeverBackedUp
            | Self::StoreChanged
            | Self::PromiseBroken(_)
            | Self::NeverCopied
            | Self::Overdue { .. } => None,
        }
    }

    /// The same words everywhere and at any time: with dates, without ages.
    pub fn words(&self) -> String {
        match self {
            Self::IsDestination => {
                "It is a destination: it is restored to, and has no backups of its own.".into()
            }
            Self::Excluded(why) => format!("It needs no protection: {}", sentence(why)),
            Self::ResourceExcluded(why) => {
                format!("Its resource is excluded from coverage: {}", sentence(why))
            }
            Self::NothingBackedUp => "Nothing of it is backed up.".into(),
            Self::NeverBackedUp => "It was never backed up.".into(),
            Self::StoreChanged => {
                "It has another store now, and nothing was backed up to that yet.".into()
            }
            Self::OlderThanSchedule { backup, gap } => format!(
                "The last backup is of {}; by its schedule it must not be older than {}.",
                time(backup.at),
                length(*gap * 2)
            ),
            Self::OlderThanAllowed { backup, days } => format!(
                "The last backup is of {}, and no backup is scheduled; without a schedule it must \
                 not be older than {}.",
                time(backup.at),
                count_text(u64::from(*days), "day")
            ),
            Self::CheckFailed(task) => {
                format!("{} It counts until a later check finds all whole.", told("check", task))
            }
            Self::NewestDamaged => {
                "The newest restore point is damaged; a backup into a new store, or a later check that finds it whole, makes that good.".into()
            }
            Self::OlderDamaged(1) => "An older restore point is damaged.".into(),
            Self::OlderDamaged(count) => format!("{count} older restore points are damaged."),
            Self::Silent(SilentTask { kind, silence, .. }) => {
                format!("The {kind} that runs: {}", sentence(silence))
            }
            Self::BackupFailed(task) => told("backup", task),
            Self::PruneHeld(held) => {
                let found = match held.earlier {
                    0 => "the backup found alarming changes".to_owned(),
                    earlier => {
                        format!("{} backups found alarming changes, the last one", earlier + 1)
                    }
                };
                format!(
                    "All prunes are held since {}, as {found}: {} Look at them, then release the prunes.",
                    time(held.at),
                    sentence(&held.reason)
                )
            }
            Self::PruneFailed(task) => told("prune", task),
            Self::MaintenanceFailed(task) => told("maintenance", task),
            Self::RestoreFailed(task) => told("restore", task),
            Self::PromiseBroken(broken) => broken.words(),
            Self::DrillFailed(task) => told("restore drill", task),
            Self::CompareFailed(task) => told("comparison with the drive", task),
            Self::SecondCopyFailed(task) => told("copy to the second store", task),
            Self::NeverCopied => "Nothing was copied to its second store yet.".into(),
            Self::SecondCopyOld { copy, limit } => format!(
                "The last good copy to the second store is of {}; it must not be older than {}.",
                time(copy.at),
                length(*limit)
            ),
            Self::Overdue { kind, slot } => format!(
                "The {kind} that was due at {} has not run. Does the scheduler run?",
                time(*slot)
            ),
        }
    }
}

impl Serialize for HealthReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reason = serializer.serialize_struct("HealthReason", 3)?;
        reason.serialize_field("code", self.code())?;
        reason.serialize_field("words", &self.words())?;
        reason.serialize_field("task", &self.task())?;
        reason.end()
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn length(time: TimeDelta) -> String {
    match time.num_hours().unsigned_abs() {
        hours if hours % 24 == 0 => count_text(hours / 24, "day"),
        hours => count_text(hours, "hour"),
    }
}

/// A text as one sentence, with one full stop.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim().trim_end_matches(['.', '!']))
}

fn told(kind: &str, task: &PastTask) -> String {
    let how = match task.end {
        TaskEnd::Well => "went well",
        TaskEnd::WithErrors => "has errors",
        TaskEnd::Failed => "failed",
        TaskEnd::Interrupted => return interrupted(kind, task),
    };
    let begin = format!("The last {kind}, of {}, {how}", time(task.at));
    if task.verdict.trim().is_empty() {
        format!("{begin}.")
    } else {
        format!("{begin}: {}", sentence(&task.verdict))
    }
}

/// Its verdict begins with that word.
fn interrupted(kind: &str, task: &PastTask) -> String {
    let why = task.verdict.trim().trim_start_matches("interrupted").trim_start_matches(':').trim();
    let begin = format!("The last {kind}, of {}, was interrupted", time(task.at));
    if why.is_empty() { format!("{begin}.") } else { format!("{begin}: {}", sentence(why)) }
}
