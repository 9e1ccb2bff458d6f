//! Schedules as they are kept. When they are due is for [`crate::scheduler`].

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::app::{App, AppKind};
use super::columns::UnixMillis;
use super::database::State;
use super::error::{Result, StateError};
use super::ids::{AppId, PolicyId, ScheduleId};
use super::setting_change::{ChangeNote, ChangeSubject};
use super::task::TaskKind;
use super::{app, policy};
use crate::model::{Calendar, Invalid, RandomDelay, Timing, check_delay, delay_text, local_zone};

/// Whose a schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// One app's own.
    App(AppId),
    /// For every app that the policy applies to.
    Policy(PolicyId),
}

/// What a user says of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Whose it is; stays as it is.
    pub owner: Owner,
    /// What it runs: backup, check, prune, maintenance, drill, compare or sync.
    pub kind: TaskKind,
    /// When, as a cron expression of five fields.
    pub cron: String,
    /// The time zone that it speaks of, by its IANA name; this machine's if it is not said.
    #[serde(default = "local_zone")]
    pub time_zone: String,
    /// Whether it runs anything.
    pub enabled: bool,
    /// Whether a missed run is caught up, once.
    pub catch_up: bool,
    /// Up to so many minutes later each run begins, at random and yet the same for whoever asks; at
    /// most half of the time between two runs.
    #[serde(default)]
    pub random_delay_minutes: u32,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Counts its changes.
    pub revision: i64,
    /// Slots count from here: made, changed or enabled again.
    pub since: DateTime<Utc>,
    /// What its user says of it.
    #[serde(flatten)]
    pub spec: ScheduleSpec,
}

impl ScheduleSpec {
    /// # Errors
    ///
    /// Something cannot be used.
    pub fn check(&self) -> std::result::Result<(), Invalid> {
        if matches!(self.kind, TaskKind::Restore | TaskKind::Test) {
            return Err(Invalid(format!(
                "a {} has no schedule; write backup, check, prune, maintenance, drill, compare or sync",
                self.kind
            )));
        }
        check_delay(&self.calendar()?, self.random_delay_minutes)
    }

    /// The expression in its time zone.
    ///
    /// # Errors
    ///
    /// One of both cannot be used.
    pub fn calendar(&self) -> std::result::Result<Calendar, Invalid> {
        Calendar::new(&self.cron, &self.time_zone)
    }

    /// The same, with runs that begin as late as they do for one app, which `of` stands for.
    ///
    /// # Errors
    ///
    /// As for [`ScheduleSpec::calendar`].
    pub fn delayed_calendar(&self, of: &str) -> std::result::Result<Calendar, Invalid> {
        Ok(self.calendar()?.delayed(RandomDelay::new(self.random_delay_minutes, of)))
    }

    /// When it runs, in words: `daily at 02:30, up to 30 minutes later at random`.
    pub fn timing_text(&self) -> String {
        format!("{}{}", self.timing(), delay_text(self.random_delay_minutes))
    }

    /// The plain choice that the expression stands for.
    pub fn timing(&self) -> Timing {
        Timing::from_cron(&self.cron)
    }
}

const SELECT: &str = "SELECT id, revision, since, app, policy, kind, cron, time_zone, enabled, catch_up, random_delay_minutes FROM schedule";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let owner = match row.get::<_, Option<AppId>>("app")? {
        Some(app) => Owner::App(app),
        None => Owner::Policy(row.get("policy")?),
    };
    let (kind, cron, time_zone) = (row.get("kind")?, row.get("cron")?, row.get("time_zone")?);
    let spec = ScheduleSpec {
        owner,
        kind,
        cron,
        time_zone,
        enabled: row.get("enabled")?,
        catch_up: row.get("catch_up")?,
        random_delay_minutes: row.get("random_delay_minutes")?,
    };
    Ok(Schedule {
        id: row.get("id")?,
        revision: row.get("revision")?,
        since: row.get::<_, UnixMillis>("since")?.0,
        spec,
    })
}

pub(super) fn load(connection: &Connection, id: ScheduleId) -> Result<Schedule> {
    let schedule =
        connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], from_row).optional()?;
    schedule.ok_or_else(|| StateError::NotFound(format!("there is no schedule with the id {id}")))
}

pub(super) fn load_all(connection: &Connection) -> Result<Vec<Schedule>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
    let schedules = statement.query_map([], from_row)?;
    Ok(schedules.collect::<rusqlite::Result<_>>()?)
}

