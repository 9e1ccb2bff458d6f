//! All schedules, what they run on the next days, and pauses.

use std::collections::HashSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::answer::{PageResult, redirect, render};
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::form_data::FormData;
use super::format::{Badge, DisplayTime, PAUSED};
use source_app::service::{
    DayPlan, DayRun, NamedApp, PausedApp, ScheduleOverview, SchedulingOverview, Service,
};
use source_app::state::{App, AppId, AppKind, Owner};

/// Maximum number of apps that a line names.
const MAX_APPS_NAMED: usize = 5;

#[derive(Template)]
#[template(path = "scheduling.html")]
struct SchedulingPage {
    layout: Layout,
    zone: String,
    paused_until: Option<DisplayTime>,
    paused: Vec<PausedRow>,
    /// What can be paused.
    sources: Vec<NamedApp>,
    rows: Vec<ScheduleLine>,
    days: Vec<DayRows>,
}

/// An app whose schedules run nothing now.
struct PausedRow {
    app: NamedApp,
    until: DisplayTime,
    /// Whether by a pause of its own, and not only with all apps.
    own: bool,
}

/// A schedule.
struct ScheduleLine {
    plan: ScheduleOverview,
    badge: Badge,
    next: Option<DisplayTime>,
    /// Its app or policy: name and page.
    owner: (String, String),
    apps: AppList,
}

/// Apps of a line: the first of them, and how many more there are.
struct AppList {
    named: Vec<NamedApp>,
    more: usize,
}

/// A day.
struct DayRows {
    /// `Monday, 30 November`.
    title: String,
    runs: Vec<RunRow>,
}

/// A run of a day.
struct RunRow {
    /// `02:30`, or `02:30 to 03:00` with a random delay.
    time: String,
    run: DayRun,
    apps: AppList,
}

impl AppList {
    fn of(apps: &[NamedApp]) -> Self {
        let named = apps[..apps.len().min(MAX_APPS_NAMED)].to_vec();
        Self { more: apps.len() - named.len(), named }
    }
}

impl ScheduleLine {
    /// Of a schedule, with the apps whose schedules run nothing now.
    fn of(plan: ScheduleOverview, paused: &HashSet<AppId>) -> Self {
        let enabled = plan.schedule.spec.enabled;
        let is_paused = plan.apps.iter().all(|app| paused.contains(&app.id));
        let (class, text) = match plan.next {
            Some(_) if is_paused => (PAUSED.class, PAUSED.text),
            Some(_) => ("good", "on"),
            None if enabled && !plan.apps.is_empty() => ("idle", "never again"),
            None if enabled => ("idle", "for no app"),
            None => ("idle", "off"),
        };
        let owner = match plan.schedule.spec.owner {
            Owner::App(id) => (plan.owner_name.clone(), format!("/apps/{id}/schedules")),
            Owner::Policy(id) => (format!("policy {}", plan.owner_name), format!("/policies/{id}")),
        };
        Self {
            badge: Badge { class, text },
            next: plan.next.map(DisplayTime),
            owner,
            apps: AppList::of(&plan.apps),
            plan,
        }
    }

    fn href(&self) -> String {
        format!("/schedules/{}", self.plan.schedule.id)
    }
}

fn day(plan: DayPlan, zone: Tz) -> DayRows {
    let clock = |at: DateTime<Utc>| at.with_timezone(&zone).format("%H:%M").to_string();
    let row = |run: DayRun| RunRow {
        time: match run.random_delay_minutes {
            0 => clock(run.at),
            // Each app of a policy begins at another time.
            minutes => {
                let latest = run.at + TimeDelta::minutes(minutes.into());
                format!("{} to {}", clock(run.at), clock(latest))
            }
        },
        apps: AppList::of(&run.apps),
        run,
    };
    DayRows {
        title: plan.date.format("%A, %-d %B").to_string(),
        runs: plan.runs.into_iter().map(row).collect(),
    }
}

pub async fn show(State(service): State<Service>, context: PageContext) -> PageResult {
    let (apps, now) = (service.apps().await?, Utc::now());
    let has_own = |app: &&App| app.pauses.own.is_some_and(|own| own.until > now);
    let own: HashSet<AppId> = apps.iter().filter(has_own).map(|app| app.id).collect();
    let sources = apps
        .into_iter()
        .filter(|app| app.spec.kind == AppKind::Source)
        .map(|app| NamedApp { id: app.id, name: app.spec.name });
    let sources = sources.collect();
    let SchedulingOverview { time_zone, paused_until, paused, schedules, days } =
        service.scheduling().await?;
    let ids: HashSet<AppId> = paused.iter().map(|one| one.app.id).collect();
    let paused = paused.into_iter().map(|PausedApp { app, paused_until }| PausedRow {
        own: own.contains(&app.id),
        until: DisplayTime(paused_until),
        app,
    });
    let zone = time_zone.parse().unwrap_or(Tz::UTC);
    render(&SchedulingPage {
        layout: context.layout(Section::Scheduling),
        zone: time_zone,
        paused_until: paused_until.map(DisplayTime),
        paused: paused.collect(),
        sources,
        rows: schedules.into_iter().map(|one| ScheduleLine::of(one, &ids)).collect(),
        days: days.into_iter().map(|one| day(one, zone)).collect(),
    })
}

/// The app that a form names, or all of them; and where it came from.
fn wanted(posted: &FormData) -> Result<(Option<AppId>, String), PageError> {
    let app = match posted.get("app") {
        "" => None,
        text => Some(text.parse().map_err(|_| PageError::input("The form cannot be read."))?),
    };
    let place = match app {
        Some(id) if posted.get("from") == "app" => format!("/apps/{id}/schedules"),
        _ => "/scheduling".to_owned(),
    };
    Ok((app, place))
}

/// Pauses an app or all.
pub async fn pause(
    State(service): State<Service>,
    posted: FormData,
) -> Result<Response, PageError> {
    let (app, place) = wanted(&posted)?;
    let back = |error| PageError::from(error).back(&place);
    let until = service.until(posted.get("until")).map_err(back)?;
    service.pause(app, until).await.map_err(back)?;
    Ok(redirect(&place, "paused"))
}

/// Ends a pause.
pub async fn resume(
    State(service): State<Service>,
    posted: FormData,
) -> Result<Response, PageError> {
    let (app, place) = wanted(&posted)?;
    service.resume(app).await?;
    // With all apps it may be paused all the same.
    let still = match app {
        Some(id) => service.app(id).await?.paused_until(Utc::now()),
        None => None,
    };
    Ok(redirect(&place, if still.is_some() { "still-paused" } else { "resumed" }))
}

/// The time zone that a form for a pause speaks of: the machine's, which need not be the browser's.
pub fn zone() -> String {
    source_app::model::local_zone()
}

/// What a form for a pause begins with: tomorrow at this time, as the browser's field takes it.
pub fn tomorrow() -> String {
    let zone: Tz = source_app::model::local_zone().parse().unwrap_or(Tz::UTC);
    let at = (Utc::now() + TimeDelta::days(1)).with_timezone(&zone);
    at.format("%Y-%m-%dT%H:%M").to_string()
}
