//! When somebody is told of an app: once for each change, again every few days while it lasts, and
//! once when it is over. It follows the verdict on the app, so thirty failed nights are one alert.
//! What goes wrong besides is told at once, also under a word that was told before.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::event_kind::EventKind;
use super::health::Health;
use super::health_facts::{PastTask, TaskEnd};
use super::health_reason::HealthReason;
use super::health_verdict::HealthVerdict;

/// Something of which somebody was told, and which lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAlert {
    /// What.
    pub kind: EventKind,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it was told last, reminders included.
    pub told: DateTime<Utc>,
    /// The marks of what is known to be wrong of it; none of an alert that was told before they were
    /// kept.
    pub marks: BTreeSet<String>,
}

/// What is wrong with an app now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In a word.
    pub kind: EventKind,
    /// In sentences.
    pub words: Vec<String>,
    /// Each thing that is wrong, by a mark of its own: one that was not there before is news.
    pub marks: BTreeSet<String>,
    /// The task that tells more.
    pub task: Option<i64>,
}

/// How an app is now, as far as somebody has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong, each kind once.
    pub troubles: Vec<Trouble>,
    /// What cannot be told yet, such as a failure that is about to be tried again: it stays as it
    /// was.
    pub undecided: BTreeSet<EventKind>,
    /// The marks of what a backup that is on its way may put right: nobody is told of it now, and of
    /// what was told nobody is told again.
    pub held_back: BTreeSet<String>,
    /// Nobody wants to know anything of it.
    pub is_excluded: bool,
}

/// What is on the way of an app's backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenBackups {
    /// One runs, or is about to.
    pub any: bool,
    /// One that failed is tried again.
    pub retry: bool,
}

/// What somebody has to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub kind: EventKind,
    /// It was told before, and lasts.
    pub reminder: bool,
    /// Since when.
    pub since: DateTime<Utc>,
    /// In sentences.
    pub words: Vec<String>,
    /// The task that tells more.
    pub task: Option<i64>,
}

/// What a schedule of backups runs, in a word.
const BACKUP: &str = "backup";

/// How an app is now, by the verdict on it.
pub fn findings(health: &Health, backups: OpenBackups, now: DateTime<Utc>) -> Findings {
    if health.verdict == HealthVerdict::Excluded {
        return Findings { is_excluded: true, ..Findings::default() };
    }
    let mut found = Findings::default();
    let failed = failed_try(health);
    let mut is_explained = false;
    for reason in &health.reasons {
        let Some(kind) = kind_of(reason) else { continue };
        if failed.is_some_and(|failed| explains(failed, reason, now)) {
            is_explained = true;
            continue;
        }
        if backups.any && is_put_right(reason) {
            found.held_back.insert(mark_of(reason));
            continue;
        }
        found.add(kind, reason);
    }
    // What nothing explains, and no backup puts right, is told, whatever else there is.
    let is_overdue = found.troubles.iter().any(|trouble| trouble.kind == EventKind::Overdue);
    if (is_explained || backups.any) && !is_overdue {
        found.undecided.insert(EventKind::Overdue);
    }
    if backups.retry {
        found.undecided.extend([EventKind::Failed, EventKind::WithErrors]);
    }
    found
}

/// The newest try of a backup, if it made nothing: one with errors made a restore point.
fn failed_try(health: &Health) -> Option<&PastTask> {
    health.reasons.iter().find_map(|reason| match reason {
        HealthReason::BackupFailed(task) if task.end != TaskEnd::WithErrors => Some(task),
        _ => None,
    })
}

/// Whether a try of a backup that made nothing tells already why the newest backup is old, so that
/// nobody has to be told of that too. It does so no longer than a backup counts: when even the try is
/// as old as that, nobody tries any more.
fn explains(failed: &PastTask, reason: &HealthReason, now: DateTime<Utc>) -> bool {
    match reason {
        HealthReason::OlderThanSchedule { gap, .. } => now - failed.at <= *gap * 2,
        HealthReason::OlderThanAllowed { days, .. } => {
            now - failed.at <= TimeDelta::days((*days).into())
        }
        // The try was that of the slot, or came after it.
        HealthReason::Overdue { kind, slot } => *kind == BACKUP && failed.at >= *slot,
        _ => false,
    }
}

/// Whether a backup that goes well puts it right, whatever else is wrong.
fn is_put_right(reason: &HealthReason) -> bool {
    match reason {
        HealthReason::OlderThanSchedule { .. } | HealthReason::OlderThanAllowed { .. } => true,
        HealthReason::Overdue { kind, .. } => *kind == BACKUP,
        _ => false,
    }
}

impl Findings {
    fn add(&mut self, kind: EventKind, reason: &HealthReason) {
        let (words, mark, task) = (words_of(reason), mark_of(reason), reason.task());
        match self.troubles.iter_mut().find(|trouble| trouble.kind == kind) {
            Some(trouble) => {
                trouble.words.push(words);
                trouble.marks.insert(mark);
                trouble.task = trouble.task.or(task);
            }
            None => {
                let marks = BTreeSet::from([mark]);
                self.troubles.push(Trouble { kind, words: vec![words], marks, task });
            }
        }
    }
}

