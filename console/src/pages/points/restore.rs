//! The form to restore a folder or a file.

use std::path::PathBuf;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::links::value;
use super::point::{Breadcrumb, PointRequest, PointSummary, breadcrumbs, path};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::format;
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{EntryKind, SnapshotPath};
use source_app::service::{Error, MachineFolder, RestorePlace, Service, Work};
use source_app::state::{App, AppKind};

#[derive(Deserialize)]
pub struct RestoreQuery {
    path: Option<String>,
    /// A folder of the machine, to choose one in it.
    browse: Option<String>,
}

/// Folders of the machine to choose from.
struct FolderChoice {
    here: String,
    /// The one above, and those in it: name and address.
    links: Vec<(String, String)>,
    more: bool,
}

impl FolderChoice {
    fn of(found: MachineFolder, action: &str) -> Self {
        let address = |path: &str| format!("{action}&browse={}#folder", value(path));
        let up = found.parent.iter().map(|parent| ("..".to_owned(), address(parent)));
        let below = found.folders.iter().map(|name| {
            let path = format!("{}/{name}", found.path.trim_end_matches('/'));
            (name.clone(), address(&path))
        });
        Self { links: up.chain(below).collect(), more: found.more, here: found.path }
    }
}

/// A destination app to choose.
struct DestinationChoice {
    name: String,
    resource: String,
    /// Whether it is of the source's resource.
    same: bool,
}

#[derive(Template)]
#[template(path = "points/restore.html")]
struct RestorePage {
    layout: Layout,
    head: AppHead,
    point: PointSummary,
    crumbs: Vec<Breadcrumb>,
    action: String,
    back: String,
    path: VisibleText,
    /// All that was backed up.
    whole: bool,
    folder: bool,
    size: String,
    origin: VisibleText,
    choices: Vec<DestinationChoice>,
    chosen: String,
    target: String,
    /// Where folders are chosen.
    browse: String,
    folders: Option<FolderChoice>,
    faults: Vec<String>,
}

/// The question before the source itself is written to.
#[derive(Template)]
#[template(path = "points/confirm.html")]
struct ConfirmPage {
    layout: Layout,
    head: AppHead,
    point: PointSummary,
    action: String,
    question: String,
}

pub async fn form(
    context: PageContext,
    State(service): State<Service>,
    opened: PointRequest,
    Query(query): Query<RestoreQuery>,
) -> PageResult {
    let path = path(&opened.point.point, query.path.as_deref())?;
    let mut form =
        filled(context.layout(Section::None), &service, opened, &path, &FormData::default())
            .await?;
    if let Some(browse) = &query.browse {
        "folder".clone_into(&mut form.chosen);
        match service.machine_folder(browse).await {
            Ok(found) => {
                form.target.clone_from(&found.path);
                form.folders = Some(FolderChoice::of(found, &form.action));
            }
            Err(error) => {
                form.target.clone_from(browse);
                form.faults = vec![sentence(&error.to_string())];
            }
        }
    }
    render(&form)
}

/// Starts the task, and leads to it; before the source itself is written to it is asked.
pub async fn start(
    context: PageContext,
    State(service): State<Service>,
    opened: PointRequest,
    Query(query): Query<RestoreQuery>,
    posted: FormData,
) -> PageResult {
    let path = path(&opened.point.point, query.path.as_deref())?;
    let begun = match place(&posted) {
        Ok(to) => {
            let (snapshot, replace) =
                (opened.point.point.id.clone(), posted.get("replace") == "true");
            let second = opened.links.is_second();
            if to == RestorePlace::Source && !replace {
                let question =
                    service.restore_question(opened.app.id, &snapshot, &path, second).await?;
                return render(&ConfirmPage {
                    layout: context.layout(Section::None),
                    point: PointSummary::of(
                        &opened.links,
                        &opened.point.point,
                        opened.check.as_ref(),
                    ),
                    action: opened.links.restore(&path),
                    question: sentence(&question),
                    head: AppHead { app: opened.app, tab: Tab::Points },
                });
            }
            let work = Work::Restore { snapshot, path: path.clone(), to, second, replace };
            service.start(opened.app.id, &work).await
        }
        Err(error) => Err(Error::Input(error)),
    };
    match begun {
        Ok(task) => Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response()),
        Err(error) => {
            let mut form =
                filled(context.layout(Section::None), &service, opened, &path, &posted).await?;
            form.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&form, &error)
        }
    }
}

pub(super) fn place(posted: &FormData) -> Result<RestorePlace, String> {
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

async fn filled(
    layout: Layout,
    service: &Service,
    opened: PointRequest,
    path: &SnapshotPath,
    posted: &FormData,
) -> Result<RestorePage, PageError> {
    let entry = opened.point.entry(path).await?;
    let point = &opened.point.point;
    let origin = if point.root == "/" {
        point.origin.clone()
    } else {
        format!("{} {}", point.origin, point.root)
    };
    let folder = entry.kind == EntryKind::Folder;
    let links = &opened.links;
    Ok(RestorePage {
        layout,
        point: PointSummary::of(links, point, opened.check.as_ref()),
        crumbs: breadcrumbs(links, path),
        action: links.restore(path),
        browse: format!("{}&browse=#folder", links.restore(path)),
        folders: None,
        back: if folder { links.folder(path) } else { links.view(path) },
        path: VisibleText::name(path.as_str()),
        whole: *path == SnapshotPath::root() || path.as_str() == point.root,
        folder,
        size: format::size(entry.size),
        origin: VisibleText::name(&origin),
        choices: choices(&opened.app, service.apps().await?),
        chosen: posted.get("to").to_owned(),
        target: posted.get("folder").to_owned(),
        faults: Vec::new(),
        head: AppHead { app: opened.app, tab: Tab::Points },
    })
}

/// Those of the same resource first.
fn choices(source: &App, apps: Vec<App>) -> Vec<DestinationChoice> {
    let destinations = apps.into_iter().filter(|app| app.spec.kind == AppKind::Destination);
    let choice = |app: App| DestinationChoice {
        same: app.spec.resource.name == source.spec.resource.name,
        name: app.spec.name,
        resource: app.spec.resource.name,
    };
    let mut choices: Vec<DestinationChoice> = destinations.map(choice).collect();
    choices.sort_by(|a, b| (!a.same, &a.name).cmp(&(!b.same, &b.name)));
    choices
}
