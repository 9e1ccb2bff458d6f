//! Policies: which apps they match, what those keep, and when something runs.

mod form;

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::Utc;

use super::error::PageError;
use super::format::{Badge, When};
use super::schedules::{Row, describe};
use super::{PageResult, Section, Shell, Visit, done, page};
use source_app::model::Retention;
use source_app::service::Service;
use source_app::state::{App, MatchMode, Owner, Policy, PolicyId, PolicySpec, SUGGESTED_DATA_CLASSES, SUGGESTED_ENVIRONMENTS, Schedule};

/// The routes of these pages.
pub fn routes() -> Router<Service> {
    Router::new()
        .route("/policies", get(list))
        .route("/policies/new", get(form::new).post(form::add))
        .route("/policies/{id}", get(form::edit).post(form::save))
        .route("/policies/{id}/remove", post(remove))
}

/// A policy in the list.
struct Shown {
    policy: Policy,
    badge: Badge,
    matches: String,
    keeps: String,
    apps: Vec<(String, String)>,
    schedules: Vec<String>,
}

#[derive(Template)]
#[template(path = "policies/list.html")]
struct List {
    shell: Shell,
    policies: Vec<Shown>,
}

async fn list(visit: Visit, State(service): State<Service>) -> PageResult {
    let (policies, apps, schedules) = (service.policies().await?, service.apps().await?, service.schedules().await?);
    let shown = |policy: Policy| Shown {
        badge: if policy.spec.enabled { Badge { class: "good", text: "on" } } else { Badge { class: "idle", text: "off" } },
        matches: matches(&policy.spec),
        keeps: keeps(policy.spec.retention),
        apps: matching(&policy.spec, &apps),
        schedules: of_policy(&schedules, policy.id)
            .map(|schedule| format!("{} {}", schedule.spec.kind, describe(&schedule.spec.cron)))
            .collect(),
        policy,
    };
    page(&List { shell: visit.shell(Section::Policies), policies: policies.into_iter().map(shown).collect() })
}

async fn remove(State(service): State<Service>, Path(id): Path<PolicyId>) -> Result<Response, PageError> {
    service.remove_policy(id).await?;
    Ok(done("/policies", "policy-removed"))
}

fn of_policy(schedules: &[Schedule], id: PolicyId) -> impl Iterator<Item = &Schedule> {
    schedules.iter().filter(move |schedule| schedule.spec.owner == Owner::Policy(id))
}

/// The sources that a policy matches, also while it is off: name and page.
fn matching(spec: &PolicySpec, apps: &[App]) -> Vec<(String, String)> {
    let on = PolicySpec { enabled: true, ..spec.clone() };
    apps.iter().filter(|app| on.applies_to(app)).map(|app| (app.spec.name.clone(), format!("/apps/{}", app.id))).collect()
}

/// Which apps a policy is for, in words.
fn matches(spec: &PolicySpec) -> String {
    let environments = match spec.environments.as_slice() {
        [] => "any environment".to_owned(),
        some => some.join(" or "),
    };
    let word = if spec.classes == MatchMode::All { " and " } else { " or " };
    match spec.data_classes.as_slice() {
        [] => environments,
        some => format!("{environments}, with {}", some.join(word)),
    }
}

/// A retention in words.
fn keeps(retention: Retention) -> String {
    let all = [(retention.daily, "day"), (retention.weekly, "week"), (retention.monthly, "month"), (retention.yearly, "year")];
    let words = all.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| match number {
        1 => format!("1 {unit}"),
        number => format!("{number} {unit}s"),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "no rule".to_owned() } else { words.join(", ") }
}

/// What to tick: the usual ones and those of the apps.
fn suggested(apps: &[App], of: impl Fn(&App) -> Vec<String>, usual: &[&str]) -> Vec<String> {
    let known: BTreeSet<String> = apps.iter().flat_map(of).filter(|text| !text.is_empty()).collect();
    let usual = usual.iter().map(|text| (*text).to_owned());
    let mut all: Vec<String> = usual.collect();
    all.extend(known.into_iter().filter(|text| !all.contains(text)).collect::<Vec<_>>());
    all
}

fn environments(apps: &[App]) -> Vec<String> {
    suggested(apps, |app| vec![app.spec.environment.clone()], &SUGGESTED_ENVIRONMENTS)
}

fn data_classes(apps: &[App]) -> Vec<String> {
    suggested(apps, |app| app.spec.data_classes.clone(), &SUGGESTED_DATA_CLASSES)
}

/// The schedules of a policy for its page.
fn rows(schedules: &[Schedule], id: PolicyId) -> Vec<Row> {
    let next = |schedule: &Schedule| {
        let spec = &schedule.spec;
        spec.enabled.then(|| spec.calendar().ok()?.next_after(Utc::now()).map(When)).flatten()
    };
    of_policy(schedules, id).map(|schedule| Row::new(schedule, next(schedule), None)).collect()
}
