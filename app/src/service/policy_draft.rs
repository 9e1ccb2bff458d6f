//! A policy with its schedules, as one form has them, and what it comes to before it is saved.

use chrono::Utc;
use serde::Serialize;

use super::error::{Error, Result};
use super::handle::Service;
use crate::model::{Calendar, Contract, Timing, count_text, local_zone};
use crate::state::{
    App, AppId, Owner, Policy, PolicyId, PolicySpec, Schedule, ScheduleId, ScheduleSpec,
    StateError, TaskKind,
};

/// The kinds of schedules that a policy's form has, and their names in it.
const KINDS: [(TaskKind, &str); 3] =
    [(TaskKind::Backup, "backup_at"), (TaskKind::Check, "check_at"), (TaskKind::Prune, "prune_at")];

/// When a policy runs something, as one writes it: `daily at 02:30`, or cron; empty for no schedule.
/// What is `None` stays. Of several schedules of a kind none is touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyTimes {
    /// Backups.
    pub backup_at: Option<String>,
    /// Checks.
    pub check_at: Option<String>,
    /// Prunes.
    pub prune_at: Option<String>,
    /// The zone of times that are new or changed; this machine's if it is not said.
    pub time_zone: Option<String>,
    /// The zone that was shown: schedules that have it, and are the only ones of their kind, come to
    /// have the other.
    pub zone_was: Option<String>,
    /// What was shown of backups, checks and prunes to whoever says when: a schedule that is another by
    /// now was changed meanwhile.
    pub shown: [Option<String>; 3],
}

/// A policy and when it runs something.
#[derive(Clone, Debug)]
pub struct PolicyDraft {
    /// What is said of it.
    pub spec: PolicySpec,
    /// When.
    pub times: PolicyTimes,
}

/// What a policy comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyContract {
    /// The sources that it applies to, or would if it were enabled: id and name.
    pub apps: Vec<(AppId, String)>,
    /// How much work is lost at most, how far back one can go, what is promised and checked.
    pub words: Vec<String>,
}

/// What happens to a schedule.
enum Change {
    Add(ScheduleSpec),
    Edit(ScheduleId, i64, ScheduleSpec),
    Remove(ScheduleId),
}

impl PolicyTimes {
    /// Those of a policy that is there: of each kind of which there is one schedule.
    pub fn of(schedules: &[Schedule], policy: PolicyId) -> Self {
        let text = |kind| text_of(&of_kind(schedules, policy, kind));
        let shown = KINDS.map(|(kind, _)| text(kind));
        let zone = schedules.iter().find(|one| one.spec.owner == Owner::Policy(policy));
        let zone = zone.map_or_else(local_zone, |one| one.spec.time_zone.clone());
        Self {
            backup_at: text(TaskKind::Backup),
            check_at: text(TaskKind::Check),
            prune_at: text(TaskKind::Prune),
            time_zone: Some(zone.clone()),
            zone_was: Some(zone),
            shown,
        }
    }

    fn get(&self, kind: TaskKind) -> Option<&str> {
        match kind {
            TaskKind::Backup => self.backup_at.as_deref(),
            TaskKind::Check => self.check_at.as_deref(),
            TaskKind::Prune => self.prune_at.as_deref(),
            _ => None,
        }
    }

    /// What is to be done to the schedules of a policy; the owner of new ones is not right yet if it
    /// is new, too.
    fn changes(&self, schedules: &[Schedule], policy: PolicyId) -> Result<Vec<Change>> {
        let zone = self.time_zone.clone().unwrap_or_else(local_zone);
        let moved = self.zone_was.as_ref().filter(|was| **was != zone);
        let mut changes = Vec::new();
        for ((kind, field), shown) in KINDS.into_iter().zip(&self.shown) {
            let Some(text) = self.get(kind).map(str::trim) else { continue };
            let there = of_kind(schedules, policy, kind);
            let now = text_of(&there);
            if let Some(shown) = shown.as_deref().filter(|shown| now.as_deref() != Some(*shown)) {
                // Who wants nothing else than what was shown leaves what became of it.
                if text == shown && moved.is_none() {
                    continue;
                }
                let now = match now.as_deref() {
                    Some("") => "there is no schedule now".to_owned(),
                    Some(now) => format!("it is {now} now"),
                    None => "there are several schedules now".to_owned(),
                };
                return Err(StateError::Conflict(format!(
                    "{field}: that was changed meanwhile, {now}; load the page again"
                ))
                .into());
            }
            let cron = match text {
                "" => None,
                text => {
                    let timing: std::result::Result<Timing, _> = text.parse();
                    Some(timing.map_err(|error| {
                        Error::Input(format!(
                            "{field}: {error}; or words such as \"daily at 02:30\", \"every 6 hours\", \"weekly on sunday at 04:00\""
                        ))
                    })?.cron())
                }
            };
            let spec = |cron: String| ScheduleSpec {
                owner: Owner::Policy(policy),
                kind,
                cron,
                time_zone: zone.clone(),
                enabled: true,
                catch_up: true,
                random_delay_minutes: 0,
            };
            match (&there[..], cron) {
                ([], None) => {}
                ([], Some(cron)) => changes.push(Change::Add(spec(cron))),
                ([one], None) => changes.push(Change::Remove(one.id)),
                ([one], Some(cron)) => {
                    let zone_moves = moved == Some(&one.spec.time_zone);
                    let mut new = one.spec.clone();
                    if new.cron != cron || zone_moves {
                        new.time_zone = zone.clone();
                    }
                    new.cron = cron;
                    if new != one.spec {
                        changes.push(Change::Edit(one.id, one.revision, new));
                    }
                }
                (many, _) => {
                    return Err(Error::Input(format!(
                        "{field}: the policy has {} of this kind; change them one by one",
                        count_text(many.len() as u64, "schedule")
                    )));
                }
            }
        }
        for change in &changes {
            if let Change::Add(spec) | Change::Edit(_, _, spec) = change {
                spec.check()?;
            }
        }
        Ok(changes)
    }
}

