//! Resources of which nothing is backed up: they were entered by hand, and no source is of them.

use serde::Serialize;

use super::health::AppOverview;
use crate::model::{Health, HealthReason, HealthVerdict};
use crate::state::{AppKind, ResourceId, ResourceRecord, State, StateError};

/// A resource of which nothing is backed up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UncoveredResource {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// What that makes of it.
    #[serde(flatten)]
    pub health: Health,
}

/// Whether a resource lacks a source that it ought to have.
pub(super) fn is_uncovered(resource: &ResourceRecord, apps: &[AppOverview]) -> bool {
    let is_source = |app: &AppOverview| {
        app.app.facts.resource_id == resource.id && app.app.spec.kind == AppKind::Source
    };
    resource.by_hand && resource.spec.excluded.is_empty() && !apps.iter().any(is_source)
}

/// All of these resources, by name.
pub(super) fn uncovered(
    state: &State,
    apps: &[AppOverview],
) -> Result<Vec<UncoveredResource>, StateError> {
    let reason = HealthReason::NothingBackedUp;
    let health = Health { verdict: reason.verdict(), reasons: vec![reason] };
    let all = state.resources()?.into_iter().filter(|one| is_uncovered(one, apps));
    let told = |one: ResourceRecord| UncoveredResource {
        id: one.id,
        name: one.spec.name,
        health: health.clone(),
    };
    Ok(all.map(told).collect())
}

/// The worst verdict on the apps of a resource, or on itself.
pub(super) fn verdict_on(resource: &ResourceRecord, apps: &[AppOverview]) -> HealthVerdict {
    if is_uncovered(resource, apps) {
        return HealthReason::NothingBackedUp.verdict();
    }
    let own = apps.iter().filter(|app| app.app.facts.resource_id == resource.id);
    own.map(|app| app.health.verdict).max().unwrap_or(HealthVerdict::Excluded)
}
