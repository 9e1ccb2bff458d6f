//! The form of a policy: which apps, when, what it keeps and promises; with its schedules.

use askama::Template;
use axum::extract::{Path, State};

use super::contract::ContractPreview;
use super::draft::DraftFields;
use super::matching::{labels, rows};
use crate::pages::answer::{PageResult, redirect, render, render_refused};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::forms::{CheckboxGroup, Field};
use crate::pages::schedules::ScheduleRow;
use source_app::service::{PolicyTimes, Service};
use source_app::state::{Policy, PolicyId};

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
    labels: CheckboxGroup,
    times: Vec<Field>,
    zone_was: String,
    /// What is shown of when something runs.
    shown_times: Vec<(&'static str, String)>,
    promise: [Field; 3],
    retention: Vec<Field>,
    enabled: Field,
    contract: ContractPreview,
    rows: Vec<ScheduleRow>,
    faults: Vec<String>,
}

impl PolicyPage {
    fn action(&self) -> String {
        self.policy
            .as_ref()
            .map_or_else(|| "/policies/new".to_owned(), |(id, ..)| format!("/policies/{id}"))
    }

    /// Puts what is wrong beside the field that it begins with the name of, or gives it back.
    fn beside(&mut self, fault: &str) -> Option<String> {
        // What is wrong with a promise or a zone says so in words.
        let by_words = [("promise", "at_least"), ("time zone", "time_zone"), ("period", "period")];
        let found = by_words.iter().find(|(word, _)| fault.contains(word)).map(|(_, name)| *name);
        let mut fields = self.times.iter_mut().chain(&mut self.promise);
        let field = fields.find_map(|field| {
            let said = fault.strip_prefix(&format!("{}: ", field.name));
            let said = said.or_else(|| (found == Some(&*field.name)).then_some(fault))?;
            Some((sentence(said), field))
        });
        match field {
            Some((said, field)) => {
                field.error = Some(said);
                None
            }
            None => Some(sentence(fault)),
        }
    }

    fn remove_href(&self, id: &PolicyId) -> String {
        format!("/policies/{id}/remove")
    }
}

async fn made(
    layout: Layout,
    service: &Service,
    policy: Option<(PolicyId, String, i64)>,
    fields: DraftFields,
) -> Result<PolicyPage, PageError> {
    let apps = service.apps().await?;
    let id = policy.as_ref().map(|(id, ..)| *id);
    let schedules = match id {
        Some(id) => rows(&service.schedules().await?, service.effective_schedules(None).await?, id),
        None => Vec::new(),
    };
    let words = service.suggestions().await?;
    let contract = match fields.draft() {
        Ok(draft) => ContractPreview::of(service, id, &draft).await,
        Err(error) => ContractPreview::wrong(&error.to_string()),
    };
    let several = |name, legend, all: Vec<String>, chosen: &[String]| {
        CheckboxGroup::new(name, legend, &all, chosen)
    };
    let which = [("any", "An app with any of them"), ("all", "An app with all of them")];
    let which = which.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    let spec = &fields.spec;
    Ok(PolicyPage {
        layout,
        name: Field::text("name", "Name", &spec.name)
            .required()
            .help("Small letters, digits, \".\", \"_\" and \"-\"."),
        environments: CheckboxGroup {
            help: "None ticked: whatever environment an app has.",
            ..several("environment", "Environments", words.environments, &spec.environments)
        },
        classes: CheckboxGroup {
            help: "None ticked: whatever data classes an app has.",
            ..several("data_class", "Data classes", words.data_classes, &spec.data_classes)
        },
        which: Field::select(
            "classes",
            "Of several data classes it takes",
            which,
            spec.classes.as_str(),
        ),
        labels: CheckboxGroup {
            help: "None ticked: whatever labels an app has, and whatever tags its resource has. Of several it takes apps with any of them.",
            ..several("label", "Labels and tags", labels(&apps), &spec.labels)
        },
        times: fields.time_fields(),
        zone_was: fields.times.zone_was.clone().unwrap_or_default(),
        shown_times: fields.shown_times(),
        promise: fields.promise_fields(),
        enabled: Field::checkbox("enabled", "Enabled", spec.enabled),
        retention: fields.retention,
        contract,
        rows: schedules,
        policy,
        faults: Vec::new(),
    })
}

async fn saved(
    context: PageContext,
    service: &Service,
    old: Option<&Policy>,
    revision: i64,
    posted: &FormData,
) -> PageResult {
    let fields = DraftFields::posted(posted);
    let layout = context.below(Section::Policies, &[("Policies", "/policies")]);
    let policy = old.map(|old| (old.id, old.spec.name.clone(), revision));
    if !posted.get("preview").is_empty() {
        return render(&made(layout, service, policy, fields).await?);
    }
    let saved = match fields.draft() {
        Ok(draft) => service.save_policy(old.map(|old| (old.id, revision)), draft).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(policy) => Ok(redirect(&format!("/policies/{}", policy.id), "saved")),
        Err(error) => {
            let mut form = made(layout, service, policy, fields).await?;
            form.faults = error.to_string().lines().filter_map(|line| form.beside(line)).collect();
            render_refused(&form, &error)
        }
    }
}

pub async fn new(context: PageContext, State(service): State<Service>) -> PageResult {
    render(
        &made(
            context.below(Section::Policies, &[("Policies", "/policies")]),
            &service,
            None,
            DraftFields::new(),
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
    let times = PolicyTimes::of(&service.schedules().await?, id);
    let fields = DraftFields::of(policy.spec, times);
    render(
        &made(
            context.below(Section::Policies, &[("Policies", "/policies")]),
            &service,
            known,
            fields,
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
