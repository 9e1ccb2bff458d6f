//! `app points`, `ls`, `find` and `errors`: what is in the store.

use chrono::{DateTime, Utc};
use plakar_driver::{BackupScope, Entry, EntryKind, SnapshotId, SnapshotPath};
use serde::Serialize;
use serde_json::json;
use source_app::model::BackupOptions;
use source_app::service::{self, OpenedPoint};
use source_app::state::{App, CheckedPoint};

use super::all_points::find_in_all;
use super::lines::time;
use super::second_store::WhichStore;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, FOLDER, GOOD, Output, coloured, count, shown, size};
use terminal::text;

/// Maximum number of entries that are fetched at once.
const MAX_ENTRIES_PER_PAGE: u64 = 1000;

/// List an app's restore points, the newest first
#[derive(Debug, clap::Args)]
pub(super) struct Points {
    /// The source app
    name: String,
    /// Those with this label only; may be repeated, for those with all of them
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Print a JSON object for each, in a line: id, taken, duration_ms, environment, data_classes,
    /// labels, ignore and folders_taken (what it was made without, and of), size, files, folders, errors, root, job, pinned, check (null if it was not checked yet, or:
    /// state, verified or damaged; at, task, errors, reason)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    second: WhichStore,
}

impl Points {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let pinned = opened.service.pinned(app.id).await?;
        let (points, checks) = match self.second.from_second {
            true => (
                opened.service.second_points(app.id).await?,
                opened.service.second_checks(app.id).await?,
            ),
            false => {
                (opened.service.points(app.id).await?, opened.service.point_checks(app.id).await?)
            }
        };
        for point in points {
            if !self.label.iter().all(|label| point.labels.contains(label)) {
                continue;
            }
            let check = checks.get(point.id.as_str());
            let is_pinned = pinned.contains_key(point.id.as_str());
            if self.json {
                out.json(&json!({
                    "id": point.id.as_str(), "taken": point.taken, "duration_ms": point.duration.as_millis() as u64,
                    "environment": point.environment, "data_classes": point.classes, "labels": point.labels, "ignore": point.scope.ignore, "folders_taken": point.scope.folders, "size": point.size, "files": point.files,
                    "folders": point.folders, "errors": point.errors, "root": point.root, "job": point.job, "pinned": is_pinned,
                    "check": check,
                }))?;
                continue;
            }
            let mut parts = vec![
                point.id.short().to_owned(),
                time(point.taken),
                format!("{:>10}", size(point.size)),
                count(point.files, "file"),
            ];
            parts.extend((point.errors > 0).then(|| coloured(BAD, &count(point.errors, "error"))));
            parts.push(format!("{:.1} s", point.duration.as_secs_f64()));
            parts.extend((!point.environment.is_empty()).then(|| shown(&point.environment)));
            parts.extend((!point.classes.is_empty()).then(|| shown(&point.classes.join(", "))));
            parts.extend(point.labels.iter().map(|label| format!("#{}", shown(label))));
            parts.extend(left_out(&point.scope));
            parts.extend(is_pinned.then(|| "pinned".to_owned()));
            parts.push(checked(check));
            out.line(&parts.join("  "))?;
        }
        Ok(Exit::Done)
    }
}

/// That a restore point is not of all there was, in a few words.
fn left_out(scope: &BackupScope) -> Option<String> {
    let BackupScope { ignore, folders } = scope.clone();
    let options = BackupOptions { ignore, folders, ..BackupOptions::default() };
    Some(options.scope_text()).filter(|text| !text.is_empty())
}

/// What is known of a restore point, and since when.
fn checked(check: Option<&CheckedPoint>) -> String {
    match check {
        None => coloured(ASIDE, "not checked yet"),
        Some(check) if check.is_whole() => {
            format!("{} {}", coloured(GOOD, check.word()), time(check.at))
        }
        Some(check) => {
            format!("{} {} ({})", coloured(BAD, check.word()), time(check.at), shown(&check.reason))
        }
    }
}

/// The restore point that a text means. What is to be said with it goes to standard error.
pub(super) async fn find_point(
    opened: &Opened,
    app: &App,
    text: &str,
    second: bool,
) -> Result<SnapshotId, Failure> {
    let found = match second {
        true => opened.service.find_second_point(app.id, text).await?,
        false => opened.service.find_point(app.id, text).await?,
    };
    if let Some(note) = &found.note {
        say(note);
    }
    Ok(found.id)
}

/// Which restore point.
#[derive(Debug, clap::Args)]
pub(super) struct PointArgs {
    /// The source app
    name: String,
    /// latest, or the id of a restore point or its beginning
    point: String,
    #[command(flatten)]
    second: WhichStore,
}

impl PointArgs {
    pub(super) async fn open(&self, opened: &Opened) -> Result<OpenedPoint, Failure> {
        let app = opened.source(&self.name).await?;
        let second = self.second.from_second;
        let id = find_point(opened, &app, &self.point, second).await?;
        Ok(match second {
            true => opened.service.second_point(app.id, &id).await?,
            false => opened.service.point(app.id, &id).await?,
        })
    }
}

pub(super) fn snapshot_path(path: &str) -> Result<SnapshotPath, Failure> {
    SnapshotPath::new(path).map_err(|error| service::Error::from(error).into())
}