/// Whose it is stays as it is, and is told by its name.
fn note(
    connection: &Connection,
    before: Option<&ScheduleSpec>,
    after: Option<&ScheduleSpec>,
) -> Result<Option<ChangeNote>> {
    let Some(spec) = after.or(before) else { return Ok(None) };
    let (app, owner) = match spec.owner {
        Owner::App(id) => (Some(id), app::load(connection, id)?.spec.name),
        Owner::Policy(id) => {
            (None, format!("the policy {}", policy::load(connection, id)?.spec.name))
        }
    };
    let name = |spec: &ScheduleSpec| format!("{} of {owner}", spec.kind);
    let mut note = ChangeNote::of(ChangeSubject::Schedule, app, before, after, name);
    if let Some(note) = &mut note {
        note.fields.retain(|field| !field.field.starts_with("owner."));
    }
    Ok(note)
}

/// # Errors
/// An app without a second store is to be copied there.
fn has_where_to_copy(app: &App, kind: TaskKind) -> Result<()> {
    if kind != TaskKind::Sync || app.spec.second_store.is_some() {
        return Ok(());
    }
    let name = &app.spec.name;
    Err(StateError::invalid(format!(
        "{name} has no second store to copy to; give it one in its settings first, or by `plakar-opendrive app edit {name} --second-store PLACE`"
    )))
}

impl State {
    /// Makes a schedule. Its first slot comes after now.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the owner is a destination or not there.
    pub fn add_schedule(&self, spec: &ScheduleSpec, now: DateTime<Utc>) -> Result<Schedule> {
        spec.check()?;
        self.change(|transaction| {
            let (app, policy) = match spec.owner {
                Owner::App(id) => {
                    let app = app::load(transaction, id)?;
                    if app.spec.kind == AppKind::Destination {
                        return Err(StateError::invalid(format!(
                            "{} is a destination, which has no schedule; name a source",
                            app.spec.name
                        )));
                    }
                    has_where_to_copy(&app, spec.kind)?;
                    (Some(id), None)
                }
                Owner::Policy(id) => (None, Some(policy::load(transaction, id)?.id)),
            };
            let insert = "INSERT INTO schedule (app, policy, kind, cron, time_zone, enabled, catch_up, since, random_delay_minutes) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let values = params![app, policy, spec.kind, spec.cron, spec.time_zone, spec.enabled, spec.catch_up, UnixMillis(now), spec.random_delay_minutes];
            transaction.execute(insert, values)?;
            let made = load(transaction, transaction.last_insert_rowid())?;
            let note = note(transaction, None, Some(&made.spec))?;
            Ok((made, note))
        })
    }

    /// Changes a schedule; its owner stays. If it comes to run at other times, its slots count from
    /// now.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the schedule is no longer at the given revision.
    pub fn edit_schedule(
        &self,
        id: ScheduleId,
        revision: i64,
        spec: &ScheduleSpec,
        now: DateTime<Utc>,
    ) -> Result<Schedule> {
        spec.check()?;
        self.change(|transaction| {
            let old = load(transaction, id)?;
            if old.revision != revision {
                return Err(StateError::changed_meanwhile("schedule", &id.to_string()));
            }
            if old.spec.owner != spec.owner {
                return Err(StateError::invalid(format!("schedule {id} stays with its app or policy; make another schedule")));
            }
            if let Owner::App(app) = spec.owner {
                has_where_to_copy(&app::load(transaction, app)?, spec.kind)?;
            }
            let random_delay_minutes = old.spec.random_delay_minutes;
            let same = ScheduleSpec { catch_up: old.spec.catch_up, random_delay_minutes, ..spec.clone() } == old.spec;
            let since = if same { old.since } else { now };
            let update = "UPDATE schedule SET kind = ?2, cron = ?3, time_zone = ?4, enabled = ?5, catch_up = ?6, since = ?7, random_delay_minutes = ?8, \
                 revision = revision + 1 WHERE id = ?1";
            let values = params![id, spec.kind, spec.cron, spec.time_zone, spec.enabled, spec.catch_up, UnixMillis(since), spec.random_delay_minutes];
            transaction.execute(update, values)?;
            let note = note(transaction, Some(&old.spec), Some(spec))?;
            Ok((load(transaction, id)?, note))
        })
    }

    /// Removes a schedule. Tasks that it caused stay.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn remove_schedule(&self, id: ScheduleId) -> Result<()> {
        self.change(|transaction| {
            let old = load(transaction, id)?;
            transaction.execute("DELETE FROM schedule WHERE id = ?1", [id])?;
            Ok(((), note(transaction, Some(&old.spec), None)?))
        })
    }

    /// One schedule.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn schedule(&self, id: ScheduleId) -> Result<Schedule> {
        self.read(|connection| load(connection, id))
    }

    /// All schedules, of apps and of policies.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn schedules(&self) -> Result<Vec<Schedule>> {
        self.read(load_all)
    }
}
