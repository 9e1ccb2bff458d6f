//! Killed at random moments, with the real Plakar on the simulated drive: nothing half-written
//! passes for whole, and the next run completes. `KILLS` is the number of kills of each test,
//! rounded up to threes; `KILLS_SEED` repeats a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opendrive_sim::{Fault, What};
use support::drive_store::{DriveStore, tree};
use support::plakar::Plakar;
use support::user::wait;
use support::{noise, wait_for};

use crate::state_kills::{is_whole, kept};

/// No plugin takes longer to leave when its Plakar has gone, and no cache process when it is killed,
/// unless it hangs.
pub const HANG: Duration = Duration::from_secs(60);

fn kills() -> u64 {
    std::env::var("KILLS").map_or(25, |kills| kills.parse().unwrap())
}

/// Random numbers that one number repeats.
pub struct Draws {
    pub seed: u64,
    drawn: u64,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        let mut draw = [0; 8];
        opendrive_sim::generated_bytes(self.seed, self.drawn * 8, &mut draw);
        self.drawn += 1;
        u64::from_le_bytes(draw) % limit
    }
}

/// Shares the kills among several worlds at once: most of the time each of them waits, for the
/// drive's pace or for an end.
fn abreast(rounds: impl Fn(Draws, u64) + Sync) {
    const WORLDS: u64 = 3;
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into();
    let seed: u64 =
        std::env::var("KILLS_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    // Shown when the test fails.
    eprintln!("KILLS_SEED={seed}");
    std::thread::scope(|scope| {
        for world in 0..WORLDS {
            let (rounds, kills) = (&rounds, kills().div_ceil(WORLDS));
            scope.spawn(move || rounds(Draws::new(seed.wrapping_add(world)), kills));
        }
    });
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    Plakar,
    Plugin,
    Both,
}

const VICTIMS: [Victim; 3] = [Victim::Plakar, Victim::Plugin, Victim::Both];

/// The plugins that a Plakar has started, one for each store on a drive. Its cache process, which
/// outlives it, has some of its own.
pub fn plugins_of(plakar: &Child, connector: &str) -> Vec<PathBuf> {
    let (parent, ending) = (format!("PPid:\t{}", plakar.id()), format!("\0{connector}\0"));
    let is_one = |process: &PathBuf| {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        status.lines().any(|line| line == parent)
            && std::fs::read(process.join("cmdline"))
                .is_ok_and(|line| line.ends_with(ending.as_bytes()))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.map(|process| process.path()).filter(is_one).collect()
}

/// The plugin of a Plakar that has one.
pub fn plugin_of(plakar: &Child, connector: &str) -> Option<PathBuf> {
    plugins_of(plakar, connector).pop()
}

fn quietly(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs a command and kills it, or its plugin, when the drive has got so many calls. Gives what was
/// killed; all processes are gone then.
fn kill_at(
    world: &DriveStore,
    connector: &str,
    arguments: &[&str],
    call: u64,
    draws: &mut Draws,
) -> String {
    let DriveStore { simulator, plakar } = world;
    let victim = VICTIMS[draws.below(3) as usize];
    // Before this call is done, or while it and others are being done. A plugin that lives on when
    // Plakar is killed takes its uploads back, so the drive must answer.
    let before = draws.below(2) == 0 && !matches!(victim, Victim::Plakar);
    simulator.reset_calls();
    if before {
        simulator.set_faults(vec![Fault::new(What::Delay { ms: 1_000 }).skip(call - 1).always()]);
    }
    let mut child = quietly(plakar.command(arguments));
    let minute = Duration::from_secs(60);
    // On a busy machine it may have ended before anybody has looked.
    let mut ended = false;
    let plugin = wait_for(minute, "the plugin", || {
        ended = child.try_wait().unwrap().is_some();
        let found = simulator.calls().total > 0;
        let plugin = found.then(|| plugin_of(&child, connector)).flatten();
        (ended || plugin.is_some()).then_some(plugin)
    });
    wait_for(minute, "the call", || {
        ended = child.try_wait().unwrap().is_some();
        (ended || simulator.calls().total >= call).then_some(())
    });
    if matches!(victim, Victim::Plakar | Victim::Both) {
        let _ = child.kill();
    }
    if matches!(victim, Victim::Plugin | Victim::Both) {
        let number = plugin.iter().filter_map(|plugin| plugin.file_name());
        let _ = Command::new("kill").arg("-9").args(number).stderr(Stdio::null()).status();
    }
    // It ends by itself if only its plugin was killed. Its cache's plugin lives on, and each call of
    // that may take a second. Plakar 1.1.4 may wait for ever for a plugin that has gone, and is
    // killed then: see `World::end` in state_kills.rs.
    let _ = wait(&mut child, 3 * minute);
    wait_for(HANG, "the end of the plugin", || {
        plugin.as_ref().is_none_or(|plugin| !plugin.exists()).then_some(())
    });
    wait_for(HANG, "the end of all calls", || {
        (before || simulator.calls().in_flight == 0).then_some(())
    });
    simulator.set_faults(Vec::new());
    if connector == "storage" && matches!(victim, Victim::Plugin) {
        forget(plakar);
        // As the message says that the next put would come with.
        kept(plakar)
            .iter()
            .filter(|state| !is_whole(state))
            .for_each(|state| std::fs::remove_file(state).unwrap());
    }
    format!("{victim:?} at call {call}, before it was done: {before}, too late: {ended}")
}

/// Lets a user's Plakar forget what it has cached of stores.
///
/// Plakar 1.1.4 takes a state that it could not put for one that is in the store (`flushDeltaState`
/// in kloset v1.1.3, snapshot/builder.go), whatever the store is: its next backup leaves out what
/// that state tells of, and only this user can read it. So when its plugin alone was killed, this
/// is due: the plugin may not have had the first byte of a state, or only a part of it. All of it
/// comes first at the next connection.
pub fn forget(plakar: &Plakar) {
    let is_cache = |process: &PathBuf| {
        std::fs::read(process.join("cmdline")).is_ok_and(|line| line.ends_with(b"\0cached\0"))
    };
    for process in plakar.processes().iter().filter(|process| is_cache(process)) {
        let _ = Command::new("kill")
            .arg("-9")
            .arg(process.file_name().unwrap())
            .stderr(Stdio::null())
            .status();
        wait_for(HANG, "the end of the cache", || (!process.exists()).then_some(()));
    }
    for entry in std::fs::read_dir(plakar.home().join(".cache/plakar")).unwrap().flatten() {
        if !["plugins", "cookies"].contains(&entry.file_name().to_str().unwrap()) {
            let _ = std::fs::remove_dir_all(entry.path())
                .or_else(|_| std::fs::remove_file(entry.path()));
        }
    }
}

/// A few files: empty, small, streamed, in folders.
fn make_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    for (n, (path, size)) in [
        ("empty", 0),
        ("small", 100),
        ("a/one", 20_000),
        ("a/b/streamed", 1_500_000),
        ("c/two", 70_000),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, noise(n as u64, size)).unwrap();
    }
    tree(folder)
}

#[test]
fn a_restore_is_killed_and_the_next_one_completes() {
    abreast(restores);
}

fn restores(mut draws: Draws, kills: u64) {
    let world = DriveStore::new();
    let (plakar, drive) = (&world.plakar, world.simulator.drive());
    let (folder, store) = (plakar.path("files"), plakar.path("store"));
    let files = make_files(Path::new(&folder));
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let id = plakar.backup(&store, &folder);
    let config = serde_json::json!({"target": {
        "location": "opendrive://base", "username": world.simulator.username(), "password": world.simulator.password(),
    }});
    let outcome = plakar.run_with_input(&["destination", "import"], config.to_string().as_bytes());
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let what = format!("{id}:{folder}");
    let restore = ["at", &store, "restore", "-to", "@target", &what];
    // What is there, of what must be.
    let compare = |round: &str, whole: bool| {
        let found = drive.tree();
        let found: Vec<_> = found.iter().filter(|(_, entry)| !entry.is_dir).collect();
        for (path, entry) in &found {
            let bytes = drive.read_file(path).unwrap();
            let wanted = &files[path.strip_prefix("base/").unwrap()];
            // A file that was made and not filled yet is empty.
            assert!(
                bytes == *wanted || (!whole && entry.size == 0),
                "{round}: {path} with {} of {} bytes",
                bytes.len(),
                wanted.len()
            );
        }
        assert!(!whole || found.len() == files.len(), "{round}: {found:?}");
        assert_eq!(world.simulator.duplicate_folders().ever, 0, "{round}");
    };

    let (_, cost) = world.cost(&restore);
    compare("without a kill", true);
    for round in 0..kills {
        drive.remove("base");
        let call = 1 + draws.below(cost.calls.total);
        let round =
            format!("round {round}, {}", kill_at(&world, "exporter", &restore, call, &mut draws));
        compare(&round, false);
        plakar.ok(&restore);
        compare(&round, true);
    }
}

#[test]
fn a_store_backup_is_killed_and_the_next_one_completes() {
    abreast(store_backups);
}

fn store_backups(mut draws: Draws, kills: u64) {
    let world = DriveStore::new();
    let (plakar, drive) = (&world.plakar, world.simulator.drive());
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let folder = plakar.path("files");
    make_files(Path::new(&folder));
    let change = |round: u64| {
        std::fs::write(Path::new(&folder).join("a/one"), noise(1000 + round, 300_000)).unwrap()
    };
    let backup = ["at", "@drive", "backup", "-no-progress", &folder];
    plakar.backup("@drive", &folder);
    change(0);
    let (_, cost) = world.cost(&backup);

    // What is under a name is there to stay: if it ever was less than the whole, it would change.
    let mut seen = BTreeMap::new();
    let mut compare = |round: &str| {
        for (path, entry) in drive.tree() {
            let name = path.rsplit_once('/').map_or("", |(_, name)| name);
            if name.len() == 64 && entry.size > 0 && !path.contains("/locks/") {
                let content = (entry.size, entry.md5);
                let first = seen.entry(path.clone()).or_insert(content.clone());
                assert_eq!(*first, content, "{round}: {path} has changed");
            }
        }
    };
    // By somebody who remembers nothing of what was there.
    let check_anew = |round: &str| {
        let other = world.another_machine();
        let outcome = other.run(&["-quiet", "at", "@drive", "check"]);
        assert_eq!(outcome.code, Some(0), "{round}: {}", outcome.text());
        other
    };
    let mut snapshots = 2;
    for number in 1..=kills {
        change(number);
        let call = 1 + draws.below(cost.calls.total);
        let round =
            format!("round {number}, {}", kill_at(&world, "storage", &backup, call, &mut draws));
        compare(&round);
        let outcome = plakar.run(&["at", "@drive", "check"]);
        assert_eq!(outcome.code, Some(0), "{round}: {}", outcome.text());
        plakar.backup("@drive", &folder);
        compare(&round);
        if number % 8 == 0 {
            check_anew(&round);
        }
        let listed = plakar.ok(&["at", "@drive", "ls"]).lines().count();
        // The one that was killed may have come to its end.
        assert!(
            [snapshots + 1, snapshots + 2].contains(&listed),
            "{round}: {listed} snapshots, {snapshots} before"
        );
        snapshots = listed;
    }

    let other = check_anew("at the end");
    let restored = other.path("restored");
    let latest = other.ok(&["at", "@drive", "ls"]).split_whitespace().nth(1).unwrap().to_owned();
    other.ok(&["at", "@drive", "restore", "-to", &restored, &latest]);
    assert!(tree(Path::new(&restored)) == tree(Path::new(&folder)), "what was restored differs");
}
