//! End to end: the real Plakar restores snapshots to a simulated drive with our package.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use opendrive_sim::{Fault, Options, Simulator, What, stored_name};
use support::plakar::Plakar;
use support::user::wait;
use support::{noise, wait_for};

/// A drive, a user whose plugin reaches it, a store on the local disk and a folder to back up.
struct World {
    simulator: Simulator,
    plakar: Plakar,
    store: String,
    folder: String,
}

impl World {
    fn new(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let plakar = Plakar::new(&simulator.env());
        let (store, folder) = (plakar.path("store"), plakar.path("folder"));
        std::fs::create_dir(&folder).unwrap();
        plakar.ok(&["at", &store, "create", "-plaintext"]);
        Self { simulator, plakar, store, folder }
    }

    /// Configures the destination `drive`, the password on standard input and not in an argument.
    fn configure(&self, location: &str) {
        let config = serde_json::json!({"drive": {
            "location": location, "username": self.simulator.username(), "password": self.simulator.password(),
        }});
        let outcome = self.plakar.run_with_input(
            &["destination", "import", "-overwrite"],
            config.to_string().as_bytes(),
        );
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    fn write(&self, path: &str, bytes: &[u8], seconds: u64) {
        let path = Path::new(&self.folder).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let modified = UNIX_EPOCH + Duration::from_secs(seconds);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }

    fn write_all(&self, files: &BTreeMap<String, Vec<u8>>) {
        for (n, (path, bytes)) in files.iter().enumerate() {
            self.write(path, bytes, 1_600_000_000 + n as u64);
        }
    }

    /// Restores a path of the folder, in a snapshot, to the drive.
    fn restore(&self, id: &str, path: &str) -> support::plakar::Outcome {
        self.plakar.run(&[
            "at",
            &self.store,
            "restore",
            "-to",
            "@drive",
            &format!("{id}:{}{path}", self.folder),
        ])
    }

    /// Files below a folder of the drive with what is in them must be these, and in time.
    fn assert_on_drive(&self, base: &str, files: &BTreeMap<String, Vec<u8>>) {
        let drive = self.simulator.drive();
        let tree = drive.tree();
        for (n, (path, bytes)) in files.iter().enumerate() {
            let stored: Vec<String> = path.split('/').map(stored_name).collect();
            let stored = format!("{base}/{}", stored.join("/"));
            assert!(
                drive.read_file(&stored).as_ref() == Some(bytes),
                "{stored} in {:?}",
                tree.keys()
            );
            assert_eq!(tree[&stored].mtime, 1_600_000_000 + n as i64, "{stored}");
        }
        assert_eq!(
            tree.values().filter(|entry| !entry.is_dir).count(),
            files.len(),
            "{:?}",
            tree.keys()
        );
        assert_eq!(self.simulator.duplicate_folders().ever, 0);
    }
}

fn some_files() -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([
        ("empty".into(), vec![]),
        ("letter.txt".into(), b"Dear all,\n".to_vec()),
        ("deep/er/large.bin".into(), noise(1, 25_000_000)),
        ("odd/with space 'and' \"quotes\" 🦀".into(), b"odd".to_vec()),
        ("odd/-n".into(), b"like an option".to_vec()),
        (format!("odd/{}", "n".repeat(255)), b"long".to_vec()),
        ("odd/a:b*c?".into(), b"forbidden on Windows".to_vec()),
    ])
}

#[test]
fn a_snapshot_is_put_back_whole_and_again_without_uploading() {
    let world = World::new(Options::default());
    let files = some_files();
    world.write_all(&files);
    std::fs::create_dir_all(Path::new(&world.folder).join("hollow/inside")).unwrap();
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://Restored/here");
    assert_eq!(world.plakar.ok(&["destination", "ping", "drive"]).trim(), "configuration OK");
    assert!(world.simulator.drive().tree().is_empty(), "ping made something");

    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    world.assert_on_drive("Restored/here", &files);
    assert!(world.simulator.drive().tree()["Restored/here/hollow/inside"].is_dir);

    world.simulator.reset_calls();
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let calls = world.simulator.calls();
    assert_eq!(
        (calls.bytes_up, calls.of("upload/create_file"), calls.of("folder/create")),
        (0, 0, 0),
        "{calls:?}"
    );
    world.assert_on_drive("Restored/here", &files);
}

