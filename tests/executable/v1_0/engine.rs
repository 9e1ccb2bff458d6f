//! End to end with the engine of Plakar 1.0 (tests/kloset-1.0): backup, restore and store on a
//! simulated drive, also while it fails. `--nocapture` shows the figures.

mod states;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opendrive_sim::{Fault, Options, Simulator, What};
use serde_json::json;
use support::engine_1_0::{Said, run_engine};
use support::{executable, noise};
use tempfile::TempDir;

/// Files by their relative path.
type Files = BTreeMap<String, Vec<u8>>;

/// The engine with our plugin, a source and a destination on the drive, and a store.
struct World {
    simulator: Simulator,
    home: TempDir,
}

impl World {
    fn new(latency: Duration, store_on_drive: bool) -> Self {
        Self::at("opendrive://Documents", latency, store_on_drive)
    }

    fn at(source: &str, latency: Duration, store_on_drive: bool) -> Self {
        let simulator = Simulator::start(Options { latency, ..Options::default() }).unwrap();
        let world = Self { simulator, home: tempfile::tempdir().unwrap() };
        let drive = |location: &str| json!({"location": location, "username": world.simulator.username(), "password": world.simulator.password()});
        let local = world.home.path().join("store");
        let local =
            json!({"location": format!("rclone://{}", local.display()), "rclone_type": "local"});
        let settings = json!({
            "Plugin": [executable(), "--plakar-api", "v1.0"],
            "Cache": world.home.path().join("cache"),
            // Several files side by side; what Plakar 1.0 itself takes is not checked here.
            "Concurrency": 17,
            "Source": drive(source),
            "Destination": drive("opendrive://Restored"),
            "Store": if store_on_drive { drive("opendrive://Store") } else { local },
        });
        std::fs::write(world.home.path().join("settings.json"), settings.to_string()).unwrap();
        assert!(world.run(&["create"]).ok);
        world
    }

    fn run(&self, arguments: &[&str]) -> Said {
        run_engine(
            &self.home.path().join("settings.json"),
            &self.simulator,
            self.home.path(),
            arguments,
        )
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.ok, "{arguments:?}: {}", said.errors);
        String::from_utf8(said.out).unwrap()
    }

    /// Puts files on the drive, some of them large, one empty.
    fn fill(&self, count: usize) -> Files {
        let size = |n: usize| [20_000, 1_000, 300_000, 0, 2_500_000][if n < 5 { n } else { n % 2 }];
        let files: Files = (0..count)
            .map(|n| (format!("folder{}/file {n:03}", n / 50), noise(n as u64 + 1, size(n))))
            .collect();
        for (path, bytes) in &files {
            self.simulator.drive().put_file(
                &format!("Documents/{path}"),
                bytes.clone(),
                1_700_000_000,
            );
        }
        files
    }

    /// Backs up, and gives the snapshot's id and the number of errors that it counts.
    fn backup(&self) -> (String, u64, String) {
        let said = self.run(&["backup"]);
        assert!(said.ok, "{}", said.errors);
        let line = String::from_utf8(said.out).unwrap();
        let (id, errors) = line.trim().split_once(' ').unwrap();
        (id.to_owned(), errors.parse().unwrap(), said.errors)
    }

    /// What is restored must be these files, with their times.
    fn assert_restored(&self, files: &Files) {
        let drive = self.simulator.drive();
        let restored: Files = drive
            .tree()
            .into_iter()
            .filter_map(|(path, entry)| {
                let below = path.strip_prefix("Restored/")?;
                let is_file = !entry.is_dir;
                is_file.then(|| {
                    assert_eq!(entry.mtime, 1_700_000_000, "{path}");
                    (below.to_owned(), drive.read_file(&path).unwrap())
                })
            })
            .collect();
        assert!(restored == *files, "{:?}", restored.keys());
    }
}

