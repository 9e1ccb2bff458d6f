//! What drills, comparisons and the change alarm have left, for those who look.

use super::alarm::held_text;
use super::drill::ProvenRestorable;
use super::error::{Error, Result};
use super::handle::Service;
use crate::model::Comparison;
use crate::state::{AppId, HeldPrune, StateError, TaskId};

impl Service {
    /// The change alarms that hold the prunes of an app, the newest first; none if they are not held.
    ///
    /// # Errors
    /// The database failed.
    pub async fn held_prunes(&self, app: AppId) -> Result<Vec<HeldPrune>> {
        self.state(move |state| state.held_prunes(app)).await
    }

    /// Lets an app be pruned again, by somebody who has looked at what changed: at all alarms up to
    /// that of the task `seen`. Who names none may release a single one.
    ///
    /// # Errors
    /// There is no such app, its prunes are not held, or there is an alarm that was not seen.
    pub async fn release_prune(&self, app: AppId, seen: Option<TaskId>) -> Result<()> {
        let app = self.app(app).await?;
        if self.state(move |state| state.release_prune(app.id, seen)).await? {
            return Ok(());
        }
        Err(Error::NotFound(format!("the prunes of {} are not held", app.spec.name)))
    }

    /// # Errors
    /// The app's prunes are held.
    pub(super) async fn prunes_are_free(&self, app: AppId) -> Result<()> {
        let held = self.held_prunes(app).await?;
        let name = self.app(app).await?.spec.name;
        held_text(&name, &held).map_or(Ok(()), |text| Err(StateError::Conflict(text).into()))
    }

    /// Whether restores of an app from its present store were proven, by its newest drill that went
    /// well.
    ///
    /// # Errors
    /// There is no such app, or the database failed.
    pub async fn proven_restorable(&self, app: AppId) -> Result<Option<ProvenRestorable>> {
        let known = self.state(move |state| Ok((state.app(app)?, state.newest_tasks(app)?)));
        let (app, tasks) = known.await?;
        let store = app.spec.store.as_deref();
        Ok(ProvenRestorable::of(tasks.proven.as_ref(), tasks.last.as_ref(), store))
    }

    /// What the newest comparison of an app with its drive found, if there was one.
    ///
    /// # Errors
    /// There is no such app, or the database failed.
    pub async fn comparison(&self, app: AppId) -> Result<Option<Comparison>> {
        let app = self.app(app).await?;
        let report = self.state(move |state| state.comparison(app.id)).await?;
        // What a later version wrote otherwise is none.
        Ok(report.and_then(|report| serde_json::from_str(&report).ok()))
    }
}
