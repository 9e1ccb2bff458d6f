//! A folder of a restore point.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

use super::links::value;
use super::listing::{EntryRow, FolderQuery, ListingFrame, MAX_ENTRIES_PER_PAGE, MissingRow};
use super::order::{SortColumn, columns, parse, sorting};
use super::point::{Pagination, PointRequest, page_number, path, root};
use super::search;
use crate::pages::answer::{PageResult, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::format;
use plakar_driver::EntryKind;
use source_app::service::{Problem, Service};

impl FolderPage {
    fn unread_text(&self) -> String {
        format::count(self.unread.len() as u64, "entry was", "entries were")
    }
}

#[derive(Template)]
#[template(path = "points/browse.html")]
struct FolderPage {
    layout: Layout,
    frame: ListingFrame,
    rows: Vec<EntryRow>,
    /// What the backup could not read, on the first page.
    unread: Vec<MissingRow>,
    paging: Pagination,
    total: String,
    /// Its columns that it can be ordered by.
    columns: Vec<SortColumn>,
    /// It is not in the order that was asked for.
    unordered: bool,
    /// It soon will be.
    reading: bool,
    /// The folder is not in this restore point.
    missing: bool,
}

/// The folder's page, or that of what is searched for in it.
pub async fn folder(
    context: PageContext,
    State(service): State<Service>,
    opened: PointRequest,
    Query(query): Query<FolderQuery>,
) -> PageResult {
    let path = path(&opened.point.point, query.folder().as_deref())?;
    if !query.text.trim().is_empty() {
        let below = if query.within == "all" { root(&opened.point.point) } else { path.clone() };
        let frame = ListingFrame::new(&service, &opened, &path, &query).await;
        return search::page_of(context.layout(Section::None), frame, &opened, &below, &query)
            .await;
    }
    let entry = match opened.point.entry(&path).await {
        Ok(entry) => Some(entry),
        Err(error) if error.problem() == Problem::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let number = page_number(query.page);
    let mut shown = FolderPage {
        layout: context.layout(Section::None),
        frame: ListingFrame::new(&service, &opened, &path, &query).await,
        rows: Vec::new(),
        unread: Vec::new(),
        paging: Pagination::new(1, MAX_ENTRIES_PER_PAGE, 0, None, false, |_| String::new()),
        total: String::new(),
        columns: Vec::new(),
        unordered: false,
        reading: false,
        missing: true,
    };
    let Some(entry) = entry else {
        return Ok((StatusCode::NOT_FOUND, render(&shown)?).into_response());
    };
    if entry.kind != EntryKind::Folder {
        return Ok(Redirect::to(&opened.links.view(&path)).into_response());
    }
    let order = parse(&query.sort);
    let listing = opened
        .point
        .ordered(&path, (number - 1) * MAX_ENTRIES_PER_PAGE, MAX_ENTRIES_PER_PAGE, order)
        .await?;
    let mut list = listing.page;
    shown.unordered = listing.order != order;
    shown.reading = listing.reading;
    if shown.unordered {
        // What is on this page at least.
        list.items.sort_by_key(|entry| entry.kind != EntryKind::Folder);
    }
    let base = format!("{}?path={}", opened.links.start(), value(path.as_str()));
    let href = |number| format!("{base}{}&page={number}", sorting(order));
    shown.columns = columns(&base, order);
    shown.paging = Pagination::new(
        number,
        MAX_ENTRIES_PER_PAGE,
        list.items.len() as u64,
        list.total,
        list.more,
        href,
    );
    shown.missing = false;
    shown.total = list
        .total
        .map_or_else(|| "Entries".to_owned(), |total| format::count(total, "entry", "entries"));
    if number == 1 {
        let unread = opened.point.missing(&path).await?;
        shown.unread = unread.iter().map(|entry| MissingRow::new(opened.app.id, entry)).collect();
    }
    // Only to show how much of the folder each entry is.
    let all = opened.point.amount(&path).await.map_or(0, |amount| amount.bytes);
    let row = |entry| EntryRow::new(&opened.links, entry).share_of(entry, all);
    shown.rows = list.items.iter().map(row).collect();
    render(&shown)
}
