//! `cp` and what must hold for every command: nothing half-written, nothing secret, no colours in a
//! pipe.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, UNIX_EPOCH};

use opendrive_sim::{Fault, Options, Simulator, What};
use serde_json::{Value, json};
use support::command::{Outcome, Person};
use support::drive_store::{DriveStore, tree};
use support::plakar::own;
use support::planted::{file_entry, listing, plant};
use support::{noise, wait_for};

struct World {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            simulator: Simulator::start(Options::default()).unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn person(&self) -> Person<'_> {
        Person { simulator: &self.simulator, home: self.home.path() }
    }

    fn home(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join(path)
    }

    /// The summary of a copy.
    fn copy(&self, from: &str, to: &str) -> (Outcome, Value) {
        let outcome = self.person().run(&["cp", "--json", from, to]);
        let summary = serde_json::from_slice(&outcome.stdout).unwrap_or(Value::Null);
        (outcome, summary)
    }
}

/// The same bytes under the same names.
fn on_drive(simulator: &Simulator, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let drive = simulator.drive();
    let files =
        drive.tree().into_keys().filter_map(|path| Some((path.clone(), drive.read_file(&path)?)));
    files
        .filter_map(|(path, bytes)| {
            Some((
                path.trim_start_matches('/')
                    .strip_prefix(folder)?
                    .trim_start_matches('/')
                    .to_owned(),
                bytes,
            ))
        })
        .collect()
}

#[test]
fn five_hundred_files_come_and_then_only_what_is_different() {
    let world = World::new();
    let mut files = BTreeMap::new();
    for n in 0..500u64 {
        let (path, bytes) =
            (format!("d{}/file {n} ü", n % 7), noise(n, usize::try_from(n * 13 % 5000).unwrap()));
        world.simulator.drive().put_file(
            &format!("From/{path}"),
            bytes.clone(),
            1_600_000_000 + n as i64,
        );
        files.insert(path, bytes);
    }
    world.simulator.drive().make_folder("From/hollow");
    let (outcome, summary) = world.copy("opendrive://From", "to");
    assert_eq!(
        (outcome.code, &summary["files"], &summary["unchanged"]),
        (Some(0), &json!(500), &json!(0)),
        "{}",
        outcome.text()
    );
    assert!(tree(&world.home("to")) == files && world.home("to/hollow").is_dir());
    let time = fs::metadata(world.home("to/d0/file 7 ü")).unwrap().modified().unwrap();
    assert_eq!(time, UNIX_EPOCH + Duration::from_secs(1_600_000_007));

    fs::write(world.home("to/d2/file 2 ü"), b"other").unwrap();
    world.simulator.drive().set_file("From/d3/file 3 ü", b"another".to_vec(), 1_600_000_003);
    files.insert("d3/file 3 ü".into(), b"another".to_vec());
    let (_, summary) = world.copy("opendrive://From", "to");
    assert_eq!((&summary["files"], &summary["unchanged"]), (&json!(500), &json!(498)));
    assert!(tree(&world.home("to")) == files);
}

#[test]
fn a_tree_goes_there_and_then_only_what_is_different() {
    let world = World::new();
    let mut files = BTreeMap::new();
    for n in 0..30u64 {
        let (path, bytes) =
            (format!("d{}/file {n} ü", n % 3), noise(n, usize::try_from(n * n * 2500).unwrap()));
        fs::create_dir_all(world.home(&format!("from/d{}", n % 3))).unwrap();
        fs::write(world.home(&format!("from/{path}")), &bytes).unwrap();
        files.insert(path, bytes);
    }
    fs::create_dir_all(world.home("from/hollow")).unwrap();
    std::os::unix::fs::symlink("d0", world.home("from/link")).unwrap();
    let (outcome, summary) = world.copy("from", "opendrive://Copies/one");
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let bytes: usize = files.values().map(Vec::len).sum();
    assert_eq!(
        summary,
        json!({"files": 30, "bytes": bytes, "unchanged": 0, "failed": [], "left_out": ["link"]})
    );
    assert!(
        outcome.stderr.contains("\"link\": left out, because it is a link"),
        "{}",
        outcome.stderr
    );
    assert!(on_drive(&world.simulator, "Copies/one") == files);
    assert!(world.person().ok(&["ls", "opendrive://Copies/one"]).contains("hollow/"));

    fs::write(world.home("from/d1/file 1 ü"), b"other").unwrap();
    let (_, summary) = world.copy("from", "opendrive://Copies/one");
    assert_eq!((&summary["files"], &summary["unchanged"]), (&json!(30), &json!(29)));
    files.insert("d1/file 1 ü".into(), b"other".to_vec());
    assert!(on_drive(&world.simulator, "Copies/one") == files);
}

