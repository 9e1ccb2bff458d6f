//! End to end: the real Plakar keeps a store on the simulated drive, through our package.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use opendrive_sim::{Fault, What};
use support::drive_store::{DriveStore, make_files, tree};
use support::plakar::{Outcome, Plakar};
use support::{noise, wait_for};

/// Nothing here takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(60);

/// A tree to back up in the home of a user.
fn files(plakar: &Plakar) -> String {
    let folder = plakar.home().join("files");
    make_files(&folder, 120, 20_000);
    std::fs::write(folder.join("large.bin"), noise(7, 5_000_000)).unwrap();
    std::fs::write(folder.join("empty"), "").unwrap();
    folder.to_str().unwrap().to_owned()
}

/// The ids of the snapshots of a store, the newest first.
fn snapshots(plakar: &Plakar, store: &str) -> Vec<String> {
    plakar
        .ok(&["at", store, "ls"])
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .collect()
}

fn locks(world: &DriveStore) -> usize {
    world.simulator.drive().tree().keys().filter(|path| path.starts_with("kloset/locks/")).count()
}

#[test]
fn a_store_serves_everything_that_plakar_does_with_one() {
    for encrypted in [false, true] {
        let world = DriveStore::new();
        let plakar = &world.plakar;
        let create: &[&str] = if encrypted {
            world.configure(
                plakar,
                serde_json::json!({"passphrase": "correct horse battery staple"}),
            );
            &["at", "@drive", "create"]
        } else {
            &["at", "@drive", "create", "-plaintext"]
        };
        assert_eq!(plakar.ok(&["store", "ping", "drive"]).trim(), "configuration OK");
        let outcome = plakar.run(&["at", "@drive", "ls"]);
        assert!(
            outcome.code == Some(66) && outcome.text().contains("there is no store"),
            "{outcome:?}"
        );
        plakar.ok(create);
        let again = plakar.run(create);
        assert!(
            again.code != Some(0) && again.text().contains("there is a store already"),
            "{}",
            again.text()
        );

        let files = files(plakar);
        let first = plakar.backup("@drive", &files);
        std::fs::write(Path::new(&files).join("large.bin"), noise(8, 5_000_000)).unwrap();
        std::fs::remove_file(Path::new(&files).join("empty")).unwrap();
        let second = plakar.backup("@drive", &files);
        assert_eq!(snapshots(plakar, "@drive"), [second.clone(), first.clone()]);

        let listed = plakar.ok(&["at", "@drive", "ls", "-recursive", &second]);
        assert!(listed.contains("file00042.dat") && !listed.contains("empty"), "{listed}");
        let cat = plakar.run(&["at", "@drive", "cat", &format!("{second}:{files}/large.bin")]);
        assert!(cat.stdout == noise(8, 5_000_000), "{}", cat.stderr);
        let diff = plakar.run(&["at", "@drive", "diff", &first, &second]);
        assert!(
            diff.text().contains("Only in") && diff.text().contains("empty"),
            "{}",
            diff.text()
        );
        plakar.ok(&["at", "@drive", "check"]);
        let restored = plakar.path("restored");
        plakar.ok(&["at", "@drive", "restore", "-to", &restored, &second]);
        assert!(tree(Path::new(&restored)) == tree(Path::new(&files)), "restored");
        let info = plakar.ok(&["at", "@drive", "info"]);
        assert!(info.contains("Size"), "{info}");

        // To a store on the local disk, and from there to a second one on the drive.
        let local = plakar.path("local");
        plakar.ok(&["at", &local, "create", "-plaintext"]);
        plakar.ok(&["at", "@drive", "sync", "to", &local]);
        plakar.ok(&["at", &local, "check"]);
        plakar.ok(&["at", &local, "rm", "-apply", &first]);
        let third = plakar.backup(&local, &files);
        plakar.ok(&["at", "@drive", "sync", &third, "from", &local]);
        assert_eq!(snapshots(plakar, "@drive").len(), 3);

        // A backup leaves no lock behind, so this need not wait for ten minutes.
        assert_eq!(locks(&world), 0);
        plakar.ok(&["at", "@drive", "rm", "-apply", &first]);
        plakar.ok(&["at", "@drive", "maintenance"]);
        assert_eq!(locks(&world), 0);
        plakar.ok(&["at", "@drive", "check"]);
        assert_eq!(snapshots(plakar, "@drive").len(), 2);

        // Whoever comes from elsewhere has nothing but the drive, and perhaps the wrong words.
        let other = Plakar::new(&world.simulator.env());
        if encrypted {
            world.configure(&other, serde_json::json!({"passphrase": "wrong"}));
            let refused = other.run(&["at", "@drive", "ls"]);
            assert!(
                refused.code == Some(77) && refused.text().contains("failed to unlock repository"),
                "{}",
                refused.text()
            );
            world.configure(
                &other,
                serde_json::json!({"passphrase": "correct horse battery staple"}),
            );
        } else {
            world.configure(&other, serde_json::json!({}));
        }
        other.ok(&["at", "@drive", "check", &second]);
        assert_eq!(world.simulator.duplicate_folders().ever, 0);
    }
}

