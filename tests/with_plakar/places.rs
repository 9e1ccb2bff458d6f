//! Paths that are given behind the name of a place, `@NAME:PATH`: the real Plakar encodes them.

use support::drive_source::DriveSource;
use support::plakar::{Outcome, own};

fn put(world: &DriveSource, path: &str, text: &str) {
    world.put(path, text.as_bytes(), 1_700_000_000);
}

fn backup(world: &DriveSource, source: &str) -> Outcome {
    world.plakar.run(&["-quiet", "at", &world.store, "backup", source])
}

/// Names that Plakar encodes, and one that looks as if it had.
const ODD: [&str; 6] =
    ["My Pictures", "It's (new)!", "100% sure", "caf\u{e9} \u{201b}", "a%20b", "a+b & c=d;e,f"];

#[test]
fn a_folder_of_any_name_is_backed_up_by_a_path() {
    let world = DriveSource::new();
    for name in ODD {
        put(&world, &format!("{name}/in it"), name);
        put(&world, &format!("Documents/{name}/in it"), &format!("below {name}"));
    }
    for location in ["opendrive://", "opendrive:///", "opendrive:///Documents"] {
        world.configure("source", location);
        for name in ODD {
            let id = world.plakar.backup(&world.store, &format!("@drive:/{name}"));
            assert_eq!(
                world.plakar.ok(&["at", &world.store, "cat", &format!("{id}:/{name}/in it")]),
                name,
                "{location}"
            );
        }
    }
    for location in ["opendrive:///Documents", "opendrive://Documents"] {
        world.configure("source", location);
        for name in ODD {
            let id = world.plakar.backup(&world.store, &format!("@drive:{name}"));
            let expected = format!("below {name}");
            assert_eq!(
                world.plakar.ok(&[
                    "at",
                    &world.store,
                    "cat",
                    &format!("{id}:/Documents/{name}/in it")
                ]),
                expected,
                "{location}"
            );
        }
    }
    // As the location itself, where nothing encodes it; and somebody who has encoded it by hand.
    for location in ODD
        .map(|name| format!("opendrive:///{name}"))
        .into_iter()
        .chain(["opendrive:///My%20Pictures".to_owned()])
    {
        world.configure("source", &location);
        world.plakar.backup(&world.store, "@drive");
    }
}

#[test]
fn what_a_path_can_mean_twice_is_an_error_that_names_both() {
    let world = DriveSource::new();
    put(&world, "a b/x", "with a space");
    put(&world, "a%20b/x", "with the encoding of one");
    world.configure("source", "opendrive:///a%20b");
    let outcome = backup(&world, "@drive");
    let text = outcome.text();
    assert!(
        outcome.code != Some(0)
            && text.contains("can mean \"/a%20b\" or \"/a b\", and both are there"),
        "{text}"
    );
    // What the line says to write, works.
    assert!(
        text.contains("use @NAME:/a%20b") && text.contains("location=\"opendrive:///a b\""),
        "{text}"
    );
    let id = world.plakar.backup(&world.store, "@drive:/a%20b");
    assert_eq!(
        world.plakar.ok(&["at", &world.store, "cat", &format!("{id}:/a%20b/x")]),
        "with the encoding of one"
    );
    world.configure("source", "opendrive:///a b");
    let id = world.plakar.backup(&world.store, "@drive");
    assert_eq!(
        world.plakar.ok(&["at", &world.store, "cat", &format!("{id}:/a b/x")]),
        "with a space"
    );
}

