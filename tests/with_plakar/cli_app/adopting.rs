//! An encrypted store, a state that is lost, and the recovery sheet, by commands.

use serde_json::json;

use super::world::{World, everything};

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

#[test]
fn what_a_store_and_plakar_have_becomes_apps_again() {
    let world = World::new();
    world.put("Documents/letter.txt", b"Dear all,\n");
    let username = format!("username={}", world.simulator.username());
    let given =
        ["assign", "docs", "--option", "location=opendrive://Documents", "--option", &username];
    let given = [&given[..], &["--options-stdin", "--store", "./safe", "--create-store"]].concat();
    let login = json!({ "password": world.simulator.password() }).to_string();
    // A new store has a passphrase, unless somebody says that it is to have none.
    let refused = world.run_with_input(&given, login.as_bytes());
    assert!(
        refused.code == Some(7)
            && refused.stderr.contains("has no passphrase")
            && refused.stderr.contains("see --passphrase-stdin, or --unencrypted")
            && !world.user.home().join("safe").exists(),
        "{}",
        refused.text()
    );
    let both = json!({ "password": world.simulator.password(), "store.passphrase": PASSPHRASE });
    let assigned = world.run_with_input(&given, both.to_string().as_bytes());
    assert_eq!(assigned.code, Some(0), "{}", assigned.text());
    // What it is in, and of which class, was found out.
    let app = world.row(&["show", "docs"])["app"].clone();
    assert_eq!(
        (&app["store"], &app["resource"]["class"], &app["resource"]["name"]),
        (
            &json!("docs"),
            &json!("file-storage"),
            &json!(format!("opendrive {}", world.simulator.username()))
        )
    );
    world.ok(&["backup", "docs"]);
    let sheet = world.ok(&["recovery", "docs"]);
    let mark = app["key"].as_str().unwrap();
    for part in [&world.user.path("safe"), &format!("app:{mark}"), "plakar store add docs "] {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    assert_eq!(world.row(&["recovery", "docs"])["encrypted"], true);

    // Another state, as after the loss of the first: the store has the mark, Plakar the source.
    let state = ["--state", "./again"];
    let found = world.row(&[&["adopt", "--store", "./safe"][..], &state].concat());
    assert_eq!(
        (&found["key"], &found["name"], &found["points"], &found["app"]),
        (&json!(mark), &json!("docs"), &json!(1), &json!(null))
    );
    world.fails(
        3,
        &[&["adopt", "docs", "--store", "./safe", "--mark", "0123"][..], &state].concat(),
        "no restore point in the store has the mark \"0123\"",
    );
    let adopted = world.row(&[&["adopt", "docs", "--store", "./safe"][..], &state].concat());
    assert_eq!((&adopted["key"], &adopted["entry"]), (&json!(mark), &json!("docs")));
    let points = world.rows(&[&["points", "docs"][..], &state].concat());
    assert_eq!(points.len(), 1);
    world.ok(&[&["restore", "docs", "latest", "--to", "folder:out"][..], &state].concat());
    assert_eq!(std::fs::read(world.user.home().join("out/letter.txt")).unwrap(), b"Dear all,\n");
    world.fails(
        1,
        &[&["adopt", "docs", "--store", "./safe"][..], &state].concat(),
        "there is already a source named docs",
    );

    // Nothing that was printed, and no state, has a secret in it.
    let mut kept = everything(&world.state_folder());
    kept.extend(everything(&world.user.home().join("again")));
    kept.push(("what was printed".into(), world.said().into_bytes()));
    for secret in [PASSPHRASE, world.simulator.password()] {
        for (file, bytes) in &kept {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{}", file.display());
        }
    }
    world.quiet();
}
