//! Prune by policy: which restore points of an app are kept, and the removal of exactly the others.
//! In what words it is told is in `prune_rule.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use plakar_words::{TAG, kept, kept_of_each, with};

use crate::browse::browsers::Browsers;
use crate::configuration::store::{REMOVAL_TIMEOUT, Store};
use crate::error::{Error, Result};
use crate::jobs::prune_rule::{
    PlannedPoint, PrunePeriod, PruneRule, newest_periods, whole_instead,
};
use crate::names::SnapshotId;
use crate::process::command::Plakar;
use crate::retention::{KeptPeriods, Retention};
use crate::tags::{APP_TAG, tag};

/// Timeout of the making of a plan.
const PLAN_TIMEOUT: Duration = Duration::from_secs(3600);

/// Maximum number of restore points that one plakar removes: it has a time limit.
const MAX_REMOVED_AT_ONCE: usize = 50;

/// A line of plakar's plan.
struct PlanLine {
    short: String,
    keep: bool,
    rule: PruneRule,
}

impl Plakar {
    /// Which restore points of an app a prune would remove now, the newest first. A period without a
    /// restore point takes no other's place, so nothing goes only because the clock went on. The
    /// newest, the newest that is not `damaged` and the pinned ones stay, whatever the policy says,
    /// and a damaged one takes no other's place.
    ///
    /// # Errors
    /// [`Error::Input`] for a policy that keeps nothing; plakar's reason; [`Error::Answer`] if two
    /// restore points cannot be told apart.
    pub async fn prune_plan(
        &self,
        browsers: &Browsers,
        store: &Store,
        app: &str,
        retention: Retention,
        pinned: &BTreeSet<String>,
        damaged: &BTreeSet<String>,
    ) -> Result<Vec<PlannedPoint>> {
        let text = self.run_prune(store, app, retention).await?;
        let points = browsers.of(self, store).await?.restore_points(Some(app)).await?;
        let mut lines: BTreeMap<String, PlanLine> = BTreeMap::new();
        for line in text.lines().filter_map(planned) {
            let short = line.short.clone();
            if lines.insert(short.clone(), line).is_some() {
                let why = format!("two restore points begin with {short}: none is removed");
                return Err(Error::Answer(why));
            }
        }
        let mut plan = Vec::new();
        for point in points {
            // What only one of both knows is in no plan, and stays.
            let Some(line) = lines.remove(point.id.short()) else { continue };
            let kept = pinned.contains(point.id.as_str()).then_some(PruneRule::Pinned);
            let (keep, rule) = match kept.filter(|_| !line.keep) {
                Some(pinned) => (true, pinned),
                None => (line.keep, line.rule),
            };
            plan.push(PlannedPoint { id: point.id, taken: point.taken, keep, rule });
        }
        plan.sort_by(|one, other| (other.taken, &other.id).cmp(&(one.taken, &one.id)));
        if let Some(newest) = plan.first_mut().filter(|newest| !newest.keep) {
            (newest.keep, newest.rule) = (true, PruneRule::Newest);
        }
        whole_instead(&mut plan, retention, damaged, Utc::now());
        newest_periods(&mut plan, retention, damaged);
        Ok(plan)
    }

    /// Removes exactly the restore points that a plan does not keep, by their ids.
    ///
    /// The space is freed by plakar's maintenance.
    ///
    /// # Errors
    /// [`Error::Input`] for a plan that keeps none; plakar's reason; [`Error::Answer`] if
    /// afterwards one is gone that was to be kept, or there that was to go.
    pub async fn prune(
        &self,
        browsers: &Browsers,
        store: &Store,
        app: &str,
        plan: &[PlannedPoint],
    ) -> Result<()> {
        let (kept, gone): (Vec<_>, Vec<_>) = plan.iter().partition(|point| point.keep);
        if gone.is_empty() {
            return Ok(());
        }
        if kept.is_empty() {
            return Err(Error::Input("the plan keeps no restore point: nothing is removed".into()));
        }
        let ids: Vec<SnapshotId> = gone.iter().map(|point| point.id.clone()).collect();
        for some in ids.chunks(MAX_REMOVED_AT_ONCE) {
            self.remove_snapshots(store, some, REMOVAL_TIMEOUT).await?;
        }
        let left = browsers.of(self, store).await?.restore_points(Some(app)).await?;
        let is_left = |point: &PlannedPoint| left.iter().any(|other| other.id == point.id);
        let wrong = |point: &PlannedPoint, what: &str| {
            Err(Error::Answer(format!("the restore point {} {what}", point.id.short())))
        };
        if let Some(lost) = kept.into_iter().find(|point| !is_left(point)) {
            return wrong(lost, "was to be kept and is gone");
        }
        match gone.into_iter().find(|point| is_left(point)) {
            Some(left) => wrong(left, "was to be removed and is still there"),
            None => Ok(()),
        }
    }

