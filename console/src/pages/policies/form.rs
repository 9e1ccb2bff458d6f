//! The form of a policy, with its schedules below.

use askama::Template;
use axum::extract::{Path, State};

use super::matching::{data_classes, environments, matching, rows};
use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::forms::{CheckboxGroup, Field, FormData, retention_fields};
use crate::pages::schedules::ScheduleRow;
use source_app::service::{Error, Service};
use source_app::state::{MatchMode, Policy, PolicyId, PolicySpec};

#[derive(Template)]
#[template(path = "policies/form.html")]
struct PolicyPage {
    layout: Layout,
    /// The policy's id, name and revision, if there is one.
    policy: Option<(PolicyId, String, i64)>,
    name: Field,
    environments: CheckboxGroup,
    classes: CheckboxGroup,
    which: Field,
    retention: Vec<Field>,
    enabled: Field,
    apps: Vec<(String, String)>,
    rows: Vec<ScheduleRow>,
    faults: Vec<String>,
}

impl PolicyPage {
    fn action(&self) -> String {
        self.policy
            .as_ref()
            .map_or_else(|| "/policies/new".to_owned(), |(id, ..)| format!("/policies/{id}"))
    }

    fn remove_href(&self, id: &PolicyId) -> String {
        format!("/policies/{id}/remove")
    }
}

async fn made(
    layout: Layout,
    service: &Service,
    policy: Option<(PolicyId, String, i64)>,
    spec: &PolicySpec,
    retention: Vec<Field>,
) -> Result<PolicyPage, PageError> {
    let apps = service.apps().await?;
    let schedules = match &policy {
        Some((id, ..)) => rows(&service.schedules().await?, *id),
        None => Vec::new(),
    };
    let several = |name, legend, all: Vec<String>, chosen: &[String]| {
        CheckboxGroup::new(
            name,
            legend,
            &all.iter().map(String::as_str).collect::<Vec<_>>(),
            chosen,
        )
    };
    let which = [("any", "An app with any of them"), ("all", "An app with all of them")];
    let which = which.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    Ok(PolicyPage {
        layout,
        name: Field::text("name", "Name", &spec.name)
            .required()
            .help("Small letters, digits, \".\", \"_\" and \"-\"."),
        environments: CheckboxGroup {
            help: "None ticked: whatever environment an app has.",
            ..several("environment", "Environments", environments(&apps), &spec.environments)
        },
        classes: CheckboxGroup {
            help: "None ticked: whatever data classes an app has.",
            ..several("data_class", "Data classes", data_classes(&apps), &spec.data_classes)
        },
        which: Field::select(
            "classes",
            "Of several data classes it takes",
            which,
            spec.classes.as_str(),
        ),
        retention,
        enabled: Field::checkbox("enabled", "Enabled", spec.enabled),
        apps: matching(spec, &apps),
        rows: schedules,
        policy,
        faults: Vec::new(),
    })
}

fn filled(posted: &FormData) -> (Result<PolicySpec, Error>, PolicySpec, Vec<Field>) {
    let (retention, fields) = posted.retention();
    let classes: Result<MatchMode, _> = posted.get("classes").parse();
    let spec = PolicySpec {
        name: posted.get("name").to_owned(),
        environments: posted.several("environment"),
        data_classes: posted.several("data_class"),
        classes: *classes.as_ref().unwrap_or(&MatchMode::Any),
        retention,
        enabled: posted.ticked("enabled"),
    };
    let fault = fields.iter().find_map(|field| field.error.clone());
    let usable = match (classes, fault) {
        (Err(error), _) => Err(error.into()),
        (_, Some(fault)) => Err(Error::Input(fault)),
        (Ok(_), None) => spec.check().map(|()| spec.clone()).map_err(Error::from),
    };
    (usable, spec, fields)
}

async fn saved(
    context: PageContext,
    service: &Service,
    old: Option<&Policy>,
    revision: i64,
    posted: &FormData,
) -> PageResult {
    let (usable, spec, fields) = filled(posted);
    let saved = match (usable, old) {
        (Err(error), _) => Err(error),
        (Ok(spec), None) => service.add_policy(spec).await,
        (Ok(spec), Some(old)) => service.edit_policy(old.id, revision, spec).await,
    };
    match saved {
        Ok(policy) => Ok(redirect(&format!("/policies/{}", policy.id), "saved")),
        Err(error) => {
            let policy = old.map(|old| (old.id, old.spec.name.clone(), revision));
            let mut form =
                made(context.layout(Section::Policies), service, policy, &spec, fields).await?;
            form.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&form, &error)
        }
    }
}

pub async fn new(context: PageContext, State(service): State<Service>) -> PageResult {
    let spec = PolicySpec {
        name: String::new(),
        environments: Vec::new(),
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        retention: Default::default(),
        enabled: true,
    };
    render(
        &made(
            context.layout(Section::Policies),
            &service,
            None,
            &spec,
            retention_fields(spec.retention),
        )
        .await?,
    )
}

pub async fn add(
    context: PageContext,
    State(service): State<Service>,
    posted: FormData,
) -> PageResult {
    saved(context, &service, None, 0, &posted).await
}

pub async fn edit(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<PolicyId>,
) -> PageResult {
    let policy = service.policy(id).await?;
    let known = Some((id, policy.spec.name.clone(), policy.revision));
    render(
        &made(
            context.layout(Section::Policies),
            &service,
            known,
            &policy.spec,
            retention_fields(policy.spec.retention),
        )
        .await?,
    )
}

pub async fn save(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<PolicyId>,
    posted: FormData,
) -> PageResult {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let policy = service.policy(id).await?;
    saved(context, &service, Some(&policy), revision, &posted).await
}
