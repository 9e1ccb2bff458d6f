//! The second copy of an app's restore points: made by plakar's sync, and called done only for what
//! was read back whole from the second store with an empty cache.

use std::collections::BTreeMap;

use chrono::Utc;

use super::checks::{first, noted};
use super::copy_plan::{CopyPlan, NOT_THERE, REMOVED};
use super::error::{Error, Result};
use super::log::TaskLog;
use super::references::{no_second_store, same_store, store, store_of};
use super::tools::Tools;
use super::work_result::WorkResult;
use crate::model::{TaskFigures, count_text};
use crate::scheduler::Job;
use crate::state::CopiedPoint;
use plakar_driver::{
    Failure, PointCheck, RestorePoint, SeenAnew, SnapshotId, Store, SyncJob, Verdict,
};

/// Of one that only this machine's cache has.
const LOST: &str = "the store has lost a part of its index (its states)";

/// Maximum number of restore points that the verdict names.
const MAX_NAMED_POINTS: usize = 3;

/// A copy that goes on.
struct SecondCopy<'a> {
    tools: &'a Tools<'a>,
    job: &'a Job,
    from: Store,
    to: Store,
    /// As the app names it.
    second: &'a str,
    originals: BTreeMap<SnapshotId, RestorePoint>,
}

/// Copies what the second store of a job's app lacks, and reads it back there.
pub(super) async fn copy(
    tools: &Tools<'_>,
    job: &Job,
    log: &mut TaskLog<'_>,
) -> Result<WorkResult> {
    let spec = &job.app.spec;
    let second = spec.second_store.as_deref().ok_or_else(|| no_second_store(&spec.name))?;
    let (from, to) = (store_of(&job.app)?, store(second)?);
    log.steps(&[("looking at both stores", 5), ("copying", 55), ("reading back", 40)]);
    log.phase("looking at both stores");
    let one = tools.browser(&from).await?;
    let points = one.restore_points(Some(&job.app.key)).await?;
    if points.is_empty() {
        let reason = "there is no restore point to copy yet".into();
        return Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) });
    }
    let other = tools.browser(&to).await?.repository().await?;
    if one.repository().await?.id == other.id {
        return Err(same_store(second));
    }
    tools.plakar.opens_as_second(&to, other.encrypted).await?;
    let mut seen = tools.plakar.seen_anew(&to, &job.app.key, &job.cancel).await?;
    let (app, place) = (job.app.id, second.to_owned());
    let known = tools.blocking(move |state| state.copied_points(app, &place)).await?;
    let was_whole = |id: &SnapshotId| known.get(id.as_str()).is_some_and(|was| was.errors == 0);
    if points.iter().any(|point| was_whole(&point.id) && !seen.points.contains(&point.id)) {
        // Plakar leaves out of its list without a word what it cannot open, also where the store did
        // not answer once: what was there is looked for once more before it counts as gone.
        let again = tools.plakar.seen_anew(&to, &job.app.key, &job.cancel).await?;
        seen.points.extend(again.points);
    }
    let originals = points.iter().map(|point| (point.id.clone(), point.clone())).collect();
    let range = &spec.copy_range;
    let taken = points.iter().map(|point| (point.taken, &point.labels[..]));
    let wanted = range.holds(taken, Utc::now());
    if !wanted.contains(&true) {
        let reason = format!(
            "of {} none is to be copied: {}",
            count_text(points.len() as u64, "restore point"),
            range.words()
        );
        return Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) });
    }
    let work = SecondCopy { tools, job, from, to, second, originals };
    let damaged = work.damaged(log, &points, &wanted, &seen).await?;
    let mut plan = CopyPlan::of(&points, &wanted, &seen, &known, &damaged);
    if !range.is_whole() {
        log.say(&format!("copied are only: {}", range.words()));
    }
    let copied = work.copied(&mut plan, log).await?;
    let found = work.read_back(&plan, log).await?;
    work.told(&points, &plan, &known, &copied, found, log).await
}

/// What a reading of the second store found.
#[derive(Default)]
struct ReadBack {
    /// How many entries each restore point that was read lacks, and the first of them.
    lacks: Vec<(SnapshotId, (u64, String))>,
    /// Why not all of them were read.
    unread: Option<String>,
}

