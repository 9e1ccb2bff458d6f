//! When a schedule runs, as options say it.

use source_app::model::Timing;
use source_app::state::TaskKind;

use crate::failure::Failure;

/// When: one of them. A plain choice is written as it is shown.
#[derive(Debug, clap::Args)]
#[group(id = "when", multiple = false)]
pub(super) struct WhenArgs {
    /// A cron expression of five fields, such as "30 2 * * MON-FRI"
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// Every day at a time
    #[arg(long, value_name = "HH:MM")]
    daily: Option<String>,
    /// Every day at a time before noon, and twelve hours later
    #[arg(long, value_name = "HH:MM")]
    twice_daily: Option<String>,
    /// Once a week: --weekly sunday 02:30
    #[arg(long, num_args = 2, value_names = ["DAY", "HH:MM"])]
    weekly: Option<Vec<String>>,
    /// Once a month: --monthly 1 02:30, or --monthly last 02:30
    #[arg(long, num_args = 2, value_names = ["DAY", "HH:MM"])]
    monthly: Option<Vec<String>>,
    /// Every so many hours: 1, 2, 3, 4, 6, 8 or 12
    #[arg(long, value_name = "N")]
    every_hours: Option<u32>,
    /// Every so many minutes: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30
    #[arg(long, value_name = "N")]
    every_minutes: Option<u32>,
}

impl WhenArgs {
    /// The cron expression, if any is given.
    pub(super) fn cron(&self) -> Result<Option<String>, Failure> {
        let pair = |days: &Option<Vec<String>>, what: &str| match days.as_deref() {
            Some([day, at]) => Some(format!("{what} on {day} at {at}")),
            _ => None,
        };
        let text = self
            .cron
            .clone()
            .or_else(|| Some(format!("daily at {}", self.daily.as_ref()?)))
            .or_else(|| Some(format!("twice daily at {}", self.twice_daily.as_ref()?)))
            .or_else(|| pair(&self.weekly, "weekly"))
            .or_else(|| pair(&self.monthly, "monthly"))
            .or_else(|| Some(format!("every {} hours", self.every_hours?)))
            .or_else(|| Some(format!("every {} minutes", self.every_minutes?)));
        let Some(text) = text else { return Ok(None) };
        let timing: Timing = text
            .parse()
            .map_err(|error: source_app::model::Invalid| Failure::usage(error.to_string()))?;
        Ok(Some(timing.cron()))
    }
}

/// What: one of them.
#[derive(Debug, clap::Args)]
#[group(id = "what", multiple = false)]
pub(super) struct WhatArgs {
    /// Back up
    #[arg(long)]
    backup: bool,
    /// Check restore points, those first whose last check is the longest ago
    #[arg(long)]
    check: bool,
    /// Remove restore points that are not to be kept
    #[arg(long)]
    prune: bool,
    /// Free the space in the store that no restore point needs any more
    #[arg(long)]
    maintenance: bool,
    /// Restore some files to a temporary folder, and compare them
    #[arg(long)]
    drill: bool,
    /// Compare the drive with the newest restore point, without reading its files
    #[arg(long)]
    compare: bool,
    /// Copy restore points to the second store, and read them back there
    #[arg(long)]
    sync: bool,
}

impl WhatArgs {
    pub(super) fn kind(&self) -> Option<TaskKind> {
        let Self { backup, check, prune, maintenance, drill, compare, sync } = self;
        let kinds = [
            (backup, TaskKind::Backup),
            (check, TaskKind::Check),
            (prune, TaskKind::Prune),
            (maintenance, TaskKind::Maintenance),
            (drill, TaskKind::Drill),
            (compare, TaskKind::Compare),
            (sync, TaskKind::Sync),
        ];
        kinds.into_iter().find_map(|(given, kind)| given.then_some(kind))
    }
}
