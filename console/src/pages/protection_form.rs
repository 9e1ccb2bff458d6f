//! The fields that say how an app is looked after; their names are those of its protection.

use super::form_data::FormData;
use super::forms::Field;
use source_app::model::{MAX_DRILL_FILES, Protection};

/// The fields of a protection.
pub fn protection_fields(protection: &Protection) -> Vec<Field> {
    let number = |name: &str, label: &str, value: u32, most: u32| {
        Field::number(name, label, &value.to_string(), Some(most)).required()
    };
    vec![
        Field::text("excluded", "Needs no protection, because it", &protection.excluded)
            .help("Such as: is retired. With a reason here the overview lists it as excluded; empty, it is watched."),
        number(
            "max_age_days",
            "Without a schedule: maximum age of its newest backup, in days",
            protection.max_age_days,
            3650,
        )
        .help("Older, it is not protected. With a schedule of backups twice its longest gap counts."),
        Field::checkbox(
            "check_after_backup",
            "Check each backup when it is made",
            protection.check_after_backup,
        ),
        number(
            "points_per_check",
            "Restore points that a check reads",
            protection.points_per_check,
            1000,
        )
        .help("Those first whose last check is the longest ago; 0 for all."),
        number(
            "time_limit_minutes",
            "Time limit of a task, in minutes",
            protection.time_limit_minutes,
            86_400,
        )
        .help("0 for any time."),
        number(
            "alarm_percent",
            "Change alarm: of a hundred files, so many changed, gone or renamed",
            protection.alarm_percent,
            100,
        )
        .help("A backup that finds so many since the one before holds all prunes until you have looked; half as many, if they turned into unknown types. 0 for no alarm."),
        number(
            "alarm_files",
            "Change alarm: at least so many files",
            protection.alarm_files,
            1_000_000,
        ),
        number("drill_files", "Files of a restore drill", protection.drill_files, MAX_DRILL_FILES),
        number(
            "drill_megabytes",
            "Restore drill: megabytes at most",
            protection.drill_megabytes,
            1_000_000,
        ),
        number(
            "compare_megabytes",
            "Comparison with the drive: megabytes that it reads from the store",
            protection.compare_megabytes,
            1_000_000,
        )
        .help("For the MD5 of files that were not read yet; the next one goes on with the rest. 0: compare sizes and times."),
    ]
}

/// The protection that was posted, and the fields again with what was entered and what is wrong. A
/// form without these fields leaves it as it is.
pub fn posted_protection(posted: &FormData, base: &Protection) -> (Protection, Vec<Field>) {
    if posted.raw("max_age_days").is_none() {
        return (base.clone(), protection_fields(base));
    }
    let mut protection = Protection {
        excluded: posted.get("excluded").to_owned(),
        check_after_backup: posted.ticked("check_after_backup"),
        ..base.clone()
    };
    let mut fields = protection_fields(&protection);
    let numbers = [
        ("max_age_days", &mut protection.max_age_days),
        ("points_per_check", &mut protection.points_per_check),
        ("time_limit_minutes", &mut protection.time_limit_minutes),
        ("alarm_percent", &mut protection.alarm_percent),
        ("alarm_files", &mut protection.alarm_files),
        ("drill_files", &mut protection.drill_files),
        ("drill_megabytes", &mut protection.drill_megabytes),
        ("compare_megabytes", &mut protection.compare_megabytes),
    ];
    for (name, number) in numbers {
        let Some(field) = fields.iter_mut().find(|field| field.name == name) else { continue };
        posted.get(name).clone_into(&mut field.value);
        match posted.number(name) {
            Ok(given) => *number = given,
            Err(error) => field.error = Some(error),
        }
    }
    (protection, fields)
}
