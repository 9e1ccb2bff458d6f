//! A destination restores from its own page: which app, which restore point, and which part of it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::links::value;
use super::listing::MAX_ENTRIES_PER_PAGE;
use super::point::{Breadcrumb, Pagination, PointSummary, page_number, path};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::format;
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{Entry, EntryKind, SnapshotId, SnapshotPath};
use source_app::service::{RestorePlace, Service, Work};
use source_app::state::{App, AppId, AppKind};

/// Maximum number of restore points on a page.
const MAX_POINTS_PER_PAGE: u64 = 50;

/// What was chosen so far; what is left out is chosen next.
#[derive(Deserialize)]
pub struct HereQuery {
    source: Option<AppId>,
    point: Option<String>,
    path: Option<String>,
    page: Option<u64>,
}

/// An app to choose.
struct SourceChoice {
    name: String,
    resource: String,
    href: String,
    /// Whether it is of the destination's resource.
    same: bool,
}

/// A restore point to choose: what is said of it, and the address that chooses it.
type PointChoice = (PointSummary, String);

/// A folder or a file in the chosen restore point.
struct PartRow {
    name: VisibleText,
    folder: bool,
    href: String,
    size: String,
}

/// What is restored, unless one goes on to a part of it.
struct ChosenPart {
    source: AppId,
    point: PointSummary,
    path: String,
    shown: VisibleText,
    whole: bool,
    folder: bool,
    size: String,
    crumbs: Vec<Breadcrumb>,
    rows: Vec<PartRow>,
    paging: Pagination,
}

#[derive(Template)]
#[template(path = "points/restore_here.html")]
struct RestoreHerePage {
    layout: Layout,
    head: AppHead,
    /// What can be chosen first.
    sources: Vec<SourceChoice>,
    /// The app that was chosen.
    chosen: Option<String>,
    points: Vec<PointChoice>,
    paging: Pagination,
    part: Option<ChosenPart>,
    faults: Vec<String>,
}

impl RestoreHerePage {
    fn back(&self) -> String {
        format!("/apps/{}/restore", self.head.app.id)
    }
}

fn nothing_paged() -> Pagination {
    Pagination::new(1, 1, 0, None, false, |_| String::new())
}

/// # Errors
/// There is no such app, or it is a source, which has restore points of its own.
async fn destination(service: &Service, id: AppId) -> Result<App, PageError> {
    let app = service.app(id).await?;
    if app.spec.kind == AppKind::Source {
        let message = format!("{} is a source: restore it from its restore points.", app.spec.name);
        return Err(PageError::input(&message).back(&format!("/apps/{id}/points")));
    }
    Ok(app)
}

async fn filled(
    layout: Layout,
    service: &Service,
    app: App,
    asked: &HereQuery,
) -> Result<RestoreHerePage, PageError> {
    let base = format!("/apps/{}/restore", app.id);
    let mut page = RestoreHerePage {
        layout,
        sources: Vec::new(),
        chosen: None,
        points: Vec::new(),
        paging: nothing_paged(),
        part: None,
        faults: Vec::new(),
        head: AppHead { tab: Tab::Restore, app },
    };
    let Some(source) = asked.source else {
        page.sources = sources(&page.head.app, &base, service.apps().await?);
        return Ok(page);
    };
    page.chosen = Some(service.app(source).await?.spec.name);
    let base = format!("{base}?source={source}");
    match &asked.point {
        Some(point) => {
            let base = format!("{base}&point={}", value(point));
            page.part = Some(part(service, source, point, asked, &base).await?);
        }
        None => {
            let all = service.points(source).await?;
            let checks = service.point_checks(source).await?;
            let (number, total) = (page_number(asked.page), all.len() as u64);
            let first = usize::try_from((number - 1) * MAX_POINTS_PER_PAGE).unwrap_or(usize::MAX);
            let choice = |point: &plakar_driver::RestorePoint| {
                let summary = PointSummary::new(source, point, checks.get(point.id.as_str()));
                (summary, format!("{base}&point={}", point.id))
            };
            let shown = all.iter().skip(first).take(MAX_POINTS_PER_PAGE as usize);
            page.points = shown.map(choice).collect();
            page.paging = Pagination::new(
                number,
                MAX_POINTS_PER_PAGE,
                page.points.len() as u64,
                Some(total),
                number * MAX_POINTS_PER_PAGE < total,
                |number| format!("{base}&page={number}"),
            );
        }
    }
    Ok(page)
}

