//! Resources that are entered by hand, and a store without compression.

use serde_json::json;

use super::world::World;

#[test]
fn a_resource_is_entered_by_hand_and_covered_by_its_first_app() {
    let world = World::new();
    world.put("Photos/cat.jpg", b"cat");
    let said = world.run(&["resource", "add", "my photos", "--location", "opendrive://Photos"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(said.stderr.contains("app assign NAME --resource \"my photos\""), "{}", said.stderr);
    let twice = world.run(&["resource", "add", "my photos", "--class", "file-storage"]);
    assert_eq!(twice.code, Some(1), "{}", twice.text());
    assert!(
        twice.stderr.contains("there is already a resource named my photos"),
        "{}",
        twice.text()
    );
    let shown = &world.rows(&["resource", "list"])[0];
    assert_eq!((&shown["class"], &shown["uncovered"]), (&json!("file-storage"), &json!(true)));
    assert!(world.ok(&["resource", "list"]).contains("nothing is backed up"));
    let status = world.run(&["status"]);
    let words = status.text();
    assert_eq!(status.code, Some(1), "{words}");
    assert!(words.contains("my photos (resource)  not protected"), "{words}");
    assert!(words.contains("Nothing of it is backed up."), "{words}");

    // Where it is, and of which class, is known already.
    let username = format!("username={}", world.simulator.username());
    let given = ["assign", "photos", "--resource", "my photos", "--option", &username];
    let store = ["--store", "./store", "--create-store", "--unencrypted", "--uncompressed"];
    let password = json!({ "password": world.simulator.password() }).to_string();
    let made = world
        .run_with_input(&[&given[..], &["--options-stdin"], &store].concat(), password.as_bytes());
    assert_eq!(made.code, Some(0), "{}", made.text());
    world.ok(&["backup", "photos"]);
    world.ok(&["status"]);
    assert!(world.ok(&["ls", "photos", "latest", "/Photos"]).contains("cat.jpg"));
    let told = world.ok(&["stores", &world.user.path("store"), "--read"]);
    assert!(told.lines().any(|line| line == "compression:  none"), "{told}");

    let kept = world.run(&["resource", "remove", "my photos"]);
    assert_eq!(kept.code, Some(1), "{}", kept.text());
    assert!(kept.stderr.contains("has the app photos; remove its apps first"), "{}", kept.text());
    world.ok(&["remove", "photos", "--yes"]);
    world.ok(&["resource", "remove", "my photos"]);
    assert!(world.rows(&["resource", "list"]).is_empty());
    let gone = world.run(&["resource", "remove", "my photos"]);
    assert_eq!(gone.code, Some(3), "{}", gone.text());
}

#[test]
fn several_apps_are_made_by_one_command() {
    let world = World::new();
    world.put("Photos/cat.jpg", b"cat");
    world.put("Music/song.ogg", b"la");
    world.source();
    world.ok(&[
        "policy",
        "add",
        "nightly",
        "--environment",
        "production",
        "--backup-at",
        "daily at 03:00",
    ]);
    world.ok(&["resource", "add", "my photos", "--location", "opendrive://Photos"]);
    let store = world.user.path("store");
    let given =
        ["assign-all", world.simulator.username(), "--policy", "nightly", "--store", &store];
    let given =
        [&given[..], &["--resource", "my photos", "--location", "opendrive://Music"]].concat();
    let looked = world.run(&[&given[..], &["--check"]].concat());
    assert_eq!(looked.code, Some(0), "{}", looked.text());
    assert!(looked.stderr.contains("2 apps can be made; nothing was saved"), "{}", looked.text());
    assert_eq!(world.ok(&given).trim(), "source my-photos\nsource music");
    world.ok(&["backup", "music"]);
    let schedules = world.rows(&["schedule", "list"]);
    assert!(schedules.iter().any(|one| one.to_string().contains("nightly")), "{schedules:?}");
    let nobody = world.run(&[
        "assign-all",
        "nobody",
        "--policy",
        "nightly",
        "--store",
        &store,
        "--location",
        "opendrive://x",
    ]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.text());
    assert!(nobody.stderr.contains("there is no account nobody"), "{}", nobody.text());
}
