//! What is shown first: how apps are doing, and what comes next.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::coverage::{UncoveredResource, uncovered};
use super::drill::ProvenRestorable;
use super::error::Result;
use super::handle::Service;
use super::health::{AppOverview, health_of, overviews};
use super::scheduling::begin_of;
use super::second_copies::{SecondCopies, known_copies};
use super::status::sentence;
use crate::model::{DayOutcome, Health, Retention, days, first_day, local_zone};
use crate::scheduler::{NextRun, next_runs};
use crate::state::{App, AppId, AppKind, HeldPrune, State, StateError, Task, TaskFilter, TaskKind};

/// Maximum number of tasks that are shown of each app.
const MAX_RECENT_TASKS: u32 = 10;

/// All apps at a glance.
#[derive(Serialize)]
pub struct SiteOverview {
    /// Each app, by name.
    pub apps: Vec<AppOverview>,
    /// The next runs of all schedules, the soonest first.
    pub next: Vec<NextRun>,
    /// Whether one is safe, and why not: one sentence on all sources.
    pub sentence: String,
    /// How the backups of each source went in the last 30 days, in the order of `apps`.
    pub days: Vec<AppDays>,
    /// The resources of which nothing is backed up, by name.
    pub uncovered: Vec<UncoveredResource>,
}

/// How the backups of an app went, day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppDays {
    /// The app.
    pub app: AppId,
    /// The last 30 days, today the last.
    pub days: Vec<DayOutcome>,
}

/// How the backups of one app went.
fn of_app(
    state: &State,
    id: AppId,
    now: DateTime<Utc>,
) -> std::result::Result<Vec<DayOutcome>, StateError> {
    let zone = local_zone().parse().unwrap_or(Tz::UTC);
    let all = state.backups_since(begin_of(zone, first_day(zone, now)))?;
    Ok(days(all.get(&id).map(Vec::as_slice).unwrap_or_default(), zone, now))
}

impl AppDays {
    fn all(
        state: &State,
        apps: &[AppOverview],
        now: DateTime<Utc>,
    ) -> std::result::Result<Vec<Self>, StateError> {
        let zone = local_zone().parse().unwrap_or(Tz::UTC);
        let backups = state.backups_since(begin_of(zone, first_day(zone, now)))?;
        let sources = apps.iter().filter(|app| app.app.spec.kind == AppKind::Source);
        let of = |app: &AppOverview| {
            let own = backups.get(&app.app.id).map(Vec::as_slice).unwrap_or_default();
            Self { app: app.app.id, days: days(own, zone, now) }
        };
        Ok(sources.map(of).collect())
    }
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
    /// What is known of its second copy, if it has a second store.
    pub second_copy: Option<SecondCopies>,
    /// The newest Test Connection.
    pub tested: Option<Task>,
    /// Why its prunes are held, if they are: the newest change alarm.
    pub held: Option<HeldPrune>,
    /// The alarms before that one, which are not released either, the newest first.
    pub held_before: Vec<HeldPrune>,
    /// Whether a restore was proven, by the newest drill that went well.
    pub proven: Option<ProvenRestorable>,
    /// What it keeps, its policies included.
    pub retention: Retention,
    /// The next run of each of its schedules.
    pub next: Vec<NextRun>,
    /// Until when its schedules run nothing, if they are paused.
    pub paused_until: Option<DateTime<Utc>>,
    /// How its backups went in the last 30 days, today the last.
    pub days: Vec<DayOutcome>,
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
            let uncovered = uncovered(state, &apps)?;
            Ok(SiteOverview {
                sentence: sentence(&apps, &uncovered, now),
                days: AppDays::all(state, &apps, now)?,
                apps,
                next: next_runs(schedules, now),
                uncovered,
            })
        })
        .await
    }

    /// The newest backups of an app that made restore points, newest first: for plots.
    ///
    /// # Errors
    /// The database failed.
    pub async fn history(&self, id: AppId, count: u32) -> Result<Vec<Task>> {
        self.state(move |state| state.newest_points(&[id], count)).await
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
                proven: ProvenRestorable::of(
                    tasks.proven.as_ref(),
                    tasks.last.as_ref(),
                    app.spec.store.as_deref(),
                ),
                held: tasks.held.first().cloned(),
                held_before: tasks.held.into_iter().skip(1).collect(),
                open: tasks.open,
                last: tasks.last,
                last_success: tasks.last_success,
                second_copy: known_copies(state, &app)?,
                tested: ended(newest(Some(TaskKind::Test))?),
                retention: state.effective_retention(id)?,
                next: next_runs(schedules, now),
                recent,
                paused_until: app.paused_until(now),
                days: of_app(state, id, now)?,
                app,
            })
        })
        .await
    }
}
