//! What was found by its name.

use askama::Template;

use super::browse::{Asked, ENTRIES, Frame, Row};
use super::links::value;
use super::open::{Opened, Paging, number};
use crate::plakar::SnapshotPath;
use crate::web::pages::format;
use crate::web::pages::{PageResult, Shell, page};

#[derive(Template)]
#[template(path = "points/search.html")]
struct Found {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    paging: Paging,
    total: String,
}

/// The page of what is below a folder.
pub async fn page_of(shell: Shell, frame: Frame, opened: &Opened, below: &SnapshotPath, asked: &Asked) -> PageResult {
    let number = number(asked.page);
    let found = opened.point.search(below, asked.text.trim(), (number - 1) * ENTRIES, ENTRIES).await?;
    let within = if frame.whole { "&in=all" } else { "" };
    let (path, text) = (&frame.at, value(&asked.text));
    let href = |number| format!("{}?path={path}&text={text}{within}&page={number}", opened.links.start());
    let paging = Paging::new(number, ENTRIES, found.items.len() as u64, found.total, found.more, href);
    let rows = found.items.iter().map(|entry| Row::new(&opened.links, entry)).collect();
    let total = found.total.map_or_else(|| "Found".to_owned(), |total| format!("{} found", format::count(total, "entry", "entries")));
    page(&Found { shell, frame, rows, paging, total })
}
