//! A folder of a restore point.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::links::{Links, value};
use super::open::{Crumb, Neighbour, Opened, Paging, Summary, crumbs, neighbours, number, path, root};
use super::order::{Column, columns, parse, sorting};
use super::search;
use super::shown::Shown;
use crate::pages::format::{self, When};
use crate::pages::{AppHead, PageResult, Section, Shell, Tab, Visit, page};
use plakar_driver::{Entry, EntryKind, SnapshotPath};
use source_app::service::{Problem, Service};

/// So many entries are on a page.
pub const ENTRIES: u64 = 200;

/// What a folder's address says.
#[derive(Deserialize)]
pub struct Asked {
    /// The folder; without it, what was backed up.
    pub path: Option<String>,
    /// The same, percent-encoded once more: a form would make two characters of a newline.
    pub at: Option<String>,
    /// Which part of the list.
    pub page: Option<u64>,
    /// What the entries are ordered by: `name`, `size` or `modified`; with `-` before it, the last first.
    #[serde(default)]
    pub sort: String,
    /// What is searched for.
    #[serde(default)]
    pub text: String,
    /// `all`: in the whole restore point.
    #[serde(default, rename = "in")]
    pub within: String,
}

impl Asked {
    fn folder(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Path {
            path: String,
        }
        let at = self.at.as_ref().and_then(|at| Uri::try_from(format!("/?path={at}")).ok());
        let at = at.and_then(|uri| Some(Query::<Path>::try_from_uri(&uri).ok()?.0.path));
        at.or_else(|| self.path.clone())
    }
}

/// An entry in a list.
pub struct Row {
    /// Its name.
    pub name: Shown,
    /// `folder`, `file`, `link`, `other`.
    pub kind: &'static str,
    /// Its page; empty if its name can't be in a path.
    pub href: String,
    /// Its content; empty if it has none.
    pub download: String,
    /// Where a link leads.
    pub target: Option<Shown>,
    /// Bytes.
    pub size: String,
    /// When it was changed.
    pub modified: When,
    /// What it is.
    pub content_type: String,
    /// The folder that it is in, and its address: of what was found.
    pub folder: Crumb,
}

impl Row {
    /// Of an entry.
    pub fn new(links: &Links, entry: &Entry) -> Self {
        let path = entry.path().ok();
        let at = |address: fn(&Links, &SnapshotPath) -> String| path.as_ref().map(|path| address(links, path)).unwrap_or_default();
        let (kind, href, download) = match entry.kind {
            EntryKind::Folder => ("folder", at(Links::folder), String::new()),
            EntryKind::File => ("file", at(Links::view), at(Links::download)),
            EntryKind::Link => ("link", at(Links::view), String::new()),
            EntryKind::Other => ("other", String::new(), String::new()),
        };
        let folder = SnapshotPath::new(&entry.folder).unwrap_or_else(|_| SnapshotPath::root());
        Self {
            name: Shown::name(&entry.name),
            kind,
            href,
            download,
            target: (entry.kind == EntryKind::Link && !entry.target.is_empty()).then(|| Shown::name(&entry.target)),
            size: if entry.kind == EntryKind::Link { String::new() } else { format::size(entry.size) },
            modified: When(entry.modified),
            content_type: entry.content_type.clone(),
            folder: Crumb { name: Shown::name(folder.as_str()), href: links.folder(&folder) },
        }
    }
}

impl Row {
    /// What it is: plakar's type, where that says anything.
    pub fn kind_text(&self) -> &str {
        match self.content_type.split(';').next().unwrap_or_default() {
            "" | "application/octet-stream" => self.kind,
            text => text,
        }
    }
}

/// What is the same for a folder and for what was found in it.
pub struct Frame {
    pub head: AppHead,
    pub point: Summary,
    pub crumbs: Vec<Crumb>,
    /// The folder, percent-encoded: for the form that searches, and for addresses.
    pub at: String,
    /// The point's page.
    pub start: String,
    pub text: String,
    pub whole: bool,
    pub zip: String,
    pub tarball: String,
    pub restore: String,
    pub newer: Option<Neighbour>,
    pub older: Option<Neighbour>,
}

impl Frame {
    async fn new(service: &Service, opened: &Opened, path: &SnapshotPath, asked: &Asked) -> Self {
        let (newer, older) = neighbours(service, opened, path).await;
        let links = &opened.links;
        Self {
            head: AppHead { app: opened.app.clone(), tab: Tab::Points },
            point: Summary::new(opened.app.id, &opened.point.point),
            crumbs: crumbs(links, path),
            at: value(path.as_str()),
            start: links.start().to_owned(),
            text: asked.text.clone(),
            whole: asked.within == "all",
            zip: links.archive(path, "zip"),
            tarball: links.archive(path, "tar.gz"),
            restore: links.restore(path),
            newer,
            older,
        }
    }
}

#[derive(Template)]
#[template(path = "points/browse.html")]
struct Browse {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    paging: Paging,
    total: String,
    /// Its columns that it can be ordered by.
    columns: Vec<Column>,
    /// It is not in the order that was asked for.
    unordered: bool,
    /// It soon will be.
    reading: bool,
    /// The folder is not in this restore point.
    missing: bool,
}

pub async fn browse(visit: Visit, State(service): State<Service>, opened: Opened, Query(asked): Query<Asked>) -> PageResult {
    let path = path(&opened.point.point, asked.folder().as_deref())?;
    if !asked.text.trim().is_empty() {
        let below = if asked.within == "all" { root(&opened.point.point) } else { path.clone() };
        let frame = Frame::new(&service, &opened, &path, &asked).await;
        return search::page_of(visit.shell(Section::None), frame, &opened, &below, &asked).await;
    }
    let entry = match opened.point.entry(&path).await {
        Ok(entry) => Some(entry),
        Err(error) if error.problem() == Problem::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let number = number(asked.page);
    let mut shown = Browse {
        shell: visit.shell(Section::None),
        frame: Frame::new(&service, &opened, &path, &asked).await,
        rows: Vec::new(),
        paging: Paging::new(1, ENTRIES, 0, None, false, |_| String::new()),
        total: String::new(),
        columns: Vec::new(),
        unordered: false,
        reading: false,
        missing: true,
    };
    let Some(entry) = entry else {
        return Ok((StatusCode::NOT_FOUND, page(&shown)?).into_response());
    };
    if entry.kind != EntryKind::Folder {
        return Ok(Redirect::to(&opened.links.view(&path)).into_response());
    }
    let order = parse(&asked.sort);
    let listing = opened.point.ordered(&path, (number - 1) * ENTRIES, ENTRIES, order).await?;
    let mut list = listing.page;
    shown.unordered = listing.order != order;
    shown.reading = listing.reading;
    if shown.unordered {
        // What is on this page at least.
        list.items.sort_by_key(|entry| entry.kind != EntryKind::Folder);
    }
    let base = format!("{}?path={}", opened.links.start(), value(path.as_str()));
    let href = |number| format!("{base}{}&page={number}", sorting(order));
    shown.columns = columns(&base, order);
    shown.paging = Paging::new(number, ENTRIES, list.items.len() as u64, list.total, list.more, href);
    shown.missing = false;
    shown.total = list.total.map_or_else(|| "Entries".to_owned(), |total| format::count(total, "entry", "entries"));
    shown.rows = list.items.iter().map(|entry| Row::new(&opened.links, entry)).collect();
    page(&shown)
}