#[test]
fn a_single_file_and_a_folder_in_the_middle_are_restored() {
    let world = World::new(Options::default());
    world.write_all(&some_files());
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://one");
    let outcome = world.restore(&id, "/letter.txt");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert_eq!(
        world.simulator.drive().tree().into_keys().collect::<Vec<_>>(),
        ["one", "one/letter.txt"]
    );
    assert_eq!(world.simulator.drive().read_file("one/letter.txt").unwrap(), b"Dear all,\n");

    world.simulator.drive().remove("one");
    let outcome = world.restore(&id, "/deep");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert_eq!(
        world.simulator.drive().tree().into_keys().collect::<Vec<_>>(),
        ["one", "one/er", "one/er/large.bin"]
    );
    assert!(world.simulator.drive().read_file("one/er/large.bin").unwrap() == noise(1, 25_000_000));
}

#[test]
fn an_imported_rclone_remote_works_word_for_word() {
    let world = World::new(Options::default());
    world.write("letter.txt", b"Dear all", 1_600_000_000);
    let id = world.plakar.backup(&world.store, &world.folder);
    // What `rclone config show` prints; the password is the simulator's, by `rclone obscure`.
    let config = "[drive]\ntype = opendrive\nusername = user@example.com\npassword = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8\n";
    let outcome = world
        .plakar
        .run_with_input(&["destination", "import", "-rclone", "drive"], config.as_bytes());
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    world.plakar.ok(&["destination", "set", "drive", "location=rclone:///Restored"]);
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert_eq!(world.simulator.drive().read_file("Restored/letter.txt").unwrap(), b"Dear all");
}

#[test]
fn what_could_not_be_restored_is_said_and_plakar_fails() {
    let world = World::new(Options::default());
    world.write("Letter", b"first", 1);
    world.write("letter", b"second", 2);
    world.write("good", b"good", 3);
    world.write("refused", b"refused", 3);
    symlink("good", Path::new(&world.folder).join("link")).unwrap();
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://");
    let refusal = What::Status { code: 403, message: "Not this one".into(), retry_after: None };
    world
        .simulator
        .add_fault(Fault::new(refusal).endpoint("upload/create_file").item("refused").always());
    let outcome = world.restore(&id, "");
    let text = outcome.text();
    assert_eq!(outcome.code, Some(1), "{text}");
    assert!(text.contains("2 of 5 entries could not be restored: "), "{text}");
    assert!(text.contains("\"/letter\" and \"/Letter\" differ in case only"), "{text}");
    assert!(text.contains("\"/refused\": ") && text.contains("Not this one"), "{text}");
    assert!(text.contains("not restored, because the destination has no notion of them: 1 symbolic link (\"/link\")"), "{text}");
    let drive = world.simulator.drive();
    assert_eq!(drive.tree().into_keys().collect::<Vec<_>>(), ["Letter", "good"]);
    assert_eq!(drive.read_file("Letter").unwrap(), b"first");
    assert_eq!(world.simulator.unused_faults(), []);
}

#[test]
fn symbolic_links_alone_are_a_warning() {
    let world = World::new(Options::default());
    world.write("good", b"good", 3);
    symlink("good", Path::new(&world.folder).join("link")).unwrap();
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://");
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert!(outcome.stderr.contains("1 symbolic link (\"/link\")"), "{}", outcome.text());
    // What is not there must not be listed as restored.
    assert!(
        !outcome.text().lines().any(|line| line.contains("OK") && line.ends_with("/link")),
        "{}",
        outcome.text()
    );
}

#[test]
fn a_bad_login_and_a_full_drive_are_clear() {
    let world = World::new(Options { quota: Some(1000), ..Options::default() });
    world.write("large", &noise(1, 5000), 1);
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://");
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    assert!(
        outcome
            .text()
            .contains("1 of 2 entries could not be restored: \"/large\": the destination is full"),
        "{}",
        outcome.text()
    );
    assert!(world.simulator.drive().tree().is_empty());

    world.plakar.ok(&["destination", "set", "drive", "password=wrong"]);
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    assert!(outcome.text().contains("opendrive refused the login"), "{}", outcome.text());
    assert!(!outcome.text().contains("wrong"), "{}", outcome.text());
}

