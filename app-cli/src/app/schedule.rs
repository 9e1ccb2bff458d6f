//! `app schedule`.

use std::collections::HashMap;

use chrono::Utc;
use serde_json::json;
use source_app::model::{delay_text, local_zone};
use source_app::scheduler::{NextRun, next_runs};
use source_app::state::{self, AppId, AppKind, Owner, ScheduleId, ScheduleSpec};

use super::export::Export;
use super::lines::time;
use super::timing::{WhatArgs, WhenArgs};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// When apps are backed up, checked and pruned
///
/// What is due is run by `plakar-opendrive console`, or by `app run --due`, which cron, systemd or
/// Kubernetes may call: see `app schedule export`. A run that was missed is caught up once.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct ScheduleCommand {
    #[command(subcommand)]
    action: ScheduleAction,
}

#[derive(Debug, clap::Subcommand)]
enum ScheduleAction {
    Add(AddSchedule),
    List(ListSchedules),
    Edit(EditSchedule),
    /// Remove a schedule
    Remove(ScheduleNumber),
    /// Have a schedule run again
    Enable(ScheduleNumber),
    /// Have a schedule run nothing
    Disable(ScheduleNumber),
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct ScheduleNumber {
    /// The schedule's number, as the list shows it
    schedule: ScheduleId,
}

/// Give an app, or all apps of a policy, a schedule
#[derive(Debug, clap::Args)]
#[group(id = "owner", multiple = false, required = true)]
struct ScheduleOwner {
    /// The source app
    name: Option<String>,
    /// All apps of this policy
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
}

/// Give an app, or all apps of a policy, a schedule
#[derive(Debug, clap::Args)]
#[command(mut_group("what", |group| group.required(true)), mut_group("when", |group| group.required(true)))]
struct AddSchedule {
    #[command(flatten)]
    owner: ScheduleOwner,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    when: WhenArgs,
    /// The time zone that it speaks of, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Leave a missed run out, instead of catching it up once
    #[arg(long)]
    no_catch_up: bool,
    /// Let each run begin up to so many minutes later, at random: at most half of the time between
    /// two runs. `app schedule list` and the console show when
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    random_delay: u32,
    /// Print the schedule as one JSON object
    #[arg(long)]
    json: bool,
}

/// List schedules
#[derive(Debug, clap::Args)]
struct ListSchedules {
    /// Those of this source app, its policies' too
    name: Option<String>,
    /// Print a JSON object for each, in a line: id, owner, owner_name, kind, cron, timing,
    /// time_zone, enabled, catch_up, random_delay_minutes, next
    #[arg(long)]
    json: bool,
}

/// Change a schedule: what is not given stays as it is
#[derive(Debug, clap::Args)]
struct EditSchedule {
    #[command(flatten)]
    id: ScheduleNumber,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    when: WhenArgs,
    /// The time zone that it speaks of
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Catch a missed run up once
    #[arg(long, conflicts_with = "no_catch_up")]
    catch_up: bool,
    /// Leave a missed run out
    #[arg(long)]
    no_catch_up: bool,
    /// Let each run begin up to so many minutes later, at random; 0 for none
    #[arg(long, value_name = "MINUTES")]
    random_delay: Option<u32>,
}

impl ScheduleCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            ScheduleAction::Add(add) => add.run(opened, out).await?,
            ScheduleAction::List(list) => list.run(opened, out).await?,
            ScheduleAction::Edit(edit) => edit.run(opened).await?,
            ScheduleAction::Remove(ScheduleNumber { schedule }) => {
                opened.service.remove_schedule(schedule).await?;
                say(&format!("schedule {schedule} is removed"));
            }
            ScheduleAction::Enable(id) => set_enabled(opened, id, true).await?,
            ScheduleAction::Disable(id) => set_enabled(opened, id, false).await?,
            ScheduleAction::Export(export) => export.run(opened, out).await?,
        }
        Ok(Exit::Done)
    }
}

