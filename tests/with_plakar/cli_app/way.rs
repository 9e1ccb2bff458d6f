//! The whole way of an app, and what a script reads of it.

use opendrive_sim::{Fault, Options, What};
use serde_json::{Value, json};
use support::noise;
use support::user::nobody_reads;

use super::world::{World, everything};

/// With what YAML and INI would change; and the part of it that is looked for.
const PASSWORD: &str = "Zq7wx9#w;rd \"ü\" 0123";

const MARK: &str = "Zq7wx9";

fn world() -> World {
    World::with(Options { password: PASSWORD.into(), ..Options::default() })
}

/// What is in the second file on the drive.
fn large() -> Vec<u8> {
    noise(1, 300_000)
}

#[test]
fn an_app_from_its_assignment_to_its_end() {
    let world = world();
    assign_and_test(&world);
    back_up_with_an_error_and_without(&world);
    look_at_points(&world);
    download(&world);
    check_and_restore(&world);
    prune(&world);
    list_and_show(&world);
    look_for_the_password(&world);
    remove(&world);
    world.quiet();
}

/// A source and a destination of one name.
fn assign_and_test(world: &World) {
    world.put("Documents/letter.txt", b"Dear all,\n");
    world.put("Documents/deep/large.bin", &large());

    let app = world.assign(
        "drive",
        "opendrive://Documents",
        &[
            "--store",
            "./store",
            "--create-store",
            "--unencrypted",
            "--environment",
            "production",
            "--data-class",
            "PII",
            "--data-class",
            "critical",
        ],
    );
    assert_eq!(
        (&app["name"], &app["kind"], &app["integration"], &app["protocol"]),
        (&json!("drive"), &json!("source"), &json!("rclone"), &json!("opendrive"))
    );
    assert_eq!(app["store"], world.user.path("store"));
    assert_eq!(
        (&app["environment"], &app["data_classes"]),
        (&json!("production"), &json!(["PII", "critical"]))
    );
    assert_eq!(
        app["resource"],
        json!({"name": "my drive", "class": "file-storage", "subclass": ""})
    );
    world.assign("drive", "opendrive://Restored", &["--destination"]);

    let tested = world.row(&["test", "drive"]);
    assert_eq!(
        (&tested["kind"], &tested["state"], &tested["app_name"]),
        (&json!("test"), &json!("succeeded"), &json!("drive"))
    );
    assert_eq!(world.row(&["test", "drive", "--destination"])["state"], "succeeded");
}

/// A backup with an error has its own status, and says where it is told.
fn back_up_with_an_error_and_without(world: &World) {
    let refused = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world.simulator.set_faults(vec![
        Fault::new(refused).endpoint("download/file").item("letter.txt").always(),
    ]);
    let partly = world.run(&["backup", "drive"]);
    assert_eq!((partly.code, partly.stdout.len()), (Some(6), 0), "{}", partly.text());
    assert!(
        partly.stderr.contains("letter.txt")
            && partly.stderr.contains("completed with errors: 1 entry failed"),
        "{}",
        partly.stderr
    );
    let errors = world.rows(&["errors", "drive", "latest"]);
    assert!(
        errors.len() == 1
            && errors[0]["path"] == "/Documents/letter.txt"
            && errors[0]["error"].is_string(),
        "{errors:?}"
    );
    // What the drive answers while a call is made again is told.
    world.simulator.set_faults(vec![
        Fault::refused(503, "busy just now").endpoint("download/file").item("letter.txt").times(2),
    ]);
    // The newest task is that backup.
    let id = world.rows(&["tasks", "drive", "--limit", "1"])[0]["id"].to_string();
    let retried = world.row(&["retry", &id]);
    assert_eq!(
        (&retried["state"], &retried["kind"], &retried["bytes"]),
        (&json!("succeeded"), &json!("backup"), &json!(300_010))
    );
    let log = world.ok(&["log", &retried["id"].to_string()]);
    assert!(log.contains("the drive answers") && log.contains("busy just now"), "{log}");
    world.simulator.set_faults(vec![]);
    let made = world.ok(&["backup", "drive"]);
    assert!(
        made.starts_with("backup of drive succeeded: restore point ")
            && made.contains("with 2 files ("),
        "{made}"
    );
}

/// The restore points of the app, the newest first.
fn points(world: &World) -> Vec<Value> {
    world.rows(&["points", "drive"])
}

