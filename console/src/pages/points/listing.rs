//! What a folder's page and the page of what was found in it have in common.

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;

use super::links::{Links, value};
use super::point::{
    Breadcrumb, NeighbourPoint, PointRequest, PointSummary, breadcrumbs, neighbours,
};
use super::visible_text::VisibleText;
use crate::pages::format::{self, DisplayTime};
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{Entry, EntryKind, SnapshotPath};
use source_app::service::{MissingEntry, Service};
use source_app::state::AppId;

/// Maximum number of entries on a page.
pub const MAX_ENTRIES_PER_PAGE: u64 = 200;

/// What a folder's address says.
#[derive(Deserialize)]
pub struct FolderQuery {
    /// The folder; without it, what was backed up.
    pub path: Option<String>,
    /// The same, percent-encoded once more: a form would make two characters of a newline.
    pub at: Option<String>,
    /// Which part of the list.
    pub page: Option<u64>,
    /// What the entries are ordered by: `name`, `size` or `modified`; with `-` before it, the last
    /// first.
    #[serde(default)]
    pub sort: String,
    /// What is searched for.
    #[serde(default)]
    pub text: String,
    /// `all`: in the whole restore point.
    #[serde(default, rename = "in")]
    pub within: String,
}

impl FolderQuery {
    /// The path that it names, if any.
    pub fn folder(&self) -> Option<String> {
        self.at.as_deref().and_then(decoded).or_else(|| self.path.clone())
    }
}

/// A path that was percent-encoded for a form, which would make two characters of a newline.
pub fn decoded(at: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct AtPath {
        path: String,
    }
    let uri = Uri::try_from(format!("/?path={at}")).ok()?;
    Some(Query::<AtPath>::try_from_uri(&uri).ok()?.0.path)
}

/// An entry in a list.
pub struct EntryRow {
    /// Its name.
    pub name: VisibleText,
    /// `folder`, `file`, `link`, `other`.
    pub kind: &'static str,
    /// Its page; empty if its name cannot be in a path.
    pub href: String,
    /// Its content; empty if it has none.
    pub download: String,
    /// Its path, percent-encoded, to tick it; empty for what is neither file nor folder.
    pub tick: String,
    /// Where a link leads.
    pub target: Option<VisibleText>,
    /// Bytes.
    pub size: String,
    /// How much of its folder it is.
    pub share: Option<EntryShare>,
    /// When it was changed.
    pub modified: DisplayTime,
    /// What it is.
    pub content_type: String,
    /// The folder that it is in, and its address: of what was found.
    pub folder: Breadcrumb,
}

impl EntryRow {
    /// Of an entry.
    pub fn new(links: &Links, entry: &Entry) -> Self {
        let path = entry.path().ok();
        let at = |address: fn(&Links, &SnapshotPath) -> String| {
            path.as_ref().map(|path| address(links, path)).unwrap_or_default()
        };
        let (kind, href, download) = match entry.kind {
            EntryKind::Folder => ("folder", at(Links::folder), String::new()),
            EntryKind::File => ("file", at(Links::view), at(Links::download)),
            EntryKind::Link => ("link", at(Links::view), String::new()),
            EntryKind::Other => ("other", String::new(), String::new()),
        };
        let folder = SnapshotPath::new(&entry.folder).unwrap_or_else(|_| SnapshotPath::root());
        Self {
            name: VisibleText::name(&entry.name),
            tick: match (&path, entry.kind) {
                (Some(path), EntryKind::File | EntryKind::Folder) => value(path.as_str()),
                _ => String::new(),
            },
            kind,
            href,
            download,
            target: (entry.kind == EntryKind::Link && !entry.target.is_empty())
                .then(|| VisibleText::name(&entry.target)),
            size: if entry.kind == EntryKind::Link {
                String::new()
            } else {
                format::size(entry.size)
            },
            share: None,
            modified: DisplayTime(entry.modified),
            content_type: entry.content_type.clone(),
            folder: Breadcrumb {
                name: VisibleText::name(folder.as_str()),
                href: links.folder(&folder),
            },
        }
    }
}

/// How much of its folder an entry is: `p::share`.
pub struct EntryShare {
    /// `33 %`.
    pub text: String,
    /// Of 100.
    pub width: u64,
}