#[test]
fn an_imported_rclone_remote_is_a_store_as_well() {
    let world = DriveStore::new();
    // What `rclone config show` prints; the password is the simulator's, by `rclone obscure`.
    let config = "[mydrive]\ntype = opendrive\nusername = user@example.com\npassword = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8\n";
    let outcome =
        world.plakar.run_with_input(&["store", "import", "-rclone", "mydrive"], config.as_bytes());
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    world.plakar.ok(&["store", "set", "mydrive", "location=rclone:///kloset"]);
    world.plakar.ok(&["store", "set", "mydrive", "cache_size=8Mi"]);
    world.plakar.ok(&["at", "@mydrive", "create", "-plaintext"]);
    world.plakar.backup("@mydrive", &files(&world.plakar));
    // The same place by the other form.
    world.plakar.ok(&["at", "@drive", "check"]);
    world.plakar.ok(&["store", "set", "mydrive", "cache_size=lots"]);
    let outcome = world.plakar.run(&["at", "@mydrive", "ls"]);
    assert!(
        outcome.code != Some(0) && outcome.text().contains("write a size from 1Mi"),
        "{}",
        outcome.text()
    );
}

#[test]
fn what_is_wrong_is_one_clear_line() {
    let world = DriveStore::new();
    let (plakar, drive) = (&world.plakar, world.simulator.drive());
    let refused = |expected: &str| {
        let outcome = plakar.run(&["at", "@drive", "ls"]);
        assert!(
            outcome.code.is_some_and(|code| code != 0) && outcome.text().contains(expected),
            "{expected}: {}",
            outcome.text()
        );
        assert!(!outcome.text().contains("pässword"), "{}", outcome.text());
    };
    refused("there is no store, and no such folder: make one");
    drive.put_file("kloset", "a file", 1_700_000_000);
    refused("is a file: give the folder that it is in");
    drive.remove("kloset");
    world.configure(plakar, serde_json::json!({"password": "wrong"}));
    refused("opendrive refused the login of user@example.com");
}

#[test]
fn a_packfile_that_is_cut_short_is_reported_by_check() {
    let world = DriveStore::new();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = files(&world.plakar);
    world.plakar.backup("@drive", &files);
    world.plakar.ok(&["at", "@drive", "check"]);
    let drive = world.simulator.drive();
    let (path, _) = drive
        .tree()
        .into_iter()
        .filter(|(path, _)| path.contains("/packfiles/"))
        .max_by_key(|(_, entry)| entry.size)
        .unwrap();
    let mut bytes = drive.read_file(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    assert!(drive.set_file(&path, bytes, 1_700_000_000));
    // As somebody else: Plakar remembers what it has checked.
    let other = world.another_machine();
    let outcome = other.run(&["at", "@drive", "check"]);
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome:?}");
    assert!(
        !outcome.text().contains("panic") && !outcome.text().contains("I/O error communicating"),
        "{}",
        outcome.text()
    );
}

#[test]
fn two_plakars_use_one_store_at_once() {
    let world = DriveStore::new();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = files(&world.plakar);
    let other = world.another_machine();
    world.simulator.set_latency(Duration::from_millis(20));
    std::thread::scope(|scope| {
        let both = [&world.plakar, &other].map(|plakar| {
            let files = &files;
            scope.spawn(move || (0..3).map(|_| plakar.backup("@drive", files)).collect::<Vec<_>>())
        });
        both.into_iter().for_each(|one| drop(one.join().unwrap()));
    });
    assert_eq!(snapshots(&world.plakar, "@drive").len(), 6);
    assert_eq!(locks(&world), 0);

    // Whoever wants the store for itself is turned away while another is at work: until it has put
    // its state, which alone is made under a temporary name. A lock is not held up by that.
    world
        .simulator
        .add_fault(Fault::new(What::Delay { ms: 10_000 }).endpoint("file/rename").always());
    let mut backup = other
        .command(&["at", "@drive", "backup", &files])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(HANG, "a lock", || {
        (world
            .simulator
            .drive()
            .tree()
            .iter()
            .any(|(path, entry)| path.contains("/locks/") && entry.size > 0))
        .then_some(())
    });
    let outcome = world.plakar.run(&["at", "@drive", "maintenance"]);
    assert!(outcome.code == Some(1) && outcome.text().contains("locked"), "{}", outcome.text());
    world.simulator.set_faults(Vec::new());
    assert!(backup.wait().unwrap().success());
    world.plakar.ok(&["at", "@drive", "maintenance"]);
    world.plakar.ok(&["at", "@drive", "check"]);
}

