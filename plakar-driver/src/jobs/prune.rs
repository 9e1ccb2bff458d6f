//! Prune by policy: which restore points of an app are kept.

use std::time::Duration;

use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::process::command::Plakar;
use crate::retention::Retention;
use crate::tags::{APP_TAG, tag};

/// Timeout of a prune.
const PRUNE_TIMEOUT: Duration = Duration::from_secs(3600);

/// A restore point in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPoint {
    /// The first eight digits of its id.
    pub id: String,
    /// When it was taken, as RFC 3339.
    pub taken: String,
    /// It stays.
    pub keep: bool,
}

impl Plakar {
    /// What [`Plakar::prune`] would do now, newest first.
    ///
    /// # Errors
    /// [`Error::Input`] for a policy that keeps nothing; plakar's reason.
    pub async fn prune_plan(
        &self,
        store: &Store,
        app: &str,
        retention: Retention,
    ) -> Result<Vec<PlannedPoint>> {
        Ok(self.plan(store, app, retention).await?.0)
    }

    /// The plan, and whether plakar itself would remove the newest.
    async fn plan(
        &self,
        store: &Store,
        app: &str,
        retention: Retention,
    ) -> Result<(Vec<PlannedPoint>, bool)> {
        let text = self.run_prune(store, app, retention, &[]).await?;
        let mut plan: Vec<PlannedPoint> = text.lines().filter_map(planned).collect();
        // Plakar counts days back from today, so an app that has not been backed up for long would
        // lose all.
        let spared =
            plan.first_mut().is_some_and(|newest| !std::mem::replace(&mut newest.keep, true));
        Ok((plan, spared))
    }

    /// Removes the restore points of an app that the policy does not keep, but never the newest.
    /// Gives the plan that was carried out.
    ///
    /// The space is freed by plakar's maintenance.
    ///
    /// # Errors
    /// As [`Plakar::prune_plan`]; [`Error::Answer`] if afterwards not just the kept ones are there.
    pub async fn prune(
        &self,
        store: &Store,
        app: &str,
        retention: Retention,
    ) -> Result<Vec<PlannedPoint>> {
        let (plan, spared) = self.plan(store, app, retention).await?;
        let Some(newest) = plan.first().filter(|_| plan.iter().any(|planned| !planned.keep)) else {
            return Ok(plan);
        };
        // One second earlier: plakar shows whole seconds.
        let before = chrono::DateTime::parse_from_rfc3339(&newest.taken)
            .map_err(|_| Error::Answer(newest.taken.clone()))?;
        let before =
            (before - Duration::from_secs(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let more = if spared {
            vec!["-apply".to_owned(), format!("-before={before}")]
        } else {
            vec!["-apply".to_owned()]
        };
        self.run_prune(store, app, retention, &more).await?;
        let left = self.prune_plan(store, app, retention).await?;
        match plan
            .iter()
            .find(|planned| planned.keep && !left.iter().any(|left| left.id == planned.id))
        {
            None => Ok(plan),
            Some(lost) => Err(Error::Answer(format!(
                "the restore point {} of {} was to be kept and is gone",
                lost.id, lost.taken
            ))),
        }
    }

    async fn run_prune(
        &self,
        store: &Store,
        app: &str,
        retention: Retention,
        more: &[String],
    ) -> Result<String> {
        if retention.is_empty() {
            return Err(Error::Input(
                "the policy keeps nothing: give a number of days, weeks, months or years".into(),
            ));
        }
        let mut arguments = vec![
            "at".to_owned(),
            store.reference(),
            "prune".to_owned(),
            format!("-tag={APP_TAG}{}", tag("app", app)?),
        ];
        for (period, count) in retention.periods() {
            // The first says how far back, the second how many of each.
            arguments.extend([format!("-{period}s={count}"), format!("-per-{period}=1")]);
        }
        arguments.extend_from_slice(more);
        self.job(arguments).timeout(PRUNE_TIMEOUT).redact(store.secrets(self).await?).output().await
    }
}

/// A line of the plan: `delete   2026-11-21T15:54:16Z   bb7087a9   2.9 MiB /src ..`.
fn planned(line: &str) -> Option<PlannedPoint> {
    let mut words = line.split_whitespace();
    let (action, taken, id) = (words.next()?, words.next()?, words.next()?);
    let keep = match action {
        "keep" => true,
        "delete" => false,
        _ => return None,
    };
    let fine = id.len() == 8
        && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        && chrono::DateTime::parse_from_rfc3339(taken).is_ok();
    fine.then(|| PlannedPoint { id: id.to_owned(), taken: taken.to_owned(), keep })
}
