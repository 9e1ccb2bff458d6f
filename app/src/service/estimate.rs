//! What the next backup of an app will take.

use super::error::Result;
use super::handle::Service;
use super::scope::{scope_mark, scope_of};
use crate::model::{BackupEstimate, estimate};
use crate::state::AppId;

/// The protocol of which something is known without a backup.
const OPENDRIVE: &str = "opendrive";

impl Service {
    /// What the next backup of an app will take, by its last ones and by what is known of its
    /// drive. The drive is not asked.
    ///
    /// # Errors
    /// There is no such app, or it is a destination.
    pub async fn estimate(&self, app: AppId) -> Result<BackupEstimate> {
        let app = self.source(app).await?;
        let id = app.id;
        let (past, used) = self
            .state(move |state| {
                let newest = state.newest_tasks(id)?.last;
                Ok((state.past_backups(id)?, newest.map(|task| task.figures.scope)))
            })
            .await?;
        let now = scope_mark(&scope_of(&app.spec.backup));
        let changed = used.flatten().is_some_and(|used| used != now);
        Ok(estimate(&past, app.spec.protocol == OPENDRIVE, changed))
    }
}
