//! The form to restore a folder or a file.

use std::path::PathBuf;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use super::point::{Breadcrumb, PointRequest, PointSummary, breadcrumbs, path};
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::format;
use crate::pages::forms::FormData;
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{EntryKind, SnapshotPath};
use source_app::service::{Error, RestorePlace, Service, Work};
use source_app::state::{App, AppKind};

#[derive(Deserialize)]
pub struct RestoreQuery {
    path: Option<String>,
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
    render(
        &filled(context.layout(Section::None), &service, opened, &path, &FormData::default())
            .await?,
    )
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
            if to == RestorePlace::Source && !replace {
                let question = service.restore_question(opened.app.id, &snapshot, &path).await?;
                return render(&ConfirmPage {
                    layout: context.layout(Section::None),
                    point: PointSummary::new(
                        opened.app.id,
                        &opened.point.point,
                        opened.check.as_ref(),
                    ),
                    action: opened.links.restore(&path),
                    question: sentence(&question),
                    head: AppHead { app: opened.app, tab: Tab::Points },
                });
            }
            let work = Work::Restore { snapshot, path: path.clone(), to, replace };
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

fn place(posted: &FormData) -> Result<RestorePlace, String> {
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
        point: PointSummary::new(opened.app.id, point, opened.check.as_ref()),
        crumbs: breadcrumbs(links, path),
        action: links.restore(path),
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