#[test]
fn names_and_places_are_as_they_are() {
    // Plakar 1.0 encodes no location.
    let world = World::at("opendrive:///a%20b", Duration::ZERO, false);
    let drive = world.simulator.drive();
    // As rclone writes them: a quoting sign in front of each that is one.
    let files: Files = ["‛‛x", "‛‛‛‛x", "folder ‛‛/‛‛‛‛"]
        .map(|name| (name.to_owned(), name.as_bytes().to_vec()))
        .into();
    for (path, bytes) in &files {
        drive.put_file(&format!("a%20b/{path}"), bytes.clone(), 1_700_000_000);
    }
    drive.put_file("a b/other", "o", 1_700_000_000);
    let (id, errors, said) = world.backup();
    assert_eq!(errors, 0, "{said}");
    assert_eq!(world.ok(&["cat", &id, "/a%20b/‛x"]), "‛‛x");
    world.ok(&["restore", &id, "/a%20b"]);
    world.assert_restored(&files);
    // And one that is there twice.
    drive.put_in_twin("a%20b", "y", "y", 1_700_000_000);
    let said = world.run(&["backup"]);
    assert!(
        !said.ok && said.errors.contains("two folders of one name side by side"),
        "{}",
        said.errors
    );
}

#[test]
fn a_drive_is_backed_up_read_and_restored() {
    let world = World::new(Duration::ZERO, false);
    let files = world.fill(60);
    let (id, errors, said) = world.backup();
    assert_eq!((errors, said.as_str()), (0, ""));
    let listing = world.ok(&["ls", &id]);
    for (path, bytes) in &files {
        assert!(
            listing.contains(&format!("/Documents/{path} {} 1700000000\n", bytes.len())),
            "{path}: {listing}"
        );
    }
    assert!(
        world.run(&["cat", &id, "/Documents/folder0/file 004"]).out == files["folder0/file 004"]
    );
    world.ok(&["check", &id]);

    // Nothing has changed: nothing is downloaded.
    world.simulator.reset_calls();
    assert_eq!(world.backup().1, 0);
    assert_eq!(world.simulator.calls().of("download/file"), 0, "{:?}", world.simulator.calls());

    world.simulator.reset_calls();
    let said = world.run(&["restore", &id, "/Documents"]);
    assert!(said.ok && said.errors.is_empty(), "{}", said.errors);
    eprintln!("restore of {} files: {:?}", files.len(), world.simulator.calls());
    world.assert_restored(&files);
    // What is there already is not uploaded again.
    world.simulator.reset_calls();
    world.ok(&["restore", &id, "/Documents"]);
    assert_eq!(
        world.simulator.calls().of("upload/create_file"),
        0,
        "{:?}",
        world.simulator.calls()
    );
    world.assert_restored(&files);
}

#[test]
fn a_change_that_only_the_checksum_shows_is_saved_where_checksums_are_compared() {
    let world = World::new(Duration::ZERO, false);
    let path = world.home.path().join("settings.json");
    let mut settings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    settings["Source"]["checksum"] = "true".into();
    std::fs::write(&path, settings.to_string()).unwrap();
    for (content, downloads) in [("BEFORE", 1), ("BEFORE", 0), ("AFTER!", 1), ("AFTER!", 0)] {
        world.simulator.drive().put_file("Documents/a", content, 1_700_000_000);
        world.simulator.reset_calls();
        let (id, errors, said) = world.backup();
        assert_eq!(errors, 0, "{said}");
        assert_eq!(world.simulator.calls().of("download/file"), downloads, "{content}");
        assert_eq!(world.ok(&["cat", &id, "/Documents/a"]), content);
    }
}

#[test]
fn a_store_on_the_drive_keeps_what_it_is_given() {
    let world = World::new(Duration::ZERO, true);
    let files = world.fill(60);
    let (id, errors, _) = world.backup();
    assert_eq!(errors, 0);
    // Somebody else, who has cached nothing.
    std::fs::remove_dir_all(world.home.path().join("cache")).unwrap();
    world.ok(&["check", &id]);
    assert!(
        world.run(&["cat", &id, "/Documents/folder0/file 002"]).out == files["folder0/file 002"]
    );
    world.ok(&["restore", &id, "/Documents"]);
    world.assert_restored(&files);
}

