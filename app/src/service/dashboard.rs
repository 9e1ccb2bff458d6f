//! What is shown first: how apps are doing, and what comes next.

use chrono::Utc;
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use super::health::{AppOverview, health_of, overviews};
use crate::model::{Health, Retention};
use crate::scheduler::{NextRun, next_runs};
use crate::state::{App, AppId, AppKind, Task, TaskFilter, TaskKind};

/// Maximum number of tasks that are shown of each app.
const MAX_RECENT_TASKS: u32 = 10;

/// All apps at a glance.
#[derive(Serialize)]
pub struct SiteOverview {
    /// Each app, by name.
    pub apps: Vec<AppOverview>,
    /// The next runs of all schedules, the soonest first.
    pub next: Vec<NextRun>,
}

/// One app.
#[derive(Serialize)]
pub struct Dashboard {
    /// The app.
    pub app: App,
    /// The other apps of its resource, and itself.
    pub resource: Vec<App>,
    /// Whether its data is safe.
    pub health: Health,
    /// The newest tasks.
    pub recent: Vec<Task>,
    /// What runs now, or is about to.
    pub open: Vec<Task>,
    /// The newest backup that made a restore point, with errors or without.
    pub last: Option<Task>,
    /// The newest backup without errors.
    pub last_success: Option<Task>,
    /// The newest Test Connection.
    pub tested: Option<Task>,
    /// What it keeps, its policies included.
    pub retention: Retention,
    /// The next run of each of its schedules.
    pub next: Vec<NextRun>,
}

impl Service {
    /// All apps at a glance.
    ///
    /// # Errors
    /// The database failed.
    pub async fn site(&self) -> Result<SiteOverview> {
        self.state(|state| {
            let now = Utc::now();
            let (apps, schedules) = overviews(state, now)?;
            Ok(SiteOverview { apps, next: next_runs(schedules, now) })
        })
        .await
    }

    /// All apps by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn apps(&self) -> Result<Vec<App>> {
        self.state(crate::state::State::apps).await
    }

    /// The app of this kind and name.
    ///
    /// # Errors
    /// There is none.
    pub async fn app_named(&self, kind: AppKind, name: &str) -> Result<App> {
        let name = name.to_owned();
        self.state(move |state| state.app_named(kind, &name)).await
    }

    /// One app with what is to be known of it.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn dashboard(&self, id: AppId) -> Result<Dashboard> {
        self.state(move |state| {
            let app = state.app(id)?;
            let newest = |kind| {
                state.tasks(&TaskFilter {
                    app: Some(id),
                    kind,
                    limit: Some(MAX_RECENT_TASKS),
                    ..TaskFilter::default()
                })
            };
            let recent = newest(None)?;
            let ended = |tasks: Vec<Task>| tasks.into_iter().find(|task| task.state.is_final());
            let now = Utc::now();
            let tasks = state.newest_tasks(id)?;
            let schedules = state.effective_schedules(Some(id))?;
            Ok(Dashboard {
                resource: state.apps_of(&app.spec.resource.name)?,
                health: health_of(&app, &tasks, &schedules, now),
                open: tasks.open,
                last: tasks.last,
                last_success: tasks.last_success,
                tested: ended(newest(Some(TaskKind::Test))?),
                retention: state.effective_retention(id)?,
                next: next_runs(schedules, now),
                recent,
                app,
            })
        })
        .await
    }
}
