//! What an app's own schedules and its policies come to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::app::App;
use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::{AppId, ScheduleId};
use super::policy::Policy;
use super::schedule::{Owner, Schedule};
use super::task::TaskKind;
use super::{app, policy, schedule};
use crate::model::{Calendar, Invalid, Pauses, Retention};

/// Where an app has a schedule from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleOrigin {
    /// Its own.
    App,
    /// The policy of this name.
    Policy(String),
}

/// A schedule as it holds for one app. With the app's and the schedule's id and its time, a slot is
/// known for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveSchedule {
    /// For this app.
    pub app: AppId,
    /// Its name.
    pub app_name: String,
    /// The schedule.
    pub schedule: Schedule,
    /// Where it is from.
    pub origin: ScheduleOrigin,
    /// Slots up to here have been dealt with, or never counted.
    pub handled: DateTime<Utc>,
    /// When it runs nothing.
    #[serde(skip)]
    pub pauses: Pauses,
    /// What tells its random delays from those of other apps, also on other machines.
    #[serde(skip)]
    pub(super) delay_of: String,
}

impl EffectiveSchedule {
    /// When it runs for this app.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn calendar(&self) -> std::result::Result<Calendar, Invalid> {
        self.schedule.spec.delayed_calendar(&self.delay_of)
    }
}

impl State {
    /// The schedules of all apps or of one, own ones and those of policies, also those that are
    /// disabled.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn effective_schedules(&self, only: Option<AppId>) -> Result<Vec<EffectiveSchedule>> {
        self.read(|connection| load(connection, only))
    }

    /// What an app keeps: its own retention and those of its policies, of each number the greatest.
    ///
    /// # Errors
    ///
    /// There is no such app.
    pub fn effective_retention(&self, id: AppId) -> Result<Retention> {
        self.read(|connection| {
            let app = app::load(connection, id)?;
            let policies = policy::load_all(connection)?;
            let matching = policies.iter().filter(|policy| policy.spec.applies_to(&app));
            Ok(matching.fold(app.spec.retention, |sum, policy| sum.union(policy.spec.retention)))
        })
    }

    /// Notes that an app's slots of a schedule are dealt with up to an instant, also an earlier one
    /// than before (after the clock was set back).
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn set_handled(
        &self,
        app: AppId,
        schedule: ScheduleId,
        until: DateTime<Utc>,
    ) -> Result<()> {
        self.write(|transaction| {
            transaction.prepare_cached(SET_HANDLED)?.execute(params![
                app,
                schedule,
                UnixMillis(until)
            ])?;
            // The same for what they count from: these may have been set by the wrong clock too.
            transaction.execute(
                "UPDATE app SET since = min(since, ?2) WHERE id = ?1",
                params![app, UnixMillis(until)],
            )?;
            transaction.execute(
                "UPDATE schedule SET since = min(since, ?2) WHERE id = ?1",
                params![schedule, UnixMillis(until)],
            )?;
            transaction
                .execute("UPDATE policy SET since = min(since, ?1)", params![UnixMillis(until)])?;
            Ok(())
        })
    }
}

pub(super) const SET_HANDLED: &str = "INSERT INTO handled (app, schedule, slot) SELECT ?1, id, ?3 FROM schedule WHERE id = ?2 \
     ON CONFLICT (app, schedule) DO UPDATE SET slot = excluded.slot";

pub(super) fn load(connection: &Connection, only: Option<AppId>) -> Result<Vec<EffectiveSchedule>> {
    let mut apps = app::load_all(connection)?;
    apps.retain(|app| only.is_none_or(|id| id == app.id));
    let policies = policy::load_all(connection)?;
    let schedules = schedule::load_all(connection)?;
    let mut statement = connection.prepare_cached("SELECT app, schedule, slot FROM handled")?;
    let handled = statement
        .query_map([], |row| {
            Ok(((row.get("app")?, row.get("schedule")?), row.get::<_, UnixMillis>("slot")?.0))
        })?
        .collect::<rusqlite::Result<HashMap<(AppId, ScheduleId), _>>>()?;
    let mut effective = Vec::new();
    for app in &apps {
        for schedule in &schedules {
            let Some((origin, since)) = origin(app, schedule, &policies) else { continue };
            let handled =
                handled.get(&(app.id, schedule.id)).copied().map_or(since, |slot| slot.max(since));
            let app_name = app.spec.name.clone();
            effective.push(EffectiveSchedule {
                app: app.id,
                app_name,
                schedule: schedule.clone(),
                origin,
                handled,
                pauses: app.pauses,
                delay_of: format!("{}/{}", app.key, schedule.id),
            });
        }
    }
    Ok(effective)
}

/// Whether an app has a schedule, where from, and since when.
fn origin(
    app: &App,
    schedule: &Schedule,
    policies: &[Policy],
) -> Option<(ScheduleOrigin, DateTime<Utc>)> {
    if schedule.spec.kind == TaskKind::Sync && app.spec.second_store.is_none() {
        // There is nowhere to copy to.
        return None;
    }
    match schedule.spec.owner {
        Owner::App(id) => (id == app.id).then_some((ScheduleOrigin::App, schedule.since)),
        Owner::Policy(id) => {
            let policy = policies
                .iter()
                .find(|policy| policy.id == id)
                .filter(|policy| policy.spec.applies_to(app))?;
            Some((
                ScheduleOrigin::Policy(policy.spec.name.clone()),
                schedule.since.max(policy.since).max(app.since),
            ))
        }
    }
}