impl SecondCopy<'_> {
    /// Those of the restore points to copy that are damaged. One that no check has read whole yet is
    /// read first: plakar leaves what it cannot read out of a copy, which stays as it is for ever.
    async fn damaged(
        &self,
        log: &mut TaskLog<'_>,
        points: &[RestorePoint],
        wanted: &[bool],
        seen: &SeenAnew,
    ) -> Result<BTreeMap<SnapshotId, String>> {
        let app = self.job.app.id;
        let checked = self.tools.blocking(move |state| state.checked_points(app)).await?;
        let is_whole = |id: &SnapshotId| {
            checked.get(id.as_str()).is_some_and(crate::state::CheckedPoint::is_whole)
        };
        let missing = points.iter().zip(wanted).filter(|(_, wanted)| **wanted);
        let missing = missing.map(|(point, _)| &point.id);
        let doubtful: Vec<SnapshotId> =
            missing.filter(|id| !seen.points.contains(id) && !is_whole(id)).cloned().collect();
        let mut damaged = BTreeMap::new();
        if doubtful.is_empty() {
            return Ok(damaged);
        }
        log.say(&format!(
            "{} to copy that no check has found whole yet: read in the first store before",
            count_text(doubtful.len() as u64, "restore point")
        ));
        let (plakar, browsers) = (self.tools.plakar, self.tools.browsers);
        let mut news = |news| log.news(&news);
        let found =
            plakar.check(browsers, &self.from, &doubtful, &mut news, &self.job.cancel).await;
        for (id, found) in &found.points {
            match found {
                PointCheck::Damaged { count, failed } => {
                    for Failure { path, reason } in failed {
                        log.say(&format!("damaged in {}: {path}: {reason}", id.short()));
                    }
                    damaged.insert(id.clone(), first(*count, failed));
                }
                // This machine's cache has it still.
                PointCheck::Missing => {
                    damaged.insert(id.clone(), LOST.to_owned());
                }
                PointCheck::Unread(reason) => {
                    return Err(Error::Plakar(plakar_driver::Error::Refused(format!(
                        "the first store could not be read: {reason}"
                    ))));
                }
                PointCheck::Whole => {}
            }
            if let Some(noted) = noted(self.job.task.id, found) {
                let id = id.to_string();
                self.tools.blocking(move |state| state.note_checked(app, &id, &noted)).await?;
            }
        }
        match found.broken {
            None => Ok(damaged),
            Some(Verdict::StoreLocked { reason }) => {
                Err(plakar_driver::Error::StoreLocked(reason).into())
            }
            Some(Verdict::Failed { reason }) => Err(plakar_driver::Error::Refused(reason).into()),
            Some(_) => Err(plakar_driver::Error::Cancelled.into()),
        }
    }

    /// Has plakar copy what is wanted; gives what it said of those that it could not.
    async fn copied(
        &self,
        plan: &mut CopyPlan,
        log: &mut TaskLog<'_>,
    ) -> Result<BTreeMap<SnapshotId, String>> {
        let missing = plan.wanted.len() + plan.refused.len() + plan.left_out.len();
        log.say(&format!(
            "of {}: {} in the second store, {} to copy",
            count_text(self.originals.len() as u64, "restore point"),
            plan.there.len(),
            plan.wanted.len()
        ));
        if plan.wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        log.phase("copying");
        let job = SyncJob {
            from: self.from.clone(),
            to: self.to.clone(),
            app: self.job.app.key.clone(),
            points: plan.wanted.clone(),
            are_all: plan.wanted.len() == missing,
        };
        let mut news = |news| log.news(&news);
        Ok(self.tools.plakar.sync(&job, &mut news, &self.job.cancel).await?)
    }

    /// Reads back what was copied, what never was read back, and as many of the others as a check of
    /// the app reads.
    async fn read_back(&self, plan: &CopyPlan, log: &mut TaskLog<'_>) -> Result<ReadBack> {
        let others = match self.job.app.spec.protection.points_per_check {
            0 => plan.there.len(),
            count => plan.unread + count as usize,
        };
        let wanted: Vec<SnapshotId> =
            plan.wanted.iter().chain(plan.there.iter().take(others)).cloned().collect();
        if wanted.is_empty() {
            return Ok(ReadBack::default());
        }
        log.phase("reading back");
        let (plakar, browsers) = (self.tools.plakar, self.tools.browsers);
        let mut news = |news| log.news(&news);
        let found = plakar.check(browsers, &self.to, &wanted, &mut news, &self.job.cancel).await;
        let mut read = ReadBack::default();
        match found.broken {
            None => {}
            Some(Verdict::StoreLocked { reason }) => {
                return Err(plakar_driver::Error::StoreLocked(reason).into());
            }
            Some(Verdict::Failed { reason }) => read.unread = Some(reason),
            // Nothing is known of those that it did not come to.
            Some(_) => return Err(plakar_driver::Error::Cancelled.into()),
        }
        let listed = browsers.of(plakar, &self.to).await?;
        let listed = listed.restore_points(Some(&self.job.app.key)).await?;
        let copies: BTreeMap<&SnapshotId, &RestorePoint> =
            listed.iter().map(|point| (&point.id, point)).collect();
        let mut found: BTreeMap<SnapshotId, PointCheck> = found.points.into_iter().collect();
        for id in wanted {
            let lacks = match found.remove(&id) {
                Some(PointCheck::Whole) => {
                    let (original, copy) = (self.originals.get(&id), copies.get(&id));
                    match (original, copy) {
                        (Some(original), Some(copy)) => {
                            let failed = plakar
                                .compare_copy(browsers, (&self.from, original), (&self.to, copy))
                                .await?;
                            (failed.len() as u64, failed)
                        }
                        _ => (1, vec![nameless(NOT_THERE)]),
                    }
                }
                Some(PointCheck::Damaged { count, failed }) => (count.max(1), failed),
                Some(PointCheck::Missing) => (1, vec![nameless(NOT_THERE)]),
                Some(PointCheck::Unread(reason)) => {
                    log.say(&format!("not read back: {}: {reason}", id.short()));
                    read.unread.get_or_insert(reason);
                    continue;
                }
                None => continue,
            };
            let (count, failed) = lacks;
            for Failure { path, reason } in &failed {
                log.say(&format!("not whole in the second store: {}: {path} {reason}", id.short()));
            }
            if count == 0 {
                log.say(&format!("read back and whole: {}", id.short()));
            }
            read.lacks.push((id, (count, first(count, &failed))));
        }
        Ok(read)
    }

    /// Notes what was read back, and says how many restore points are in both stores.
    async fn told(
        &self,
        points: &[RestorePoint],
        plan: &CopyPlan,
        known: &BTreeMap<String, CopiedPoint>,
        said: &BTreeMap<SnapshotId, String>,
        read: ReadBack,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (task, app) = (self.job.task.id, self.job.app.id);
        let read_count = read.lacks.len() as u64;
        let mut now: BTreeMap<SnapshotId, CopiedPoint> = BTreeMap::new();
        let gone = plan.gone.iter().map(|id| (id.clone(), (1, REMOVED.to_owned())));
        for (id, (errors, reason)) in read.lacks.into_iter().chain(gone) {
            let Some(original) = self.originals.get(&id) else { continue };
            let (taken, at) = (original.taken, Utc::now());
            let copied = CopiedPoint { taken, at, task, errors, reason };
            let (place, snapshot, noted) = (self.second.to_owned(), id.to_string(), copied.clone());
            self.tools
                .blocking(move |state| state.note_copied(app, &place, &snapshot, &noted))
                .await?;
            now.insert(id, copied);
        }
        let mut bad: Vec<(&SnapshotId, String)> = Vec::new();
        let (mut in_both, mut errors, mut copied) = (0, 0, 0);
        for RestorePoint { id, .. } in points {
            if plan.left_out.contains(id) {
                continue;
            }
            let refused = plan.refused.iter().find(|(refused, _)| refused == id);
            let state = now.get(id).or_else(|| known.get(id.as_str()));
            let why = match (refused, state) {
                (Some((_, reason)), _) => Some((1, reason.clone())),
                (None, Some(state)) if state.errors == 0 => None,
                (None, Some(state)) => {
                    let plakars = said.get(id).filter(|_| state.reason.contains(NOT_THERE));
                    Some((state.errors, plakars.unwrap_or(&state.reason).clone()))
                }
                (None, None) => Some((1, "it was not read back".to_owned())),
            };
            match why {
                None => {
                    in_both += 1;
                    copied += u64::from(plan.wanted.contains(id));
                }
                Some((count, reason)) => {
                    errors += count;
                    log.say(&format!("not in both stores: {}: {reason}", id.short()));
                    bad.push((id, reason));
                }
            }
        }
        let (total, range) = (points.len() as u64, &self.job.app.spec.copy_range);
        let figures = TaskFigures {
            points: Some(total),
            points_in_both: Some(in_both),
            points_left_out: (!range.is_whole()).then_some(plan.left_out.len() as u64),
            points_copied: Some(copied),
            points_read: Some(read_count),
            ..TaskFigures::default()
        };
        let both = format!(
            "{in_both} of {} in both stores{}, copied now: {copied}, read back now: {read_count}",
            count_text(total, "restore point"),
            range.limit_words()
        );
        // What was well at an earlier reading says nothing of a store that cannot be read now.
        if let Some(reason) = read.unread {
            let reason = format!("{both}; the second store was not read to the end: {reason}");
            return Ok(WorkResult { figures, ..WorkResult::of(Verdict::Failed { reason }) });
        }
        if bad.is_empty() {
            return Ok(WorkResult { figures, ..WorkResult::well(both) });
        }
        let named = bad.iter().take(MAX_NAMED_POINTS).map(|(id, reason)| {
            format!("{}: {}", id.short(), reason.chars().take(300).collect::<String>())
        });
        let more = match bad.len().saturating_sub(MAX_NAMED_POINTS) {
            0 => String::new(),
            more => format!("; and {more} more, see the log"),
        };
        let named: Vec<String> = named.collect();
        let text = format!("{both}; not in both: {}{more}", named.join("; "));
        let verdict = Verdict::Errors { count: errors, failed: Vec::new() };
        Ok(WorkResult { figures, errors: Some(text), ..WorkResult::of(verdict) })
    }
}

fn nameless(reason: &str) -> Failure {
    Failure { path: String::new(), reason: reason.to_owned() }
}
