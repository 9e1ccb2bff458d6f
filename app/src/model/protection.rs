//! How an app is looked after, besides its schedules and its retention.

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// Maximum age of a backup that may be set, in days.
const MAX_AGE_DAYS: u32 = 3650;

/// Maximum number of restore points of one check.
const MAX_POINTS_PER_CHECK: u32 = 1000;

/// Maximum time limit, in minutes: 60 days.
const MAX_TIME_LIMIT_MINUTES: u32 = 60 * 24 * 60;

/// Maximum number of files that a change alarm may want at least.
const MAX_ALARM_FILES: u32 = 1_000_000;

/// Maximum number of files of a restore drill.
pub const MAX_DRILL_FILES: u32 = 1000;

/// Maximum size of what a restore drill may restore, and a comparison may read, in megabytes.
const MAX_DRILL_MEGABYTES: u32 = 1_000_000;

/// How an app is looked after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protection {
    /// Why it needs no protection, such as "is retired"; empty for an app that needs it.
    pub excluded: String,
    /// Without a schedule of backups: how old its newest backup may be, in days.
    pub max_age_days: u32,
    /// Whether each backup is followed by a check of what it made.
    pub check_after_backup: bool,
    /// How many restore points a check without a restore point reads, those first whose last check
    /// is the longest ago; 0 for all.
    pub points_per_check: u32,
    /// How long a task may run, in minutes; 0 for any time.
    pub time_limit_minutes: u32,
    /// How many of a hundred files a backup must find changed, gone or renamed to hold the prunes;
    /// 0 for never.
    pub alarm_percent: u32,
    /// How many files these must be at least.
    pub alarm_files: u32,
    /// How many files a restore drill takes.
    pub drill_files: u32,
    /// How large they are together at most, in megabytes.
    pub drill_megabytes: u32,
    /// How much a comparison with the drive reads from the store for its MD5 at most, in megabytes;
    /// 0 for nothing.
    pub compare_megabytes: u32,
}

impl Default for Protection {
    fn default() -> Self {
        Self {
            excluded: String::new(),
            max_age_days: 30,
            check_after_backup: false,
            points_per_check: 1,
            time_limit_minutes: 0,
            alarm_percent: 50,
            alarm_files: 20,
            drill_files: 5,
            drill_megabytes: 100,
            compare_megabytes: 1000,
        }
    }
}

impl Protection {
    /// All that cannot be used, by the names of the fields. The text of `excluded` is not looked
    /// at.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let numbers = [
            (
                "max_age_days",
                "maximum age of a backup, in days",
                1,
                self.max_age_days,
                MAX_AGE_DAYS,
            ),
            (
                "points_per_check",
                "restore points of a check",
                0,
                self.points_per_check,
                MAX_POINTS_PER_CHECK,
            ),
            (
                "time_limit_minutes",
                "time limit, in minutes",
                0,
                self.time_limit_minutes,
                MAX_TIME_LIMIT_MINUTES,
            ),
            ("alarm_percent", "change alarm, in per cent of the files", 0, self.alarm_percent, 100),
            ("alarm_files", "change alarm, files at least", 1, self.alarm_files, MAX_ALARM_FILES),
            ("drill_files", "files of a restore drill", 1, self.drill_files, MAX_DRILL_FILES),
            (
                "drill_megabytes",
                "megabytes of a restore drill",
                1,
                self.drill_megabytes,
                MAX_DRILL_MEGABYTES,
            ),
            (
                "compare_megabytes",
                "megabytes that a comparison reads",
                0,
                self.compare_megabytes,
                MAX_DRILL_MEGABYTES,
            ),
        ];
        let wrong =
            numbers.into_iter().filter(|(_, _, min, value, max)| value < min || value > max);
        wrong
            .map(|(name, what, min, value, max)| {
                let message = format!("{what}: {value} is not possible; write {min} to {max}");
                (name, Invalid(message))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_said_with_what_can() {
        assert!(Protection::default().faults().is_empty());
        let bad = Protection { max_age_days: 0, points_per_check: 1001, ..Protection::default() };
        let faults: Vec<_> =
            bad.faults().into_iter().map(|(name, fault)| format!("{name}: {fault}")).collect();
        assert_eq!(
            faults,
            [
                "max_age_days: maximum age of a backup, in days: 0 is not possible; write 1 to 3650",
                "points_per_check: restore points of a check: 1001 is not possible; write 0 to 1000"
            ]
        );
    }
}
