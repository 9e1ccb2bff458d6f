//! What was found by its name in all restore points of an app, deleted files included.

use askama::Template;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::links::{Links, value};
use super::listing::MAX_ENTRIES_PER_PAGE;
use super::point::{Pagination, page_number};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::PageError;
use crate::pages::format::{self, DisplayTime};
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{AllPointsAnswer, EntryKind, FoundPath, PointOfPath, SnapshotPath};
use source_app::service::Service;
use source_app::state::AppId;

/// Maximum number of restore points that are named as not searched.
const MAX_NAMED_POINTS: usize = 20;

#[derive(Deserialize)]
pub struct EverywhereQuery {
    /// What is searched for.
    #[serde(default)]
    text: String,
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "points/everywhere.html")]
struct EverywherePage {
    layout: Layout,
    head: AppHead,
    text: String,
    rows: Vec<FoundRow>,
    paging: Pagination,
    total: String,
    /// Nothing was searched for yet.
    empty: bool,
    /// How many restore points were searched, if not all were.
    progress: Option<String>,
    reading: bool,
    /// Those that were not, and why.
    unsearched: Vec<DisplayTime>,
    reason: String,
}

/// A path that was found.
struct FoundRow {
    path: VisibleText,
    /// Its page in the last restore point that has it; empty if its name cannot be in a path.
    href: String,
    download: String,
    restore: String,
    size: String,
    first: PointLink,
    last: PointLink,
    gone_since: Option<DisplayTime>,
}

/// A restore point.
struct PointLink {
    taken: DisplayTime,
    href: String,
}

impl FoundRow {
    fn new(app: AppId, found: &FoundPath) -> Self {
        let (links, path) = (Links::new(app, &found.last.id), SnapshotPath::new(&found.path).ok());
        let at = |address: fn(&Links, &SnapshotPath) -> String| {
            path.as_ref().map(|path| address(&links, path)).unwrap_or_default()
        };
        let is_file = found.kind == EntryKind::File;
        let point = |point: &PointOfPath| PointLink {
            taken: DisplayTime(point.taken),
            href: Links::new(app, &point.id).start().to_owned(),
        };
        Self {
            path: VisibleText::name(&found.path),
            href: match found.kind {
                EntryKind::Folder => at(Links::folder),
                EntryKind::File | EntryKind::Link => at(Links::view),
                EntryKind::Other => String::new(),
            },
            download: if is_file { at(Links::download) } else { String::new() },
            restore: at(Links::restore),
            size: if is_file { format::size(found.size) } else { String::new() },
            first: point(&found.first),
            last: point(&found.last),
            gone_since: found.gone_since.map(DisplayTime),
        }
    }
}

pub async fn find(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    Query(query): Query<EverywhereQuery>,
) -> PageResult {
    let app = service.app(id).await?;
    let (text, number) = (query.text.trim().to_owned(), page_number(query.page));
    let (layout, head) = (context.layout(Section::None), AppHead { app, tab: Tab::Points });
    let place = format!("/apps/{id}/points");
    let empty = text.is_empty();
    let found = if empty {
        None
    } else {
        let first = (number - 1) * MAX_ENTRIES_PER_PAGE;
        let found = service.search_all_points(id, &text, first, MAX_ENTRIES_PER_PAGE).await;
        Some(found.map_err(|error| PageError::from(error).back(&place))?)
    };
    let base = format!("/apps/{id}/find?text={}", value(&text));
    let page = found.as_ref().map(|found| &found.page);
    let paging = Pagination::new(
        number,
        MAX_ENTRIES_PER_PAGE,
        page.map_or(0, |page| page.items.len() as u64),
        page.and_then(|page| page.total),
        page.is_some_and(|page| page.more),
        |number| format!("{base}&page={number}"),
    );
    let total = page.and_then(|page| page.total).unwrap_or_default();
    let progress = found.as_ref().filter(|found| !found.unsearched.is_empty()).map(progress);
    let unsearched = found.iter().flat_map(|found| &found.unsearched).take(MAX_NAMED_POINTS);
    render(&EverywherePage {
        layout,
        head,
        text,
        rows: page.map_or_else(Vec::new, |page| {
            page.items.iter().map(|found| FoundRow::new(id, found)).collect()
        }),
        paging,
        total: format!("{} found", format::count(total, "path", "paths")),
        empty,
        progress,
        reading: found.as_ref().is_some_and(|found| found.reading),
        unsearched: unsearched.map(|point| DisplayTime(point.taken)).collect(),
        reason: found.and_then(|found| found.reason).unwrap_or_default(),
    })
}

/// `12 of 30 restore points`.
fn progress(found: &AllPointsAnswer) -> String {
    let all = found.searched + found.unsearched.len() as u64;
    format!("{} of {}", found.searched, format::count(all, "restore point", "restore points"))
}
