//! What was found by its name.

use askama::Template;

use super::links::value;
use super::listing::{EntryRow, FolderQuery, ListingFrame, MAX_ENTRIES_PER_PAGE};
use super::point::{Pagination, PointRequest, page_number};
use crate::pages::answer::{PageResult, render};
use crate::pages::context::Layout;
use crate::pages::format;
use plakar_driver::{Page, SearchAnswer, SnapshotPath};

#[derive(Template)]
#[template(path = "points/search.html")]
struct SearchPage {
    layout: Layout,
    frame: ListingFrame,
    rows: Vec<EntryRow>,
    paging: Pagination,
    total: String,
    /// The names are still being read: how far that is.
    reading: Option<String>,
}

/// The page of what is below a folder.
pub async fn page_of(
    layout: Layout,
    frame: ListingFrame,
    opened: &PointRequest,
    below: &SnapshotPath,
    query: &FolderQuery,
) -> PageResult {
    let number = page_number(query.page);
    let (found, reading) = match opened
        .point
        .search_soon(
            below,
            query.text.trim(),
            (number - 1) * MAX_ENTRIES_PER_PAGE,
            MAX_ENTRIES_PER_PAGE,
        )
        .await?
    {
        SearchAnswer::Found(found) => (found, None),
        SearchAnswer::Reading { entries_so_far } => {
            let all = opened.point.point.files + opened.point.point.folders;
            (
                Page { items: Vec::new(), total: None, more: false },
                Some(format!("{entries_so_far} of {all}")),
            )
        }
    };
    let within = if frame.whole { "&in=all" } else { "" };
    let base = format!("{}?path={}&text={}{within}", frame.start, frame.at, value(&frame.text));
    let paging = Pagination::new(
        number,
        MAX_ENTRIES_PER_PAGE,
        found.items.len() as u64,
        found.total,
        found.more,
        |number| format!("{base}&page={number}"),
    );
    let rows = found.items.iter().map(|entry| EntryRow::new(&opened.links, entry)).collect();
    let total = found.total.map_or_else(
        || "Found".to_owned(),
        |total| format!("{} found", format::count(total, "entry", "entries")),
    );
    render(&SearchPage { layout, frame, rows, paging, total, reading })
}