async fn set_enabled(
    opened: &Opened,
    ScheduleNumber { schedule: id }: ScheduleNumber,
    enabled: bool,
) -> Result<(), Failure> {
    let old = opened.service.schedule(id).await?;
    opened.service.edit_schedule(id, old.revision, ScheduleSpec { enabled, ..old.spec }).await?;
    say(&format!("schedule {id} is {}", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

impl AddSchedule {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let (owner, name) = match (&self.owner.name, &self.owner.policy) {
            (Some(name), _) => (Owner::App(opened.source(name).await?.id), name),
            (None, Some(name)) => (Owner::Policy(opened.policy(name).await?.id), name),
            (None, None) => return Err(Failure::usage("name an app, or a policy by --policy")),
        };
        let (Some(kind), Some(cron)) = (self.what.kind(), self.when.cron()?) else {
            return Err(Failure::usage(
                "say what it runs (--backup, --check, --prune, --maintenance, --drill or --compare) and when (--daily HH:MM, --cron EXPRESSION, …)",
            ));
        };
        let time_zone = self.time_zone.unwrap_or_else(local_zone);
        let spec = ScheduleSpec {
            owner,
            kind,
            cron,
            time_zone,
            enabled: true,
            catch_up: !self.no_catch_up,
            random_delay_minutes: self.random_delay,
        };
        let made = opened.service.add_schedule(spec).await?;
        let times = NextTimes::of(opened, None).await?;
        if self.json {
            out.json(&row(&made, name, &times)?)?;
        } else {
            let next = times.of_schedule(made.id);
            let next = next.map(|at| format!(", the next time {at}")).unwrap_or_default();
            say(&format!(
                "schedule {}: {} of {name} {} in {}{}{next}",
                made.id,
                made.spec.kind,
                made.spec.timing(),
                made.spec.time_zone,
                delay_text(made.spec.random_delay_minutes)
            ));
        }
        Ok(())
    }
}

impl ListSchedules {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let only = match &self.name {
            Some(name) => Some(opened.source(name).await?.id),
            None => None,
        };
        let schedules = match only {
            Some(_) => opened
                .service
                .effective_schedules(only)
                .await?
                .into_iter()
                .map(|effective| effective.schedule)
                .collect(),
            None => opened.service.schedules().await?,
        };
        let times = NextTimes::of(opened, only).await?;
        let apps: HashMap<i64, String> = {
            let apps = opened.service.apps().await?;
            apps.into_iter()
                .filter(|app| app.spec.kind == AppKind::Source)
                .map(|app| (app.id, app.spec.name))
                .collect()
        };
        let policies: HashMap<i64, String> = opened
            .service
            .policies()
            .await?
            .into_iter()
            .map(|policy| (policy.id, policy.spec.name))
            .collect();
        for schedule in &schedules {
            let (kind, name) = match schedule.spec.owner {
                Owner::App(id) => ("app", apps.get(&id)),
                Owner::Policy(id) => ("policy", policies.get(&id)),
            };
            let name = name.map_or("", String::as_str);
            if self.json {
                out.json(&row(schedule, name, &times)?)?;
                continue;
            }
            out.line(&format!("{:>5}  {kind} {name}  {}", schedule.id, line(schedule, &times)))?;
        }
        Ok(())
    }
}

impl EditSchedule {
    async fn run(self, opened: &Opened) -> Result<(), Failure> {
        let old = opened.service.schedule(self.id.schedule).await?;
        let mut spec = old.spec;
        spec.kind = self.what.kind().unwrap_or(spec.kind);
        spec.cron = self.when.cron()?.unwrap_or(spec.cron);
        spec.time_zone = self.time_zone.unwrap_or(spec.time_zone);
        spec.random_delay_minutes = self.random_delay.unwrap_or(spec.random_delay_minutes);
        spec.catch_up = self.catch_up || (spec.catch_up && !self.no_catch_up);
        let changed = opened.service.edit_schedule(old.id, old.revision, spec).await?;
        let times = NextTimes::of(opened, None).await?;
        say(&format!("schedule {}: {}", changed.id, line(&changed, &times)));
        Ok(())
    }
}

/// The next run of each schedule, by the apps that have it: while a policy is off, or for no app, its
/// schedules run nothing, and of a paused app they run after that.
pub(super) struct NextTimes(Vec<NextRun>);

impl NextTimes {
    /// Of all apps, or of one.
    pub(super) async fn of(opened: &Opened, only: Option<AppId>) -> Result<Self, Failure> {
        let effective = opened.service.effective_schedules(only).await?;
        Ok(Self(next_runs(effective, Utc::now())))
    }

    /// That of a schedule: of several apps, the first one's.
    fn of_schedule(&self, id: ScheduleId) -> Option<String> {
        // The soonest comes first.
        self.0.iter().find(|run| run.schedule.schedule.id == id).map(|run| time(run.at))
    }
}

/// A schedule in a list.
pub(super) fn line(schedule: &state::Schedule, times: &NextTimes) -> String {
    let spec = &schedule.spec;
    let mut line = format!(
        "{} {} in {}{}",
        spec.kind,
        shown(&spec.timing().to_string()),
        shown(&spec.time_zone),
        delay_text(spec.random_delay_minutes)
    );
    if !spec.catch_up {
        line += ", no catching up";
    }
    match times.of_schedule(schedule.id) {
        Some(at) => line + &format!(", next {at}"),
        None if spec.enabled => line + ", for no app now",
        None => line + ", disabled",
    }
}

fn row(
    schedule: &state::Schedule,
    name: &str,
    times: &NextTimes,
) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(schedule).map_err(std::io::Error::from)?;
    value["owner_name"] = json!(name);
    value["timing"] = json!(schedule.spec.timing().to_string());
    value["next"] = json!(times.of_schedule(schedule.id));
    Ok(value)
}
