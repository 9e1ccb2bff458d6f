//! What a prune would remove, and the button that lets it. Nothing goes without the plan's token.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::answer::{PageResult, redirect, render};
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::form_data::FormData;
use super::format::{self, DisplayTime};
use super::head::{AppHead, Tab};
use plakar_driver::SnapshotId;
use source_app::service::{PrunePoint, Service, Work};
use source_app::state::AppId;

#[derive(Template)]
#[template(path = "prune.html")]
struct PrunePage {
    layout: Layout,
    head: AppHead,
    retention: String,
    removed: Vec<PlanRow>,
    kept: Vec<PlanRow>,
    token: String,
}

/// A restore point of the plan.
struct PlanRow {
    href: String,
    short: String,
    taken: DisplayTime,
    rule: String,
    pinned: bool,
}

impl PrunePage {
    fn removed_text(&self) -> String {
        format::count(self.removed.len() as u64, "restore point", "restore points")
    }

    fn kept_text(&self) -> String {
        format::count(self.kept.len() as u64, "restore point stays", "restore points stay")
    }
}

pub async fn plan(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
) -> PageResult {
    let app = service.app(id).await?;
    let place = format!("/apps/{id}");
    let plan = service.prune_plan(id).await.map_err(|error| PageError::from(error).back(&place))?;
    let row = |point: &PrunePoint| PlanRow {
        href: format!("{place}/points/{}", point.id),
        short: point.id.short().to_owned(),
        taken: DisplayTime(point.taken),
        rule: point.rule.clone(),
        pinned: point.pinned,
    };
    let (kept, removed): (Vec<_>, Vec<_>) = plan.points.iter().partition(|point| point.keep);
    render(&PrunePage {
        layout: context.layout(Section::None),
        head: AppHead { app, tab: Tab::Dashboard },
        retention: format::retention(plan.retention),
        removed: removed.into_iter().map(row).collect(),
        kept: kept.into_iter().map(row).collect(),
        token: plan.token,
    })
}

pub async fn start(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    posted: FormData,
) -> Result<Response, PageError> {
    let work = Work::Prune { token: Some(posted.get("token").to_owned()) };
    let place = format!("/apps/{id}");
    let begun = service.start(id, &work).await;
    begun.map_err(|error| PageError::from(error).back(&format!("{place}/prune")))?;
    Ok(redirect(&place, "started"))
}

/// Pins a restore point, or leaves it to prunes again.
pub async fn pin(
    State(service): State<Service>,
    Path((id, snapshot)): Path<(AppId, String)>,
    posted: FormData,
) -> Result<Response, PageError> {
    let snapshot = SnapshotId::new(&snapshot)?;
    let place = format!("/apps/{id}/points/{snapshot}");
    let (done, notice) = if posted.ticked("pinned") {
        (service.pin(id, &snapshot).await, "pinned")
    } else {
        (service.unpin(id, &snapshot).await, "unpinned")
    };
    done.map_err(|error| PageError::from(error).back(&place))?;
    Ok(redirect(&place, notice))
}
