//! The same file in other restore points.

use futures::StreamExt;

use super::links::Links;
use super::point::{PointRequest, points_beside};
use crate::pages::format::{self, DisplayTime};
use plakar_driver::{Entry, EntryKind, RestorePoint, SnapshotPath};
use source_app::service::{Problem, Result, Service};

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
    /// What is in it: `None` if it is not there, or nobody could look.
    pub there: Option<VersionContent>,
    /// Whether nobody could look: the restore point cannot be read now.
    pub unread: bool,
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
        // What cannot be read is neither there nor gone.
        _ if older.unread || newer.unread => "",
        (None, None) => "",
        (None, Some(_)) => "new",
        (Some(_), None) => "gone",
        (Some(_), Some(_)) if older.content.is_none() || newer.content.is_none() => "",
        (Some(_), Some(_)) if older.content == newer.content => "unchanged",
        (Some(_), Some(_)) => "changed",
    }
}

/// The file that a restore point has, if it has one.
///
/// # Errors
/// That cannot be told: the store cannot be read, or what says it is damaged.
fn told(found: Result<Entry>) -> Result<Option<Entry>> {
    match found {
        Ok(entry) => Ok(Some(entry).filter(|entry| entry.kind == EntryKind::File)),
        Err(error) if error.problem() == Problem::NotFound => Ok(None),
        Err(error) => Err(error),
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
        let told = match looked {
            _ if is_here => Ok(Some(entry.clone())),
            Ok(point) => told(point.entry(path).await),
            Err(error) => Err(error),
        };
        let (unread, found) = (told.is_err(), told.unwrap_or_default());
        let content = found.as_ref().and_then(|found| found.content.clone());
        let there = found.map(|found| VersionContent {
            size: format::size(found.size),
            same: found.content.is_some() && found.content == entry.content,
        });
        FileVersion {
            taken: DisplayTime(point.taken),
            href: Links::of(opened.app.id, &point.id, second).view(path),
            there,
            unread,
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

#[cfg(test)]
mod tests {
    use super::*;
    use plakar_driver::Error;

    fn version(content: Option<&str>, unread: bool) -> FileVersion {
        FileVersion {
            taken: DisplayTime(chrono::Utc::now()),
            href: String::new(),
            there: content.map(|_| VersionContent { size: String::new(), same: false }),
            unread,
            here: false,
            change: "",
            content: content.map(str::to_owned),
        }
    }

    #[test]
    fn what_cannot_be_read_is_neither_there_nor_gone() {
        let not_there = told(Err(Error::NotFound("/a in 01".into()).into()));
        assert!(matches!(not_there, Ok(None)), "{:?}", not_there.map(drop));
        let damaged = told(Err(Error::Refused("a packfile is damaged".into()).into()));
        assert!(damaged.is_err());
        assert!(told(Err(Error::TimedOut(std::time::Duration::from_secs(60)).into())).is_err());
        let (there, gone) = (version(Some("1"), false), version(None, false));
        let unread = version(None, true);
        assert_eq!((change(&there, &gone), change(&gone, &there)), ("gone", "new"));
        assert_eq!((change(&there, &unread), change(&unread, &there)), ("", ""));
    }
}
