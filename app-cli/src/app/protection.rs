//! How an app is looked after, as `assign` and `edit` take it and `show` shows it.

use source_app::model::Protection;
use terminal::output::{count, shown};

/// How an app is looked after.
#[derive(Debug, clap::Args)]
pub(super) struct ProtectionArgs {
    /// The app needs no protection: why, such as "is retired"
    #[arg(long, value_name = "REASON", conflicts_with = "include", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    exclude: Option<String>,
    /// The app needs protection again: take the exclusion back
    #[arg(long)]
    include: bool,
    /// Without a schedule of backups: how old its newest backup may be [default: 30]
    #[arg(long, value_name = "DAYS")]
    max_age: Option<u32>,
    /// Check each backup when it is made [default: no]
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    check_after_backup: Option<bool>,
    /// How many restore points a check reads, those first whose last check is the longest ago; 0
    /// for all [default: 1]
    #[arg(long, value_name = "N")]
    points_per_check: Option<u32>,
    /// How long a task may run; 0 for any time [default: 0]
    #[arg(long, value_name = "MINUTES")]
    time_limit: Option<u32>,
    /// Hold the prunes until `app release` when a backup finds this percentage of the files
    /// changed, gone or renamed; 0 for never [default: 50]
    #[arg(long, value_name = "PERCENT")]
    alarm_percent: Option<u32>,
    /// The smallest number of such files that holds the prunes [default: 20]
    #[arg(long, value_name = "N")]
    alarm_files: Option<u32>,
    /// How many files a restore drill takes [default: 5]
    #[arg(long, value_name = "N")]
    drill_files: Option<u32>,
    /// How large these files may be together [default: 100]
    #[arg(long, value_name = "MEGABYTES")]
    drill_megabytes: Option<u32>,
    /// How much a comparison with the drive may read from the store to compute MD5s; 0 for nothing
    /// [default: 1000]
    #[arg(long, value_name = "MEGABYTES")]
    compare_megabytes: Option<u32>,
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

impl ProtectionArgs {
    /// A protection with what is given changed; `None` if nothing is given.
    pub(super) fn over(&self, old: &Protection) -> Option<Protection> {
        let excluded = match (&self.exclude, self.include) {
            (Some(reason), _) => reason.clone(),
            (None, true) => String::new(),
            (None, false) => old.excluded.clone(),
        };
        let given = Protection {
            excluded,
            max_age_days: self.max_age.unwrap_or(old.max_age_days),
            check_after_backup: self.check_after_backup.unwrap_or(old.check_after_backup),
            points_per_check: self.points_per_check.unwrap_or(old.points_per_check),
            time_limit_minutes: self.time_limit.unwrap_or(old.time_limit_minutes),
            alarm_percent: self.alarm_percent.unwrap_or(old.alarm_percent),
            alarm_files: self.alarm_files.unwrap_or(old.alarm_files),
            drill_files: self.drill_files.unwrap_or(old.drill_files),
            drill_megabytes: self.drill_megabytes.unwrap_or(old.drill_megabytes),
            compare_megabytes: self.compare_megabytes.unwrap_or(old.compare_megabytes),
        };
        (given != *old).then_some(given)
    }
}

/// A protection for people, in one line.
pub(super) fn protection(protection: &Protection) -> String {
    let Protection {
        excluded,
        max_age_days,
        check_after_backup,
        points_per_check,
        time_limit_minutes,
        alarm_percent,
        alarm_files,
        drill_files,
        drill_megabytes,
        compare_megabytes,
    } = protection;
    if !excluded.is_empty() {
        return format!("none, because it {}", shown(excluded));
    }
    let mut parts = vec![format!("{} without a schedule", count(u64::from(*max_age_days), "day"))];
    parts.extend(check_after_backup.then(|| "each backup is checked".to_owned()));
    parts.push(match points_per_check {
        0 => "a check reads all restore points".to_owned(),
        many => format!("a check reads {}", count(u64::from(*many), "restore point")),
    });
    parts.extend(
        (*time_limit_minutes > 0).then(|| {
            format!("tasks end after {}", count(u64::from(*time_limit_minutes), "minute"))
        }),
    );
    parts.push(match alarm_percent {
        0 => "no change alarm".to_owned(),
        percent => {
            let files = count(u64::from(*alarm_files), "file");
            format!("alarm when {percent} % and {files} changed")
        }
    });
    let files = count(u64::from(*drill_files), "file");
    parts.push(format!("a drill restores {files} of at most {drill_megabytes} MB"));
    parts.push(format!("a comparison reads at most {compare_megabytes} MB"));
    parts.join(", ")
}
