//! Whether an app's data is safe: the one verdict that every front end shows, from what is known of
//! the app and the time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use super::due::{Calendar, GRACE};
use super::gap::longest_gap;
use super::health_facts::{HealthFacts, PastTask, PlannedTask, SilentTask, TaskEnd};
use super::words::count_text;

/// For how long the newest restore counts.
const RESTORE_COUNTS: TimeDelta = TimeDelta::days(30);

/// The verdict on an app, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HealthVerdict {
    /// It needs no protection.
    #[serde(rename = "excluded")]
    Excluded,
    /// It has a backup that is new enough, and nothing speaks against it.
    #[serde(rename = "protected")]
    Protected,
    /// It has one, and somebody has to look.
    #[serde(rename = "at risk")]
    AtRisk,
    /// It has none that one could rely on.
    #[serde(rename = "not protected")]
    NotProtected,
}

impl HealthVerdict {
    /// All of them, the worst first: as lists show them.
    pub const ALL: [Self; 4] = [Self::NotProtected, Self::AtRisk, Self::Protected, Self::Excluded];

    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Protected => "protected",
            Self::AtRisk => "at risk",
            Self::NotProtected => "not protected",
        }
    }
}

/// Why an app is not simply protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthReason {
    /// It is restored to, and has no backups.
    IsDestination,
    /// Its user says so.
    Excluded(String),
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
    /// The newest prune did not.
    PruneFailed(PastTask),
    /// The newest maintenance did not.
    MaintenanceFailed(PastTask),
    /// The newest restore did not.
    RestoreFailed(PastTask),
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
            Self::IsDestination | Self::Excluded(_) => HealthVerdict::Excluded,
            Self::NeverBackedUp
            | Self::StoreChanged
            | Self::OlderThanSchedule { .. }
            | Self::OlderThanAllowed { .. }
            | Self::CheckFailed(_)
            | Self::NewestDamaged => HealthVerdict::NotProtected,
            Self::OlderDamaged(_)
            | Self::Silent(_)
            | Self::BackupFailed(_)
            | Self::PruneFailed(_)
            | Self::MaintenanceFailed(_)
            | Self::RestoreFailed(_)
            | Self::Overdue { .. } => HealthVerdict::AtRisk,
        }
    }

    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::IsDestination => "destination",
            Self::Excluded(_) => "excluded",
            Self::NeverBackedUp => "never_backed_up",
            Self::StoreChanged => "store_changed",
            Self::OlderThanSchedule { .. } => "older_than_schedule",
            Self::OlderThanAllowed { .. } => "older_than_allowed",
            Self::CheckFailed(_) => "check_failed",
            Self::NewestDamaged => "newest_damaged",
            Self::OlderDamaged(_) => "older_damaged",
            Self::Silent(_) => "silent",
            Self::BackupFailed(_) => "backup_failed",
            Self::PruneFailed(_) => "prune_failed",
            Self::MaintenanceFailed(_) => "maintenance_failed",
            Self::RestoreFailed(_) => "restore_failed",
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
            | Self::RestoreFailed(task) => Some(task.id),
            Self::Silent(task) => Some(task.id),
            Self::NewestDamaged
            | Self::OlderDamaged(_)
            | Self::IsDestination
            | Self::Excluded(_)
            | Self::NeverBackedUp
            | Self::StoreChanged
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
            Self::PruneFailed(task) => told("prune", task),
            Self::MaintenanceFailed(task) => told("maintenance", task),
            Self::RestoreFailed(task) => told("restore", task),
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

/// How an app is doing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The verdict.
    pub verdict: HealthVerdict,
    /// What speaks for it, the worst first; nothing of one that is protected.
    pub reasons: Vec<HealthReason>,
}

/// The verdict on an app at a time.
pub fn health(facts: &HealthFacts, now: DateTime<Utc>) -> Health {
    let only = |reason: HealthReason| Health { verdict: reason.verdict(), reasons: vec![reason] };
    if facts.is_destination {
        return only(HealthReason::IsDestination);
    }
    if !facts.excluded.trim().is_empty() {
        return only(HealthReason::Excluded(facts.excluded.clone()));
    }
    let went_wrong = |task: &Option<PastTask>, reason: fn(PastTask) -> HealthReason| {
        task.clone().filter(|task| task.end != TaskEnd::Well).map(reason)
    };
    let older = facts.damaged_points - usize::from(facts.is_newest_damaged);
    let recent = facts.restore.clone().filter(|task| now - task.at <= RESTORE_COUNTS);
    let reasons = [
        age(facts, now),
        went_wrong(&facts.check, HealthReason::CheckFailed),
        facts.is_newest_damaged.then_some(HealthReason::NewestDamaged),
        (older > 0).then_some(HealthReason::OlderDamaged(older)),
        facts.silent.clone().map(HealthReason::Silent),
        went_wrong(&facts.tried, HealthReason::BackupFailed),
        went_wrong(&facts.prune, HealthReason::PruneFailed),
        went_wrong(&facts.maintenance, HealthReason::MaintenanceFailed),
        went_wrong(&recent, HealthReason::RestoreFailed),
    ];
    let overdue = facts.planned.iter().filter(|_| !facts.is_busy);
    let overdue = overdue.filter_map(|planned| overdue_slot(planned, now));
    let reasons: Vec<_> = reasons.into_iter().flatten().chain(overdue).collect();
    let worst = reasons.iter().map(HealthReason::verdict).max();
    Health { verdict: worst.unwrap_or(HealthVerdict::Protected), reasons }
}

/// Whether there is no backup, or the newest is too old.
fn age(facts: &HealthFacts, now: DateTime<Utc>) -> Option<HealthReason> {
    let Some(backup) = facts.backup.clone() else {
        let moved = facts.was_elsewhere;
        return Some(if moved { HealthReason::StoreChanged } else { HealthReason::NeverBackedUp });
    };
    let planned = facts.planned.iter().filter(|planned| planned.is_backup);
    let calendars: Vec<Calendar> = planned.map(|planned| planned.calendar.clone()).collect();
    let old = now - backup.at;
    match longest_gap(&calendars, backup.at) {
        Some(gap) => (old > gap * 2).then_some(HealthReason::OlderThanSchedule { backup, gap }),
        None => {
            let days = facts.max_age_days;
            (old > TimeDelta::days(days.into()))
                .then_some(HealthReason::OlderThanAllowed { backup, days })
        }
    }
}

/// The first slot that nobody saw to. The latest one may be on time still, however long nobody
/// does.
fn overdue_slot(planned: &PlannedTask, now: DateTime<Utc>) -> Option<HealthReason> {
    let slot = planned.calendar.next_after(planned.handled)?;
    (now - slot > GRACE).then_some(HealthReason::Overdue { kind: planned.kind, slot })
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
