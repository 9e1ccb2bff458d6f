//! Checks of restore points, and what is noted of each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;

use super::error::Result;
use super::log::TaskLog;
use super::references::store_of;
use super::tools::Tools;
use super::work::CheckScope;
use super::work_result::WorkResult;
use crate::model::count_text;
use crate::scheduler::Job;
use crate::state::{self, CheckedPoint, TaskKind};
use plakar_driver::{CheckResult, Failure, PointCheck, SnapshotId, Store, Verdict};

/// What to do about a store that is damaged.
pub(super) const ADVICE: &str = "make a new store from the drive by a fresh backup while the drive has the files; do not sync from this one";

/// Maximum length of a reason that is noted of a restore point, in characters.
const MAX_REASON_CHARS: usize = 400;

/// Checks restore points of a job's app, and notes what was found of each.
pub(super) async fn check(
    tools: &Tools<'_>,
    job: &Job,
    scope: &CheckScope,
    log: &mut TaskLog<'_>,
) -> Result<WorkResult> {
    let store = store_of(&job.app)?;
    let listed = tools.listed(&store, job).await?;
    let app = job.app.id;
    let checked = tools.blocking(move |state| state.checked_points(app)).await?;
    let newest_first: Vec<&str> = listed.iter().map(SnapshotId::as_str).collect();
    let there: BTreeSet<&str> = newest_first.iter().copied().collect();
    let gone: Vec<String> =
        checked.keys().filter(|id| !there.contains(id.as_str())).cloned().collect();
    // Of an empty list it is not known what is gone.
    if !gone.is_empty() && !listed.is_empty() {
        tools.blocking(move |state| state.forget_checked(app, &gone)).await?;
    }
    let lost = tools.lost(job, &there).await?.filter(|_| !matches!(scope, CheckScope::Point(_)));
    let wanted: Vec<SnapshotId> = match scope {
        CheckScope::Point(id) => vec![id.clone()],
        CheckScope::Points(count) => due(&newest_first, &checked, *count)?,
        CheckScope::Due => due(&newest_first, &checked, job.app.spec.protection.points_per_check)?,
    };
    if wanted.is_empty() {
        return none(tools, job).await;
    }
    let ids: Vec<&str> = wanted.iter().map(SnapshotId::short).collect();
    let of = count_text(listed.len() as u64, "restore point");
    log.say(&format!("of {of}: {}", ids.join(", ")));
    let (plakar, browsers) = (tools.plakar, tools.browsers);
    let mut news = |news| log.news(&news);
    let mut found = plakar.check(browsers, &store, &wanted, &mut news, &job.cancel).await;
    if found.points.iter().any(|(_, found)| *found == PointCheck::Missing) {
        // Somebody may have removed it meanwhile.
        let listed = tools.listed(&store, job).await?;
        found.points.retain(|(id, found)| *found != PointCheck::Missing || listed.contains(id));
    }
    let task = job.task.id;
    for (id, found) in &found.points {
        if let Some(noted) = noted(task, found) {
            let id = id.to_string();
            tools.blocking(move |state| state.note_checked(app, &id, &noted)).await?;
        }
    }
    let told = told(found, wanted.len(), log);
    Ok(match lost {
        Some(lost) if told.verdict == Verdict::Succeeded => {
            log.say(&lost);
            WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason: lost }) }
        }
        _ => told,
    })
}

impl Tools<'_> {
    /// The app's restore points, newest first.
    async fn listed(&self, store: &Store, job: &Job) -> Result<Vec<SnapshotId>> {
        let points = self.browser(store).await?.restore_points(Some(&job.app.key)).await?;
        Ok(points.into_iter().map(|point| point.id).collect())
    }

    /// That the restore point of the newest backup is not in the store, if it is so.
    async fn lost(&self, job: &Job, there: &BTreeSet<&str>) -> Result<Option<String>> {
        let app = job.app.id;
        let last = self.blocking(move |state| Ok(state.newest_tasks(app)?.last)).await?;
        let last = last.filter(|task| task.store == job.app.spec.store);
        let missing = last.and_then(|task| {
            let id = task.snapshot.filter(|id| !there.contains(id.as_str()))?;
            let short: String = id.chars().take(8).collect();
            Some(format!(
                "the restore point {short} of the last backup (task {}) is not in the store: it was removed, or the store has lost it; what is there is whole",
                task.id
            ))
        });
        Ok(missing)
    }
}

/// Those that are to be checked next, 0 for all: first what was never checked, the newest of these
/// first, then what was checked the longest ago.
fn due(
    newest_first: &[&str],
    checked: &BTreeMap<String, CheckedPoint>,
    count: u32,
) -> Result<Vec<SnapshotId>> {
    let mut order = newest_first.to_vec();
    // The newest stays first among equals, as the sort is stable.
    order.sort_by_key(|id| checked.get(*id).map(|checked| checked.at));
    let count = if count == 0 { usize::MAX } else { count as usize };
    order.into_iter().take(count).map(|id| Ok(SnapshotId::new(id)?)).collect()
}

/// There is nothing to check, which is not well.
async fn none(tools: &Tools<'_>, job: &Job) -> Result<WorkResult> {
    let app = job.app.id;
    let made = tools.blocking(move |state| state.last_success(app, TaskKind::Backup)).await?;
    let reason = match made {
        Some(task) => format!(
            "the store shows no restore point of {}, although task {} made one: it was removed, or the store has lost its index (its states)",
            job.app.spec.name, task.id
        ),
        None => "there is no restore point to check yet".to_owned(),
    };
    Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) })
}