/// List a folder of a restore point, or one file
///
/// Names are shown with control characters escaped; --json has them exactly. What the backup could
/// not read of the folder is said on standard error.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    #[command(flatten)]
    of: PointArgs,
    /// The path in it
    #[arg(default_value = "/")]
    path: String,
    /// Show sizes in bytes and times in UTC
    #[arg(short, long)]
    long: bool,
    /// Print a JSON object for each entry, in a line: path, type (folder, file, link or other),
    /// size, modified, target (of a link)
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let path = snapshot_path(&self.path)?;
        let point = self.of.open(opened).await?;
        let style = EntryStyle { long: self.long, json: self.json, whole: false };
        let entry = point.entry(&path).await?;
        if entry.kind != EntryKind::Folder {
            return style.row(out, &entry).map(|()| Exit::Done);
        }
        let mut offset = 0;
        loop {
            let page = point.children(&path, offset, MAX_ENTRIES_PER_PAGE).await?;
            offset += page.items.len() as u64;
            page.items.iter().try_for_each(|entry| style.row(out, entry))?;
            if !page.more || page.items.is_empty() {
                break;
            }
        }
        for missing in point.missing(&path).await? {
            let last = missing.last.map_or_else(String::new, |last| {
                format!("; {} of {} has it", last.id.short(), time(last.taken))
            });
            let what = if missing.in_part { "is not all there" } else { "is not there" };
            say(&text::line(&format!(
                "{} {what}, the backup could not read it: {}{last}",
                shown(&missing.name),
                missing.reason
            )));
        }
        Ok(Exit::Done)
    }
}

/// Find files and folders of a restore point by name, or of all of them
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "plakar-opendrive app find [OPTIONS] <NAME> <POINT> <TEXT>\n       plakar-opendrive app find [OPTIONS] --all-points <NAME> <TEXT>"
)]
pub(super) struct Find {
    /// The source app
    name: String,
    /// latest, or the id of a restore point or its beginning; not with --all-points
    point: String,
    /// A part of the name, or a pattern such as *.pdf
    #[arg(required_unless_present = "all_points")]
    text: Option<String>,
    /// In all restore points, deleted files included: each path once, with the first and the last
    /// that has it
    #[arg(long, conflicts_with_all = ["below", "from_second"])]
    all_points: bool,
    /// In this folder only, and those below
    #[arg(long, value_name = "PATH", default_value = "/")]
    below: String,
    /// Show sizes in bytes and times in UTC
    #[arg(short, long)]
    long: bool,
    /// Print JSON as ls does; of all points: path, type, size, first, last (each with id and taken)
    /// and gone_since
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    second: WhichStore,
}

impl Find {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let text = match (self.all_points, &self.text) {
            (true, None) => {
                let app = opened.source(&self.name).await?;
                return find_in_all(opened, &app, &self.point, self.json, out).await;
            }
            (false, Some(text)) => text,
            _ => {
                return Err(Failure::usage(
                    "--all-points searches each restore point: give the app and the text alone",
                ));
            }
        };
        let below = snapshot_path(&self.below)?;
        let point = PointArgs { name: self.name, point: self.point, second: self.second };
        let point = point.open(opened).await?;
        let style = EntryStyle { long: self.long, json: self.json, whole: true };
        let mut offset = 0;
        loop {
            let page = point.search(&below, text, offset, MAX_ENTRIES_PER_PAGE).await?;
            offset += page.items.len() as u64;
            page.items.iter().try_for_each(|entry| style.row(out, entry))?;
            out.flush()?;
            if !page.more || page.items.is_empty() {
                return Ok(Exit::Done);
            }
        }
    }
}

/// List what failed when a restore point was made
#[derive(Debug, clap::Args)]
pub(super) struct Errors {
    #[command(flatten)]
    of: PointArgs,
    /// Print a JSON object for each, in a line: path and error
    #[arg(long)]
    json: bool,
}

impl Errors {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let point = self.of.open(opened).await?;
        let mut offset = 0;
        loop {
            let page = point.errors(offset, MAX_ENTRIES_PER_PAGE).await?;
            offset += page.items.len() as u64;
            for failure in &page.items {
                if self.json {
                    out.json(&json!({ "path": failure.path, "error": failure.reason }))?;
                } else {
                    out.line(&format!("{}: {}", shown(&failure.path), shown(&failure.reason)))?;
                }
            }
            if !page.more || page.items.is_empty() {
                return Ok(Exit::Done);
            }
        }
    }
}

/// How entries are shown.
struct EntryStyle {
    long: bool,
    json: bool,
    /// With the whole path.
    whole: bool,
}

#[derive(Serialize)]
struct EntryRow<'a> {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `None` for what is no file.
    size: Option<u64>,
    modified: DateTime<Utc>,
    target: Option<&'a str>,
}

impl EntryStyle {
    fn row(&self, out: &mut Output, entry: &Entry) -> Result<(), Failure> {
        let path = format!("{}/{}", entry.folder.trim_end_matches('/'), entry.name);
        let (size, folder) = (
            (entry.kind == EntryKind::File).then_some(entry.size),
            entry.kind == EntryKind::Folder,
        );
        let target = (entry.kind == EntryKind::Link).then_some(entry.target.as_str());
        if self.json {
            let kind = match entry.kind {
                EntryKind::Folder => "folder",
                EntryKind::File => "file",
                EntryKind::Link => "link",
                EntryKind::Other => "other",
            };
            out.json(&EntryRow { path, kind, size, modified: entry.modified, target })?;
            return Ok(());
        }
        let name = if self.whole { shown(&path) } else { shown(&entry.name) };
        let mut name = if folder { coloured(FOLDER, &format!("{name}/")) } else { name };
        if let Some(target) = target {
            name += &format!(" -> {}", shown(target));
        }
        if self.long {
            let size = size.map_or_else(|| "-".to_owned(), |size| size.to_string());
            name = format!("{size:>12}  {:<20}  {name}", time(entry.modified));
        }
        Ok(out.line(&name)?)
    }
}
