//! How an app is looked after, by the options of the command line, and how `app status` ends.

use chrono::{TimeDelta, Utc};
use source_app::state::{State, TaskState};

use crate::histories::{ended, source};
use crate::{command, run};

#[test]
fn what_is_said_of_an_app_is_kept_and_makes_the_exit_status() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "drive");
    let status = |expected: i32, verdict: &str| {
        let (text, code) = command(&directory, &["status", "drive"]);
        assert!(text.starts_with(&format!("drive  {verdict}")), "{text}");
        assert_eq!(code, expected, "{text}");
    };
    let edit = |arguments: &[&str]| run(&directory, &[&["edit", "drive"], arguments].concat());
    let edited = |arguments: &[&str]| {
        let output = edit(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::to_value(&state.app(app.id).unwrap().spec.protection).unwrap()
    };
    status(1, "not protected\n  It was never backed up.");
    let old = Utc::now() - TimeDelta::days(40);
    ended(&state, &app, TaskState::CompletedWithErrors, old);
    status(1, "not protected  last backup ");
    let kept = edited(&["--max-age", "60", "--points-per-check", "0", "--time-limit", "90"]);
    status(6, "at risk");
    ended(&state, &app, TaskState::Succeeded, old);
    status(0, "protected");
    let with = serde_json::json!({ "excluded": "", "max_age_days": 60, "check_after_backup": false,
        "points_per_check": 0, "time_limit_minutes": 90, "alarm_percent": 50, "alarm_files": 20,
        "drill_files": 5, "drill_megabytes": 100, "compare_megabytes": 1000 });
    assert_eq!(kept, with);
    let kept = edited(&["--alarm-percent", "0", "--drill-files", "7", "--compare-megabytes", "0"]);
    assert_eq!(
        (&kept["alarm_percent"], &kept["drill_files"], &kept["compare_megabytes"]),
        (&0.into(), &7.into(), &0.into())
    );
    let kept = edited(&["--exclude", "is retired", "--check-after-backup", "yes"]);
    assert_eq!(
        (&kept["excluded"], &kept["check_after_backup"], &kept["max_age_days"]),
        (&"is retired".into(), &true.into(), &60.into())
    );
    status(0, "excluded");
    assert_eq!(edited(&["--include"])["excluded"], "");
    for (arguments, words) in [
        (&["--exclude", ""][..], "--exclude"),
        (&["--exclude", "x", "--include"], "--include"),
        (&["--max-age", "0"], "write 1 to 3650"),
        (&["--alarm-percent", "101"], "write 0 to 100"),
        (&["--drill-files", "0"], "write 1 to 1000"),
        (&["--check-after-backup", "maybe"], "write yes or no"),
    ] {
        let output = edit(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{arguments:?}: {said}");
    }
    let missing = run(&directory, &["status", "nobody"]);
    assert_eq!(missing.status.code(), Some(3));
    // A schedule begins in the zone of the machine.
    let daily = ["schedule", "add", "drive", "--backup", "--daily", "02:30", "--json"];
    let (made, code) = command(&directory, &daily);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!((code, &made["time_zone"]), (0, &"Asia/Tokyo".into()));
}
