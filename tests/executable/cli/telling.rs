//! Configurations, `about`, `test`, completions and the manual page, and rclone's environment.

use opendrive_sim::{Certificate, Options};
use serde_json::{Value, json};
use support::command::finish;

use super::World;

#[test]
fn configurations_are_read_from_files() {
    let world = World::new();
    let person = world.person();
    std::fs::write(world.path("password"), format!("{}\n", world.simulator.password())).unwrap();
    let mut by_file = person.command(&["ls", "opendrive://"]);
    by_file
        .env_remove("PLAKAR_OPENDRIVE_PASSWORD")
        .env("PLAKAR_OPENDRIVE_PASSWORD_FILE", world.path("password"));
    assert_eq!(finish(by_file, b"").text(), "Documents/\n");

    let store = json!({"drive": {"location": "opendrive://Documents", "username": world.simulator.username(),
        "password": world.simulator.password(), "passphrase": "p", "cache_size": "8Mi"}});
    std::fs::write(world.path("drive.json"), store.to_string()).unwrap();
    assert_eq!(person.ok(&["ls", "--config", "drive.json", "@drive/deep"]), "er/\n");
    let ini = "[mine]\ntype = local\n\n[other]\ntype = local\n";
    let mut from_stdin =
        person.command(&["ls", "--config", "-", &format!("@mine{}", world.home.path().display())]);
    from_stdin.env_remove("PLAKAR_OPENDRIVE_USERNAME").env_remove("PLAKAR_OPENDRIVE_PASSWORD");
    assert_eq!(finish(from_stdin, ini.as_bytes()).text(), "drive.json\npassword\n");
    std::fs::write(world.path("rclone.conf"), ini).unwrap();
    person.fails(
        7,
        &["ls", "--config", "rclone.conf", "@drive"],
        "has no \"drive\": it has mine, other",
    );
}

