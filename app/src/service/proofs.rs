//! What drills, comparisons and the change alarm have left, for those who look.

use super::alarm::held_text;
use super::drill::ProvenRestorable;
use super::error::{Error, Result};
use super::handle::Service;
use crate::model::Comparison;
use crate::state::{AppId, HeldPrune, StateError};

impl Service {
    /// Why the prunes of an app are held, if they are.
    ///
    /// # Errors
    /// The database failed.
    pub async fn held_prune(&self, app: AppId) -> Result<Option<HeldPrune>> {
        self.state(move |state| state.held_prune(app)).await
    }

    /// Lets an app be pruned again, by somebody who has looked at what changed.
    ///
    /// # Errors
    /// There is no such app, or its prunes are not held.
    pub async fn release_prune(&self, app: AppId) -> Result<()> {
        let app = self.app(app).await?;
        if self.state(move |state| state.release_prune(app.id)).await? {
            return Ok(());
        }
        Err(Error::NotFound(format!("the prunes of {} are not held", app.spec.name)))
    }

    /// # Errors
    /// The app's prunes are held.
    pub(super) async fn prunes_are_free(&self, app: AppId) -> Result<()> {
        match self.held_prune(app).await? {
            None => Ok(()),
            Some(held) => {
                let name = self.app(app).await?.spec.name;
                Err(StateError::Conflict(held_text(&name, &held)).into())
            }
        }
    }

    /// Whether restores of an app were proven, by its newest drill that went well.
    ///
    /// # Errors
    /// There is no such app, or the database failed.
    pub async fn proven_restorable(&self, app: AppId) -> Result<Option<ProvenRestorable>> {
        let tasks = self.state(move |state| state.newest_tasks(app)).await?;
        Ok(ProvenRestorable::of(tasks.proven.as_ref(), tasks.last.as_ref()))
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
