//! The same file in other restore points.

use futures::StreamExt;

use super::links::Links;
use super::open::Opened;
use crate::pages::format::{self, When};
use plakar_driver::{Entry, EntryKind, RestorePoint, SnapshotPath};
use source_app::service::Service;

/// So many restore points before and after are looked into.
const BESIDE: usize = 5;

/// At a time.
const AT_ONCE: usize = 4;

/// A version of a file.
pub struct Version {
    /// When its restore point was begun.
    pub taken: When,
    /// Its page.
    pub href: String,
    /// What is in it: `None` if it is not there.
    pub there: Option<There>,
    /// Whether it is the one that is shown.
    pub here: bool,
}

/// A file that is there.
pub struct There {
    /// Bytes.
    pub size: String,
    /// Whether its content is the same as that of the one that is shown.
    pub same: bool,
}

/// The file in the restore points around this one, newest first.
pub async fn versions(service: &Service, opened: &Opened, path: &SnapshotPath, entry: &Entry) -> Vec<Version> {
    let points = service.points(opened.app.id).await.unwrap_or_default();
    let Some(here) = points.iter().position(|point| point.id == opened.point.point.id) else { return Vec::new() };
    let around = &points[here.saturating_sub(BESIDE)..points.len().min(here + BESIDE + 1)];
    let version = async |point: &RestorePoint| {
        let is_here = point.id == opened.point.point.id;
        let found = match service.point(opened.app.id, &point.id).await {
            _ if is_here => Some(entry.clone()),
            Ok(point) => point.entry(path).await.ok().filter(|entry| entry.kind == EntryKind::File),
            Err(_) => None,
        };
        let there =
            found.map(|found| There { size: format::size(found.size), same: found.content.is_some() && found.content == entry.content });
        Version { taken: When(point.taken), href: Links::new(opened.app.id, &point.id).view(path), there, here: is_here }
    };
    futures::stream::iter(around).map(version).buffered(AT_ONCE).collect().await
}
