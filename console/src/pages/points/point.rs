//! What all pages of a restore point begin with.

use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;

use super::links::{Links, SECOND};
use super::visible_text::VisibleText;
use crate::pages::error::PageError;
use crate::pages::format::{self, Badge, DisplayTime};
use plakar_driver::{RestorePoint, SnapshotId, SnapshotPath};
use source_app::service::{OpenedPoint, Service, scope_lines};
use source_app::state::{App, AppId, CheckedPoint};

/// Pages are counted up to here: no list is as long.
const MAX_PAGE_NUMBER: u64 = 10_000_000;

/// The restore point that an address names, of the app that it names.
pub struct PointRequest {
    /// The app.
    pub app: App,
    /// The restore point.
    pub point: OpenedPoint,
    /// Its addresses.
    pub links: Links,
    /// Whether no prune removes it.
    pub pinned: bool,
    /// What the newest check of it found.
    pub check: Option<CheckedPoint>,
}

impl FromRequestParts<Service> for PointRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Response> {
        let Path((app, id)) = Path::<(AppId, String)>::from_request_parts(parts, service)
            .await
            .map_err(IntoResponse::into_response)?;
        let opened = async {
            let second = id.starts_with(SECOND);
            let id = SnapshotId::new(id.strip_prefix(SECOND).unwrap_or(&id))?;
            let app = service.app(app).await?;
            let (point, check) = match second {
                true => {
                    let point = service.second_point(app.id, &id).await?;
                    (point, service.second_check(app.id, &id).await?)
                }
                false => {
                    let point = service.point(app.id, &id).await?;
                    (point, service.point_check(app.id, &id).await?)
                }
            };
            let pinned = service.pinned(app.id).await?.contains_key(id.as_str());
            let links = Links::of(app.id, &id, second);
            Ok::<_, PageError>(Self { links, app, point, pinned, check })
        };
        opened.await.map_err(IntoResponse::into_response)
    }
}

/// What is said of a restore point on its pages.
pub struct PointSummary {
    /// When it was begun.
    pub taken: DisplayTime,
    /// Its whole id.
    pub id: String,
    /// Eight digits of it.
    pub short: String,
    /// Its page.
    pub href: String,
    /// The environment.
    pub environment: String,
    /// The data classes.
    pub classes: Vec<String>,
    /// The labels.
    pub labels: Vec<String>,
    /// What it is made of, if not of all there was.
    pub scope: Vec<String>,
    /// Bytes of all files.
    pub size: String,
    /// Files in it.
    pub files: u64,
    /// How long it took.
    pub duration: String,
    /// Entries that failed.
    pub errors: u64,
    /// The page that lists them.
    pub errors_href: String,
    /// What is known of it by checks.
    pub check: PointCheckBadge,
    /// Whether no prune removes it; said in the list only.
    pub pinned: bool,
    /// Whether it is the copy in the app's second store.
    pub second: bool,
}

/// What is known of a restore point by checks: `p::checked`.
pub struct PointCheckBadge {
    /// Verified, damaged, or not checked yet.
    pub badge: Badge,
    /// When that was found, and the task's page.
    pub found: Option<(DisplayTime, String)>,
    /// What is damaged.
    pub reason: Option<VisibleText>,
}

impl PointCheckBadge {
    fn of(check: Option<&CheckedPoint>) -> Self {
        let Some(check) = check else {
            let badge = Badge { class: "idle", text: "not checked yet" };
            return Self { badge, found: None, reason: None };
        };
        let class = if check.is_whole() { "good" } else { "bad" };
        Self {
            badge: Badge { class, text: check.word() },
            found: Some((DisplayTime(check.at), format!("/tasks/{}", check.task))),
            reason: (!check.is_whole()).then(|| VisibleText::name(&check.reason)),
        }
    }
}

impl PointSummary {
    /// Of an app's restore point, and what the newest check of it found.
    pub fn new(app: AppId, point: &RestorePoint, check: Option<&CheckedPoint>) -> Self {
        Self::of(&Links::new(app, &point.id), point, check)
    }

    /// The same of a restore point whose addresses these are.
    pub fn of(links: &Links, point: &RestorePoint, check: Option<&CheckedPoint>) -> Self {
        Self {
            second: links.is_second(),
            taken: DisplayTime(point.taken),
            id: point.id.to_string(),
            short: point.id.short().to_owned(),
            href: links.start().to_owned(),
            environment: point.environment.clone(),
            classes: point.classes.clone(),
            labels: point.labels.clone(),
            scope: scope_lines(&point.scope),
            size: format::size(point.size),
            files: point.files,
            duration: format::duration(TimeDelta::from_std(point.duration).unwrap_or_default()),
            errors: point.errors,
            errors_href: links.errors(1),
            check: PointCheckBadge::of(check),
            pinned: false,
        }
    }