fn of_kind(schedules: &[Schedule], policy: PolicyId, kind: TaskKind) -> Vec<&Schedule> {
    let of = |one: &&Schedule| one.spec.owner == Owner::Policy(policy) && one.spec.kind == kind;
    schedules.iter().filter(of).collect()
}

/// When these schedules of one kind run, as one writes it; empty without any, nothing of several.
fn text_of(there: &[&Schedule]) -> Option<String> {
    match there {
        [] => Some(String::new()),
        [one] => Some(one.spec.timing().to_string()),
        _ => None,
    }
}

/// The id of a policy that is not there yet.
const NEW: PolicyId = 0;

impl Service {
    /// Makes a policy with its schedules, all of it or nothing, or changes that at this revision.
    ///
    /// # Errors
    /// Something cannot be used as it is given, the name is taken, or it was changed meanwhile.
    /// Where only a schedule of one that is there was, the error says what is saved.
    pub async fn save_policy(
        &self,
        old: Option<(PolicyId, i64)>,
        draft: PolicyDraft,
    ) -> Result<Policy> {
        draft.spec.check()?;
        let schedules = self.schedules().await?;
        let id = old.map_or(NEW, |(id, _)| id);
        // Before anything is written.
        let changes = draft.times.changes(&schedules, id)?;
        let spec = draft.spec;
        let save = |service: Self| async move { service.save_changes(old, spec, changes).await };
        self.to_the_end(save).await
    }

    /// Saves a policy, then what happens to its schedules.
    async fn save_changes(
        &self,
        old: Option<(PolicyId, i64)>,
        spec: PolicySpec,
        changes: Vec<Change>,
    ) -> Result<Policy> {
        let policy = match old {
            None => self.add_policy(spec).await?,
            Some((id, revision)) => self.edit_policy(id, revision, spec).await?,
        };
        let owner = Owner::Policy(policy.id);
        for change in changes {
            let done = match change {
                Change::Add(spec) => {
                    self.add_schedule(ScheduleSpec { owner, ..spec }).await.map(drop)
                }
                Change::Edit(id, revision, spec) => {
                    self.edit_schedule(id, revision, spec).await.map(drop)
                }
                Change::Remove(id) => self.remove_schedule(id).await,
            };
            let Err(error) = done else { continue };
            if old.is_some() {
                return Err(StateError::Conflict(format!(
                    "the policy is saved, and not all of its schedules are: {error}"
                ))
                .into());
            }
            self.remove_policy(policy.id).await?;
            return Err(error);
        }
        Ok(policy)
    }

    /// What a policy would come to, if it were saved so.
    ///
    /// # Errors
    /// Something cannot be used as it is given.
    pub async fn draft_contract(
        &self,
        old: Option<PolicyId>,
        draft: &PolicyDraft,
    ) -> Result<PolicyContract> {
        let (apps, schedules) = (self.apps().await?, self.schedules().await?);
        let id = old.unwrap_or(NEW);
        let mut specs: Vec<(ScheduleId, ScheduleSpec)> = schedules
            .iter()
            .filter(|one| one.spec.owner == Owner::Policy(id))
            .map(|one| (one.id, one.spec.clone()))
            .collect();
        for change in draft.times.changes(&schedules, id)? {
            match change {
                Change::Add(spec) => specs.push((0, spec)),
                Change::Remove(gone) => specs.retain(|(id, _)| *id != gone),
                Change::Edit(id, _, spec) => {
                    specs
                        .iter_mut()
                        .filter(|(one, _)| *one == id)
                        .for_each(|one| one.1 = spec.clone());
                }
            }
        }
        if let Some(fault) = draft.spec.promise.and_then(|promise| promise.check().err()) {
            return Err(fault.into());
        }
        let specs = specs.into_iter().map(|(_, spec)| spec);
        Ok(contract(&draft.spec, specs, &apps))
    }

    /// What a policy comes to as it is.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn policy_contract(&self, id: PolicyId) -> Result<PolicyContract> {
        let draft =
            PolicyDraft { spec: self.policy(id).await?.spec, times: PolicyTimes::default() };
        self.draft_contract(Some(id), &draft).await
    }
}

fn contract(
    spec: &PolicySpec,
    schedules: impl Iterator<Item = ScheduleSpec>,
    apps: &[App],
) -> PolicyContract {
    let enabled: Vec<ScheduleSpec> = schedules.filter(|schedule| schedule.enabled).collect();
    let of = |kind| enabled.iter().filter(move |schedule| schedule.kind == kind);
    let backups: Vec<Calendar> =
        of(TaskKind::Backup).filter_map(|schedule| schedule.delayed_calendar("").ok()).collect();
    let told = Contract {
        backups,
        checks: of(TaskKind::Check).count(),
        prunes: of(TaskKind::Prune).count(),
        check_after_backup: spec.check_after_backup,
        retention: spec.retention,
        promise: spec.promise,
    };
    let on = PolicySpec { enabled: true, ..spec.clone() };
    let matching = apps.iter().filter(|app| on.applies_to(app));
    PolicyContract {
        apps: matching.map(|app| (app.id, app.spec.name.clone())).collect(),
        words: told.words(Utc::now()),
    }
}
