//! What a policy matches, keeps and runs, in words and as rows.

use std::collections::BTreeSet;

use chrono::Utc;

use crate::pages::format::{self, DisplayTime};
use crate::pages::schedules::ScheduleRow;
use source_app::model::Retention;
use source_app::scheduler::next_runs;
use source_app::state::{App, EffectiveSchedule, MatchMode, Owner, PolicyId, PolicySpec, Schedule};

/// The schedules of a policy.
pub(super) fn of_policy(schedules: &[Schedule], id: PolicyId) -> impl Iterator<Item = &Schedule> {
    schedules.iter().filter(move |schedule| schedule.spec.owner == Owner::Policy(id))
}

/// The sources that a policy matches, also while it is off: name and page.
pub(super) fn matching(spec: &PolicySpec, apps: &[App]) -> Vec<(String, String)> {
    let on = PolicySpec { enabled: true, ..spec.clone() };
    apps.iter()
        .filter(|app| on.applies_to(app))
        .map(|app| (app.spec.name.clone(), format!("/apps/{}", app.id)))
        .collect()
}

/// Which apps a policy is for, in words.
pub(super) fn matches(spec: &PolicySpec) -> String {
    let environments = match spec.environments.as_slice() {
        [] => "any environment".to_owned(),
        some => some.join(" or "),
    };
    let word = if spec.classes == MatchMode::All { " and " } else { " or " };
    let mut words = match spec.data_classes.as_slice() {
        [] => environments,
        some => format!("{environments}, with {}", some.join(word)),
    };
    if !spec.labels.is_empty() {
        words += &format!(", labelled {}", spec.labels.join(" or "));
    }
    words
}

/// A retention in words.
pub(super) fn keeps(retention: Retention) -> String {
    let words = format::retention(retention);
    if words.is_empty() { "no rule".to_owned() } else { words }
}

/// The labels of apps and the tags of resources that a policy may name.
pub(super) fn labels(apps: &[App]) -> Vec<String> {
    let of = |app: &App| [&app.spec.backup.labels[..], &app.facts.resource_tags].concat();
    let all: BTreeSet<String> = apps.iter().flat_map(of).collect();
    all.into_iter().collect()
}

/// What a policy promises and checks, in words; may be empty.
pub(super) fn promises(spec: &PolicySpec) -> String {
    let promise = spec.promise.map(|promise| promise.to_string());
    let check = spec.check_after_backup.then(|| "each backup is checked".to_owned());
    promise.into_iter().chain(check).collect::<Vec<_>>().join("; ")
}

/// The schedules of a policy for its page, each with the next run for any of its apps: of a policy that
/// is off, or for no app, nothing runs.
pub(super) fn rows(
    schedules: &[Schedule],
    effective: Vec<EffectiveSchedule>,
    id: PolicyId,
) -> Vec<ScheduleRow> {
    let runs = next_runs(effective, Utc::now());
    let next = |schedule: &Schedule| {
        let run = runs.iter().find(|run| run.schedule.schedule.id == schedule.id);
        run.map(|run| DisplayTime(run.at))
    };
    of_policy(schedules, id)
        .map(|schedule| ScheduleRow::new(schedule, next(schedule), None))
        .collect()
}
