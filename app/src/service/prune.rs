//! A prune is shown before anything goes, and pinned restore points stay.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::error::{Error, Result};
use super::handle::Service;
use super::prune_plan::{PrunePlan, make_plan};
use crate::state::{AppId, State};
use plakar_driver::SnapshotId;

impl Service {
    /// What a prune of an app would remove now, and by which rules. It removes nothing.
    ///
    /// # Errors
    /// It has no retention, or its store cannot be opened.
    pub async fn prune_plan(&self, app: AppId) -> Result<PrunePlan> {
        let app = self.source(app).await?;
        let id = app.id;
        let told = move |state: &State| Ok((state.effective_retention(id)?, state.pruning(id)?));
        let (retention, pruning) = self.state(told).await?;
        let (plakar, browsers) = (&self.plakar, &self.browsers);
        Ok(make_plan(plakar, browsers, &app, retention, &pruning).await?.plan)
    }

    /// Keeps a restore point from every prune of ours.
    ///
    /// # Errors
    /// It is not there, or not of this app.
    pub async fn pin(&self, app: AppId, snapshot: &SnapshotId) -> Result<()> {
        let point = self.point(app, snapshot).await?.point;
        self.state(move |state| state.pin(app, point.id.as_str(), Utc::now())).await
    }

    /// Leaves a restore point to prunes again; also one that is gone.
    ///
    /// # Errors
    /// There is no such app, or it is not pinned.
    pub async fn unpin(&self, app: AppId, snapshot: &SnapshotId) -> Result<()> {
        let (app, id) = (self.source(app).await?.id, snapshot.to_string());
        match self.state(move |state| state.unpin(app, &id)).await? {
            true => Ok(()),
            false => {
                let short = snapshot.short();
                Err(Error::NotFound(format!("the restore point {short} is not pinned")))
            }
        }
    }

    /// The pinned restore points of an app, by their whole ids, and since when.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pinned(&self, app: AppId) -> Result<BTreeMap<String, DateTime<Utc>>> {
        self.state(move |state| state.pinned(app)).await
    }
}
