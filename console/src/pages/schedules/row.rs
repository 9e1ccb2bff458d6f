//! A schedule in a list, of an app or of a policy.

use super::timing_fields::describe;
use crate::pages::format::{Badge, DisplayTime};
use source_app::model::delay_text;
use source_app::state::{Owner, Schedule, TaskKind};

/// A schedule in a list.
pub struct ScheduleRow {
    /// The schedule.
    pub schedule: Schedule,
    /// When it runs, in words.
    pub when: String,
    /// Its next run.
    pub next: Option<DisplayTime>,
    /// The policy that it is from, and its page.
    pub policy: Option<(String, String)>,
}

impl ScheduleRow {
    /// Of a schedule.
    pub fn new(
        schedule: &Schedule,
        next: Option<DisplayTime>,
        policy: Option<(String, String)>,
    ) -> Self {
        Self { when: describe(&schedule.spec.cron), schedule: schedule.clone(), next, policy }
    }

    /// How much later its runs begin, in words after a comma.
    pub fn delay(&self) -> String {
        delay_text(self.schedule.spec.random_delay_minutes)
    }

    /// What it does.
    pub fn kind(&self) -> &'static str {
        match self.schedule.spec.kind {
            TaskKind::Prune => "Prune",
            TaskKind::Check => "Check",
            TaskKind::Maintenance => "Maintenance",
            TaskKind::Drill => "Drill",
            TaskKind::Compare => "Compare",
            TaskKind::Sync => "Copy to the second store",
            _ => "Backup",
        }
    }

    /// Whether it is enabled.
    pub fn state(&self) -> Badge {
        let (class, text) =
            if self.schedule.spec.enabled { ("good", "on") } else { ("idle", "off") };
        Badge { class, text }
    }

    /// Its page.
    pub fn href(&self) -> String {
        format!("/schedules/{}", self.schedule.id)
    }

    /// Where to remove it.
    pub fn remove_href(&self) -> String {
        format!("{}/remove", self.href())
    }
}

/// Where the schedules of an owner are shown.
pub(super) fn owner_page(owner: Owner) -> String {
    match owner {
        Owner::App(id) => format!("/apps/{id}/schedules"),
        Owner::Policy(id) => format!("/policies/{id}"),
    }
}
