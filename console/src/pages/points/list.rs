//! The list of an app's restore points.

use askama::Template;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::links::value;
use super::point::{Pagination, PointSummary, page_number};
use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::format::{self, DisplayTime};
use crate::pages::head::{AppHead, Tab};
use source_app::service::{Problem, Service};
use source_app::state::{AppId, AppKind, Task, TaskFilter, TaskKind};

/// Maximum number of restore points on a page.
const MAX_POINTS_PER_PAGE: u64 = 50;

#[derive(Deserialize)]
pub struct PointsQuery {
    page: Option<u64>,
    #[serde(default)]
    label: String,
}

/// A backup that is known from its task.
struct KnownBackup {
    task: i64,
    at: DisplayTime,
    short: String,
    size: Option<String>,
    verdict: String,
}

#[derive(Template)]
#[template(path = "points/list.html")]
struct PointsPage {
    layout: Layout,
    head: AppHead,
    points: Vec<PointSummary>,
    paging: Pagination,
    total: u64,
    /// The label that those that are shown have; empty for all.
    label: String,
    /// Of the field to search: nothing yet.
    text: &'static str,
    /// Why the store cannot be read, and what is known without it.
    closed: Option<(String, Vec<KnownBackup>)>,
}

impl PointsPage {
    fn total_text(&self) -> String {
        format::count(self.total, "restore point", "restore points")
    }

    /// Those with a label.
    fn labelled(&self, label: &str) -> String {
        format!("/apps/{}/points?label={}", self.head.app.id, value(label))
    }

    /// Where backups are made.
    fn dashboard(&self) -> String {
        format!("/apps/{}", self.head.app.id)
    }

    /// Where tasks are started.
    fn tasks(&self) -> String {
        format!("/apps/{}/tasks", self.head.app.id)
    }

    /// The newest restore points.
    fn first(&self) -> String {
        format!("/apps/{}/points", self.head.app.id)
    }
}

pub async fn list(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    Query(query): Query<PointsQuery>,
) -> PageResult {
    let app = service.app(id).await?;
    if app.spec.kind == AppKind::Destination {
        return Err(PageError::input(&format!(
            "{} is a destination, which has no restore points.",
            app.spec.name
        )));
    }
    let (mut all, closed) = match service.points(id).await {
        Ok(points) => (points, None),
        Err(error) if matches!(error.problem(), Problem::Refused | Problem::Internal) => {
            (Vec::new(), Some((sentence(&error.to_string()), known(&service, id).await?)))
        }
        Err(error) => return Err(error.into()),
    };
    let label = query.label;
    all.retain(|point| label.is_empty() || point.labels.contains(&label));
    let checks = service.point_checks(id).await?;
    let pinned = service.pinned(id).await?;
    let (number, total) = (page_number(query.page), all.len() as u64);
    let first = usize::try_from((number - 1) * MAX_POINTS_PER_PAGE).unwrap_or(usize::MAX);
    let points: Vec<PointSummary> = all
        .iter()
        .skip(first)
        .take(MAX_POINTS_PER_PAGE as usize)
        .map(|point| {
            PointSummary::new(id, point, checks.get(point.id.as_str()))
                .pinned(pinned.contains_key(point.id.as_str()))
        })
        .collect();
    let more = number * MAX_POINTS_PER_PAGE < total;
    let paging = Pagination::new(
        number,
        MAX_POINTS_PER_PAGE,
        points.len() as u64,
        Some(total),
        more,
        |number| format!("/apps/{id}/points?page={number}&label={}", value(&label)),
    );
    render(&PointsPage {
        layout: context.layout(Section::None),
        head: AppHead { app, tab: Tab::Points },
        points,
        paging,
        total,
        label,
        text: "",
        closed,
    })
}

async fn known(service: &Service, app: AppId) -> Result<Vec<KnownBackup>, PageError> {
    let filter =
        TaskFilter { app: Some(app), kind: Some(TaskKind::Backup), ..TaskFilter::default() };
    let tasks = service.tasks(filter).await?;
    let known = |task: &Task| {
        let short = task.snapshot.as_deref()?.get(..8)?.to_owned();
        let size = task.bytes.map(format::size);
        Some(KnownBackup {
            task: task.id,
            at: DisplayTime(task.started.unwrap_or(task.created)),
            short,
            size,
            verdict: task.verdict.clone(),
        })
    };
    Ok(tasks.iter().filter_map(known).collect())
}
