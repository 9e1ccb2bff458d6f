//! The list of policies.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::matching::{keeps, matches, matching, of_policy, promises};
use crate::pages::answer::{PageResult, redirect, render};
use crate::pages::context::{Layout, PageContext, Section};
use crate::pages::error::PageError;
use crate::pages::format::Badge;
use crate::pages::schedules::describe;
use source_app::service::Service;
use source_app::state::{Policy, PolicyId};

/// A policy in the list.
struct PolicyRow {
    policy: Policy,
    badge: Badge,
    matches: String,
    keeps: String,
    promises: String,
    apps: Vec<(String, String)>,
    schedules: Vec<String>,
}

#[derive(Template)]
#[template(path = "policies/list.html")]
struct PoliciesPage {
    layout: Layout,
    policies: Vec<PolicyRow>,
}

/// The page of all policies.
pub async fn list(context: PageContext, State(service): State<Service>) -> PageResult {
    let (policies, apps, schedules) =
        (service.policies().await?, service.apps().await?, service.schedules().await?);
    let shown = |policy: Policy| PolicyRow {
        badge: if policy.spec.enabled {
            Badge { class: "good", text: "on" }
        } else {
            Badge { class: "idle", text: "off" }
        },
        matches: matches(&policy.spec),
        keeps: keeps(policy.spec.retention),
        promises: promises(&policy.spec),
        apps: matching(&policy.spec, &apps),
        schedules: of_policy(&schedules, policy.id)
            .map(|schedule| format!("{} {}", schedule.spec.kind, describe(&schedule.spec.cron)))
            .collect(),
        policy,
    };
    render(&PoliciesPage {
        layout: context.layout(Section::Policies),
        policies: policies.into_iter().map(shown).collect(),
    })
}

/// Removes one, with its schedules.
pub async fn remove(
    State(service): State<Service>,
    Path(id): Path<PolicyId>,
) -> Result<Response, PageError> {
    service.remove_policy(id).await?;
    Ok(redirect("/policies", "policy-removed"))
}
