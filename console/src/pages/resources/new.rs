//! A resource that is entered by hand, and one that goes.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::settings::{ResourceFaults, ResourceFields, ResourceSettings};
use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use source_app::service::{Error, Service};
use source_app::state::{ResourceId, ResourceSpec};

#[derive(Template)]
#[template(path = "resources/new.html")]
struct NewResourcePage {
    layout: Layout,
    form: ResourceFields,
}

fn page(
    context: &PageContext,
    filled: &ResourceSettings,
    refused: &ResourceFaults,
) -> NewResourcePage {
    NewResourcePage {
        layout: context.below(Section::Resources, &[("Resources", "/resources")]),
        form: filled.fields(refused, true),
    }
}

pub async fn form(context: PageContext) -> PageResult {
    render(&page(&context, &ResourceSettings::of(ResourceSpec::default()), &Vec::new()))
}

pub async fn add(
    State(service): State<Service>,
    context: PageContext,
    posted: FormData,
) -> Result<Response, PageError> {
    let filled = ResourceSettings::posted(&posted);
    let mut faults = filled.faults(true);
    let mut error = Error::Input(String::new());
    if faults.is_empty() {
        match service.add_resource(filled.spec.clone()).await {
            Ok(made) => return Ok(redirect(&format!("/resources/{}", made.id), "resource-added")),
            Err(refused) => {
                faults.push(("", sentence(&refused.to_string())));
                error = refused;
            }
        }
    }
    render_refused(&page(&context, &filled, &faults), &error)
}

pub async fn remove(
    State(service): State<Service>,
    Path(id): Path<ResourceId>,
) -> Result<Response, PageError> {
    let removed = service.remove_resource(id).await;
    removed.map_err(|error| PageError::from(error).back(&format!("/resources/{id}")))?;
    Ok(redirect("/resources", "resource-removed"))
}