/// Plakar 1.1.4 takes a state that it could not put for one that is in the store, and the next
/// backup builds on it.
#[test]
fn a_state_that_cannot_be_put_comes_with_the_next_backup() {
    let world = DriveStore::new();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = files(&world.plakar);
    let backup = |round| {
        std::fs::write(Path::new(&files).join("large.bin"), noise(round, 100_000)).unwrap();
        world.simulator.reset_calls();
        world.plakar.run(&["at", "@drive", "backup", "-no-progress", &files])
    };
    backup(1);
    assert_eq!(backup(2).code, Some(0));
    let creations = world.simulator.calls().of("upload/create_file");
    // The last of them is the state's.
    let refusal = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world
        .simulator
        .add_fault(Fault::new(refusal).endpoint("upload/create_file").skip(creations - 1).always());
    let refused = backup(3);
    assert!(
        refused.code == Some(1) && refused.text().contains("Access denied"),
        "{}",
        refused.text()
    );
    assert!(
        refused.text().contains("is put first at the next connection of this user"),
        "{}",
        refused.text()
    );
    // While it cannot be put nothing builds on it.
    let refused = backup(3);
    assert!(
        refused.code == Some(1)
            && refused.text().contains("of an earlier backup is not in the store yet"),
        "{}",
        refused.text()
    );
    world.simulator.set_faults(Vec::new());

    assert_eq!(backup(3).code, Some(0));
    let other = world.another_machine();
    other.ok(&["at", "@drive", "check"]);
    let listed = |plakar: &Plakar| {
        let listed = plakar.ok(&["at", "@drive", "ls"]);
        listed.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(listed(&other), listed(&world.plakar));
}

/// Plakar has one cache for all stores with the same repository id.
#[test]
fn a_copy_of_a_store_is_noticed() {
    let world = DriveStore::new();
    let plakar = &world.plakar;
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = files(plakar);
    plakar.backup("@drive", &files);
    let noticed = |outcome: &Outcome| {
        outcome.text().contains("this store was also seen at /kloset on opendrive")
    };
    assert!(!noticed(&plakar.run(&["at", "@drive", "ls"])));
    let drive = world.simulator.drive();
    for (path, _) in drive.tree().into_iter().filter(|(_, entry)| !entry.is_dir) {
        drive.put_file(
            &path.replacen("kloset/", "copy/", 1),
            drive.read_file(&path).unwrap(),
            1_600_000_000,
        );
    }
    world.configure(plakar, serde_json::json!({"location": "opendrive://copy"}));
    let outcome = plakar.run(&["at", "@drive", "ls"]);
    assert!(outcome.code == Some(0) && noticed(&outcome), "{}", outcome.text());
    // Whoever knows the other place is gone says so.
    let known = plakar.home().join(".local/state/plakar-opendrive/stores");
    let known = std::fs::read_dir(known).unwrap().next().unwrap().unwrap().path().join("places");
    assert!(outcome.text().contains(known.to_str().unwrap()), "{}", outcome.text());
    let places = std::fs::read_to_string(&known).unwrap();
    std::fs::write(
        &known,
        places
            .lines()
            .filter(|place| place.starts_with("/copy"))
            .map(|place| format!("{place}\n"))
            .collect::<String>(),
    )
    .unwrap();
    assert!(!noticed(&plakar.run(&["at", "@drive", "ls"])));
}

#[test]
fn the_viewer_lists_folders_and_gives_files_back() {
    let world = DriveStore::new();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = files(&world.plakar);
    world.plakar.backup("@drive", &files);
    let port = support::free_port();
    let mut viewer = world.plakar.command(&[
        "at",
        "@drive",
        "ui",
        "-addr",
        &format!("127.0.0.1:{port}"),
        "-no-spawn",
    ]);
    let mut viewer = viewer
        .env("PLAKAR_UI_TOKEN", "token-of-the-test")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ask = |path: &str| -> Option<Vec<u8>> {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer token-of-the-test\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        answer.starts_with(b"HTTP/1.0 200").then(|| answer.split_off(end + 4))
    };
    wait_for(HANG, "the viewer", || ask("/api/repository/info"));
    let json =
        |path: &str| serde_json::from_slice::<serde_json::Value>(&ask(path).expect(path)).unwrap();
    let id =
        json("/api/repository/snapshots")["items"][0]["identifier"].as_str().unwrap().to_owned();
    let children = json(&format!("/api/snapshot/vfs/children/{id}:{files}/folder000?limit=200"));
    let names: Vec<&str> = children["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["name"].as_str().or(item["file_info"]["name"].as_str()))
        .collect();
    assert!(names.contains(&"file00042.dat"), "{children}");
    for (name, bytes) in
        [("folder000/file00042.dat", noise(43, 20_000)), ("large.bin", noise(7, 5_000_000))]
    {
        let got =
            ask(&format!("/api/snapshot/reader/{id}:{files}/{name}?download=true")).expect(name);
        assert!(got == bytes, "{name}: {} bytes", got.len());
    }
    viewer.kill().unwrap();
    viewer.wait().unwrap();
}
