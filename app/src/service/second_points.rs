//! Restore points of an app in its second store: to look into and to restore, when the first is lost.

use std::collections::BTreeMap;

use super::error::Result;
use super::handle::Service;
use super::points::{FoundPoint, OpenedPoint, find};
use super::references::in_second;
use crate::state::{AppId, CheckedPoint, CopiedPoint};
use plakar_driver::{RestorePoint, SnapshotId};

impl Service {
    /// The restore points of a source app in its second store, newest first.
    ///
    /// # Errors
    /// It has none, or that cannot be opened.
    pub async fn second_points(&self, app: AppId) -> Result<Vec<RestorePoint>> {
        self.points_of(&in_second(self.source(app).await?)?).await
    }

    /// One of them.
    ///
    /// # Errors
    /// It is not there, or not of this app.
    pub async fn second_point(&self, app: AppId, id: &SnapshotId) -> Result<OpenedPoint> {
        self.point_of(&in_second(self.source(app).await?)?, id).await
    }

    /// What was found of it when it was read back last, if it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn second_check(&self, app: AppId, id: &SnapshotId) -> Result<Option<CheckedPoint>> {
        Ok(self.second_checks(app).await?.remove(id.as_str()))
    }

    /// What was found of each copy when it was read back last, by the whole ids. One that is not
    /// among them was not read back yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn second_checks(&self, app: AppId) -> Result<BTreeMap<String, CheckedPoint>> {
        let place = self.source(app).await?.spec.second_store.unwrap_or_default();
        let copied = self.state(move |state| state.copied_points(app, &place)).await?;
        let check = |(id, copied): (String, CopiedPoint)| {
            let CopiedPoint { at, task, errors, reason, .. } = copied;
            (id, CheckedPoint { at, task, errors, reason })
        };
        Ok(copied.into_iter().map(check).collect())
    }

    /// The one that a user means; the latest is the newest that was not found damaged when it was
    /// read back.
    ///
    /// # Errors
    /// There is none, or several begin so.
    pub async fn find_second_point(&self, app: AppId, text: &str) -> Result<FoundPoint> {
        if let Ok(id) = SnapshotId::new(text) {
            return Ok(FoundPoint { id, note: None });
        }
        find(&self.second_points(app).await?, &self.second_checks(app).await?, text)
    }
}
