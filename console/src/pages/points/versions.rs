//! The same file in other restore points.

use futures::StreamExt;

use super::links::Links;
use super::point::{PointRequest, points_beside};
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
    /// What became of it since the restore point before: `changed`, `unchanged` and so on; nothing of
    /// the oldest that was looked into.
    pub change: &'static str,
    content: Option<String>,
}

/// What became of a file between an older restore point and a newer one.
fn change(older: &FileVersion, newer: &FileVersion) -> &'static str {
    match (&older.there, &newer.there) {
        (None, None) => "",
        (None, Some(_)) => "new",
        (Some(_), None) => "gone",
        (Some(_), Some(_)) if older.content.is_none() || newer.content.is_none() => "",
        (Some(_), Some(_)) if older.content == newer.content => "unchanged",
        (Some(_), Some(_)) => "changed",
    }
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
    let (second, points) = (opened.links.is_second(), points_beside(service, opened).await);
    let Some(here) = points.iter().position(|point| point.id == opened.point.point.id) else {
        return Vec::new();
    };
    let around = &points[here.saturating_sub(MAX_POINTS_EACH_SIDE)
        ..points.len().min(here + MAX_POINTS_EACH_SIDE + 1)];
    let version = async |point: &RestorePoint| {
        let is_here = point.id == opened.point.point.id;
        let looked = match second {
            true => service.second_point(opened.app.id, &point.id).await,
            false => service.point(opened.app.id, &point.id).await,
        };
        let found = match looked {
            _ if is_here => Some(entry.clone()),
            Ok(point) => point.entry(path).await.ok().filter(|entry| entry.kind == EntryKind::File),
            Err(_) => None,
        };
        let content = found.as_ref().and_then(|found| found.content.clone());
        let there = found.map(|found| VersionContent {
            size: format::size(found.size),
            same: found.content.is_some() && found.content == entry.content,
        });
        FileVersion {
            taken: DisplayTime(point.taken),
            href: Links::of(opened.app.id, &point.id, second).view(path),
            there,
            here: is_here,
            change: "",
            content,
        }
    };
    let looked = futures::stream::iter(around).map(version).buffered(MAX_PARALLEL_LOOKUPS);
    let mut versions: Vec<FileVersion> = looked.collect().await;
    for newer in 1..versions.len() {
        versions[newer - 1].change = change(&versions[newer], &versions[newer - 1]);
    }
    versions
}
