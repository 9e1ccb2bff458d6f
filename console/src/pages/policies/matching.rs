//! What a policy matches, keeps and runs, in words and as rows.

use std::collections::BTreeSet;

use chrono::Utc;

use crate::pages::format::{self, DisplayTime};
use crate::pages::schedules::ScheduleRow;
use source_app::model::Retention;
use source_app::state::{
    App, MatchMode, Owner, PolicyId, PolicySpec, SUGGESTED_DATA_CLASSES, SUGGESTED_ENVIRONMENTS,
    Schedule,
};

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
    match spec.data_classes.as_slice() {
        [] => environments,
        some => format!("{environments}, with {}", some.join(word)),
    }
}

/// A retention in words.
pub(super) fn keeps(retention: Retention) -> String {
    let words = format::retention(retention);
    if words.is_empty() { "no rule".to_owned() } else { words }
}

/// What to tick: the usual ones and those of the apps.
fn suggested(apps: &[App], of: impl Fn(&App) -> Vec<String>, usual: &[&str]) -> Vec<String> {
    let known: BTreeSet<String> =
        apps.iter().flat_map(of).filter(|text| !text.is_empty()).collect();
    let usual = usual.iter().map(|text| (*text).to_owned());
    let mut all: Vec<String> = usual.collect();
    all.extend(known.into_iter().filter(|text| !all.contains(text)).collect::<Vec<_>>());
    all
}

/// The environments that a policy may name.
pub(super) fn environments(apps: &[App]) -> Vec<String> {
    suggested(apps, |app| vec![app.spec.environment.clone()], &SUGGESTED_ENVIRONMENTS)
}

/// The data classes that a policy may name.
pub(super) fn data_classes(apps: &[App]) -> Vec<String> {
    suggested(apps, |app| app.spec.data_classes.clone(), &SUGGESTED_DATA_CLASSES)
}

/// The schedules of a policy for its page.
pub(super) fn rows(schedules: &[Schedule], id: PolicyId) -> Vec<ScheduleRow> {
    let next = |schedule: &Schedule| {
        let spec = &schedule.spec;
        spec.enabled
            .then(|| spec.calendar().ok()?.next_after(Utc::now()).map(DisplayTime))
            .flatten()
    };
    of_policy(schedules, id)
        .map(|schedule| ScheduleRow::new(schedule, next(schedule), None))
        .collect()
}
