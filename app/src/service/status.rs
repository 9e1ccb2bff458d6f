//! How apps are, in short.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::coverage::{UncoveredResource, uncovered};
use super::drill::ProvenRestorable;
use super::error::Result;
use super::handle::Service;
use super::health::{AppOverview, ended, overviews};
use crate::model::{Health, HealthVerdict, SafetyFacts, safety_sentence};
use crate::state::{AppId, AppKind};

/// How one app is doing, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppStatus {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Source or destination.
    pub kind: AppKind,
    /// Whether its data is safe.
    #[serde(flatten)]
    pub health: Health,
    /// When its newest backup ended that made a restore point.
    pub last_backup: Option<DateTime<Utc>>,
    /// Until when its schedules run nothing, if they are paused.
    pub paused_until: Option<DateTime<Utc>>,
    /// Whether a restore was proven, by the newest drill that went well.
    pub proven: Option<ProvenRestorable>,
}

/// How all apps are doing, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusReport {
    /// The worst of all; without apps there is nothing to protect.
    pub verdict: HealthVerdict,
    /// Whether one is safe, and why not: one sentence on all sources that are told of.
    pub sentence: String,
    /// Each app, by name.
    pub apps: Vec<AppStatus>,
    /// The resources of which nothing is backed up, by name; none where one app is told of.
    pub uncovered: Vec<UncoveredResource>,
}

impl Service {
    /// How all apps are doing, or one.
    ///
    /// # Errors
    /// There is none with this id, or the database failed.
    pub async fn status(&self, only: Option<AppId>) -> Result<StatusReport> {
        if let Some(id) = only {
            self.app(id).await?;
        }
        let all = self.state(|state| {
            let apps = overviews(state, Utc::now())?.0;
            Ok((uncovered(state, &apps)?, apps))
        });
        let (mut uncovered, mut wanted) = all.await?;
        if let Some(id) = only {
            wanted.retain(|one| id == one.app.id);
            uncovered.clear();
        }
        let sentence = sentence(&wanted, &uncovered, Utc::now());
        let apps: Vec<AppStatus> = wanted.into_iter().map(AppStatus::of).collect();
        let of_apps = apps.iter().map(|app| app.health.verdict);
        let worst = of_apps.chain(uncovered.iter().map(|one| one.health.verdict)).max();
        let verdict = worst.unwrap_or(HealthVerdict::Excluded);
        Ok(StatusReport { verdict, sentence, apps, uncovered })
    }
}

/// Whether one is safe with these apps and resources.
pub(super) fn sentence(
    apps: &[AppOverview],
    uncovered: &[UncoveredResource],
    now: DateTime<Utc>,
) -> String {
    let sources = apps.iter().filter(|app| app.app.spec.kind == AppKind::Source);
    let of_resources = uncovered.iter().map(|one| SafetyFacts {
        name: &one.name,
        health: &one.health,
        backup: None,
        paused_until: None,
    });
    let facts: Vec<SafetyFacts<'_>> = sources
        .map(|app| SafetyFacts {
            name: &app.app.spec.name,
            health: &app.health,
            backup: app.last.as_ref().map(ended),
            paused_until: app.paused_until,
        })
        .chain(of_resources)
        .collect();
    safety_sentence(&facts, now)
}

impl AppStatus {
    fn of(overview: AppOverview) -> Self {
        let AppOverview { app, health, last, paused_until, proven, .. } = overview;
        let last_backup = last.map(|task| ended(&task));
        Self {
            id: app.id,
            name: app.spec.name,
            kind: app.spec.kind,
            health,
            last_backup,
            paused_until,
            proven,
        }
    }
}
