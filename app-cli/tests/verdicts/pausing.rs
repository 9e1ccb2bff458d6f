//! Pauses, resources and words, by the command line.

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use source_app::state::{State, TaskState};

use crate::histories::{ended, source};
use crate::{command, run};

#[test]
fn a_pause_is_said_everywhere_and_hides_nothing() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "drive");
    ended(&state, &app, TaskState::Succeeded, Utc::now() - TimeDelta::days(40));
    let said = |arguments: &[&str]| {
        let output = run(&directory, arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let (text, code) = command(&directory, &["status"]);
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with(
            "No: 1 of 1 drive, drive, is not protected, because the last backup is of"
        ),
        "{text}"
    );
    assert_eq!(code, 1);
    let told = said(&["pause", "drive", "--until", "2d"]);
    assert!(told.contains("drive: schedules run nothing until 20"), "{told}");
    let (text, code) = command(&directory, &["status", "drive"]);
    assert!(text.starts_with("drive  not protected  paused until 20") && code == 1, "{text}");
    let (text, _) = command(&directory, &["list"]);
    assert!(text.contains("not protected   paused until 20"), "{text}");
    assert!(said(&["resume", "drive"]).contains("drive: schedules run again"));
    assert!(said(&["resume", "drive"]).contains("drive: was not paused"));
    assert!(
        said(&["pause", "--all", "--until", "12h"]).contains("all apps: schedules run nothing")
    );
    let still = said(&["resume", "drive"]);
    assert!(still.contains("drive: schedules run nothing until 20"), "{still}");
    assert!(still.contains("app resume --all` ends that"), "{still}");
    let (text, _) = command(&directory, &["status", "--json"]);
    let status: Value = serde_json::from_str(&text).unwrap();
    assert!(status["apps"][0]["paused_until"].is_string(), "{text}");
    for (arguments, words) in [
        (&["pause", "drive", "--until", "soon"][..], "time \"soon\" cannot be read; write"),
        (&["pause", "drive", "--until", "2001-01-01"], "is over already"),
        (&["pause", "drive", "--all", "--until", "1d"], "--all"),
        (&["pause", "--until", "1d"], "--all"),
        (&["pause", "nobody", "--until", "1d"], "there is no source app"),
        (&["resource", "edit", "mine", "--exclude", ""], "there is no resource named \"mine\""),
        (&["words", "add", "--environment", ""], "environment is missing"),
        (&["words", "remove", "--data-class", "nothing"], "there is no data class \"nothing\""),
    ] {
        let output = run(&directory, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_resource_is_changed_and_its_apps_go_along() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "drive");
    let name = app.spec.resource.name.as_str();
    let edit =
        ["resource", "edit", name, "--rename", "Family drive", "--tag", "old", "--exclude", "gone"];
    assert!(run(&directory, &edit).status.success());
    let (text, code) = command(&directory, &["status", "drive"]);
    let words = "Its resource is excluded from coverage: gone.";
    assert!(text.starts_with("drive  excluded") && text.contains(words) && code == 0, "{text}");
    let (text, _) = command(&directory, &["resource", "list", "FAMILY", "--tag", "old", "--json"]);
    let listed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&listed["app_count"], &listed["health"]), (&1.into(), &"excluded".into()));
    let (text, _) = command(&directory, &["resource", "show", "Family drive"]);
    assert!(text.contains("excluded:     gone") && text.contains("source        drive"), "{text}");
    assert_eq!(command(&directory, &["resource", "list", "--health", "at risk"]).0, "");
    assert!(run(&directory, &["words", "add", "--data-class", "letters"]).status.success());
    let (text, _) = command(&directory, &["words", "list"]);
    assert!(text.contains("letters  not used  no policy matches it"), "{text}");
}