    /// That it is pinned, or not.
    pub fn pinned(self, pinned: bool) -> Self {
        Self { pinned, ..self }
    }
}

impl PointSummary {
    pub fn files_text(&self) -> String {
        format::count(self.files, "file", "files")
    }

    pub fn errors_text(&self) -> String {
        format::count(self.errors, "error", "errors")
    }
}

/// A folder above the present one.
pub struct Breadcrumb {
    /// Its name.
    pub name: VisibleText,
    /// Its address.
    pub href: String,
}

/// The folders from the root to a path, and the path's own name at the end.
pub fn breadcrumbs(links: &Links, path: &SnapshotPath) -> Vec<Breadcrumb> {
    let mut all = vec![Breadcrumb {
        name: VisibleText::name("/"),
        href: links.folder(&SnapshotPath::root()),
    }];
    let mut folder = SnapshotPath::root();
    for name in path.as_str().split('/').filter(|name| !name.is_empty()) {
        let Ok(next) = folder.join(name) else { break };
        folder = next;
        all.push(Breadcrumb { name: VisibleText::name(name), href: links.folder(&folder) });
    }
    all
}

/// What was backed up: from there on one wants to look.
pub fn root(point: &RestorePoint) -> SnapshotPath {
    SnapshotPath::new(&point.root).unwrap_or_else(|_| SnapshotPath::root())
}

/// The path that a request names.
///
/// # Errors
/// It cannot be one.
pub fn path(point: &RestorePoint, text: Option<&str>) -> Result<SnapshotPath, PageError> {
    Ok(text.map_or_else(|| Ok(root(point)), SnapshotPath::new)?)
}

/// The restore points of the app beside one, with the same path: the newer and the older.
pub async fn neighbours(
    service: &Service,
    opened: &PointRequest,
    path: &SnapshotPath,
) -> (Option<NeighbourPoint>, Option<NeighbourPoint>) {
    let second = opened.links.is_second();
    let points = points_beside(service, opened).await;
    let Some(here) = points.iter().position(|point| point.id == opened.point.point.id) else {
        return (None, None);
    };
    let neighbour = |at: Option<usize>| {
        let point = points.get(at?)?;
        Some(NeighbourPoint {
            taken: DisplayTime(point.taken),
            href: Links::of(opened.app.id, &point.id, second).folder(path),
        })
    };
    (neighbour(here.checked_sub(1)), neighbour(here.checked_add(1)))
}

/// The restore points of the app in the same store; none if it cannot be read.
pub async fn points_beside(service: &Service, opened: &PointRequest) -> Vec<RestorePoint> {
    let points = match opened.links.is_second() {
        true => service.second_points(opened.app.id).await,
        false => service.points(opened.app.id).await,
    };
    points.unwrap_or_default()
}

/// Another restore point.
pub struct NeighbourPoint {
    /// When it was begun.
    pub taken: DisplayTime,
    /// The same path in it.
    pub href: String,
}

/// A part of a list.
pub struct Pagination {
    /// Which part, from 1.
    pub page: u64,
    /// The addresses of the parts before and after; may be empty.
    pub previous: String,
    /// The one after.
    pub next: String,
    /// `201 to 400 of 1000`; empty if all is there.
    pub text: String,
}

/// A page's number, in bounds.
pub fn page_number(page: Option<u64>) -> u64 {
    page.unwrap_or(1).clamp(1, MAX_PAGE_NUMBER)
}

impl Pagination {
    /// Of a list of `total`, if that is known, of which `length` are shown; `href` leads to the
    /// page that it is given.
    pub fn new(
        page: u64,
        size: u64,
        length: u64,
        total: Option<u64>,
        more: bool,
        href: impl Fn(u64) -> String,
    ) -> Self {
        let first = (page - 1) * size;
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        let text = if page == 1 && !more {
            String::new()
        } else {
            format!("{} to {}{of}", first + length.min(1), first + length)
        };
        Self {
            page,
            previous: if page > 1 { href(page - 1) } else { String::new() },
            next: if more { href(page + 1) } else { String::new() },
            text,
        }
    }
}