/// What is noted of a restore point. Of one that could not be read, nothing.
pub(super) fn noted(task: state::TaskId, found: &PointCheck) -> Option<CheckedPoint> {
    let (errors, reason) = match found {
        PointCheck::Whole => (0, String::new()),
        PointCheck::Damaged { count, failed } => ((*count).max(1), first(*count, failed)),
        PointCheck::Missing => (1, MISSING.to_owned()),
        PointCheck::Unread(_) => return None,
    };
    Some(CheckedPoint { at: Utc::now(), task, errors, reason })
}

const MISSING: &str = "a machine that has never seen the store does not find it there: the store has lost a part of its index (its states)";

/// `/a: why`, or `/a and 2 more: why`.
pub(super) fn first(count: u64, failed: &[Failure]) -> String {
    let Some(Failure { path, reason }) = failed.first() else { return String::new() };
    let more = match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = if path.is_empty() { String::new() } else { format!("{path}{more}: ") };
    let text = format!("{what}{reason}");
    text.chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .take(MAX_REASON_CHARS)
        .collect()
}

/// The end of the task. Each damaged file is in its log.
fn told(found: CheckResult, wanted: usize, log: &mut TaskLog<'_>) -> WorkResult {
    let (mut damaged, mut files, mut unread) = (Vec::new(), 0, Vec::new());
    for (id, found) in &found.points {
        let short = id.short();
        match found {
            PointCheck::Whole => log.say(&format!("verified: {short}")),
            PointCheck::Damaged { count, failed } => {
                for Failure { path, reason } in failed {
                    let path = if path.is_empty() { "the restore point" } else { path };
                    log.say(&format!("damaged in {short}: {path}: {reason}"));
                }
                files += (*count).max(1);
                damaged.push((short, first(*count, failed)));
            }
            PointCheck::Missing => {
                log.say(&format!("damaged: {short}: {MISSING}"));
                files += 1;
                damaged.push((short, MISSING.to_owned()));
            }
            PointCheck::Unread(reason) => {
                log.say(&format!("not checked: {short}: {reason}"));
                unread.push(format!("restore point {short} could not be checked: {reason}"));
            }
        }
    }
    if !damaged.is_empty() {
        log.say(&format!("what to do: {ADVICE}; what is not damaged can be restored"));
    }
    match (&damaged[..], found.broken) {
        ([], Some(broken)) => WorkResult::of(broken),
        ([], None) if !unread.is_empty() => {
            WorkResult::of(Verdict::Failed { reason: unread.join("; ") })
        }
        ([], None) if found.points.is_empty() => {
            let reason = "the restore point is not there any more".into();
            WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) }
        }
        ([], None) => {
            let which = match &found.points[..] {
                [(one, _)] => format!("restore point {}", one.short()),
                all => count_text(all.len() as u64, "restore point"),
            };
            WorkResult::well(format!("all data was read and is whole ({which})"))
        }
        ([(id, reason), rest @ ..], _) => {
            let more = match rest.len() {
                0 => String::new(),
                1 => "; 1 more restore point is damaged".to_owned(),
                more => format!("; {more} more restore points are damaged"),
            };
            let reason: String = reason.chars().take(200).collect();
            let left = wanted.saturating_sub(found.points.len() - unread.len());
            let left = if left == 0 { String::new() } else { format!("; {left} not checked") };
            let text = format!("restore point {id} is damaged: {reason}{more}{left}; {ADVICE}");
            let verdict = Verdict::Errors { count: files, failed: Vec::new() };
            WorkResult { errors: Some(text), ..WorkResult::of(verdict) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone};

    fn id(number: u8) -> String {
        format!("{number:02x}").repeat(32)
    }

    fn checked(seconds: i64) -> CheckedPoint {
        let at = Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds);
        CheckedPoint { at, task: 1, errors: 0, reason: String::new() }
    }

    #[test]
    fn what_was_never_checked_comes_first_then_the_oldest_check() {
        let ids: Vec<String> = (0..5).map(id).collect();
        let newest_first: Vec<&str> = ids.iter().map(String::as_str).collect();
        let known = BTreeMap::from([
            (id(0), checked(30)),
            (id(2), checked(10)),
            (id(3), checked(20)),
            (id(9), checked(0)), // gone
        ]);
        let order = |count| -> Vec<String> {
            let due = due(&newest_first, &known, count).unwrap();
            due.iter().map(ToString::to_string).collect()
        };
        assert_eq!(order(0), [1, 4, 2, 3, 0].map(id));
        assert_eq!(order(3), [1, 4, 2].map(id));
        assert_eq!(order(1), [id(1)]);
    }

    #[test]
    fn what_could_not_be_read_is_not_noted() {
        assert_eq!(noted(1, &PointCheck::Unread("the drive does not answer".into())), None);
        assert!(noted(1, &PointCheck::Whole).is_some_and(|noted| noted.is_whole()));
        let failed = vec![Failure { path: "/a\nb".into(), reason: "damaged".into() }];
        let noted = noted(1, &PointCheck::Damaged { count: 3, failed }).unwrap();
        assert_eq!((noted.errors, noted.reason.as_str()), (3, "/a\u{fffd}b and 2 more: damaged"));
    }
}
