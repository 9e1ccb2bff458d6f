//! The list of an app's schedules.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::Utc;

use super::row::{ScheduleRow, owner_page};
use crate::pages::answer::{PageResult, redirect, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::PageError;
use crate::pages::form_data::FormData;
use crate::pages::format::DisplayTime;
use crate::pages::head::{AppHead, Tab};
use source_app::scheduler::next_runs;
use source_app::service::Service;
use source_app::state::{AppId, AppKind, EffectiveSchedule, Owner, ScheduleId, ScheduleOrigin};

#[derive(Template)]
#[template(path = "schedules/list.html")]
struct SchedulesPage {
    layout: Layout,
    head: AppHead,
    rows: Vec<ScheduleRow>,
    enabled: bool,
    /// Until when it runs nothing.
    paused: Option<DisplayTime>,
    /// Whether that is by a pause of all apps.
    paused_with_all: bool,
}

impl SchedulesPage {
    fn add_href(&self) -> String {
        format!("/apps/{}/schedules/new", self.head.app.id)
    }

    fn export_href(&self, form: &str) -> String {
        format!("/apps/{}/export?form={form}", self.head.app.id)
    }
}

/// The page of an app's schedules.
pub async fn list(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
) -> PageResult {
    let app = service.app(id).await?;
    if app.spec.kind == AppKind::Destination {
        return Err(PageError::input(&format!(
            "{} is a destination, which has no schedules.",
            app.spec.name
        )));
    }
    let effective = service.effective_schedules(Some(id)).await?;
    let next = next_runs(effective.clone(), Utc::now());
    let row = |effective: &EffectiveSchedule| {
        let next = next
            .iter()
            .find(|next| next.schedule.schedule.id == effective.schedule.id)
            .map(|next| DisplayTime(next.at));
        let policy = match (&effective.origin, effective.schedule.spec.owner) {
            (ScheduleOrigin::Policy(name), Owner::Policy(id)) => {
                Some((name.clone(), format!("/policies/{id}")))
            }
            _ => None,
        };
        ScheduleRow::new(&effective.schedule, next, policy)
    };
    let mut rows: Vec<ScheduleRow> = effective.iter().map(row).collect();
    rows.sort_by_key(|row| row.policy.is_some());
    let enabled = rows.iter().any(|row| row.schedule.spec.enabled);
    let now = Utc::now();
    let own = app.pauses.own.is_some_and(|own| own.until > now);
    render(&SchedulesPage {
        paused: app.paused_until(now).map(DisplayTime),
        paused_with_all: !own,
        layout: context.layout(Section::None),
        head: AppHead { app, tab: Tab::Schedules },
        rows,
        enabled,
    })
}

/// Enables or disables one.
pub async fn enable(
    State(service): State<Service>,
    Path(id): Path<ScheduleId>,
    posted: FormData,
) -> Result<Response, PageError> {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let mut spec = service.schedule(id).await?.spec;
    spec.enabled = posted.ticked("enabled");
    let place = match posted.get("from") {
        "scheduling" => "/scheduling".to_owned(),
        _ => owner_page(spec.owner),
    };
    service
        .edit_schedule(id, revision, spec)
        .await
        .map_err(|error| PageError::from(error).back(&place))?;
    Ok(redirect(&place, "saved"))
}

/// Removes one.
pub async fn remove(
    State(service): State<Service>,
    Path(id): Path<ScheduleId>,
) -> Result<Response, PageError> {
    let owner = service.schedule(id).await?.spec.owner;
    service.remove_schedule(id).await?;
    Ok(redirect(&owner_page(owner), "schedule-removed"))
}