/// Whom a kill is for.
enum Victim {
    Plakar,
    Plugin,
}

/// Starts a restore and kills Plakar, or its plugin alone, in the middle of it.
fn kill_a_restore(world: &World, id: &str, victim: Victim) {
    const HANG: Duration = Duration::from_secs(60);
    let mut command = world.plakar.command(&[
        "at",
        &world.store,
        "restore",
        "-to",
        "@drive",
        &format!("{id}:{}", world.folder),
    ]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let uploaded = || (world.simulator.calls().of("upload/close_file_upload") >= 10).then_some(());
    wait_for(HANG, "ten files are there", uploaded);
    let plugin = child_of(child.id()).expect("the plugin of the restore");
    match victim {
        Victim::Plakar => kill_nine(&child.id().to_string()),
        Victim::Plugin => kill_nine(&plugin),
    }
    // Plakar 1.1.4 may wait for ever for a plugin that has gone (see state_kills.rs): it is killed
    // then.
    let _ = wait(&mut child, HANG);
    // A plugin that lives on is at work until it ends, also while the drive has nothing to do.
    let process = Path::new("/proc").join(plugin);
    let left_alone = || (!process.exists() && world.simulator.calls().in_flight == 0).then_some(());
    wait_for(HANG, "the drive is left alone", left_alone);
}

fn kill_nine(process: &str) {
    let status = std::process::Command::new("kill").arg("-9").arg(process).status().unwrap();
    assert!(status.success());
}

/// The process whose parent this is.
fn child_of(parent: u32) -> Option<String> {
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|process| {
        let status = std::fs::read_to_string(process.path().join("stat")).ok()?;
        let command = std::fs::read_to_string(process.path().join("cmdline")).ok()?;
        let fields: Vec<&str> = status.rsplit_once(')')?.1.split_whitespace().collect();
        (fields.get(1)? == &parent.to_string() && command.contains("exporter"))
            .then(|| process.file_name().into_string().unwrap())
    })
}

#[test]
fn killed_in_the_middle_the_next_restore_completes() {
    let world = World::new(Options { latency: Duration::from_millis(20), ..Options::default() });
    let mut files: BTreeMap<String, Vec<u8>> =
        (0..80).map(|n| (format!("d{}/f{n:02}", n / 20), noise(n, 50_000))).collect();
    // More than the plugin and the pipes can take in: when Plakar goes, the stream is not at its
    // end.
    files.extend((0..4).map(|n| (format!("d1/large{n}"), noise(100 + n, 30_000_000))));
    world.write_all(&files);
    let id = world.plakar.backup(&world.store, &world.folder);
    world.configure("opendrive://base");
    // Ten seconds for each of the large ones: whoever looks late is still in the middle.
    world.simulator.change_behaviour(|behaviour| behaviour.upload_speed = Some(3_000_000));

    // Plakar goes: the plugin takes back what it has not finished.
    kill_a_restore(&world, &id, Victim::Plakar);
    let tree = world.simulator.drive().tree();
    let partial: Vec<_> = tree
        .iter()
        .filter(|(_, entry)| !entry.is_dir && ![50_000, 30_000_000].contains(&entry.size))
        .collect();
    assert!(partial.is_empty(), "{partial:?}");
    let complete = tree.values().filter(|entry| !entry.is_dir).count();
    assert!(complete < files.len(), "it was not in the middle: {complete} files are complete");

    // The plugin itself goes: what it has begun may stay, empty, and nothing passes for whole.
    world.simulator.reset_calls();
    kill_a_restore(&world, &id, Victim::Plugin);
    let tree = world.simulator.drive().tree();
    assert!(
        tree.values()
            .filter(|entry| !entry.is_dir)
            .all(|entry| [0, 50_000, 30_000_000].contains(&entry.size)),
        "{tree:?}"
    );

    world.simulator.change_behaviour(|behaviour| behaviour.upload_speed = None);
    let outcome = world.restore(&id, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    world.assert_on_drive("base", &files);
}
