//! What a policy promises and when it runs something, as `policy add` and `policy edit` take it, and
//! what it comes to in words.

use source_app::model::{Promise, PromisePeriod};
use source_app::service::{PolicyContract, PolicyTimes};

use crate::failure::Failure;
use terminal::output::{Output, shown};

/// What a policy promises, and when it runs something.
#[derive(Debug, clap::Args)]
pub(super) struct ContractArgs {
    /// Promise at least so many backups in each --per; 0 for no promise. An app with fewer is at risk
    #[arg(long, value_name = "N")]
    at_least: Option<u32>,
    /// In which time, for --at-least: day, week or month [default: day]
    #[arg(long, value_name = "PERIOD", requires = "at_least")]
    per: Option<PromisePeriod>,
    /// Check each backup when it is made [default: no]
    #[arg(long, value_name = "yes|no", value_parser = super::protection::yes_or_no)]
    pub(super) check_after_backup: Option<bool>,
    /// When it backs up, such as "daily at 02:30", "every 6 hours", "weekly on sunday at 04:00" or
    /// cron; "" for never
    #[arg(long, value_name = "WHEN")]
    backup_at: Option<String>,
    /// When it checks
    #[arg(long, value_name = "WHEN")]
    check_at: Option<String>,
    /// When it prunes
    #[arg(long, value_name = "WHEN")]
    prune_at: Option<String>,
    /// The time zone of these [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Save nothing: say which apps it is for, how much work can be lost, and how far back one can go
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl ContractArgs {
    pub(super) fn promise(&self, old: Option<Promise>) -> Option<Promise> {
        match self.at_least {
            None => old,
            Some(0) => None,
            Some(backups) => {
                let period = self.per.or(old.map(|old| old.period)).unwrap_or(PromisePeriod::Day);
                Some(Promise { backups, period })
            }
        }
    }

    pub(super) fn times(&self) -> PolicyTimes {
        PolicyTimes {
            backup_at: self.backup_at.clone(),
            check_at: self.check_at.clone(),
            prune_at: self.prune_at.clone(),
            time_zone: self.time_zone.clone(),
            zone_was: None,
            shown: Default::default(),
        }
    }
}

/// Prints what a policy comes to.
pub(super) fn told(contract: &PolicyContract, json: bool, out: &mut Output) -> Result<(), Failure> {
    if json {
        return Ok(out.json(contract)?);
    }
    let names: Vec<&str> = contract.apps.iter().map(|(_, name)| name.as_str()).collect();
    let apps = match names.as_slice() {
        [] => "It is for no app now.".to_owned(),
        names => format!("It is for {}.", names.join(", ")),
    };
    out.line(&shown(&apps))?;
    contract.words.iter().try_for_each(|line| out.line(&shown(line)))?;
    Ok(())
}