fn words_of(reason: &HealthReason) -> String {
    match reason {
        HealthReason::PruneHeld(held) => {
            let why = held.reason.trim().trim_end_matches('.');
            format!("Prunes are held: {why}.")
        }
        _ => reason.words(),
    }
}

/// What tells a reason from others: its code, and what there may be several of: the backup of a change
/// alarm, what is overdue, and whose promise is broken.
fn mark_of(reason: &HealthReason) -> String {
    match reason {
        HealthReason::PruneHeld(held) => format!("{} {}", reason.code(), held.task),
        HealthReason::Overdue { kind, .. } => format!("{} {kind}", reason.code()),
        HealthReason::PromiseBroken(broken) => format!("{} {}", reason.code(), broken.policy),
        _ => reason.code().to_owned(),
    }
}

/// The word for a reason; none for what nothing has happened to yet.
fn kind_of(reason: &HealthReason) -> Option<EventKind> {
    Some(match reason {
        // A new app, or one whose store is new: its schedule sees to it, or its user.
        HealthReason::NeverBackedUp | HealthReason::StoreChanged => return None,
        // It goes on, or is ended and has failed.
        HealthReason::Silent(_) => return None,
        HealthReason::IsDestination | HealthReason::Excluded(_) => return None,
        HealthReason::PruneHeld(_) => EventKind::PruneHeld,
        // Nothing failed: what should have been there is missing.
        HealthReason::PromiseBroken(_)
        | HealthReason::NeverCopied
        | HealthReason::SecondCopyOld { .. } => EventKind::Overdue,
        HealthReason::DrillFailed(_) | HealthReason::CompareFailed(_) => EventKind::CheckFailed,
        HealthReason::OlderThanSchedule { .. }
        | HealthReason::OlderThanAllowed { .. }
        | HealthReason::Overdue { .. } => EventKind::Overdue,
        HealthReason::CheckFailed(_)
        | HealthReason::NewestDamaged
        | HealthReason::OlderDamaged(_) => EventKind::CheckFailed,
        HealthReason::BackupFailed(task)
        | HealthReason::PruneFailed(task)
        | HealthReason::MaintenanceFailed(task)
        | HealthReason::RestoreFailed(task)
            if task.end == TaskEnd::WithErrors =>
        {
            EventKind::WithErrors
        }
        _ => EventKind::Failed,
    })
}

/// What has to be told now, and what lasts after that. Without `remind_after` there are no
/// reminders.
pub fn alert_changes(
    open: &[OpenAlert],
    found: &Findings,
    remind_after: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> (Vec<Change>, Vec<OpenAlert>) {
    if found.is_excluded {
        return (Vec::new(), Vec::new());
    }
    let (mut told, mut lasting) = (Vec::new(), Vec::new());
    for trouble in &found.troubles {
        let before = open.iter().find(|alert| alert.kind == trouble.kind);
        let is_undecided = found.undecided.contains(&trouble.kind);
        if before.is_none() && is_undecided {
            continue;
        }
        // A clock that was set back must not silence anybody.
        let is_due =
            |alert: &OpenAlert| remind_after.is_some_and(|after| (now - alert.told).abs() >= after);
        let has_new_marks = |alert: &OpenAlert| {
            !is_undecided && !alert.marks.is_empty() && !trouble.marks.is_subset(&alert.marks)
        };
        let is_news = before.is_none_or(has_new_marks);
        let mut alert = before.cloned().unwrap_or(OpenAlert {
            kind: trouble.kind,
            since: now,
            told: now,
            marks: BTreeSet::new(),
        });
        if is_news || is_due(&alert) {
            alert.told = now;
            told.push(Change {
                kind: trouble.kind,
                reminder: !is_news,
                since: alert.since,
                words: trouble.words.clone(),
                task: trouble.task,
            });
        }
        // What is about to be tried again is told when that has failed too.
        if !is_undecided {
            alert.marks.retain(|mark| found.held_back.contains(mark));
            alert.marks.extend(trouble.marks.iter().cloned());
        }
        lasting.push(alert);
    }
    let is_kept = |alert: &&OpenAlert| {
        found.undecided.contains(&alert.kind)
            && !lasting.iter().any(|other: &OpenAlert| other.kind == alert.kind)
    };
    let kept: Vec<OpenAlert> = open.iter().filter(is_kept).cloned().collect();
    lasting.extend(kept);
    lasting.sort_by_key(|alert| alert.kind);
    if !open.is_empty() && lasting.is_empty() {
        let since = open.iter().map(|alert| alert.since).min().unwrap_or(now);
        let was: Vec<&str> = open.iter().map(|alert| alert.kind.as_str()).collect();
        let words = vec![format!("It is in order again; it was: {}.", was.join(", "))];
        told.push(Change { kind: EventKind::Recovered, reminder: false, since, words, task: None });
    }
    (told, lasting)
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
