//! `app find --all-points`: what is in any restore point, deleted files included.

use std::time::Duration;

use plakar_driver::{AllPointsAnswer, EntryKind, FoundPath};
use serde_json::json;
use source_app::state::App;

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, Output, coloured, count, shown, size};

/// Maximum number of paths that are fetched at once.
const MAX_PATHS_PER_PAGE: u64 = 1000;

/// How often it is asked whether all names were read.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How often it is said how far that is, in polls.
const POLLS_PER_LINE: u64 = 25;

/// Waits until all restore points were read, and prints what was found.
pub(super) async fn find_in_all(
    opened: &Opened,
    app: &App,
    text: &str,
    json: bool,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let search = async |offset| {
        opened.service.search_all_points(app.id, text, offset, MAX_PATHS_PER_PAGE).await
    };
    let mut polls = 0;
    let mut answer = search(0).await?;
    while answer.reading {
        polls += 1;
        if polls % POLLS_PER_LINE == 0 {
            let all = answer.searched + answer.unsearched.len() as u64;
            say(&format!("{} of {} were read", answer.searched, count(all, "restore point")));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        answer = search(0).await?;
    }
    let exit = left_out(&answer);
    let mut offset = 0;
    loop {
        for found in &answer.page.items {
            if json { out.json(&row(found))? } else { out.line(&line(found))? }
        }
        out.flush()?;
        offset += answer.page.items.len() as u64;
        if !answer.page.more || answer.page.items.is_empty() {
            return Ok(exit);
        }
        answer = search(offset).await?;
    }
}

/// Says which restore points were not searched.
fn left_out(answer: &AllPointsAnswer) -> Exit {
    if answer.unsearched.is_empty() {
        return Exit::Done;
    }
    let ids: Vec<&str> = answer.unsearched.iter().map(|point| point.id.short()).collect();
    let reason = answer.reason.as_deref().unwrap_or("they were not read");
    say(&format!("not searched: {}: {}", ids.join(", "), shown(reason)));
    Exit::Incomplete
}

fn row(found: &FoundPath) -> serde_json::Value {
    let kind = match found.kind {
        EntryKind::Folder => "folder",
        EntryKind::File => "file",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    };
    json!({
        "path": found.path, "type": kind,
        "size": (found.kind == EntryKind::File).then_some(found.size),
        "first": { "id": found.first.id.as_str(), "taken": found.first.taken },
        "last": { "id": found.last.id.as_str(), "taken": found.last.taken },
        "gone_since": found.gone_since,
    })
}

fn line(found: &FoundPath) -> String {
    let folder = found.kind == EntryKind::Folder;
    let path = format!("{}{}", shown(&found.path), if folder { "/" } else { "" });
    let mut parts = vec![path];
    parts.extend((found.kind == EntryKind::File).then(|| size(found.size)));
    let (first, last) = (&found.first, &found.last);
    let since = format!("{} {}", first.id.short(), time(first.taken));
    let points = format!("{since} to {} {}", last.id.short(), time(last.taken));
    parts.push(coloured(ASIDE, &points));
    parts.extend(found.gone_since.map(|at| coloured(BAD, &format!("deleted since {}", time(at)))));
    parts.join("  ")
}
