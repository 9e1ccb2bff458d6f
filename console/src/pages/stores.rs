//! The stores: where they are, who uses them, what they take, and what is in them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::answer::{PageResult, redirect, render};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::format::{self, DisplayTime};
use super::points::{Links, VisibleText};
use super::second_copy::{SecondCopyView, store_address};
use super::task_row::TaskRow;
use source_app::service::{Service, StoreOverview, StorePoint, StoreUser};
use source_app::state::{AppId, KnownStore};

/// Maximum number of restore points on a page.
const MAX_POINTS_PER_PAGE: usize = 100;

/// A store as it is shown.
struct StoreView {
    name: VisibleText,
    /// How it is named in addresses and forms.
    key: String,
    href: String,
    /// Where it is read anew.
    read_href: String,
    location: VisibleText,
    named: bool,
    /// `yes`, `no` or `not known`.
    encrypted: &'static str,
    /// `LZ4`, `none` or `not known`.
    compression: String,
    points: Option<u64>,
    /// Those that bear no mark of an app here.
    others: Option<u64>,
    logical: Option<String>,
    stored: Option<String>,
    saving: Option<String>,
    free: Option<String>,
    read: Option<DisplayTime>,
    problem: String,
    apps: Vec<StoreUser>,
    check: Option<TaskRow>,
    maintenance: Option<TaskRow>,
    copies: Vec<(AppId, String, SecondCopyView)>,
}

impl StoreView {
    fn of(store: StoreOverview) -> Self {
        let facts = store.known.as_ref().map(|known| known.facts.clone()).unwrap_or_default();
        let ours: u64 = store.apps.iter().filter_map(|app| app.points).sum();
        let task = |task: &source_app::state::Task| TaskRow::of(task, "");
        Self {
            saving: store.saving(),
            href: store_address(&store.name),
            read_href: format!("{}/read", store_address(&store.name)),
            name: VisibleText::name(&store.name),
            key: store.name,
            location: VisibleText::name(&store.location),
            named: store.named,
            encrypted: match facts.encrypted {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not known",
            },
            compression: facts.compression.unwrap_or_else(|| "not known".to_owned()),
            points: facts.points,
            others: facts.points.map(|points| points.saturating_sub(ours)),
            logical: facts.logical.map(format::size),
            stored: facts.stored.map(format::size),
            free: store
                .free
                .zip(store.disk)
                .map(|(free, disk)| format!("{} of {}", format::size(free), format::size(disk))),
            read: store.known.as_ref().map(|KnownStore { at, .. }| DisplayTime(*at)),
            problem: sentence_of(&facts.problem),
            check: store.check.as_ref().map(task),
            maintenance: store.maintenance.as_ref().map(task),
            copies: store
                .copies
                .into_iter()
                .map(|copies| (copies.app, copies.name, SecondCopyView::of(&copies.copies)))
                .collect(),
            apps: store.apps,
        }
    }
}

fn sentence_of(problem: &str) -> String {
    if problem.is_empty() { String::new() } else { sentence(problem) }
}

#[derive(Template)]
#[template(path = "stores/list.html")]
struct StoresPage {
    layout: Layout,
    stores: Vec<StoreView>,
}

#[derive(Template)]
#[template(path = "stores/store.html")]
struct StorePage {
    layout: Layout,
    store: StoreView,
}

/// A restore point of whomever.
struct StorePointRow {
    short: String,
    id: String,
    taken: DisplayTime,
    size: String,
    origin: VisibleText,
    name: VisibleText,
    app: Option<(AppId, String)>,
    /// The app is backed up here: its pages show the restore point.
    href: String,
}

#[derive(Template)]
#[template(path = "stores/points.html")]
struct StorePointsPage {
    layout: Layout,
    store: StoreView,
    rows: Vec<StorePointRow>,
    total: String,
    newer: String,
    older: String,
    problem: String,
}

pub async fn list(State(service): State<Service>, context: PageContext) -> PageResult {
    let stores = service.store_overviews().await?.into_iter().map(StoreView::of).collect();
    render(&StoresPage { layout: context.layout(Section::Stores), stores })
}

pub async fn show(
    State(service): State<Service>,
    Path(name): Path<String>,
    context: PageContext,
) -> PageResult {
    let store = service.store_overview(&name).await.map_err(back)?;
    render(&StorePage { layout: context.layout(Section::Stores), store: StoreView::of(store) })
}

/// Opens it, and leads back: what could not be opened is said on the page.
pub async fn read(
    State(service): State<Service>,
    Path(name): Path<String>,
    _: super::form_data::FormData,
) -> Result<Response, PageError> {
    let store = service.read_store(&name).await.map_err(back)?;
    let opened = store.known.is_some_and(|known| known.facts.problem.is_empty());
    let notice = if opened { "store-read" } else { "store-unread" };
    Ok(redirect(&store_address(&store.name), notice))
}

#[derive(Deserialize)]
pub struct StorePointsQuery {
    page: Option<usize>,
}

pub async fn points(
    State(service): State<Service>,
    Path(name): Path<String>,
    Query(query): Query<StorePointsQuery>,
    context: PageContext,
) -> PageResult {
    let store = service.store_overview(&name).await.map_err(back)?;
    let (all, problem) = match service.store_points(&store.name).await {
        Ok(points) => (points, String::new()),
        Err(error) => (Vec::new(), sentence(&error.to_string())),
    };
    let page = query.page.unwrap_or(1).max(1);
    let address = format!("{}/points", store_address(&store.name));
    let total = format::count(all.len() as u64, "restore point", "restore points");
    let older = all.len() > page.saturating_mul(MAX_POINTS_PER_PAGE);
    let shown = all.into_iter().skip((page - 1).saturating_mul(MAX_POINTS_PER_PAGE));
    let rows = shown.take(MAX_POINTS_PER_PAGE).map(|one| row(one, &store.apps)).collect();
    render(&StorePointsPage {
        layout: context.layout(Section::Stores),
        store: StoreView::of(store),
        rows,
        total,
        newer: if page > 1 { address.clone() } else { String::new() },
        older: if older { format!("{address}?page={}", page + 1) } else { String::new() },
        problem,
    })
}

fn row(StorePoint { point, app }: StorePoint, users: &[StoreUser]) -> StorePointRow {
    let user = app.as_ref().and_then(|(id, _)| users.iter().find(|user| user.id == *id));
    let href = user.map_or_else(String::new, |user| {
        Links::of(user.id, &point.id, user.second).start().to_owned()
    });
    StorePointRow {
        short: point.id.short().to_owned(),
        id: point.id.to_string(),
        taken: DisplayTime(point.taken),
        size: format::size(point.size),
        origin: VisibleText::name(&format!("{} {}", point.origin, point.root)),
        name: VisibleText::name(&point.name),
        app,
        href,
    }
}

fn back(error: source_app::service::Error) -> PageError {
    PageError::from(error).back("/stores")
}
