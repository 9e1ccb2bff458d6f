//! What was found by its name.

use askama::Template;

use super::browse::{Asked, ENTRIES, Frame, Row};
use super::links::value;
use super::open::{Opened, Paging, number};
use crate::pages::format;
use crate::pages::{PageResult, Shell, page};
use plakar_driver::{Page, SearchAnswer, SnapshotPath};

#[derive(Template)]
#[template(path = "points/search.html")]
struct Found {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    paging: Paging,
    total: String,
    /// The names are still being read: how far that is.
    reading: Option<String>,
}

/// The page of what is below a folder.
pub async fn page_of(shell: Shell, frame: Frame, opened: &Opened, below: &SnapshotPath, asked: &Asked) -> PageResult {
    let number = number(asked.page);
    let (found, reading) = match opened.point.search_soon(below, asked.text.trim(), (number - 1) * ENTRIES, ENTRIES).await? {
        SearchAnswer::Found(found) => (found, None),
        SearchAnswer::Reading { entries_so_far } => {
            let all = opened.point.point.files + opened.point.point.folders;
            (Page { items: Vec::new(), total: None, more: false }, Some(format!("{entries_so_far} of {all}")))
        }
    };
    let within = if frame.whole { "&in=all" } else { "" };
    let base = format!("{}?path={}&text={}{within}", frame.start, frame.at, value(&frame.text));
    let paging = Paging::new(number, ENTRIES, found.items.len() as u64, found.total, found.more, |number| format!("{base}&page={number}"));
    let rows = found.items.iter().map(|entry| Row::new(&opened.links, entry)).collect();
    let total = found.total.map_or_else(|| "Found".to_owned(), |total| format!("{} found", format::count(total, "entry", "entries")));
    page(&Found { shell, frame, rows, paging, total, reading })
}
