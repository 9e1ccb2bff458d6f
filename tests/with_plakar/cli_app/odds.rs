//! A wrong password, a store that is damaged, odd names.

use serde_json::json;
use support::noise;
use support::planted::{ODD_NAMES, assert_plain};

use super::world::{World, everything, lines};

#[test]
fn a_wrong_password_is_told_and_mended() {
    let world = World::new();
    world.put("file", b"x");
    let username = format!("username={}", world.simulator.username());
    let given = [
        "assign",
        "drive",
        "--resource",
        "r",
        "--protocol",
        "opendrive",
        "--option",
        &username,
        "--options-stdin",
    ];
    let given = [&given[..], &["--store", "store/", "--create-store", "--unencrypted"]].concat();
    let wrong = br#"{"password": "wr0ng"}"#;
    let outcome = world.run_with_input(&given, wrong);
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    assert!(
        outcome.stderr.contains("the connection was tested and refused: ")
            && outcome.stderr.contains("; nothing was saved")
            && world.rows(&["list"]).is_empty()
            && !world.user.home().join("store").exists(),
        "{}",
        outcome.stderr
    );
    // A drive that is away now: saved without a test.
    let outcome = world.run_with_input(&[&given[..], &["--no-test"]].concat(), wrong);
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let failed = world.run(&["test", "drive"]);
    assert_eq!((failed.code, failed.stdout.len()), (Some(1), 0), "{}", failed.text());
    assert!(failed.stderr.contains("test of drive failed: "), "{}", failed.stderr);
    // Nothing else of the configuration changes.
    let password = json!({ "password": world.simulator.password() }).to_string();
    let mended = world.run_with_input(
        &["edit", "drive", "--options-stdin", "--option", "transfers=4", "--json"],
        password.as_bytes(),
    );
    assert_eq!(mended.code, Some(0), "{}", mended.text());
    assert_eq!(lines(std::str::from_utf8(&mended.stdout).unwrap())[0]["revision"], 2);
    world.ok(&["test", "drive"]);
    // Nor does a secret when an option does.
    world.ok(&["edit", "drive", "--option", "transfers="]);
    world.ok(&["test", "drive"]);
    let shown = world.row(&["show", "drive"]);
    let transfers = shown["configuration"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["key"] == "transfers")
        .unwrap();
    assert_eq!(transfers["set"], false);
    assert!(!world.said().contains("wr0ng"), "{}", world.said());
}

/// Damages each packfile of a store in its middle that holds contents of files.
fn spoil(world: &World, store: &str) {
    for (path, mut bytes) in everything(&world.user.home().join(store).join("packfiles")) {
        if bytes.len() > 1_000_000 {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 1000].fill(b'X');
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn what_is_known_of_a_copy_is_not_what_is_known_of_the_first_store() {
    let world = World::new();
    world.local("files", &[("large", &noise(5, 6_000_000))]);
    let second = ["--create-second-store", "--unencrypted-second-store"];
    world.ok(&[&["edit", "files", "--second-store", "./away"][..], &second].concat());
    world.ok(&["backup", "files"]);
    world.ok(&["sync", "files"]);
    spoil(&world, "away");
    let read = world.run(&["sync", "files"]);
    assert_eq!(read.code, Some(6), "{}", read.text());
    let state =
        |more: &[&str]| world.row(&[&["points", "files"], more].concat())["check"]["state"].clone();
    assert_eq!((state(&[]), state(&["--from-second"])), (json!("verified"), json!("damaged")));
    let told = world.ok(&["points", "files", "--from-second"]);
    assert!(told.contains("damaged") && !told.contains("verified"), "{told}");
    // All restore points are those of the first store.
    let both = world.run(&["find", "files", "large", "--all-points", "--from-second"]);
    assert_eq!(both.code, Some(2), "{}", both.text());
}

#[test]
fn a_download_that_is_cut_off_leaves_nothing() {
    let world = World::new();
    world
        .local("files", &[("large", &noise(3, 6_000_000)), ("folder/other", &noise(4, 3_000_000))]);
    world.ok(&["backup", "files"]);
    spoil(&world, "store");
    let root = world.user.home().join("files");
    for (path, name) in
        [(format!("{}/large", root.display()), "cut"), (root.display().to_string(), "cut.zip")]
    {
        let cut = world.run(&["get", "files", "latest", &path, "-o", name]);
        assert_eq!(cut.code, Some(1), "{}", cut.text());
        assert!(
            cut.stderr.lines().count() == 1 && cut.stderr.contains("cut off"),
            "{}",
            cut.stderr
        );
    }
    let left: Vec<_> = std::fs::read_dir(world.user.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("cut")
            || name.to_string_lossy().contains(".part")),
        "{left:?}"
    );
    assert_eq!(world.run(&["check", "files"]).code, Some(6));
}

#[test]
fn odd_names_stay_what_they_are() {
    let world = World::new();
    let folder = world.odd();
    let rows = world.rows(&["ls", "drive", "latest", &folder]);
    assert_eq!(rows.len(), ODD_NAMES.len(), "{rows:?}");
    let shown = world.ok(&["ls", "drive", "latest", &folder])
        + &world.ok(&["find", "drive", "latest", "*"])
        + &world.ok(&["log", "1"]);
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
