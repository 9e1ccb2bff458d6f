//! Input that cannot be used: one line each, and nothing is changed.

use serde_json::json;

use super::world::World;

#[test]
fn bad_input_gets_one_line() {
    let world = World::new();
    world.put("file", b"x");
    world.fails(
        3,
        &["backup", "drive"],
        "there is no source app \"drive\"; `plakar-opendrive app list` shows all",
    );
    world.fails(3, &["show", "drive\u{1b}[31m"], "there is no app \"drive\\u{1b}[31m\"");
    world.fails(3, &["log", "7"], "there is no task");
    world.fails(3, &["schedule", "remove", "7"], "there is no schedule");
    world.fails(3, &["policy", "enable", "p"], "there is no policy \"p\"");
    let assign = |more: &[&'static str]| {
        [&["assign", "drive", "--resource", "r", "--option", "username=me"], more].concat()
    };
    let stored = |more: &[&'static str]| assign(&[&["--store", "./s"], more].concat());
    world.fails(2, &assign(&[]), "--store is missing");
    world.fails(2, &assign(&["--destination", "--store", "s"]), "a destination has none");
    world.fails(2, &stored(&[]), "give --protocol, one of opendrive, rclone");
    world.fails(2, &stored(&["--integration", "s3"]), "choose one of rclone (rclone, opendrive)");
    world.fails(2, &stored(&["--class", "database"]), "no installed integration");
    world.fails(7, &stored(&["--protocol", "opendrive"]), "the secret \"password\" is missing");
    world.fails(
        2,
        &stored(&["--protocol", "opendrive", "--option", "password=s3cret"]),
        "option \"password\" is a secret",
    );
    world.fails(
        2,
        &stored(&["--protocol", "opendrive", "--secret", "password"]),
        "give secrets by --options-stdin",
    );
    world.fails(
        2,
        &stored(&["--protocol", "opendrive", "--option", "username=you"]),
        "is given twice",
    );
    for (input, text) in [
        (json!({"password": "s3cret", "passwort": "s3cret"}), "unknown option \"passwort\""),
        (json!({"password": "s3cret", "transfers": "many"}), "transfers"),
        (json!({"password": 5}), "not a JSON object of strings"),
        (json!(["s3cret"]), "not a JSON object of strings"),
        (json!({"password": "s3cret", "username": "s3cret"}), "is given twice"),
    ] {
        let outcome = world.run_with_input(
            &stored(&["--protocol", "opendrive", "--options-stdin"]),
            input.to_string().as_bytes(),
        );
        let one = outcome.stderr.lines().count() == 1 && outcome.stderr.contains(text);
        assert!(
            one && matches!(outcome.code, Some(2 | 7)) && outcome.stdout.is_empty(),
            "{}",
            outcome.text()
        );
    }
    assert!(!world.said().contains("s3cret"), "{}", world.said());
    assert!(world.rows(&["list"]).is_empty() && !world.user.home().join("s").exists());

    world.source();
    world.fails(
        2,
        &["edit", "drive", "--store", "elsewhere"],
        "Plakar has no store named elsewhere",
    );
    world.ok(&["backup", "drive"]);
    world.fails(3, &["ls", "drive", "0000"], "there is no restore point \"0000\"");
    world.fails(2, &["ls", "drive", "latest", "file"], "has to begin with \"/\"");
    world.fails(2, &["ls", "drive", "latest", "/a/../b"], "must not have");
    world.fails(2, &["find", "drive", "latest", " "], "what to search for is missing");
    world.fails(
        3,
        &["restore", "drive", "latest", "/none", "--to", "folder:out"],
        "does not exist",
    );
    world.fails(
        3,
        &["restore", "drive", "latest", "--to", "destination:none"],
        "there is no destination named \"none\"",
    );
    world.fails(
        2,
        &["schedule", "add", "drive", "--backup", "--daily", "25:00"],
        "not a valid time of day",
    );
    world.fails(2, &["schedule", "add", "drive", "--backup", "--cron", "often"], "not five fields");
    world.fails(
        2,
        &["schedule", "add", "drive", "--backup", "--every-hours", "5"],
        "not a whole part of a day",
    );
    world.fails(
        2,
        &["schedule", "add", "drive", "--check", "--daily", "1:00", "--time-zone", "Mars/Base"],
        "Mars/Base",
    );
    world.fails(2, &["schedule", "export", "drive", "--cron"], "has no enabled schedule");
    world.assign("there", "opendrive://There", &["--destination"]);
    world.fails(3, &["backup", "there"], "is a destination: name a source");
    // What clap itself refuses says how it is used.
    for bad in [
        &["schedule", "add", "drive", "--backup"][..],
        &["schedule", "add", "drive", "--backup", "--check", "--daily", "1:00"],
        &["schedule", "add", "--check", "--daily", "1:00"],
        &["schedule", "export", "drive"],
        &["schedule", "export", "drive", "--kubernetes"],
        &["restore", "drive", "latest", "--to", "elsewhere"],
        &["tasks", "--status", "tired"],
        &["run"],
    ] {
        let outcome = world.run(bad);
        assert_eq!(
            (outcome.code, outcome.stdout.is_empty()),
            (Some(2), true),
            "{bad:?}: {}",
            outcome.text()
        );
    }
    assert!(
        world.run(&["tasks", "--status", "tired"]).stderr.contains("write one of: queued, running")
    );
    assert_eq!(world.rows(&["tasks"]).len(), 1, "something was begun");
}

#[test]
fn a_state_of_ones_own_and_no_plakar() {
    let world = World::new();
    let state = world.user.path("kept/here");
    world.ok(&["--state", &state, "list"]);
    assert!(
        world.user.home().join("kept/here/state.db").exists() && !world.state_folder().exists()
    );
    world.ok(&["list", "--state", "kept/here"]);
    let mut command = world.command(&["app", "list"]);
    command.env("PLAKAR", "/nowhere/plakar");
    let outcome = support::command::finish(command, b"");
    assert_eq!(outcome.code, Some(7), "{}", outcome.text());
    assert!(
        outcome.stderr.contains("no plakar is at /nowhere/plakar: install Plakar 1.1"),
        "{}",
        outcome.stderr
    );
}
