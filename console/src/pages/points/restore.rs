//! The form to restore a folder or a file.

use std::path::PathBuf;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::open::{Crumb, Opened, Summary, crumbs, path};
use super::shown::Shown;
use crate::pages::error::{PageError, sentence};
use crate::pages::format;
use crate::pages::forms::Posted;
use crate::pages::refused::refused;
use crate::pages::{AppHead, PageResult, Section, Shell, Tab, Visit, page};
use plakar_driver::{EntryKind, SnapshotPath};
use source_app::service::{Error, RestorePlace, Service, Work};
use source_app::state::{App, AppKind};

#[derive(Deserialize)]
pub struct Asked {
    path: Option<String>,
}

/// A destination app to choose.
struct Choice {
    name: String,
    resource: String,
    /// Whether it is of the source's resource.
    same: bool,
}

#[derive(Template)]
#[template(path = "points/restore.html")]
struct Form {
    shell: Shell,
    head: AppHead,
    point: Summary,
    crumbs: Vec<Crumb>,
    action: String,
    back: String,
    path: Shown,
    /// All that was backed up.
    whole: bool,
    folder: bool,
    size: String,
    origin: Shown,
    choices: Vec<Choice>,
    chosen: String,
    target: String,
    faults: Vec<String>,
}

pub async fn form(visit: Visit, State(service): State<Service>, opened: Opened, Query(asked): Query<Asked>) -> PageResult {
    let path = path(&opened.point.point, asked.path.as_deref())?;
    page(&filled(visit.shell(Section::None), &service, opened, &path, &Posted::default()).await?)
}

/// Starts the task, and leads to it.
pub async fn start(visit: Visit, State(service): State<Service>, opened: Opened, Query(asked): Query<Asked>, posted: Posted) -> PageResult {
    let path = path(&opened.point.point, asked.path.as_deref())?;
    let begun = match place(&posted) {
        Ok(to) => {
            let work = Work::Restore { snapshot: opened.point.point.id.clone(), path: path.clone(), to };
            service.start(opened.app.id, &work).await
        }
        Err(error) => Err(Error::Input(error)),
    };
    match begun {
        Ok(task) => Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response()),
        Err(error) => {
            let mut form = filled(visit.shell(Section::None), &service, opened, &path, &posted).await?;
            form.faults = error.to_string().lines().map(sentence).collect();
            refused(&form, &error)
        }
    }
}

fn place(posted: &Posted) -> Result<RestorePlace, String> {
    match posted.get("to") {
        "source" => Ok(RestorePlace::Source),
        "folder" => {
            let folder = PathBuf::from(posted.get("folder"));
            let up = folder.components().any(|part| part == std::path::Component::ParentDir);
            if !folder.is_absolute() || up || posted.get("folder").contains(char::is_control) {
                return Err("the folder has to be an absolute path without \"..\"; write one such as /home/me/restored".into());
            }
            Ok(RestorePlace::Folder(folder))
        }
        to => match to.strip_prefix("destination:") {
            Some(name) if !name.is_empty() => Ok(RestorePlace::Destination(name.to_owned())),
            _ => Err("choose where to restore to".into()),
        },
    }
}

async fn filled(shell: Shell, service: &Service, opened: Opened, path: &SnapshotPath, posted: &Posted) -> Result<Form, PageError> {
    let entry = opened.point.entry(path).await?;
    let point = &opened.point.point;
    let origin = if point.root == "/" { point.origin.clone() } else { format!("{} {}", point.origin, point.root) };
    let folder = entry.kind == EntryKind::Folder;
    let links = &opened.links;
    Ok(Form {
        shell,
        point: Summary::new(opened.app.id, point),
        crumbs: crumbs(links, path),
        action: links.restore(path),
        back: if folder { links.folder(path) } else { links.view(path) },
        path: Shown::name(path.as_str()),
        whole: *path == SnapshotPath::root() || path.as_str() == point.root,
        folder,
        size: format::size(entry.size),
        origin: Shown::name(&origin),
        choices: choices(&opened.app, service.apps().await?),
        chosen: posted.get("to").to_owned(),
        target: posted.get("folder").to_owned(),
        faults: Vec::new(),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}

/// Those of the same resource first.
fn choices(source: &App, apps: Vec<App>) -> Vec<Choice> {
    let destinations = apps.into_iter().filter(|app| app.spec.kind == AppKind::Destination);
    let choice = |app: App| Choice {
        same: app.spec.resource.name == source.spec.resource.name,
        name: app.spec.name,
        resource: app.spec.resource.name,
    };
    let mut choices: Vec<Choice> = destinations.map(choice).collect();
    choices.sort_by(|a, b| (!a.same, &a.name).cmp(&(!b.same, &b.name)));
    choices
}
