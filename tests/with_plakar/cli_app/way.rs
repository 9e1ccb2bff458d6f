//! The whole way of an app, and what a script reads of it.

use opendrive_sim::{Fault, Options, What};
use serde_json::{Value, json};

use super::world::{World, everything, lines};
use crate::common::place::noise;
use crate::common::planted::{ODD_NAMES, assert_plain};

/// With what YAML and INI would change; and the part of it that is looked for.
const PASSWORD: &str = "Zq7wx9#w;rd \"ü\" 0123";
const MARK: &str = "Zq7wx9";

fn world() -> World {
    World::with(Options { password: PASSWORD.into(), ..Options::default() })
}

#[test]
fn an_app_from_its_assignment_to_its_end() {
    let world = world();
    let large = noise(1, 300_000);
    world.put("Documents/letter.txt", b"Dear all,\n");
    world.put("Documents/deep/large.bin", &large);

    let app = world.assign(
        "drive",
        "opendrive://Documents",
        &["--store", "./store", "--create-store", "--environment", "production", "--data-class", "PII", "--data-class", "critical"],
    );
    assert_eq!(
        (&app["name"], &app["kind"], &app["integration"], &app["protocol"]),
        (&json!("drive"), &json!("source"), &json!("rclone"), &json!("opendrive"))
    );
    assert_eq!(app["store"], world.user.path("store"));
    assert_eq!((&app["environment"], &app["data_classes"]), (&json!("production"), &json!(["PII", "critical"])));
    assert_eq!(app["resource"], json!({"name": "my drive", "class": "file-storage", "subclass": ""}));
    world.assign("drive", "opendrive://Restored", &["--destination"]);

    let tested = world.row(&["test", "drive"]);
    assert_eq!((&tested["kind"], &tested["state"], &tested["app_name"]), (&json!("test"), &json!("succeeded"), &json!("drive")));
    assert_eq!(world.row(&["test", "drive", "--destination"])["state"], "succeeded");

    // A backup with an error: its own status, and where it is told.
    let refused = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world.simulator.set_faults(vec![Fault::new(refused).endpoint("download/file").item("letter.txt").always()]);
    let partly = world.run(&["backup", "drive"]);
    assert_eq!((partly.code, partly.stdout.len()), (Some(6), 0), "{}", partly.text());
    assert!(partly.stderr.contains("letter.txt") && partly.stderr.contains("completed with errors: 1 entry failed"), "{}", partly.stderr);
    let errors = world.rows(&["errors", "drive", "latest"]);
    assert!(errors.len() == 1 && errors[0]["path"] == "/Documents/letter.txt" && errors[0]["error"].is_string(), "{errors:?}");
    world.simulator.set_faults(vec![]);
    // The newest task is that backup.
    let id = world.rows(&["tasks", "drive", "--limit", "1"])[0]["id"].to_string();
    let retried = world.row(&["retry", &id]);
    assert_eq!((&retried["state"], &retried["kind"], &retried["bytes"]), (&json!("succeeded"), &json!("backup"), &json!(300_010)));
    let made = world.ok(&["backup", "drive"]);
    assert!(made.starts_with("backup of drive succeeded: restore point ") && made.contains("with 2 files ("), "{made}");

    // What there is.
    let points = world.rows(&["points", "drive"]);
    assert_eq!(points.iter().map(|point| point["errors"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 0, 1]);
    for (key, value) in
        [("files", json!(2)), ("size", json!(300_010)), ("environment", json!("production")), ("data_classes", json!(["PII", "critical"]))]
    {
        assert_eq!(points[0][key], value, "{key}");
    }
    let (newest, oldest) = (points[0]["id"].as_str().unwrap(), points[2]["id"].as_str().unwrap());
    assert!(world.ok(&["points", "drive"]).lines().nth(2).unwrap().contains("1 error"));
    assert_eq!(world.ok(&["ls", "drive", "latest", "/Documents"]), "deep/\nletter.txt\n");
    let rows = world.rows(&["ls", "drive", &newest[..8], "/Documents"]);
    let letter = json!({"path": "/Documents/letter.txt", "type": "file", "size": 10, "modified": "2023-11-14T22:13:20Z", "target": null});
    assert_eq!((&rows[1], &rows[0]["type"], &rows[0]["size"]), (&letter, &json!("folder"), &Value::Null));
    assert_eq!(world.row(&["ls", "drive", "latest", "/Documents/letter.txt"]), letter);
    assert_eq!(world.ok(&["ls", "-l", "drive", "latest", "/Documents/letter.txt"]), "          10  2023-11-14T22:13:20Z  letter.txt\n");
    assert_eq!(world.ok(&["find", "drive", "latest", "*.BIN"]), "/Documents/deep/large.bin\n");
    assert_eq!(world.ok(&["find", "drive", "latest", "letter", "--below", "/Documents/deep"]), "");
    world.fails(3, &["ls", "drive", oldest, "/nowhere"], "does not exist");

    // Downloads: bytes as they were, never over another file, and nothing half.
    world.ok(&["get", "drive", "latest", "/Documents/deep/large.bin"]);
    assert!(std::fs::read(world.user.home().join("large.bin")).unwrap() == large);
    world.fails(1, &["get", "drive", "latest", "/Documents/letter.txt", "-o", "large.bin"], "add --force");
    assert!(std::fs::read(world.user.home().join("large.bin")).unwrap() == large);
    world.ok(&["get", "drive", "latest", "/Documents/letter.txt", "-o", "large.bin", "--force"]);
    assert_eq!(std::fs::read(world.user.home().join("large.bin")).unwrap(), b"Dear all,\n");
    assert_eq!(world.ok(&["get", "drive", "latest", "/Documents/letter.txt", "-o", "-"]), "Dear all,\n");
    world.ok(&["get", "drive", "latest", "/Documents", "-o", "all.tar.gz"]);
    world.ok(&["get", "drive", "latest", "/Documents"]);
    assert!(std::fs::read(world.user.home().join("all.tar.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
    assert!(std::fs::read(world.user.home().join("Documents.zip")).unwrap().starts_with(b"PK"));
    world.fails(3, &["get", "drive", "latest", "/Documents/none", "-o", "none"], "does not exist");

    // Check and restore, each its place.
    assert!(world.ok(&["check", "drive"]).contains("all data was read and is whole"));
    let out = world.user.path("out");
    let restored = world.ok(&["restore", "drive", "latest", "/Documents", "--to", &format!("folder:{out}")]);
    assert!(restored.contains("entries restored and found as they were backed up"), "{restored}");
    assert_eq!(std::fs::read(world.user.home().join("out/letter.txt")).unwrap(), b"Dear all,\n");
    world.ok(&["restore", "drive", "latest", "--to", "destination:drive"]);
    assert_eq!(world.simulator.drive().read_file("Restored/letter.txt").as_deref(), Some(&b"Dear all,\n"[..]));
    world.put("Documents/letter.txt", b"spoilt");
    world.fails(2, &["restore", "drive", "latest", "--to", "source"], "add --yes");
    world.ok(&["restore", "drive", "latest", "--to", "source", "--yes"]);
    assert_eq!(world.simulator.drive().read_file("Documents/letter.txt").as_deref(), Some(&b"Dear all,\n"[..]));

    // Prune needs a rule.
    world.fails(2, &["prune", "drive"], "has no retention");
    world.ok(&["edit", "drive", "--keep-daily", "1", "--environment", "", "--data-class", "", "--rename", "renamed"]);
    let pruned = world.row(&["prune", "renamed"]);
    assert_eq!(pruned["verdict"], "1 restore points kept, 2 removed");

    // All of it at a glance.
    let listed = world.rows(&["list"]);
    let kinds: Vec<_> = listed.iter().map(|row| (row["app"]["kind"].as_str().unwrap(), row["app"]["name"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("source", "renamed"), ("destination", "drive")]);
    assert_eq!((&listed[0]["last"]["state"], &listed[0]["next"], &listed[0]["open"]), (&json!("succeeded"), &Value::Null, &json!([])));
    let text = world.ok(&["list"]);
    assert!(
        text.starts_with("my drive (file-storage)\n  source       renamed   last backup ") && text.ends_with("  destination  drive\n"),
        "{text}"
    );
    let shown = world.row(&["show", "renamed"]);
    let fields = shown["configuration"].as_array().unwrap();
    let field = |key: &str| fields.iter().find(|field| field["key"] == key).unwrap();
    assert_eq!(field("password"), &json!({"key": "password", "set": true, "value": null}));
    assert_eq!(field("location")["value"], "opendrive://Documents");
    assert_eq!(
        (&shown["retention"]["daily"], &shown["app"]["environment"], &shown["last_success"]["state"]),
        (&json!(1), &json!(""), &json!("succeeded"))
    );
    let shown = world.ok(&["show", "renamed"]);
    assert!(shown.contains("  password:   (set)\n") && shown.contains("keeps:        1 daily\n"), "{shown}");
    let tasks = world.rows(&["tasks", "--kind", "restore", "--status", "succeeded"]);
    assert_eq!((tasks.len(), &tasks[0]["input"]["to"]), (3, &json!("source")));
    let log = world.ok(&["log", &tasks[0]["id"].to_string()]);
    assert!(log.contains("restoring") && log.lines().last().unwrap().contains("succeeded: "), "{log}");
    assert_eq!(world.ok(&["log", "-f", &tasks[0]["id"].to_string()]), log);

    // The password is where Plakar keeps it, and nowhere else.
    assert!(!world.said().contains(MARK), "{}", world.said());
    let info = world.user.ok(&["at", &world.user.path("store"), "info", newest]);
    assert!(!info.contains(MARK), "{info}");
    let holding: Vec<_> =
        everything(world.user.home()).into_iter().filter(|(_, bytes)| contains(bytes, MARK.as_bytes())).map(|(path, _)| path).collect();
    let configuration = world.user.home().join(".config/plakar");
    assert!(!holding.is_empty() && holding.iter().all(|path| path.starts_with(&configuration)), "{holding:?}");

    world.fails(2, &["remove", "renamed"], "add --yes");
    world.ok(&["remove", "renamed", "--yes"]);
    world.ok(&["remove", "drive", "--yes"]);
    assert!(world.rows(&["list"]).is_empty());
    assert!(!everything(world.user.home()).iter().any(|(_, bytes)| contains(bytes, MARK.as_bytes())), "the configuration is left");
    world.quiet();
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_wrong_password_is_told_and_mended() {
    let world = World::new();
    world.put("file", b"x");
    let username = format!("username={}", world.simulator.username());
    let given = ["assign", "drive", "--resource", "r", "--protocol", "opendrive", "--option", &username, "--options-stdin"];
    let outcome = world.run_with_input(&[&given[..], &["--store", "store/", "--create-store"]].concat(), br#"{"password": "wr0ng"}"#);
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let failed = world.run(&["test", "drive"]);
    assert_eq!((failed.code, failed.stdout.len()), (Some(1), 0), "{}", failed.text());
    assert!(failed.stderr.contains("test of drive failed: "), "{}", failed.stderr);
    // Nothing else of the configuration changes.
    let password = json!({ "password": world.simulator.password() }).to_string();
    let mended = world.run_with_input(&["edit", "drive", "--options-stdin", "--option", "transfers=4", "--json"], password.as_bytes());
    assert_eq!(mended.code, Some(0), "{}", mended.text());
    assert_eq!(lines(std::str::from_utf8(&mended.stdout).unwrap())[0]["revision"], 2);
    world.ok(&["test", "drive"]);
    // Nor does a secret when an option does.
    world.ok(&["edit", "drive", "--option", "transfers="]);
    world.ok(&["test", "drive"]);
    let shown = world.row(&["show", "drive"]);
    let transfers = shown["configuration"].as_array().unwrap().iter().find(|field| field["key"] == "transfers").unwrap();
    assert_eq!(transfers["set"], false);
    assert!(!world.said().contains("wr0ng"), "{}", world.said());
}

#[test]
fn a_download_that_is_cut_off_leaves_nothing() {
    let world = World::new();
    world.local("files", &[("large", &noise(3, 6_000_000)), ("folder/other", &noise(4, 3_000_000))]);
    world.ok(&["backup", "files"]);
    // In the middle of each packfile that holds contents of files.
    for (path, bytes) in everything(&world.user.home().join("store/packfiles")) {
        if bytes.len() > 1_000_000 {
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle..middle + 1000].fill(b'X');
            std::fs::write(path, bytes).unwrap();
        }
    }
    let root = world.user.home().join("files");
    for (path, name) in [(format!("{}/large", root.display()), "cut"), (root.display().to_string(), "cut.zip")] {
        let cut = world.run(&["get", "files", "latest", &path, "-o", name]);
        assert_eq!(cut.code, Some(1), "{}", cut.text());
        assert!(cut.stderr.lines().count() == 1 && cut.stderr.contains("cut off"), "{}", cut.stderr);
    }
    let left: Vec<_> = std::fs::read_dir(world.user.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("cut") || name.to_string_lossy().contains(".part")), "{left:?}");
    assert_eq!(world.run(&["check", "files"]).code, Some(6));
}

#[test]
fn odd_names_stay_what_they_are() {
    let world = World::new();
    let folder = world.odd();
    let rows = world.rows(&["ls", "drive", "latest", &folder]);
    assert_eq!(rows.len(), ODD_NAMES.len(), "{rows:?}");
    let shown = world.ok(&["ls", "drive", "latest", &folder]) + &world.ok(&["find", "drive", "latest", "*"]) + &world.ok(&["log", "1"]);
    shown.lines().for_each(assert_plain);
    for name in ODD_NAMES {
        let path = format!("{folder}/{name}");
        assert!(rows.iter().any(|row| row["path"] == path), "{name:?}: {rows:?}");
        assert_eq!(world.ok(&["get", "drive", "latest", &path, "-o", "-"]), "odd");
    }
    // A name on this machine is such as nothing is hidden by.
    let said = world.run(&["get", "drive", "latest", &format!("{folder}/{}", ODD_NAMES[1])]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    said.stderr.lines().for_each(assert_plain);
    assert_eq!(std::fs::read(world.user.home().join("bidi_gpj.exe")).unwrap(), b"odd");
}