#[test]
fn a_restore_goes_into_the_folder_of_that_name() {
    let world = DriveSource::new();
    let folder = world.plakar.path("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(format!("{folder}/x"), "x").unwrap();
    let id = world.plakar.backup(&world.store, &folder);
    world.configure("destination", "opendrive:///Documents");
    let restore = |to: &str| {
        world.plakar.ok(&["at", &world.store, "restore", "-to", to, &format!("{id}:{folder}")])
    };
    for name in ["Restored 2026", "100% (sure)", "It's"] {
        restore(&format!("@drive:/{name}"));
        restore(&format!("@drive:{name}/below"));
        for path in [format!("{name}/x"), format!("Documents/{name}/below/x")] {
            assert_eq!(
                world.simulator.drive().read_file(&path).as_deref(),
                Some(&b"x"[..]),
                "{:?}",
                world.simulator.drive().tree().keys()
            );
        }
    }
    // Below one that really is called so.
    put(&world, "a%20b/y", "y");
    restore("@drive:/a%20b");
    world.configure("destination", "opendrive:///a%20b/new");
    restore("@drive");
    for path in ["a%20b/x", "a%20b/new/x"] {
        assert!(
            world.simulator.drive().read_file(path).is_some(),
            "{:?}",
            world.simulator.drive().tree().keys()
        );
    }
    assert!(
        !world
            .simulator
            .drive()
            .tree()
            .keys()
            .any(|path| path.starts_with("Restored%") || path.starts_with("a b"))
    );
}

#[test]
fn a_store_lies_in_the_folder_of_that_name() {
    let world = DriveSource::new();
    world.configure("store", "opendrive:///Documents");
    let folder = world.plakar.path("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(format!("{folder}/x"), "x").unwrap();
    for store in ["@drive:/My Backups", "@drive:below (it)"] {
        world.plakar.ok(&["at", store, "create", "-plaintext"]);
        let id = world.plakar.backup(store, &folder);
        let fresh = world.plakar.path("fresh cache");
        assert!(world.plakar.ok(&["-cachedir", &fresh, "at", store, "ls"]).contains(&id));
    }
    for path in ["My Backups/CONFIG", "Documents/below (it)/CONFIG"] {
        assert!(
            world.simulator.drive().tree().contains_key(path),
            "{:?}",
            world.simulator.drive().tree().keys()
        );
    }
}

#[test]
fn two_slashes_are_said_to_be_two_folders() {
    let world = DriveSource::new();
    put(&world, "Other/x", "x");
    put(&world, "Documents/y", "y");
    world.configure("source", "opendrive://Documents");
    let outcome = backup(&world, "@drive:/Other");
    let text = outcome.text();
    assert!(
        outcome.code != Some(0) && text.contains("the folder /Documents/Other does not exist"),
        "{text}"
    );
    assert!(text.contains("write opendrive:///Documents with three slashes"), "{text}");
    world.configure("source", "opendrive:///Documents");
    world.plakar.backup(&world.store, "@drive:/Other");

    world.configure("destination", "opendrive://Documents");
    let id = world.plakar.backup(&world.store, "@drive");
    let outcome = world.plakar.run(&[
        "at",
        &world.store,
        "restore",
        "-to",
        "@drive:/New",
        &format!("{id}:/Documents"),
    ]);
    let text = outcome.text();
    assert!(
        outcome.code == Some(0)
            && text.contains(
                "the location opendrive://Documents/New is read as the folder /Documents/New"
            ),
        "{text}"
    );
    assert!(text.contains("write opendrive:///Documents with three slashes"), "{text}");
}

#[test]
fn our_own_commands_take_the_same_paths() {
    let world = DriveSource::new();
    put(&world, "My Pictures/a.txt", "a");
    put(&world, "Documents/a%20b/c.txt", "c");
    put(&world, "Documents/a b.txt", "ab");
    world.configure("source", "opendrive://Documents");
    let own = |arguments: &[&str]| {
        let output = own(&world.plakar, arguments);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let fine = |arguments: &[&str], expected: &str| {
        let (code, stdout, stderr) = own(arguments);
        assert_eq!((code, stdout.as_str()), (Some(0), expected), "{arguments:?}: {stderr}");
    };
    fine(&["ls", "@drive:/My Pictures"], "a.txt\n");
    fine(&["ls", "@drive/a%20b"], "c.txt\n");
    fine(&["ls", "@drive:a%20b"], "c.txt\n");
    fine(&["ls", "@drive:/Documents/a%20b"], "c.txt\n");
    fine(&["cat", "@drive:/My Pictures/a.txt"], "a");
    fine(&["cat", "@drive:a b.txt"], "ab");
    let to = world.plakar.path("copy");
    assert_eq!(own(&["cp", "@drive:/My Pictures", &to]).0, Some(0));
    assert_eq!(std::fs::read(format!("{to}/a.txt")).unwrap(), b"a");
    assert_eq!(own(&["cp", &to, "@drive:/Copied to it"]).0, Some(0));
    assert!(world.simulator.drive().read_file("Copied to it/a.txt").is_some());
    let (code, stdout, _) = own(&["test", "@drive:/My Pictures"]);
    assert!(code == Some(0) && stdout.contains("/My Pictures"), "{stdout}");
    let (code, _, stderr) = own(&["ls", "@drive:/../x"]);
    assert!(code != Some(0) && stderr.contains("has a \"..\" in it"), "{stderr}");
    // A location that somebody has encoded.
    world.configure("source", "opendrive:///My%20Pictures");
    fine(&["ls", "@drive"], "a.txt\n");
    fine(&["cat", "@drive/a.txt"], "a");
}