/// Those of the same resource first.
fn sources(destination: &App, base: &str, apps: Vec<App>) -> Vec<SourceChoice> {
    let sources = apps.into_iter().filter(|app| app.spec.kind == AppKind::Source);
    let choice = |app: App| SourceChoice {
        same: app.spec.resource.name == destination.spec.resource.name,
        href: format!("{base}?source={}", app.id),
        name: app.spec.name,
        resource: app.spec.resource.name,
    };
    let mut sources: Vec<SourceChoice> = sources.map(choice).collect();
    sources.sort_by(|a, b| (!a.same, &a.name).cmp(&(!b.same, &b.name)));
    sources
}

async fn part(
    service: &Service,
    source: AppId,
    point: &str,
    asked: &HereQuery,
    base: &str,
) -> Result<ChosenPart, PageError> {
    let id = SnapshotId::new(point)?;
    let opened = service.point(source, &id).await?;
    let check = service.point_check(source, &id).await?;
    let path = path(&opened.point, asked.path.as_deref())?;
    let entry = opened.entry(&path).await?;
    let folder = entry.kind == EntryKind::Folder;
    let at = |path: &SnapshotPath| format!("{base}&path={}", value(path.as_str()));
    let number = page_number(asked.page);
    let (mut rows, mut paging) = (Vec::new(), nothing_paged());
    if folder {
        let (offset, limit) = ((number - 1) * MAX_ENTRIES_PER_PAGE, MAX_ENTRIES_PER_PAGE);
        let list = opened.children(&path, offset, limit).await?;
        let row = |entry: &Entry| {
            // What cannot be named alone is restored with its folder.
            let href = match entry.kind {
                EntryKind::Folder | EntryKind::File => at(&entry.path().ok()?),
                _ => return None,
            };
            Some(PartRow {
                name: VisibleText::name(&entry.name),
                folder: entry.kind == EntryKind::Folder,
                href,
                size: format::size(entry.size),
            })
        };
        rows = list.items.iter().filter_map(row).collect();
        let (length, here) = (list.items.len() as u64, at(&path));
        paging = Pagination::new(number, limit, length, list.total, list.more, |number| {
            format!("{here}&page={number}")
        });
    }
    let crumb = |path: &SnapshotPath, name: &str| Breadcrumb {
        name: VisibleText::name(name),
        href: at(path),
    };
    let mut above = SnapshotPath::root();
    let mut crumbs = vec![crumb(&above, "/")];
    for name in path.as_str().split('/').filter(|name| !name.is_empty()) {
        above = above.join(name)?;
        crumbs.push(crumb(&above, name));
    }
    Ok(ChosenPart {
        source,
        whole: path == SnapshotPath::root() || path.as_str() == opened.point.root,
        point: PointSummary::new(source, &opened.point, check.as_ref()),
        shown: VisibleText::name(path.as_str()),
        path: path.as_str().to_owned(),
        folder,
        size: format::size(entry.size),
        crumbs,
        rows,
        paging,
    })
}

/// The page.
pub async fn choose(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    Query(asked): Query<HereQuery>,
) -> PageResult {
    let app = destination(&service, id).await?;
    render(&filled(context.layout(Section::None), &service, app, &asked).await?)
}

/// Starts the task, and leads to it.
pub async fn start(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    posted: FormData,
) -> PageResult {
    let app = destination(&service, id).await?;
    let wrong =
        || PageError::input("This form cannot be used.").back(&format!("/apps/{id}/restore"));
    let source: AppId = posted.get("source").parse().map_err(|_| wrong())?;
    let given = |name: &str| posted.raw(name).map(str::to_owned).filter(|text| !text.is_empty());
    let asked =
        HereQuery { source: Some(source), point: given("point"), path: given("path"), page: None };
    let (Some(point), Some(path)) = (&asked.point, &asked.path) else { return Err(wrong()) };
    let work = Work::Restore {
        snapshot: SnapshotId::new(point)?,
        path: SnapshotPath::new(path)?,
        to: RestorePlace::Destination(app.spec.name.clone()),
        second: false,
        replace: false,
    };
    match service.start(source, &work).await {
        Ok(task) => Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response()),
        Err(error) => {
            let mut page = filled(context.layout(Section::None), &service, app, &asked).await?;
            page.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&page, &error)
        }
    }
}
