//! One resource: its apps, its newest restore points, its settings.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::settings::{ResourceFaults, ResourceFields, ResourceSettings};
use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::format::{self, Badge};
use crate::pages::task_row::TaskRow;
use plakar_driver::percent;
use source_app::service::{Error, ResourceDashboard, Service};
use source_app::state::{AppSpec, ResourceId, ResourceSpec};

#[derive(Template)]
#[template(path = "resources/one.html")]
struct ResourceDetailsPage {
    layout: Layout,
    id: ResourceId,
    name: String,
    spec: ResourceSpec,
    badge: Badge,
    apps: Vec<ResourceApp>,
    points: Vec<TaskRow>,
    revision: i64,
    /// Whether nothing of it is backed up, and it was entered by hand.
    uncovered: bool,
    form: ResourceFields,
}

impl ResourceDetailsPage {
    fn removal(&self) -> String {
        format!("/resources/{}/remove", self.id)
    }

    /// Where an app of it is added: the form has what is known already.
    fn another(&self) -> String {
        let ResourceSpec { name, class, subclass, .. } = &self.spec;
        let value = |text: &str| percent(text, b"-._~");
        let (name, class, subclass) = (value(name), value(class), value(subclass));
        format!("/assign?resource={name}&resource_class={class}&subclass={subclass}")
    }
}

struct ResourceApp {
    id: i64,
    spec: AppSpec,
    badge: Badge,
    reasons: Vec<(String, Option<i64>)>,
}

fn page(
    layout: Layout,
    found: ResourceDashboard,
    revision: i64,
    filled: &ResourceSettings,
    refused: &ResourceFaults,
) -> ResourceDetailsPage {
    let names = |id: i64| {
        let app = found.apps.iter().find(|app| app.app.id == id);
        app.map(|app| app.app.spec.name.clone()).unwrap_or_default()
    };
    let points = found.points.iter().map(|task| TaskRow::of(task, &names(task.app))).collect();
    let row = |app: source_app::service::AppOverview| ResourceApp {
        id: app.app.id,
        badge: Badge::of_verdict(app.health.verdict),
        reasons: format::reasons(&app.health),
        spec: app.app.spec,
    };
    ResourceDetailsPage {
        layout,
        id: found.resource.id,
        name: found.resource.spec.name.clone(),
        badge: Badge::of_verdict(found.health),
        points,
        revision,
        uncovered: found.uncovered,
        form: filled.fields(refused, false),
        spec: found.resource.spec,
        apps: found.apps.into_iter().map(row).collect(),
    }
}

const ABOVE: [(&str, &str); 1] = [("Resources", "/resources")];

pub async fn show(
    State(service): State<Service>,
    Path(id): Path<ResourceId>,
    context: PageContext,
) -> PageResult {
    let found = service.resource(id).await?;
    let filled = ResourceSettings::of(found.resource.spec.clone());
    let (layout, revision) = (context.below(Section::Resources, &ABOVE), found.resource.revision);
    render(&page(layout, found, revision, &filled, &Vec::new()))
}

pub async fn save(
    State(service): State<Service>,
    Path(id): Path<ResourceId>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let found = service.resource(id).await?;
    let filled = ResourceSettings::posted(&posted);
    let mut faults = filled.faults(false);
    let error = match faults.is_empty() {
        true => match service.edit_resource(id, revision, filled.spec.clone()).await {
            Ok(_) => return Ok(redirect(&format!("/resources/{id}"), "saved")),
            Err(error) => {
                faults.push(("", sentence(&error.to_string())));
                error
            }
        },
        false => Error::Input(String::new()),
    };
    let layout = context.below(Section::Resources, &ABOVE);
    render_refused(&page(layout, found, revision, &filled, &faults), &error)
}