fn look_at_points(world: &World) {
    let points = points(world);
    assert_eq!(
        points.iter().map(|point| point["errors"].as_u64().unwrap()).collect::<Vec<_>>(),
        [0, 0, 1]
    );
    for (key, value) in [
        ("files", json!(2)),
        ("size", json!(300_010)),
        ("environment", json!("production")),
        ("data_classes", json!(["PII", "critical"])),
    ] {
        assert_eq!(points[0][key], value, "{key}");
    }
    let (newest, oldest) = (points[0]["id"].as_str().unwrap(), points[2]["id"].as_str().unwrap());
    assert!(world.ok(&["points", "drive"]).lines().nth(2).unwrap().contains("1 error"));
    assert_eq!(world.ok(&["ls", "drive", "latest", "/Documents"]), "deep/\nletter.txt\n");
    let rows = world.rows(&["ls", "drive", &newest[..8], "/Documents"]);
    let letter = json!({"path": "/Documents/letter.txt", "type": "file", "size": 10, "modified": "2023-11-14T22:13:20Z", "target": null});
    assert_eq!(
        (&rows[1], &rows[0]["type"], &rows[0]["size"]),
        (&letter, &json!("folder"), &Value::Null)
    );
    assert_eq!(world.row(&["ls", "drive", "latest", "/Documents/letter.txt"]), letter);
    assert_eq!(
        world.ok(&["ls", "-l", "drive", "latest", "/Documents/letter.txt"]),
        "          10  2023-11-14T22:13:20Z  letter.txt\n"
    );
    assert_eq!(world.ok(&["find", "drive", "latest", "*.BIN"]), "/Documents/deep/large.bin\n");
    assert_eq!(world.ok(&["find", "drive", "latest", "letter", "--below", "/Documents/deep"]), "");
    world.fails(3, &["ls", "drive", oldest, "/nowhere"], "does not exist");
}

/// Bytes as they were, never over another file, and nothing half.
fn download(world: &World) {
    world.ok(&["get", "drive", "latest", "/Documents/deep/large.bin"]);
    assert!(std::fs::read(world.user.home().join("large.bin")).unwrap() == large());
    world.fails(
        1,
        &["get", "drive", "latest", "/Documents/letter.txt", "-o", "large.bin"],
        "add --force",
    );
    assert!(std::fs::read(world.user.home().join("large.bin")).unwrap() == large());
    world.ok(&["get", "drive", "latest", "/Documents/letter.txt", "-o", "large.bin", "--force"]);
    assert_eq!(std::fs::read(world.user.home().join("large.bin")).unwrap(), b"Dear all,\n");
    assert_eq!(
        world.ok(&["get", "drive", "latest", "/Documents/letter.txt", "-o", "-"]),
        "Dear all,\n"
    );
    // Whoever leaves, as in `get -o - | head -c 1`, has not got all of it.
    let mut left =
        world.command(&["app", "get", "drive", "latest", "/Documents/letter.txt", "-o", "-"]);
    assert_eq!(
        left.stdout(nobody_reads()).stderr(std::process::Stdio::null()).status().unwrap().code(),
        Some(1)
    );
    world.ok(&["get", "drive", "latest", "/Documents", "-o", "all.tar.gz"]);
    world.ok(&["get", "drive", "latest", "/Documents"]);
    assert!(
        std::fs::read(world.user.home().join("all.tar.gz")).unwrap().starts_with(&[0x1f, 0x8b])
    );
    assert!(std::fs::read(world.user.home().join("Documents.zip")).unwrap().starts_with(b"PK"));
    world.fails(3, &["get", "drive", "latest", "/Documents/none", "-o", "none"], "does not exist");
}

