//! The real Plakar on a drive whose daily volume of downloads is used up while it reads: nothing is
//! called changed, damaged or corrupt.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::store_repair::{end, plakar_after, start};
use support::drive_store::{DriveStore, make_files};
use support::{noise, wait_for};

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
        simulator.drive().put_file(
            &format!("Documents/file{number:03}"),
            noise(number, 50_000),
            1_700_000_000,
        );
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
    assert!(
        text.contains(
            "the account's daily download volume (2 MB) is used up; it resets at noon Pacific time"
        ),
        "{text}"
    );
    assert_no_accusation(&text);
}

/// What reads a store ends as if its terminal was closed, with one line: no error of ours ends it
/// without an accusation (src/plugin/caller.rs).
#[test]
fn what_reads_a_store_ends_at_once_with_one_line() {
    let world = DriveStore::new();
    let simulator = &world.simulator;
    let files = world.plakar.home().join("files");
    std::fs::create_dir(&files).unwrap();
    make_files(&files, 60, 200_000);
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let id = world.plakar.backup("@drive", files.to_str().unwrap());
    let (local, restored) = (world.plakar.path("local"), world.plakar.path("restored"));
    world.plakar.ok(&["at", &local, "create", "-plaintext"]);
    for command in [
        &["at", "@drive", "check"][..],
        &["at", "@drive", "restore", "-to", &restored, &id],
        &["at", &local, "sync", "from", "@drive"],
        &["-quiet", "at", "@drive", "backup", "-check", files.to_str().unwrap()],
    ] {
        simulator.reset_volume();
        simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(4_000_000));
        // Who has none of it in a cache.
        let cache = tempfile::tempdir().unwrap();
        let line = [&["-cachedir", cache.path().to_str().unwrap()], command].concat();
        let (code, text) = run_by(
            &["timeout", "--kill-after=5", "60", "env", "--default-signal=HUP"],
            world.plakar.command(&line),
        );
        // A hang-up's, and so no status; 124 if it goes on.
        assert_eq!(code, None, "{command:?}: {text}");
        let said = "plakar-opendrive: the account's daily download volume (3 MB) is used up; it resets at noon Pacific time. The command ends here\n";
        assert_eq!(text.matches("daily download volume").count(), 1, "{text}");
        assert!(text.contains(said), "{text}");
        assert_no_accusation(&text);
    }
    // A snapshot that did not come whole did not come.
    assert_eq!(world.plakar.ok(&["at", &local, "ls"]), "");
    // Begun when nothing is left: Plakar's status for a repository that cannot be opened.
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(1));
    for command in ["check", "ls", "maintenance"] {
        let outcome = world.plakar.run(&["at", "@drive", command]);
        assert_eq!(outcome.code, Some(66), "{}", outcome.text());
        assert!(outcome.text().contains("daily download volume"), "{}", outcome.text());
        assert_no_accusation(&outcome.text());
    }
    // Nothing is left behind that keeps anybody out.
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = None);
    wait_for(Duration::from_secs(60), "the locks go", || (locks(&world) == 0).then_some(()));
    world.plakar.ok(&["at", "@drive", "maintenance"]);
    world.plakar.ok(&["at", "@drive", "check"]);
}

/// The same of our own check, which is told by Plakar's status whether the data is whole.
#[test]
fn a_check_of_a_store_by_our_command_says_nothing_of_the_data() {
    let world = DriveStore::new();
    let files = world.plakar.home().join("files");
    std::fs::create_dir(&files).unwrap();
    make_files(&files, 60, 200_000);
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    world.plakar.backup("@drive", files.to_str().unwrap());
    // Plakar's check waits until the volume is what it is to be: a quick one would have read all by
    // then.
    let [begins, goes_on] = ["begins", "goes-on"].map(|name| world.plakar.home().join(name));
    let lines = format!(
        "case \" $* \" in *' check '*) touch {}; while ! test -e {}; do sleep 0.05; done;; esac",
        begins.display(),
        goes_on.display()
    );
    let program = plakar_after(&world.plakar, &lines);
    let child = start(&world.plakar, &program, &["store", "check", "--data", "@drive"]);
    wait_for(Duration::from_secs(60), "the check begins", || begins.exists().then_some(()));
    world.simulator.reset_volume();
    world.simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(4_000_000));
    std::fs::write(goes_on, "").unwrap();
    let (code, text) = end(child);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`plakar check` did not come to its end"), "{text}");
    assert!(text.contains("daily download volume"), "{text}");
    assert_no_accusation(&text);
}

/// With nohup it cannot be ended like that.
#[test]
fn where_it_cannot_be_ended_it_waits_and_goes_on() {
    let world = DriveStore::new();
    let simulator = &world.simulator;
    let files = world.plakar.home().join("files");
    std::fs::create_dir(&files).unwrap();
    make_files(&files, 60, 200_000);
    world.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    world.plakar.ok(&["at", "@drive", "backup", files.to_str().unwrap()]);
    simulator.reset_volume();
    simulator.reset_calls();
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = Some(4_000_000));
    let plakar =
        world.plakar.command(&["-cachedir", &world.plakar.path("fresh"), "at", "@drive", "check"]);
    let check = by(&["nohup"], plakar).spawn().unwrap();
    let asked = || (simulator.calls().of("users/info") > 0).then_some(());
    wait_for(Duration::from_secs(60), "its allowance is asked for when it is used up", asked);
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = None);
    let outcome = check.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&outcome.stdout),
        String::from_utf8_lossy(&outcome.stderr)
    );
    assert_eq!(outcome.status.code(), Some(0), "{text}");
    assert!(text.contains("daily download volume") && text.contains("waits until then"), "{text}");
    assert_no_accusation(&text);
}

/// A command that is begun by another one.
fn by(beginner: &[&str], plakar: Command) -> Command {
    let mut command = Command::new(beginner[0]);
    command.args(&beginner[1..]).arg(plakar.get_program()).args(plakar.get_args()).env_clear();
    command
        .envs(plakar.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(plakar.get_current_dir().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; gives its status and all that it said. Whoever runs the tests may ignore
/// hang-ups.
fn run_by(beginner: &[&str], plakar: Command) -> (Option<i32>, String) {
    let outcome = by(beginner, plakar).output().unwrap();
    (
        outcome.status.code(),
        format!(
            "{}{}",
            String::from_utf8_lossy(&outcome.stdout),
            String::from_utf8_lossy(&outcome.stderr)
        ),
    )
}

fn locks(world: &DriveStore) -> usize {
    world.simulator.drive().tree().keys().filter(|path| path.starts_with("kloset/locks/")).count()
}