#[test]
fn cut_downloads_and_expired_sessions_are_survived() {
    let world = World::new(Duration::ZERO, false);
    let files = world.fill(60);
    let cut =
        |times| Fault::new(What::CutBody { after: 5_000 }).endpoint("download/file").times(times);
    let expired = || Fault::new(What::ExpireSessions).skip(20);
    for fault in [cut(5), expired()] {
        world.simulator.set_faults(vec![fault]);
        let _ = std::fs::remove_dir_all(world.home.path().join("store"));
        world.ok(&["create"]);
        let (id, errors, said) = world.backup();
        assert_eq!((errors, said.as_str()), (0, ""));
        assert_eq!(world.simulator.unused_faults(), []);
        world.simulator.set_faults(vec![expired()]);
        world.ok(&["check", &id]);
        world.ok(&["restore", &id, "/Documents"]);
        world.simulator.set_faults(Vec::new());
        world.assert_restored(&files);
        world.simulator.drive().remove("Restored");
    }
}

#[test]
fn what_cannot_be_read_or_written_is_an_error_of_that_file_alone() {
    let world = World::new(Duration::ZERO, false);
    let mut files = world.fill(30);
    let refused = || What::Status { code: 403, message: "not this one".into(), retry_after: None };
    world.simulator.set_faults(vec![
        Fault::new(refused())
            .endpoint("download/file")
            .item("/Documents/folder0/file 007")
            .always(),
        Fault::new(refused()).endpoint("folder/list").item("/Documents/locked").always(),
    ]);
    world.simulator.drive().put_file("Documents/locked/file", noise(1, 10), 1_700_000_000);
    let (id, errors, said) = world.backup();
    // All are said; the engine stops counting those in a folder where one deeper down comes first.
    assert!(
        errors > 0
            && said.contains("/Documents/folder0/file 007: ")
            && said.contains("/Documents/locked: "),
        "{errors}: {said}"
    );
    files.remove("folder0/file 007").unwrap();
    let listing = world.ok(&["ls", &id]);
    assert!(
        listing.contains("error: /Documents/locked ")
            && listing.contains("error: /Documents/folder0/file 007 "),
        "{listing}"
    );

    world.simulator.set_faults(vec![
        Fault::new(refused())
            .endpoint("upload/create_file")
            .item("/Restored/folder0/file 009")
            .always(),
    ]);
    let said = world.run(&["restore", &id, "/Documents"]);
    assert!(
        !said.ok
            && said.errors.contains("file 009")
            && said.errors.contains("restoration completed with 1 error"),
        "{}",
        said.errors
    );
    files.remove("folder0/file 009").unwrap();
    world.assert_restored(&files);

    // A base that is gone and a wrong password end the command, each with one clear line.
    world.simulator.set_faults(Vec::new());
    world.simulator.drive().remove("Documents");
    let said = world.run(&["backup"]);
    assert!(
        !said.ok && said.errors.contains("the folder /Documents does not exist on opendrive"),
        "{}",
        said.errors
    );
}

/// Prints what the documentation says about speed.
#[test]
fn many_small_files_are_fetched_side_by_side() {
    let world = World::new(Duration::from_millis(20), false);
    for n in 0..200 {
        world.simulator.drive().put_file(
            &format!("Documents/{}/{n:03}", n / 50),
            noise(n, 20_000),
            1_700_000_000,
        );
    }
    world.simulator.reset_calls();
    let start = Instant::now();
    assert_eq!(world.backup().1, 0);
    let (took, calls) = (start.elapsed(), world.simulator.calls());
    eprintln!(
        "200 files at 20 ms: {:.2} s, {} calls, {:.0} calls/s",
        took.as_secs_f64(),
        calls.total,
        calls.total as f64 / took.as_secs_f64()
    );
    // One login, one list for each folder and a download for each file; side by side or it would
    // take 4 s.
    assert!(calls.total <= 215, "{calls:?}");
    assert!(calls.peak_in_flight > 1, "{calls:?}");
}