/// Plakar has one cache for all copies of a store.
#[test]
fn a_copy_of_a_store_comes_with_what_to_know() {
    let world = World::new();
    for path in ["store/CONFIG", "store/packfiles/a", "store/states/b"] {
        fs::create_dir_all(world.home(path).parent().unwrap()).unwrap();
        fs::write(world.home(path), b"x").unwrap();
    }
    let note = "this is a store of Plakar's, and its copy has the same repository id";
    for (from, to, noted) in [
        ("store", "opendrive://Copy", true),
        ("opendrive://Copy", "back", true),
        ("store/states", "opendrive://States", false),
        ("opendrive://Copy/packfiles", "packfiles", false),
    ] {
        let (outcome, _) = world.copy(from, to);
        assert!(
            outcome.code == Some(0) && outcome.stderr.contains(note) == noted,
            "{from}: {}",
            outcome.text()
        );
    }
}

#[test]
fn a_store_that_is_copied_to_a_disk_can_be_laid_out_as_plakar_reads_it() {
    let world = DriveStore::new();
    fs::create_dir(world.plakar.path("folder")).unwrap();
    fs::write(world.plakar.path("folder/letter"), b"Dear all").unwrap();
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let id = world.plakar.backup("@drive", "./folder");
    let copied = |options: &[&str]| {
        let output = own(&world.plakar, &[&["cp"], options].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    };
    // Another machine: the cache of this one would answer for any copy.
    let other = world.another_machine();
    let [flat, laid_out] = ["flat", "laid out"].map(|name| world.plakar.path(name));
    let note = "Plakar sees nothing in this copy";
    assert!(copied(&["@drive", &flat]).contains(note));
    assert!(!other.ok(&["at", &flat, "ls"]).contains(&id));
    assert!(!copied(&["--as-local-store", "@drive", &laid_out]).contains(note));
    let another = world.another_machine();
    assert!(another.ok(&["at", &laid_out, "ls"]).contains(&id));
    another.ok(&["at", &laid_out, "check"]);
    another.backup(&laid_out, &world.plakar.path("folder"));
    let refused = own(&world.plakar, &["cp", "--as-local-store", &laid_out, "@drive/again"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("on this machine"), "{said}");
}

#[test]
fn one_file_goes_into_a_folder_or_becomes_another() {
    let world = World::new();
    fs::write(world.home("letter"), b"Dear all").unwrap();
    fs::create_dir(world.home("folder")).unwrap();
    let person = world.person();
    for (from, to, path) in [
        ("letter", "opendrive://", "letter"),
        ("letter", "opendrive://Documents/", "Documents/letter"),
        ("letter", "opendrive://Documents", "Documents/letter"),
        ("letter", "opendrive://Documents/renamed", "Documents/renamed"),
        ("opendrive://Documents/renamed", "opendrive://Elsewhere/again", "Elsewhere/again"),
    ] {
        person.ok(&["cp", from, to]);
        assert_eq!(
            world.simulator.drive().read_file(path).as_deref(),
            Some(&b"Dear all"[..]),
            "{from} {to}"
        );
    }
    for (to, path) in [
        ("folder", "folder/renamed"),
        ("new/", "new/renamed"),
        ("other", "other"),
        ("deep/er", "deep/er"),
        (".", "renamed"),
    ] {
        person.ok(&["cp", "opendrive://Documents/renamed", to]);
        assert_eq!(fs::read(world.home(path)).unwrap(), b"Dear all", "{to}");
    }
    person.ok(&["cp", "opendrive://Documents", "opendrive://Elsewhere"]);
    assert_eq!(on_drive(&world.simulator, "Elsewhere").len(), 3);
}

#[test]
fn what_fails_is_named_and_nothing_of_it_stays() {
    let world = World::new();
    let drive = world.simulator.drive();
    for name in ["bad", "cut", "good"] {
        drive.put_file(&format!("From/{name}"), noise(1, 200_000), 1_700_000_000);
    }
    fs::create_dir(world.home("to")).unwrap();
    fs::write(world.home("to/bad"), b"the old one").unwrap();
    world.simulator.add_fault(Fault::new(What::CorruptBody).item("bad").always());
    world.simulator.add_fault(Fault::new(What::CutBody { after: 1000 }).item("cut").times(2));
    let (outcome, summary) = world.copy("opendrive://From", "to");
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    assert_eq!(
        (
            &summary["files"],
            summary["failed"].as_array().unwrap().len(),
            &summary["failed"][0]["path"]
        ),
        (&json!(2), 1, &json!("bad"))
    );
    assert!(outcome.stderr.contains("\"bad\": "), "{}", outcome.stderr);
    let there = tree(&world.home("to"));
    assert_eq!(there.keys().collect::<Vec<_>>(), ["bad", "cut", "good"]);
    assert!(
        there["bad"] == b"the old one"
            && there["cut"] == noise(1, 200_000)
            && there["good"] == noise(1, 200_000)
    );

    world.simulator.set_faults(vec![
        Fault::new(What::CorruptUpload).item("Up/bad").always(),
        Fault::new(What::LoseAnswer).endpoint("upload/close_file_upload").item("cut"),
    ]);
    let (outcome, summary) = world.copy("to", "opendrive://Up");
    let uploaded = on_drive(&world.simulator, "Up");
    assert_eq!(
        (outcome.code, &summary["files"], &summary["failed"][0]["path"]),
        (Some(6), &json!(2), &json!("bad")),
        "{}",
        outcome.text()
    );
    assert!(
        uploaded.len() == 2 && uploaded["cut"] == there["cut"] && uploaded["good"] == there["good"],
        "{:?}",
        uploaded.keys()
    );
}

#[test]
fn a_drive_cannot_write_outside_of_the_folder() {
    let world = World::new();
    world.simulator.drive().make_folder("Bad");
    let entries = ["../../up", "..", "fine"].map(|name| file_entry("f1", name, b""));
    plant(&world.simulator, "Bad", listing(vec![], entries.into()));
    fs::create_dir(world.home("in")).unwrap();
    let (outcome, _) = world.copy("opendrive://Bad", "in/to");
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    assert_eq!(
        tree(world.home.path()).keys().filter(|path| !path.starts_with("in/to/")).count(),
        0
    );
}

/// Sends a signal when something has come to be, and waits for the end.
fn interrupt(mut child: Child, signal: &str, ready: impl Fn() -> bool) -> Option<i32> {
    const HANG: Duration = Duration::from_secs(60);
    wait_for(HANG, "it comes to be", || {
        assert!(child.try_wait().unwrap().is_none(), "it never came to be");
        ready().then_some(())
    });
    let sent = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    wait_for(HANG, "it ends", || child.try_wait().unwrap()).code()
}

#[test]
fn an_interrupted_copy_leaves_nothing_half_written() {
    let world = World::new();
    world.simulator.drive().put_generated("Large/file", 40 << 20, 1, 1);
    fs::create_dir(world.home("to")).unwrap();
    // The download stands still in the middle.
    world.simulator.add_fault(Fault::new(What::CutBody { after: 4 << 20 }).item("file"));
    world.simulator.add_fault(
        Fault::new(What::Delay { ms: 600_000 })
            .item("file")
            .endpoint("download/file")
            .skip(1)
            .always(),
    );
    let partial = |folder: &Path| fs::read_dir(folder).unwrap().count() > 0;
    let child = world.person().command(&["cp", "opendrive://Large", "to"]).spawn().unwrap();
    let code = interrupt(child, "-INT", || partial(&world.home("to")));
    assert_eq!(code, Some(130));
    assert_eq!(tree(&world.home("to")).len(), 0);

    fs::write(world.home("large"), noise(1, 30 << 20)).unwrap();
    world.simulator.set_faults(vec![
        Fault::new(What::Delay { ms: 600_000 })
            .endpoint("upload/upload_file_chunk")
            .skip(1)
            .always(),
    ]);
    let child = world.person().command(&["cp", "large", "opendrive://Up/"]).spawn().unwrap();
    let code = interrupt(child, "-TERM", || !world.simulator.open_uploads().is_empty());
    assert_eq!(code, Some(143));
    assert_eq!(on_drive(&world.simulator, "Up").len(), 0);
}

#[test]
fn nothing_secret_and_no_colour_is_printed() {
    let password = "p4ss \"quoted\" & wörd";
    let simulator =
        Simulator::start(Options { password: password.into(), ..Options::default() }).unwrap();
    simulator.drive().put_file("folder/file", b"text".to_vec(), 1);
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    let obscured = {
        let printed: Value = serde_json::from_str(&person.ok(&["config", "drive"])).unwrap();
        printed["drive"]["rclone_password"].as_str().unwrap().to_owned()
    };
    fs::write(
        home.path().join("c.json"),
        json!({"d": {"location": "opendrive://", "username": simulator.username(), "password": password}}).to_string(),
    )
    .unwrap();
    let mut output = String::new();
    for arguments in [
        &["test", "opendrive://folder"][..],
        &["ls", "-lR", "--config", "c.json", "@d"],
        &["cat", "opendrive://folder/file"],
        &["cp", "opendrive://folder", "to"],
        &["cp", "to", "opendrive://up"],
        &["about", "opendrive://"],
        &["ls", "opendrive://nowhere"],
        &["config", "--location", "opendrive://nowhere"],
    ] {
        let mut command = person.command(arguments);
        command.envs([
            ("RCLONE_LOG_LEVEL", "DEBUG"),
            ("RCLONE_DUMP", "headers,bodies,requests,responses,auth"),
            ("PLAKAR_OPENDRIVE_LOG", "trace"),
        ]);
        output += &support::command::finish(command, b"").text();
    }
    assert!(output.contains("HTTP REQUEST"), "the log level had no effect: {output}");
    let mut secrets = vec![
        password.to_owned(),
        serde_json::to_string(password).unwrap().trim_matches('"').to_owned(),
        obscured,
    ];
    secrets.extend(
        simulator.call_log().into_iter().map(|call| call.session).filter(|id| !id.is_empty()),
    );
    for secret in &secrets {
        let line = output.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret:?} is in {line:?}");
    }
    assert!(!output.contains('\u{1b}'), "a pipe got an escape sequence");
}
