//! The same file in other restore points.

use futures::StreamExt;

use super::links::Links;
use super::point::PointRequest;
use crate::pages::format::{self, DisplayTime};
use plakar_driver::{Entry, EntryKind, RestorePoint, SnapshotPath};
use source_app::service::Service;

/// Maximum number of restore points before, and of those after, that are looked into.
const MAX_POINTS_EACH_SIDE: usize = 5;

/// Maximum number of restore points that are looked into at a time.
const MAX_PARALLEL_LOOKUPS: usize = 4;

/// A version of a file.
pub struct FileVersion {
    /// When its restore point was begun.
    pub taken: DisplayTime,
    /// Its page.
    pub href: String,
    /// What is in it: `None` if it is not there.
    pub there: Option<VersionContent>,
    /// Whether it is the one that is shown.
    pub here: bool,
}

/// A file that is there.
pub struct VersionContent {
    /// Bytes.
    pub size: String,
    /// Whether its content is the same as that of the one that is shown.
    pub same: bool,
}

/// The file in the restore points around this one, newest first.
pub async fn versions(
    service: &Service,
    opened: &PointRequest,
    path: &SnapshotPath,
    entry: &Entry,
) -> Vec<FileVersion> {
    let points = service.points(opened.app.id).await.unwrap_or_default();
    let Some(here) = points.iter().position(|point| point.id == opened.point.point.id) else {
        return Vec::new();
    };
    let around = &points[here.saturating_sub(MAX_POINTS_EACH_SIDE)
        ..points.len().min(here + MAX_POINTS_EACH_SIDE + 1)];
    let version = async |point: &RestorePoint| {
        let is_here = point.id == opened.point.point.id;
        let found = match service.point(opened.app.id, &point.id).await {
            _ if is_here => Some(entry.clone()),
            Ok(point) => point.entry(path).await.ok().filter(|entry| entry.kind == EntryKind::File),
            Err(_) => None,
        };
        let there = found.map(|found| VersionContent {
            size: format::size(found.size),
            same: found.content.is_some() && found.content == entry.content,
        });
        FileVersion {
            taken: DisplayTime(point.taken),
            href: Links::new(opened.app.id, &point.id).view(path),
            there,
            here: is_here,
        }
    };
    futures::stream::iter(around).map(version).buffered(MAX_PARALLEL_LOOKUPS).collect().await
}
