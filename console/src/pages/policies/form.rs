//! The form of a policy, with its schedules below.

use askama::Template;
use axum::extract::{Path, State};

use super::{data_classes, environments, matching, rows};
use crate::pages::error::{PageError, sentence};
use crate::pages::forms::{Field, Posted, Several, retention_fields};
use crate::pages::refused::refused;
use crate::pages::schedules::Row;
use crate::pages::{PageResult, Section, Shell, Visit, done, page};
use source_app::service::{Error, Service};
use source_app::state::{MatchMode, Policy, PolicyId, PolicySpec};

#[derive(Template)]
#[template(path = "policies/form.html")]
struct Form {
    shell: Shell,
    /// The policy's id, name and revision, if there is one.
    policy: Option<(PolicyId, String, i64)>,
    name: Field,
    environments: Several,
    classes: Several,
    which: Field,
    retention: Vec<Field>,
    enabled: Field,
    apps: Vec<(String, String)>,
    rows: Vec<Row>,
    faults: Vec<String>,
}

impl Form {
    fn action(&self) -> String {
        self.policy.as_ref().map_or_else(|| "/policies/new".to_owned(), |(id, ..)| format!("/policies/{id}"))
    }

    fn remove_href(&self, id: &PolicyId) -> String {
        format!("/policies/{id}/remove")
    }
}

async fn made(
    shell: Shell,
    service: &Service,
    policy: Option<(PolicyId, String, i64)>,
    spec: &PolicySpec,
    retention: Vec<Field>,
) -> Result<Form, PageError> {
    let apps = service.apps().await?;
    let schedules = match &policy {
        Some((id, ..)) => rows(&service.schedules().await?, *id),
        None => Vec::new(),
    };
    let several = |name, legend, all: Vec<String>, chosen: &[String]| {
        Several::new(name, legend, &all.iter().map(String::as_str).collect::<Vec<_>>(), chosen)
    };
    let which = [("any", "An app with any of them"), ("all", "An app with all of them")];
    let which = which.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    Ok(Form {
        shell,
        name: Field::text("name", "Name", &spec.name).required().help("Small letters, digits, \".\", \"_\" and \"-\"."),
        environments: Several {
            help: "None ticked: whatever environment an app has.",
            ..several("environment", "Environments", environments(&apps), &spec.environments)
        },
        classes: Several {
            help: "None ticked: whatever data classes an app has.",
            ..several("data_class", "Data classes", data_classes(&apps), &spec.data_classes)
        },
        which: Field::select("classes", "Of several data classes it takes", which, spec.classes.as_str()),
        retention,
        enabled: Field::checkbox("enabled", "Enabled", spec.enabled),
        apps: matching(spec, &apps),
        rows: schedules,
        policy,
        faults: Vec::new(),
    })
}

fn filled(posted: &Posted) -> (Result<PolicySpec, Error>, PolicySpec, Vec<Field>) {
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

async fn saved(visit: Visit, service: &Service, old: Option<&Policy>, revision: i64, posted: &Posted) -> PageResult {
    let (usable, spec, fields) = filled(posted);
    let saved = match (usable, old) {
        (Err(error), _) => Err(error),
        (Ok(spec), None) => service.add_policy(spec).await,
        (Ok(spec), Some(old)) => service.edit_policy(old.id, revision, spec).await,
    };
    match saved {
        Ok(policy) => Ok(done(&format!("/policies/{}", policy.id), "saved")),
        Err(error) => {
            let policy = old.map(|old| (old.id, old.spec.name.clone(), revision));
            let mut form = made(visit.shell(Section::Policies), service, policy, &spec, fields).await?;
            form.faults = error.to_string().lines().map(sentence).collect();
            refused(&form, &error)
        }
    }
}

pub async fn new(visit: Visit, State(service): State<Service>) -> PageResult {
    let spec = PolicySpec {
        name: String::new(),
        environments: Vec::new(),
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        retention: Default::default(),
        enabled: true,
    };
    page(&made(visit.shell(Section::Policies), &service, None, &spec, retention_fields(spec.retention)).await?)
}

pub async fn add(visit: Visit, State(service): State<Service>, posted: Posted) -> PageResult {
    saved(visit, &service, None, 0, &posted).await
}

pub async fn edit(visit: Visit, State(service): State<Service>, Path(id): Path<PolicyId>) -> PageResult {
    let policy = service.policy(id).await?;
    let known = Some((id, policy.spec.name.clone(), policy.revision));
    page(&made(visit.shell(Section::Policies), &service, known, &policy.spec, retention_fields(policy.spec.retention)).await?)
}

pub async fn save(visit: Visit, State(service): State<Service>, Path(id): Path<PolicyId>, posted: Posted) -> PageResult {
    let revision = posted.number("revision").map_err(|error| PageError::input(&error))?;
    let policy = service.policy(id).await?;
    saved(visit, &service, Some(&policy), revision, &posted).await
}