impl EntryShare {
    /// Of the bytes of an entry and of all that is in its folder, if both say anything.
    pub fn of(bytes: u64, all: u64) -> Option<Self> {
        if bytes == 0 || bytes > all {
            return None;
        }
        let width = (u128::from(bytes) * 100 + u128::from(all) / 2) / u128::from(all);
        let width = u64::try_from(width).unwrap_or(100);
        let text = if width == 0 { "under 1 %".to_owned() } else { format!("{width} %") };
        Some(Self { text, width })
    }
}

impl EntryRow {
    /// With how much of its folder it is.
    pub fn share_of(self, entry: &Entry, all: u64) -> Self {
        let counts = matches!(entry.kind, EntryKind::Folder | EntryKind::File);
        Self { share: EntryShare::of(entry.size, all).filter(|_| counts), ..self }
    }

    /// What it is: plakar's type, where that says anything.
    pub fn kind_text(&self) -> &str {
        match self.content_type.split(';').next().unwrap_or_default() {
            "" | "application/octet-stream" => self.kind,
            text => text,
        }
    }
}

/// What a backup could not read of a folder.
pub struct MissingRow {
    /// Its name.
    pub name: VisibleText,
    /// Why.
    pub reason: VisibleText,
    /// It is there, but not all of it.
    pub in_part: bool,
    /// The newest other restore point that has it, and it there.
    pub last: Option<(DisplayTime, String)>,
}

impl MissingRow {
    /// Of an entry that is not in a restore point of this app.
    pub fn new(app: AppId, entry: &MissingEntry) -> Self {
        let last = entry
            .last
            .as_ref()
            .map(|last| (DisplayTime(last.taken), Links::new(app, &last.id).view(&entry.path)));
        Self {
            name: VisibleText::name(&entry.name),
            reason: VisibleText::name(&entry.reason),
            in_part: entry.in_part,
            last,
        }
    }
}

/// What is the same for a folder and for what was found in it.
pub struct ListingFrame {
    pub head: AppHead,
    pub point: PointSummary,
    pub crumbs: Vec<Breadcrumb>,
    /// The folder, percent-encoded: for the form that searches, and for addresses.
    pub at: String,
    /// The point's page.
    pub start: String,
    pub text: String,
    pub whole: bool,
    pub zip: String,
    pub tarball: String,
    pub restore: String,
    pub newer: Option<NeighbourPoint>,
    pub older: Option<NeighbourPoint>,
    /// Whether no prune removes it; said of the first store's only.
    pub pinned: bool,
}

impl ListingFrame {
    /// Where to pin it.
    pub fn pin(&self) -> String {
        format!("{}/pin", self.start)
    }

    /// Where what is ticked goes.
    pub fn several(&self) -> String {
        format!("{}/several", self.start)
    }

    /// Of a folder, as its address asks for it.
    pub async fn new(
        service: &Service,
        opened: &PointRequest,
        path: &SnapshotPath,
        query: &FolderQuery,
    ) -> Self {
        let (newer, older) = neighbours(service, opened, path).await;
        let links = &opened.links;
        Self {
            head: AppHead { app: opened.app.clone(), tab: Tab::Points },
            point: PointSummary::of(&opened.links, &opened.point.point, opened.check.as_ref()),
            crumbs: breadcrumbs(links, path),
            at: value(path.as_str()),
            start: links.start().to_owned(),
            text: query.text.clone(),
            whole: query.within == "all",
            zip: links.archive(path, "zip"),
            tarball: links.archive(path, "tar.gz"),
            restore: links.restore(path),
            newer,
            older,
            pinned: opened.pinned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EntryShare;

    #[test]
    fn a_share_is_of_what_is_there() {
        let of = |bytes, all| EntryShare::of(bytes, all).map(|share| (share.text, share.width));
        assert_eq!(of(1, 3), Some(("33 %".into(), 33)));
        assert_eq!(of(3, 3), Some(("100 %".into(), 100)));
        assert_eq!(of(1, 1000), Some(("under 1 %".into(), 0)));
        assert_eq!(of(u64::MAX / 2, u64::MAX), Some(("50 %".into(), 50)));
        for (bytes, all) in [(0, 0), (0, 3), (4, 3)] {
            assert_eq!(of(bytes, all), None);
        }
    }
}
