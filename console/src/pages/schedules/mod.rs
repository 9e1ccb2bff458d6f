//! Schedules of apps and of policies.

mod form;
mod preview;
mod when;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::Utc;

use super::error::PageError;
use super::format::When;
use super::forms::Posted;
use super::{AppHead, PageResult, Section, Shell, Tab, Visit, done, page};
use source_app::scheduler::next_runs;
use source_app::service::Service;
use source_app::state::{AppId, AppKind, Owner, Schedule, ScheduleId};

pub use when::describe;

/// The routes of these pages.
pub fn routes() -> Router<Service> {
    Router::new()
        .route("/apps/{id}/schedules", get(list))
        .route("/apps/{id}/schedules/new", get(form::new_of_app).post(form::add_to_app))
        .route("/policies/{id}/schedules/new", get(form::new_of_policy).post(form::add_to_policy))
        .route("/schedules/preview", get(form::preview))
        .route("/schedules/{id}", get(form::edit).post(form::save))
        .route("/schedules/{id}/enabled", post(enable))
        .route("/schedules/{id}/remove", post(remove))
}

/// A schedule in a list.
pub struct Row {
    /// The schedule.
    pub schedule: Schedule,
    /// When it runs, in words.
    pub when: String,
    /// Its next run.
    pub next: Option<When>,
    /// The policy that it is from, and its page.
    pub policy: Option<(String, String)>,
}

impl Row {
    /// Of a schedule.
    pub fn new(schedule: &Schedule, next: Option<When>, policy: Option<(String, String)>) -> Self {
        Self { when: describe(&schedule.spec.cron), schedule: schedule.clone(), next, policy }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.schedule.spec.kind {
            source_app::state::TaskKind::Prune => "Prune",
            source_app::state::TaskKind::Check => "Check",
            _ => "Backup",
        }
    }

    pub(super) fn state(&self) -> super::format::Badge {
        let (class, text) = if self.schedule.spec.enabled { ("good", "on") } else { ("idle", "off") };
        super::format::Badge { class, text }
    }

    pub(super) fn href(&self) -> String {
        format!("/schedules/{}", self.schedule.id)
    }

    pub(super) fn remove_href(&self) -> String {
        format!("{}/remove", self.href())
    }
}

#[derive(Template)]
#[template(path = "schedules/list.html")]
struct List {
    shell: Shell,
    head: AppHead,
    rows: Vec<Row>,
    enabled: bool,
}

impl List {
    fn add_href(&self) -> String {
        format!("/apps/{}/schedules/new", self.head.app.id)
    }

    fn export_href(&self, form: &str) -> String {
        format!("/apps/{}/export?form={form}", self.head.app.id)
    }
}

async fn list(visit: Visit, State(service): State<Service>, Path(id): Path<AppId>) -> PageResult {
    let app = service.app(id).await?;
    if app.spec.kind == AppKind::Destination {
        return Err(PageError::input(&format!("{} is a destination, which has no schedules.", app.spec.name)));
    }
    let effective = service.effective_schedules(Some(id)).await?;
    let next = next_runs(effective.clone(), Utc::now());
    let row = |effective: &source_app::state::EffectiveSchedule| {
        let next = next.iter().find(|next| next.schedule.schedule.id == effective.schedule.id).map(|next| When(next.at));
        let policy = match (&effective.origin, effective.schedule.spec.owner) {
            (source_app::state::ScheduleOrigin::Policy(name), Owner::Policy(id)) => Some((name.clone(), format!("/policies/{id}"))),
            _ => None,
        };
        Row::new(&effective.schedule, next, policy)
    };
    let mut rows: Vec<Row> = effective.iter().map(row).collect();
    rows.sort_by_key(|row| row.policy.is_some());
    let enabled = rows.iter().any(|row| row.schedule.spec.enabled);
    page(&List { shell: visit.shell(Section::None), head: AppHead { app, tab: Tab::Schedules }, rows, enabled })
}

/// Where the schedules of an owner are shown.
pub(super) fn home(owner: Owner) -> String {
    match owner {
        Owner::App(id) => format!("/apps/{id}/schedules"),
        Owner::Policy(id) => format!("/policies/{id}"),
    }
}

async fn enable(State(service): State<Service>, Path(id): Path<ScheduleId>, posted: Posted) -> Result<Response, PageError> {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let mut spec = service.schedule(id).await?.spec;
    spec.enabled = posted.ticked("enabled");
    let owner = spec.owner;
    service.edit_schedule(id, revision, spec).await?;
    Ok(done(&home(owner), "saved"))
}

async fn remove(State(service): State<Service>, Path(id): Path<ScheduleId>) -> Result<Response, PageError> {
    let owner = service.schedule(id).await?.spec.owner;
    service.remove_schedule(id).await?;
    Ok(done(&home(owner), "schedule-removed"))
}
