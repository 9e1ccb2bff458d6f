//! A prune: what its plan says is what is removed.

use super::alarm::held_text;
use super::blocking::blocking;
use super::error::Result;
use super::log::TaskLog;
use super::prune_plan::{MadePlan, accept, make_plan};
use super::references::store_of;
use super::runner::PlakarRunner;
use super::work_result::WorkResult;
use crate::model::count_text;
use crate::scheduler::Job;
use plakar_driver::{PlannedPoint, Verdict};

impl PlakarRunner {
    pub(super) async fn prune(
        &self,
        job: &Job,
        token: Option<&str>,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (state, app) = (self.state.clone(), job.app.id);
        let told = move || Ok((state.held_prunes(app)?, state.pruning(app)?));
        let (held, pruning) = blocking(told).await?;
        if let Some(held) = held_text(&job.app.spec.name, &held) {
            let left_out = Some(format!("left out: {held}"));
            return Ok(WorkResult { left_out, ..WorkResult::well("") });
        }
        let MadePlan { plan, points } =
            make_plan(&self.plakar, &self.browsers, &job.app, job.retention, &pruning).await?;
        // A schedule is the consent to what it makes due; anybody else saw a plan.
        if job.task.slot.is_none() {
            accept(&plan, token.unwrap_or_default())?;
        }
        // Plakar may have taken long, and who pins one meanwhile is told that no prune removes it.
        let state = self.state.clone();
        let pinned = blocking(move || state.pruning(app)).await?.pinned;
        let of_pinned = |point: &&PlannedPoint| !point.keep && pinned.contains(point.id.as_str());
        if let Some(point) = points.iter().find(of_pinned) {
            let reason = format!(
                "the restore point {} was pinned while the plan was made: nothing was removed",
                point.id.short()
            );
            return Ok(WorkResult::of(Verdict::Failed { reason }));
        }
        for point in &plan.points {
            log.say(&format!(
                "{} {} of {}: {}",
                if point.keep { "keeps" } else { "removes" },
                point.id.short(),
                point.taken.format("%Y-%m-%d %H:%M UTC"),
                point.rule
            ));
        }
        let store = store_of(&job.app)?;
        self.plakar.prune(&self.browsers, &store, &job.app.key, &points).await?;
        let gone = points.iter().filter(|point| !point.keep).map(|point| point.id.to_string());
        let (state, gone) = (self.state.clone(), gone.collect::<Vec<_>>());
        blocking(move || state.forget_checked(app, &gone)).await?;
        Ok(WorkResult::well(format!(
            "{} kept, {} removed",
            count_text(plan.kept() as u64, "restore point"),
            plan.removed()
        )))
    }
}