#[test]
fn about_tells_the_room_and_the_versions() {
    let world = World::with(Options { quota: Some(10 << 30), ..Options::default() });
    let person = world.person();
    let room: Value =
        serde_json::from_str(&person.ok(&["about", "--json", "opendrive://"])).unwrap();
    assert_eq!(
        (&room["total"], &room["account"]),
        (&json!(10u64 << 30), &json!("user@example.com"))
    );
    let text = person.ok(&["about", "opendrive://"]);
    assert!(
        text.starts_with("opendrive (user@example.com)\n  total  10.00 GiB (10737418240 bytes)\n"),
        "{text}"
    );
    let own: Value = serde_json::from_str(&person.ok(&["about", "--json"])).unwrap();
    assert!(own["backends"].as_array().unwrap().contains(&json!("opendrive")), "{own}");
    let version = person.ok(&["--version"]);
    assert_eq!(
        version,
        format!(
            "plakar-opendrive {}\nrclone {}\nGo {}\nPlakar plugin API {}\n",
            env!("CARGO_PKG_VERSION"),
            own["rclone"].as_str().unwrap(),
            own["go"].as_str().unwrap(),
            own["plugin_apis"]
                .as_array()
                .unwrap()
                .iter()
                .map(|version| version.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(", "),
        )
    );
    assert!(
        own["rclone"].as_str().unwrap().starts_with("1.")
            && own["go"].as_str().unwrap().starts_with("1."),
        "{own}"
    );
    assert_eq!(person.ok(&["-V"]), format!("plakar-opendrive {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_test_reports_each_step_and_advises() {
    let world = World::new();
    let person = world.person();
    let text = person.ok(&["test", "opendrive://Documents"]);
    let names: Vec<&str> =
        text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(
        names,
        ["configuration", "login", "quota", "folder", "latency", "clock", "plakar"],
        "{text}"
    );
    assert!(
        text.contains("/Documents holds 2 folders, 1 file") && !text.contains('\u{1b}'),
        "{text}"
    );
    let report: Value =
        serde_json::from_str(&person.ok(&["test", "--json", "opendrive://Documents"])).unwrap();
    assert!(
        report["ok"] == true && report["latency_ms"]["median"].as_f64().unwrap() > 0.0,
        "{report}"
    );
    // The simulator's is this machine's.
    assert!(
        report["clock_ahead_s"].as_f64().is_some_and(|ahead| ahead.abs() < 3.0)
            && text.contains("as the server's"),
        "{report}"
    );

    let last = |outcome: support::command::Outcome, code: i32, step: &str, hint: &str| {
        assert_eq!(outcome.code, Some(code), "{}", outcome.text());
        let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
        let last = report["steps"].as_array().unwrap().last().unwrap().clone();
        assert!(report["ok"] == false && last["ok"] == false && last["name"] == step, "{report}");
        assert!(last["hint"].as_str().is_some_and(|text| text.contains(hint)), "{last}");
    };
    last(
        person.run(&["test", "--json", "opendrive://Nowhere"]),
        3,
        "folder",
        "A source needs the folder",
    );
    last(
        person.run(&["test", "--json", "opendrive://Documents/letter.txt"]),
        1,
        "folder",
        "the folder that the file is in",
    );
    last(person.run(&["test", "--json", "@nothing"]), 7, "configuration", "source show");
    let mut wrong = person.command(&["test", "--json", "opendrive://"]);
    wrong.env("PLAKAR_OPENDRIVE_PASSWORD", "wr0ng");
    last(finish(wrong, b""), 4, "login", "https://www.opendrive.com");
    let strange =
        World::with(Options { certificate: Certificate::Untrusted, ..Options::default() });
    last(strange.person().run(&["test", "--json", "opendrive://"]), 1, "login", "RCLONE_CA_CERT");
}

/// Of rclone's levels only DEBUG was one, another ended the process, as did the missing file of a
/// filter; and a rule in TZ was UTC.
#[test]
#[cfg(unix)]
fn the_environment_of_rclone_is_understood() {
    let world = World::new();
    let folder = world.home.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
    let config = json!({"l": {"location": format!("rclone://{}", folder.display()), "rclone_type": "local"}});
    std::fs::write(world.home.path().join("c"), config.to_string()).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = world.person().command(&["ls", "--config", "c", "@l"]);
        command.envs(variables.iter().copied());
        let outcome = finish(command, b"");
        assert_eq!(outcome.code, Some(0), "{variables:?}: {}", outcome.text());
        outcome.stderr
    };
    for (level, said) in [
        ("", ""),
        ("ERROR", ""),
        ("NOTICE", "Can't follow symlink"),
        ("info", "Can't follow symlink"),
        ("DEBUG", "Can't follow symlink"),
        ("loud", "RCLONE_LOG_LEVEL is \"loud\": write ERROR, NOTICE, INFO or DEBUG"),
    ] {
        let stderr = run(&[("RCLONE_LOG_LEVEL", level)]);
        assert!(stderr.contains(said) && stderr.is_empty() == said.is_empty(), "{level}: {stderr}");
    }
    assert_eq!(run(&[("RCLONE_FILES_FROM", "/nowhere"), ("RCLONE_EXCLUDE_FROM", "/nowhere")]), "");
    // A line begins with a date and a time.
    let hour = |zone| -> i32 {
        run(&[("RCLONE_LOG_LEVEL", "NOTICE"), ("TZ", zone)])[11..13].parse().unwrap()
    };
    let ahead = (hour("<+14>-14") - hour("UTC")).rem_euclid(24);
    // An hour may end in between.
    assert!([13, 14].contains(&ahead), "{ahead}");
}

#[test]
fn completions_are_made_for_each_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.person().ok(&["completions", shell]);
        assert!(
            script.contains("password-stdin") && !script.contains("importer"),
            "{shell}: {script}"
        );
        // Of the other executable, which lies beside it.
        assert!(
            script.contains("create-store") && script.contains("tls-certificate"),
            "{shell}: {script}"
        );
    }
}

/// `plakar-opendrive man > docs/plakar-opendrive.1` makes it anew.
#[test]
fn the_manual_page_is_up_to_date() {
    let page = World::new().person().ok(&["man"]);
    let kept = include_str!("../../../docs/plakar-opendrive.1");
    assert!(page == kept, "docs/plakar-opendrive.1 is not what `plakar-opendrive man` prints");
}
