//! What a backup could not read of a folder, so that nobody takes what is there for all.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::{Serialize, Serializer};

use super::error::Result;
use plakar_driver::{Browser, Error, RestorePoint, SnapshotId, SnapshotPath};

/// Maximum number of errors below a folder that are looked through.
const MAX_ERRORS: u64 = 5000;

/// Maximum number of missing entries of a folder that are told.
const MAX_MISSING: usize = 200;

/// Maximum number of those whose last restore point is looked for.
const MAX_TRACED: usize = 50;

/// Maximum number of restore points that are looked into for each.
const MAX_POINTS_TRACED: usize = 10;

/// Maximum number of entries that are looked for at a time.
const MAX_PARALLEL_LOOKUPS: usize = 4;

/// An entry that the backup could not read, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingEntry {
    /// Its name.
    pub name: String,
    /// Its path.
    #[serde(serialize_with = "as_text")]
    pub path: SnapshotPath,
    /// Why.
    pub reason: String,
    /// It is there, but not all of it: a folder of which a part could not be read.
    pub in_part: bool,
    /// The newest of the other restore points that has it, of the newest ten.
    pub last: Option<LastSeen>,
}

/// A restore point that has an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastSeen {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub id: SnapshotId,
    /// When it was begun.
    pub taken: DateTime<Utc>,
}

fn as_text<S: Serializer>(
    what: &impl std::fmt::Display,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(what)
}

/// What the backup of `point` could not read of a folder, by name.
pub(super) async fn missing(
    browser: &Arc<Browser>,
    point: &RestorePoint,
    folder: &SnapshotPath,
) -> Result<Vec<MissingEntry>> {
    if point.errors == 0 {
        return Ok(Vec::new());
    }
    let mut found: Vec<MissingEntry> = Vec::new();
    let (mut offset, mut more) = (0, true);
    while more && offset < MAX_ERRORS && found.len() < MAX_MISSING {
        let page = browser.errors_below(&point.id, folder, offset, 1000).await?;
        (offset, more) = (offset + page.items.len() as u64, page.more);
        for failed in page.items {
            let Ok(path) = SnapshotPath::new(&failed.path) else { continue };
            if path.parent() == *folder && path != *folder && found.len() < MAX_MISSING {
                let (name, reason) = (path.name().to_owned(), failed.reason);
                found.push(MissingEntry { name, path, reason, in_part: false, last: None });
            }
        }
    }
    let others = browser.restore_points(point.app.as_deref()).await?;
    let others: Vec<&RestorePoint> =
        others.iter().filter(|other| other.id != point.id).take(MAX_POINTS_TRACED).collect();
    let others = others.as_slice();
    let traced = futures::stream::iter(found.into_iter().enumerate())
        .map(async |(at, mut entry)| {
            entry.in_part = has(browser, &point.id, &entry.path).await?;
            let points = if at < MAX_TRACED && !entry.in_part { others } else { &[] };
            for other in points {
                if has(browser, &other.id, &entry.path).await? {
                    entry.last = Some(LastSeen { id: other.id.clone(), taken: other.taken });
                    break;
                }
            }
            Ok(entry)
        })
        .buffered(MAX_PARALLEL_LOOKUPS);
    let traced: Vec<Result<MissingEntry>> = traced.collect().await;
    let mut traced = traced.into_iter().collect::<Result<Vec<_>>>()?;
    traced.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(traced)
}

async fn has(browser: &Browser, id: &SnapshotId, path: &SnapshotPath) -> Result<bool> {
    match browser.entry(id, path).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound(_) | Error::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
