//! The restore points of an app: the list, what is in them, downloads, and restoring.

mod browse;
mod errors;
mod files;
mod links;
mod open;
mod order;
mod restore;
mod search;
mod shown;
mod versions;
mod view;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde::Deserialize;

use super::error::{PageError, sentence};
use super::format::{self, When};
use super::{AppHead, PageResult, Section, Shell, Tab, Visit, page};
use open::{Paging, Summary};
use source_app::service::{Problem, Service};
use source_app::state::{AppId, AppKind, TaskFilter, TaskKind};

/// So many restore points are on a page.
const POINTS: u64 = 50;

/// The routes of these pages.
pub fn routes() -> Router<Service> {
    let point = "/apps/{id}/points/{snapshot}";
    Router::new()
        .route("/apps/{id}/points", get(list))
        .route(point, get(browse::browse))
        .route(&format!("{point}/errors"), get(errors::errors))
        .route(&format!("{point}/view"), get(view::view))
        .route(&format!("{point}/raw"), get(files::raw))
        .route(&format!("{point}/download"), get(files::download))
        .route(&format!("{point}/restore"), get(restore::form).post(restore::start))
}

#[derive(Deserialize)]
struct ListQuery {
    page: Option<u64>,
}

/// A backup that is known from its task.
struct Known {
    task: i64,
    at: When,
    short: String,
    size: Option<String>,
    verdict: String,
}

#[derive(Template)]
#[template(path = "points/list.html")]
struct List {
    shell: Shell,
    head: AppHead,
    points: Vec<Summary>,
    paging: Paging,
    total: u64,
    /// Why the store can't be read, and what is known without it.
    closed: Option<(String, Vec<Known>)>,
}

impl List {
    fn total_text(&self) -> String {
        format::count(self.total, "restore point", "restore points")
    }

    /// Where backups are made.
    fn dashboard(&self) -> String {
        format!("/apps/{}", self.head.app.id)
    }

    /// The newest restore points.
    fn first(&self) -> String {
        format!("/apps/{}/points", self.head.app.id)
    }
}

async fn list(visit: Visit, State(service): State<Service>, Path(id): Path<AppId>, Query(query): Query<ListQuery>) -> PageResult {
    let app = service.app(id).await?;
    if app.spec.kind == AppKind::Destination {
        return Err(PageError::input(&format!("{} is a destination, which has no restore points.", app.spec.name)));
    }
    let (all, closed) = match service.points(id).await {
        Ok(points) => (points, None),
        Err(error) if matches!(error.problem(), Problem::Refused | Problem::Internal) => {
            (Vec::new(), Some((sentence(&error.to_string()), known(&service, id).await?)))
        }
        Err(error) => return Err(error.into()),
    };
    let (number, total) = (open::number(query.page), all.len() as u64);
    let first = usize::try_from((number - 1) * POINTS).unwrap_or(usize::MAX);
    let points: Vec<Summary> = all.iter().skip(first).take(POINTS as usize).map(|point| Summary::new(id, point)).collect();
    let more = number * POINTS < total;
    let paging = Paging::new(number, POINTS, points.len() as u64, Some(total), more, |number| format!("/apps/{id}/points?page={number}"));
    page(&List { shell: visit.shell(Section::None), head: AppHead { app, tab: Tab::Points }, points, paging, total, closed })
}

async fn known(service: &Service, app: AppId) -> Result<Vec<Known>, PageError> {
    let filter = TaskFilter { app: Some(app), kind: Some(TaskKind::Backup), ..TaskFilter::default() };
    let tasks = service.tasks(filter).await?;
    let known = |task: &source_app::state::Task| {
        let short = task.snapshot.as_deref()?.get(..8)?.to_owned();
        let size = task.bytes.map(format::size);
        Some(Known { task: task.id, at: When(task.started.unwrap_or(task.created)), short, size, verdict: task.verdict.clone() })
    };
    Ok(tasks.iter().filter_map(known).collect())
}