    /// Plakar's own plan; it removes nothing.
    async fn run_prune(&self, store: &Store, app: &str, retention: Retention) -> Result<String> {
        if retention.is_empty() {
            return Err(Error::Input(
                "the policy keeps nothing: give a number of hours, days, weeks, months or years"
                    .into(),
            ));
        }
        let mut arguments = vec![
            "at".to_owned(),
            store.reference(),
            "prune".to_owned(),
            with(TAG, &format!("{APP_TAG}{}", tag("app", app)?)),
        ];
        for KeptPeriods { unit, count, each, .. } in retention.periods() {
            // The first says how far back, the second how many of each.
            arguments.extend([kept(unit, count), kept_of_each(unit, each)]);
        }
        self.job(arguments).timeout(PLAN_TIMEOUT).redact(store.secrets(self).await?).output().await
    }
}

/// A line of plakar's plan, whose path may hold anything but a line's end:
/// `delete   2026-11-21T15:54:16Z   bb7087a9   2.9 MiB /src tags=app:7  match=day:2026-11-21 rank=2 cap=1`,
/// or at its end `reason=outside retention windows`.
fn planned(line: &str) -> Option<PlanLine> {
    let mut words = line.split_whitespace();
    let (action, taken, id) = (words.next()?, words.next()?, words.next()?);
    let keep = match action {
        "keep" => true,
        "delete" => false,
        _ => return None,
    };
    let fine = id.len() == 8
        && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && DateTime::parse_from_rfc3339(taken).is_ok();
    let period = || {
        let words: Vec<&str> = line.split_whitespace().rev().take(3).collect();
        let [cap, rank, rule] = words[..] else { return None };
        let (period, bucket) = rule.strip_prefix("match=")?.split_once(':')?;
        let is_one = cap.starts_with("cap=") && rank.starts_with("rank=");
        let each = cap.strip_prefix("cap=")?.parse().ok()?;
        is_one.then(|| PrunePeriod::of(period, bucket, each))
    };
    let rule = match (keep, period()) {
        (true, Some(period)) => PruneRule::NewestOf(period),
        (false, Some(period)) => PruneRule::NewerIn(period),
        (true, None) => PruneRule::Newest,
        (false, None) => PruneRule::TooOld,
    };
    fine.then(|| PlanLine { short: id.to_owned(), keep, rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_plan_says_what_stays_and_why() {
        let read = |line: &str| {
            planned(line).map(|line| format!("{} {} {}", line.short, line.keep, line.rule))
        };
        let begin = "2026-11-21T15:54:16Z   bb7087a9   2.9 MiB /a b match=day:x tags=app:7  ";
        for (line, told) in [
            (
                format!("keep     {begin}match=day:2026-11-21 rank=1 cap=1"),
                "true the newest of the day 2026-11-21",
            ),
            (
                format!("keep     {begin}match=hour:2026-11-21-15 rank=2 cap=3"),
                "true one of the 3 newest of the hour 2026-11-21 15:00",
            ),
            (
                format!("delete   {begin}match=day:2026-11-21 rank=4 cap=3"),
                "false there are 3 newer ones of the day 2026-11-21",
            ),
            (
                format!("delete   {begin}match=week:2026-W47 rank=2 cap=1"),
                "false there is a newer one of the week 2026-W47",
            ),
            (
                format!("delete   {begin}reason=outside retention windows"),
                "false older than all that the retention keeps",
            ),
        ] {
            assert_eq!(read(&line).as_deref(), Some(&*format!("bb7087a9 {told}")));
        }
        for other in [
            "prune: would keep 1 and delete 2 snapshot(s), run with -apply to proceed".to_owned(),
            format!("skip     {begin}reason=not evaluated by policy"),
            "keep 2026-11-21T15:54:16Z BB7087A9 x".to_owned(),
            "delete yesterday bb7087a9 x".to_owned(),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}