/// Each to its place.
fn check_and_restore(world: &World) {
    assert!(world.ok(&["check", "drive"]).contains("all data was read and is whole"));
    // The newest of those that were never checked came first.
    let known = points(world);
    assert_eq!(
        (&known[0]["check"]["state"], &known[1]["check"]),
        (&json!("verified"), &Value::Null)
    );
    let shown = world.ok(&["points", "drive"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains("verified") && lines[1].contains("not checked yet"), "{shown}");
    assert!(world.ok(&["check", "drive", "--all"]).contains("(3 restore points)"));
    world.fails(2, &["check", "drive", "latest", "--points", "2"], "give one of them");
    let out = world.user.path("out");
    let restored =
        world.ok(&["restore", "drive", "latest", "/Documents", "--to", &format!("folder:{out}")]);
    assert!(restored.contains("entries restored and found as they were backed up"), "{restored}");
    assert_eq!(std::fs::read(world.user.home().join("out/letter.txt")).unwrap(), b"Dear all,\n");
    world.ok(&["restore", "drive", "latest", "--to", "destination:drive"]);
    assert_eq!(
        world.simulator.drive().read_file("Restored/letter.txt").as_deref(),
        Some(&b"Dear all,\n"[..])
    );
    world.put("Documents/letter.txt", b"spoilt");
    world.fails(2, &["restore", "drive", "latest", "--to", "source"], "add --yes");
    world.ok(&["restore", "drive", "latest", "--to", "source", "--yes"]);
    assert_eq!(
        world.simulator.drive().read_file("Documents/letter.txt").as_deref(),
        Some(&b"Dear all,\n"[..])
    );
}

/// It needs a rule; the app has another name from here on.
fn prune(world: &World) {
    world.fails(2, &["prune", "drive"], "has no retention");
    world.ok(&[
        "edit",
        "drive",
        "--keep-daily",
        "1",
        "--environment",
        "",
        "--data-class",
        "",
        "--rename",
        "renamed",
    ]);
    let plan = world.row(&["prune", "renamed", "--dry-run"]);
    let keeps: Vec<_> =
        plan["points"].as_array().unwrap().iter().map(|point| &point["keep"]).collect();
    assert_eq!(keeps, [true, false, false], "{plan}");
    world.fails(2, &["prune", "renamed"], "2 restore points of renamed will be removed: add --yes");
    let oldest = plan["points"][2]["id"].as_str().unwrap();
    world.ok(&["pin", "renamed", oldest]);
    let pinned = world.row(&["prune", "renamed", "--dry-run"]);
    assert_eq!(
        (&pinned["points"][2]["rule"], &pinned["points"][2]["keep"]),
        (&json!("pinned"), &json!(true))
    );
    world.ok(&["unpin", "renamed", &oldest[..8]]);
    let pruned = world.row(&["prune", "renamed", "--yes"]);
    assert_eq!(pruned["verdict"], "1 restore point kept, 2 removed");
}

/// All of it at a glance.
fn list_and_show(world: &World) {
    let listed = world.rows(&["list"]);
    let kinds: Vec<_> = listed
        .iter()
        .map(|row| (row["app"]["kind"].as_str().unwrap(), row["app"]["name"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("source", "renamed"), ("destination", "drive")]);
    assert_eq!(
        (&listed[0]["last"]["state"], &listed[0]["next"], &listed[0]["open"]),
        (&json!("succeeded"), &Value::Null, &json!([]))
    );
    let text = world.ok(&["list"]);
    assert!(
        text.starts_with(
            "my drive (file-storage)\n  source       renamed   protected   last backup "
        ) && text.contains("\n  destination  drive   excluded\n"),
        "{text}"
    );
    let status = world.row(&["status"]);
    assert_eq!(
        (&status["verdict"], &status["apps"].as_array().unwrap().len()),
        (&json!("protected"), &2)
    );
    assert!(world.ok(&["status", "renamed"]).starts_with("renamed  protected  last backup "));
    let shown = world.row(&["show", "renamed"]);
    let fields = shown["configuration"].as_array().unwrap();
    let field = |key: &str| fields.iter().find(|field| field["key"] == key).unwrap();
    assert_eq!(field("password"), &json!({"key": "password", "set": true, "value": null}));
    assert_eq!(field("location")["value"], "opendrive://Documents");
    assert_eq!(
        (
            &shown["retention"]["daily"],
            &shown["app"]["environment"],
            &shown["last_success"]["state"]
        ),
        (&json!(1), &json!(""), &json!("succeeded"))
    );
    let shown = world.ok(&["show", "renamed"]);
    assert!(
        shown.contains("  password:   (set)\n") && shown.contains("keeps:        1 daily\n"),
        "{shown}"
    );
    let tasks = world.rows(&["tasks", "--kind", "restore", "--status", "succeeded"]);
    assert_eq!((tasks.len(), &tasks[0]["input"]["to"]), (3, &json!("source")));
    let log = world.ok(&["log", &tasks[0]["id"].to_string()]);
    assert!(
        log.contains("restoring") && log.lines().last().unwrap().contains("succeeded: "),
        "{log}"
    );
    assert_eq!(world.ok(&["log", "-f", &tasks[0]["id"].to_string()]), log);
}

/// The password is where Plakar keeps it, and nowhere else.
fn look_for_the_password(world: &World) {
    let points = world.rows(&["points", "renamed"]);
    let newest = points[0]["id"].as_str().unwrap();
    assert!(!world.said().contains(MARK), "{}", world.said());
    let info = world.user.ok(&["at", &world.user.path("store"), "info", newest]);
    assert!(!info.contains(MARK), "{info}");
    let holding: Vec<_> = everything(world.user.home())
        .into_iter()
        .filter(|(_, bytes)| contains(bytes, MARK.as_bytes()))
        .map(|(path, _)| path)
        .collect();
    let configuration = world.user.home().join(".config/plakar");
    assert!(
        !holding.is_empty() && holding.iter().all(|path| path.starts_with(&configuration)),
        "{holding:?}"
    );
}

/// The configuration goes, too.
fn remove(world: &World) {
    world.fails(2, &["remove", "renamed"], "add --yes");
    world.ok(&["remove", "renamed", "--yes"]);
    world.ok(&["remove", "drive", "--yes"]);
    assert!(world.rows(&["list"]).is_empty());
    assert!(
        !everything(world.user.home()).iter().any(|(_, bytes)| contains(bytes, MARK.as_bytes())),
        "the configuration is left"
    );
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
