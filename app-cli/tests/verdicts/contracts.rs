//! What of a source is backed up, what that takes, and policies as contracts, on the command line.

use serde_json::Value;
use source_app::state::{AppKind, State};

use crate::histories::source;
use crate::{command, run};

#[test]
fn what_cannot_be_used_is_one_line_and_nothing_is_saved() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "docs");
    for (arguments, words) in [
        (
            &["edit", "docs", "--label", "a,b"][..],
            "the label \"a,b\" holds a comma; give several one by one",
        ),
        (&["edit", "docs", "--label", "x", "--ignore", "*"], "the patterns leave out all there is"),
        (&["edit", "docs", "--ignore", "[a"], "never matches anything"),
        (&["edit", "docs", "--folder", "../x"], "is no folder below the place"),
        (&["edit", "docs", "--concurrency", "65"], "write 1 to 64"),
        (&["preview", "docs", "--ignore", "*"], "the patterns leave out all there is"),
        (&["policy", "add", "p", "--at-least", "1001"], "write 1 to 1000"),
        (
            &["policy", "add", "p", "--at-least", "1", "--per", "year"],
            "write one of: day, week, month",
        ),
        (&["policy", "add", "p", "--label", "app:x"], "begins like a mark"),
        (&["policy", "add", "p", "--backup-at", "sometimes"], "backup_at: "),
        (
            &["policy", "add", "p", "--backup-at", "@daily", "--time-zone", "Mars"],
            "time zone \"Mars\"",
        ),
    ] {
        let output = run(&directory, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains(words) && said.trim().lines().count() <= 3, "{arguments:?}: {said}");
        assert_eq!(state.app(app.id).unwrap(), app, "{arguments:?}");
        assert!(state.policies().unwrap().is_empty() && state.schedules().unwrap().is_empty());
    }
}

#[test]
fn options_are_set_shown_and_taken_back() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "docs");
    source(&state, "other");
    let done = |arguments: &[&str]| {
        let output = run(&directory, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    // The store cannot be asked what they leave out: the backup will say so.
    done(&[
        "edit",
        "docs",
        "--ignore",
        "-x",
        "--ignore",
        "*.tmp",
        "--folder",
        "/Photos/",
        "--label",
        "ü x",
        "--concurrency",
        "3",
    ]);
    let kept = state.app(app.id).unwrap().spec.backup;
    assert_eq!(
        (kept.ignore.join(" "), kept.folders.join(" ")),
        ("-x *.tmp".into(), "Photos".into())
    );
    let shown = done(&["show", "docs"]);
    for line in ["folders:", "Photos", "leaves out:", "-x, *.tmp", "labels:", "ü x", "concurrency:"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    // Plakar cannot be asked what it has of the app: all else is told.
    let shown: Value = serde_json::from_str(&done(&["show", "docs", "--json"])).unwrap();
    assert_eq!((&shown["app"]["name"], &shown["configuration"]), (&"docs".into(), &Value::Null));
    assert!(shown["configuration_fault"].is_string(), "{shown}");
    assert_eq!(done(&["tasks", "--label", "none", "--json"]), "");
    done(&["edit", "docs", "--ignore", "", "--folder", "", "--label", "", "--concurrency", "0"]);
    assert_eq!(state.app_named(AppKind::Source, "docs").unwrap().spec.backup, Default::default());

    let (estimate, _) = command(&directory, &["estimate", "docs", "--json"]);
    let estimate: Value = serde_json::from_str(&estimate).unwrap();
    assert_eq!((&estimate["backups"], &estimate["seconds"]), (&Value::from(0), &Value::Null));
    let (lines, _) = command(&directory, &["estimate", "docs"]);
    assert!(lines.contains("Time          not known"), "{lines}");
    assert!(lines.contains("There is no backup to go by yet."), "{lines}");
}

#[test]
fn a_policy_says_what_it_comes_to_before_it_is_saved() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    source(&state, "docs");
    let add = [
        "policy",
        "add",
        "careful",
        "--keep-daily",
        "30",
        "--at-least",
        "2",
        "--check-after-backup",
        "yes",
        "--backup-at",
        "twice daily at 06:00",
        "--prune-at",
        "weekly on sunday at 04:00",
    ];
    let (told, exit) = command(&directory, &[&add[..], &["--dry-run"]].concat());
    assert_eq!(exit, 0);
    for line in [
        "It is for docs.",
        "At most 12 hours of work are lost; you can go back 30 days.",
        "It promises at least 2 backups a day: an app with fewer in the last full day is at risk. Days, weeks and months are those of UTC.",
        "Each backup is checked when it is made.",
    ] {
        assert!(told.lines().any(|one| one == line), "{line}: {told}");
    }
    let (json, _) = command(&directory, &[&add[..], &["--dry-run", "--json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["apps"][0][1], "docs");
    assert!(state.policies().unwrap().is_empty() && state.schedules().unwrap().is_empty());
    assert!(run(&directory, &add).status.success());
    let zones: Vec<String> =
        state.schedules().unwrap().into_iter().map(|one| one.spec.time_zone).collect();
    assert_eq!(zones, ["Asia/Tokyo", "Asia/Tokyo"], "that of the machine");
    // What is not given stays, and the words for none take it back.
    assert!(
        run(&directory, &["policy", "edit", "careful", "--at-least", "3", "--per", "week"])
            .status
            .success()
    );
    let (list, _) = command(&directory, &["policy", "list"]);
    assert!(
        list.contains("keeps 30 daily   promises at least 3 backups a week   checks each backup"),
        "{list}"
    );
    assert!(
        run(&directory, &["policy", "edit", "careful", "--at-least", "0", "--backup-at", ""])
            .status
            .success()
    );
    assert_eq!(state.schedules().unwrap().len(), 1);
    assert_eq!(state.policies().unwrap()[0].spec.promise, None);
    // While it is off its schedule runs nothing, and no list tells of a next run.
    let lists = [&["policy", "list"][..], &["schedule", "list"]];
    for list in lists {
        let (text, _) = command(&directory, list);
        assert!(text.contains(", next 20") && !text.contains("for no app now"), "{text}");
    }
    assert!(run(&directory, &["policy", "disable", "careful"]).status.success());
    for list in lists {
        let (text, _) = command(&directory, list);
        assert!(text.contains(", for no app now") && !text.contains(", next "), "{text}");
    }
    let (text, _) = command(&directory, &["schedule", "list", "--json"]);
    let row: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(row["next"], Value::Null, "{text}");
}
