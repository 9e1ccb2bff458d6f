//! The real Plakar on a drive whose daily volume of downloads is used up while it reads: nothing is called changed, damaged or corrupt.

use std::time::{Duration, Instant};

use crate::common::drive_store::{DriveStore, make_files};
use crate::common::place::noise;
use crate::common::plakar::Plakar;

/// What nothing may be called.
const ACCUSATIONS: [&str; 5] = ["changed", "damaged:", "corrupt", "missing", "were expected"];

fn assert_no_accusation(text: &str) {
    for word in ACCUSATIONS {
        assert!(!text.contains(word), "{word:?} in {text}");
    }
}

#[test]
fn a_backup_ends_at_once_with_one_line() {
    let world = DriveStore::new();
    let (simulator, plakar) = (&world.simulator, &world.plakar);
    for number in 0..200 {
        simulator.drive().put_file(&format!("Documents/file{number:03}"), noise(number, 50_000), 1_700_000_000);
    }
    let config = serde_json::json!({"drive": {
        "location": "opendrive://Documents", "username": simulator.username(), "password": simulator.password(),
    }});
    plakar.run_with_input(&["source", "import", "-overwrite"], config.to_string().as_bytes());
    let local = plakar.path("local");
    plakar.ok(&["at", &local, "create", "-plaintext"]);
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(2 << 20));
    let outcome = plakar.run(&["at", &local, "backup", "@drive"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    let text = outcome.text();
    assert!(text.contains("the account's daily download volume (2 MB) is used up; it resets at noon Pacific time"), "{text}");
    assert_no_accusation(&text);
}

#[test]
fn a_check_waits_and_goes_on() {
    let world = DriveStore::new();
    let simulator = &world.simulator;
    let files = world.plakar.home().join("files");
    std::fs::create_dir(&files).unwrap();
    make_files(&files, 60, 200_000);
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    world.plakar.ok(&["at", "@drive", "backup", files.to_str().unwrap()]);
    // Who has none of it in a cache.
    let other = Plakar::new(&simulator.env());
    world.configure(&other, serde_json::json!({}));
    simulator.reset_volume();
    simulator.reset_calls();
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(4_000_000));
    let outcome = std::thread::scope(|scope| {
        let check = scope.spawn(|| other.run(&["at", "@drive", "check"]));
        let begun = Instant::now();
        // Its allowance is asked for when it is used up.
        while simulator.calls().of("users/info") == 0 && !check.is_finished() && begun.elapsed() < Duration::from_secs(100) {
            std::thread::sleep(Duration::from_millis(100));
        }
        simulator.change_behaviour(|behaviour| behaviour.daily_volume = None);
        check.join().unwrap()
    });
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert!(outcome.text().contains("daily download volume"), "{}", outcome.text());
    assert_no_accusation(&outcome.text());
    // Begun when nothing is left, it ends at once: Plakar's status for a repository that cannot be opened.
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(1));
    let outcome = other.run(&["at", "@drive", "check"]);
    assert_eq!(outcome.code, Some(66), "{}", outcome.text());
    assert!(outcome.text().contains("daily download volume"), "{}", outcome.text());
    assert_no_accusation(&outcome.text());
}
