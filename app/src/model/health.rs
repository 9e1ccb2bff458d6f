//! Whether an app's data is safe: the one verdict that every front end shows, from what is known of
//! the app and the time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::due::{Calendar, GRACE};
use super::gap::longest_gap;
use super::health_facts::{HealthFacts, PastTask, PlannedTask, TaskEnd};
use super::health_reason::HealthReason;
use super::health_verdict::HealthVerdict;

/// For how long the newest restore counts.
const RESTORE_COUNTS: TimeDelta = TimeDelta::days(30);

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
    if !facts.resource_excluded.trim().is_empty() {
        return only(HealthReason::ResourceExcluded(facts.resource_excluded.clone()));
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
        facts.held.clone().map(HealthReason::PruneHeld),
        went_wrong(&facts.prune, HealthReason::PruneFailed),
        went_wrong(&facts.maintenance, HealthReason::MaintenanceFailed),
        went_wrong(&recent, HealthReason::RestoreFailed),
        went_wrong(&facts.drill, HealthReason::DrillFailed),
        went_wrong(&facts.compare, HealthReason::CompareFailed),
        went_wrong(&facts.sync, HealthReason::SecondCopyFailed),
        second_copy_age(facts, now),
    ];
    let promised = facts.promises.iter();
    let promised = promised
        .filter_map(|promise| promise.broken(&facts.good_backups, facts.known_since, now))
        .map(HealthReason::PromiseBroken);
    let overdue = facts.planned.iter().filter(|_| !facts.is_busy);
    let overdue = overdue.filter_map(|planned| overdue_slot(planned, now));
    let reasons: Vec<_> = reasons.into_iter().flatten().chain(promised).chain(overdue).collect();
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

/// Whether nothing is in the second store, or the newest good copy is too old: by its schedules as a
/// backup is, or without one by the days that a backup may be old.
fn second_copy_age(facts: &HealthFacts, now: DateTime<Utc>) -> Option<HealthReason> {
    if !facts.has_second_store {
        return None;
    }
    let Some(copy) = facts.last_sync.clone() else {
        // One that failed says more.
        return facts.sync.is_none().then_some(HealthReason::NeverCopied);
    };
    let planned = facts.planned.iter().filter(|planned| planned.is_sync);
    let calendars: Vec<Calendar> = planned.map(|planned| planned.calendar.clone()).collect();
    let limit = longest_gap(&calendars, copy.at)
        .map_or_else(|| TimeDelta::days(facts.max_age_days.into()), |gap| gap * 2);
    (now - copy.at > limit).then_some(HealthReason::SecondCopyOld { copy, limit })
}

/// The first slot that nobody saw to. The latest one may be on time still, however long nobody
/// does.
fn overdue_slot(planned: &PlannedTask, now: DateTime<Utc>) -> Option<HealthReason> {
    let slot = planned.calendar.begins(planned.calendar.next_after(planned.handled)?);
    (now - slot > GRACE).then_some(HealthReason::Overdue { kind: planned.kind, slot })
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
