//! A maintenance of a store, and what is told of it.

use super::error::Result;
use super::log::TaskLog;
use super::references::store_of;
use super::runner::PlakarRunner;
use super::work_result::WorkResult;
use crate::model::count_text;
use crate::scheduler::Job;
use plakar_driver::{Maintained, Verdict};

impl PlakarRunner {
    pub(super) async fn maintain(&self, job: &Job, log: &mut TaskLog<'_>) -> Result<WorkResult> {
        log.phase("maintaining the store");
        let store = store_of(&job.app)?;
        let ended = self.plakar.maintenance(&store, &mut |news| log.news(&news), &job.cancel).await;
        // Only one that came to its end knows that there was nothing to free.
        let nothing_known =
            ended.verdict != Verdict::Succeeded && ended.done == Maintained::default();
        let well = if nothing_known { String::new() } else { maintained(&ended.done) };
        Ok(WorkResult { well, ..WorkResult::of(ended.verdict) })
    }
}

/// What a maintenance did, and when its space is free: plakar says no bytes.
fn maintained(done: &Maintained) -> String {
    let packfiles = |count: u64| count_text(count, "packfile");
    let mut said = Vec::new();
    if done.removed > 0 {
        said.push(format!("{} removed, their space is free", packfiles(done.removed)));
    }
    if done.marked > 0 {
        let grace = match done.grace.as_deref() {
            Some("7d") | None => "7 days",
            Some(grace) => grace,
        };
        said.push(format!(
            "{} marked that no restore point needs: a maintenance in {grace} or later removes them, and only then their space is free",
            packfiles(done.marked)
        ));
    }
    if said.is_empty() {
        return "nothing to free: each packfile is needed by a restore point, at least a part of it, or was marked less than 7 days ago".into();
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_free_only_when_packfiles_are_removed() {
        let of = |marked, removed| {
            let grace = (marked > 0).then(|| "7d".to_owned());
            maintained(&Maintained { marked, grace, removed })
        };
        assert!(of(0, 0).starts_with("nothing to free"));
        assert_eq!(of(0, 2), "2 packfiles removed, their space is free");
        assert_eq!(
            of(1, 1),
            "1 packfile removed, their space is free; 1 packfile marked that no restore point needs: \
             a maintenance in 7 days or later removes them, and only then their space is free"
        );
    }
}
