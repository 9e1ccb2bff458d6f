//! The real Plakar on a drive that allows an address six downloads at once and gives each so much:
//! nothing is lost, nothing is refused, nothing comes twice.

use std::collections::BTreeMap;
use std::path::Path;

use opendrive_sim::{Behaviour, Options, Simulator};

use crate::from_rclone::{import_secret, put};
use support::drive_store::{DriveStore, make_files, tree};
use support::noise;
use support::plakar::Plakar;

/// How many operations Plakar is told to do at once.
const CONCURRENCIES: [&str; 3] = ["2", "8", "16"];

type Files = BTreeMap<String, Vec<u8>>;

/// A drive with so many bytes per second for each download.
fn drive(speed: u64) -> Simulator {
    Simulator::start(Options {
        behaviour: Behaviour { download_speed: Some(speed), ..Behaviour::default() },
        ..Options::default()
    })
    .unwrap()
}

fn fill(simulator: &Simulator, count: u64, size: usize) -> Files {
    let files: Files = (0..count)
        .map(|number| (format!("folder{}/file{number:02}", number % 2), noise(number + 1, size)))
        .collect();
    for (path, bytes) in &files {
        simulator.drive().put_file(&format!("Documents/{path}"), bytes.clone(), 1_700_000_000);
    }
    files
}

/// A user with the source `drive`, and an empty store on the local disk.
fn user(simulator: &Simulator) -> (Plakar, String) {
    let plakar = Plakar::new(&simulator.env());
    let config = serde_json::json!({"drive": {
        "location": "opendrive://Documents", "username": simulator.username(), "password": simulator.password(),
    }});
    plakar.run_with_input(&["source", "import"], config.to_string().as_bytes());
    let store = plakar.path("local");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    (plakar, store)
}

/// Backs the drive up, which must be without errors and have all files; gives the snapshot's id.
fn back_up(plakar: &Plakar, store: &str, concurrency: &str) -> String {
    let text = plakar.ok(&["-quiet", "-concurrency", concurrency, "at", store, "backup", "@drive"]);
    let line = text
        .lines()
        .find(|line| line.contains("completed without errors"))
        .unwrap_or_else(|| panic!("{text}"));
    line.split(':').next().unwrap().to_owned()
}

fn assert_restored(plakar: &Plakar, store: &str, id: &str, files: &Files) {
    let folder = plakar.path("restored");
    plakar.ok(&["at", store, "restore", "-to", &folder, id]);
    let restored = tree(Path::new(&folder));
    assert!(restored == *files, "{:?}", restored.keys());
}

/// Nothing was refused, and not more came than these bytes but for a fiftieth.
fn assert_gentle(simulator: &Simulator, bytes: u64, what: &str) {
    let calls = simulator.calls();
    assert_eq!((calls.refused_downloads, calls.refused), (0, 0), "{what}: {calls:?}");
    assert!(
        calls.bytes_down * 100 <= bytes * 102,
        "{what}: {} bytes came for {bytes}",
        calls.bytes_down
    );
}

#[test]
fn files_of_eight_megabytes_are_backed_up() {
    let simulator = drive(20_000_000);
    let files = fill(&simulator, 24, 8_000_000);
    let (plakar, store) = user(&simulator);
    simulator.reset_calls();
    let id = back_up(&plakar, &store, "8");
    assert_gentle(&simulator, 24 * 8_000_000, "backup");
    assert_restored(&plakar, &store, &id, &files);
}

#[test]
fn no_download_is_refused_at_any_concurrency() {
    let simulator = drive(4_000_000);
    let files = fill(&simulator, 30, 500_000);
    for concurrency in CONCURRENCIES {
        let (plakar, store) = user(&simulator);
        simulator.reset_calls();
        let id = back_up(&plakar, &store, concurrency);
        assert_gentle(&simulator, 30 * 500_000, concurrency);
        assert_restored(&plakar, &store, &id, &files);
    }
}

#[test]
fn a_store_is_read_gently_at_any_concurrency() {
    let world = DriveStore::new();
    let (simulator, plakar) = (&world.simulator, &world.plakar);
    let folder = plakar.home().join("files");
    make_files(&folder, 40, 400_000);
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let id = plakar.backup("@drive", folder.to_str().unwrap());
    let bytes: u64 = simulator.drive().tree().values().map(|entry| entry.size).sum();
    simulator.change_behaviour(|behaviour| behaviour.download_speed = Some(4_000_000));
    for concurrency in CONCURRENCIES {
        for command in [
            &["check"][..],
            &["restore", "-to", &plakar.path(&format!("restored{concurrency}")), &id],
        ] {
            let cache = tempfile::tempdir().unwrap();
            let begin = [
                "-quiet",
                "-cachedir",
                cache.path().to_str().unwrap(),
                "-concurrency",
                concurrency,
                "at",
                "@drive",
            ];
            let (_, cost) = world.cost(&[&begin, command].concat());
            assert!(cost.calls.peak_downloads > 1, "{command:?}: {:?}", cost.calls);
            assert_gentle(simulator, bytes, &format!("{command:?} at {concurrency}"));
        }
        assert!(
            tree(Path::new(&plakar.path(&format!("restored{concurrency}")))) == tree(&folder),
            "{concurrency}"
        );
    }
}

/// Neither knows of the other; together they want ten.
#[test]
fn two_processes_share_the_six() {
    let simulator = drive(2_000_000);
    let files = fill(&simulator, 40, 400_000);
    let users = [user(&simulator), user(&simulator)];
    std::thread::scope(|scope| {
        for (plakar, store) in &users {
            scope.spawn(|| {
                let id = back_up(plakar, store, "16");
                assert_restored(plakar, store, &id, &files);
            });
        }
    });
    assert!(simulator.calls().peak_downloads <= 6);
}

#[test]
fn a_large_file_in_a_crypt_comes_over_several_connections() {
    let simulator = drive(4_000_000);
    let bytes = noise(1, 24_000_001);
    tokio::runtime::Runtime::new().unwrap().block_on(put(
        &simulator,
        "large vault",
        "large",
        &bytes,
    ));
    let (plakar, store) = user(&simulator);
    import_secret(&plakar, "large vault");
    simulator.reset_calls();
    let id = plakar.backup(&store, "@secret");
    assert_gentle(&simulator, bytes.len() as u64, "backup");
    let calls = simulator.calls();
    assert!((3..=5).contains(&calls.peak_downloads), "{calls:?}");
    assert_restored(&plakar, &store, &id, &Files::from([("large".to_owned(), bytes)]));
}
