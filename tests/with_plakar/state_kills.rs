//! A plugin that ends while Plakar sends it a state: what Plakar takes for stored is in the store,
//! or nothing is put before somebody has seen to it.
//!
//! Plakar 1.1.4 merges a state into its cache whether or not it could be put (`flushDeltaState` in
//! kloset v1.1.3), and its next backup builds on that.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opendrive_sim::{Fault, What};
use rustix::process::{Pid, Signal, kill_process};

use support::drive_store::{DriveStore, make_files, tree};
use support::plakar::Plakar;
use support::user::wait;
use support::wait_for;

use crate::kills::plugin_of;

const MINUTE: Duration = Duration::from_secs(60);

/// How long the drive takes for what is to be interrupted; nothing waits for the end of it.
const LONG: What = What::Delay { ms: 15_000 };

/// The files of states that are kept for a user, whole or in part.
pub fn kept(user: &Plakar) -> Vec<PathBuf> {
    let (mut found, mut waiting) =
        (Vec::new(), vec![user.home().join(".local/state/plakar-opendrive/stores")]);
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => waiting.push(path),
                // Not a file that was only just made.
                path if path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("states ")) =>
                {
                    found.push(path)
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether all of a state is there.
pub fn is_whole(state: &Path) -> bool {
    state.extension() != Some(OsStr::new("incomplete"))
}

/// A store on a drive with one backup in it, and files that have changed since.
struct World {
    drive: DriveStore,
    files: PathBuf,
}

impl World {
    fn new() -> Self {
        let drive = DriveStore::new();
        let files = drive.plakar.home().join("files");
        make_files(&files, 10, 30_000);
        drive.plakar.ok(&["at", "@drive", "create", "-plaintext"]);
        let world = Self { drive, files };
        world.user().backup("@drive", world.files());
        world.add(3);
        world
    }

    /// Adds files, of which the next backup's state tells.
    fn add(&self, count: usize) {
        for number in 0..count {
            std::fs::write(
                self.files.join(format!("new{number}")),
                format!("file {number} of {count}"),
            )
            .unwrap();
        }
    }

    fn user(&self) -> &Plakar {
        &self.drive.plakar
    }

    fn files(&self) -> &str {
        self.files.to_str().unwrap()
    }

    /// Begins a backup, in a process group of its own, as at a terminal.
    fn begin(&self) -> Child {
        let mut command = self.user().command(&[
            "-quiet",
            "at",
            "@drive",
            "backup",
            "-no-progress",
            self.files(),
        ]);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Begins a backup whose state does not arrive, and waits until all of it has come to the
    /// plugin.
    fn begin_until_the_state_is_on_its_way(&self) -> Child {
        // The second of a connection's puts that makes a file under a temporary name is that of the
        // state: locks and packfiles have none.
        self.drive.simulator.add_fault(Fault::new(LONG).endpoint("file/rename").always());
        let plakar = self.begin();
        wait_for(MINUTE, "the state", || {
            kept(self.user()).into_iter().find(|state| is_whole(state))
        });
        plakar
    }

    /// Ends the trouble; the backup that was interrupted must have failed.
    fn end(&self, mut plakar: Child) {
        // Plakar 1.1.4 may wait for ever for a plugin that has gone: its gRPC client connects anew,
        // and closing that waits for a process (plugins/stdioconn.go). Its user ends it then, and
        // the next backup must be whole all the same.
        let status = wait(&mut plakar, MINUTE);
        assert!(status.is_none_or(|status| !status.success()), "{status:?}");
        self.drive.simulator.set_faults(Vec::new());
    }

    /// The next backup must be one that another machine reads, and restores the same.
    fn assert_the_next_backup_is_whole(&self) {
        let id = self.user().backup("@drive", self.files());
        let other = self.drive.another_machine();
        let restored = other.path("restored");
        let outcome = other.run(&["-quiet", "at", "@drive", "check"]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        other.ok(&["at", "@drive", "restore", "-to", &restored, &id]);
        assert!(tree(Path::new(&restored)) == tree(&self.files));
        assert_eq!(kept(self.user()), [] as [PathBuf; 0]);
    }
}

fn send(signal: &str, to: &str) {
    assert!(Command::new("kill").args([signal, "--", to]).status().unwrap().success());
}

fn name(process: &Path) -> &str {
    process.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_plugin_that_alone_is_killed_while_it_puts_a_state_loses_nothing() {
    let world = World::new();
    let plakar = world.begin_until_the_state_is_on_its_way();
    send("-KILL", name(&plugin_of(&plakar, "storage").unwrap()));
    world.end(plakar);
    world.assert_the_next_backup_is_whole();
}

/// The signal goes to Plakar, which lives on for a while, and to its plugin.
#[test]
fn a_backup_that_is_interrupted_while_its_state_is_put_loses_nothing() {
    let world = World::new();
    let plakar = world.begin_until_the_state_is_on_its_way();
    send("-INT", &format!("-{}", plakar.id()));
    world.end(plakar);
    world.assert_the_next_backup_is_whole();
}

#[test]
fn a_plugin_that_alone_is_told_to_end_while_it_puts_a_state_loses_nothing() {
    let world = World::new();
    let plakar = world.begin_until_the_state_is_on_its_way();
    send("-TERM", name(&plugin_of(&plakar, "storage").unwrap()));
    world.end(plakar);
    world.assert_the_next_backup_is_whole();
}

/// Nobody builds on it then.
#[test]
fn a_plakar_that_is_killed_while_its_state_is_put_leaves_nothing_behind() {
    let world = World::new();
    let plakar = world.begin_until_the_state_is_on_its_way();
    let plugin = plugin_of(&plakar, "storage").unwrap();
    send("-KILL", &plakar.id().to_string());
    world.end(plakar);
    wait_for(MINUTE, "the end of the plugin", || (!plugin.exists()).then_some(()));
    assert_eq!(kept(world.user()), [] as [PathBuf; 0]);
    world.assert_the_next_backup_is_whole();
}

/// Sends a signal to a process that may have ended. No other process is started for it: that would
/// take longer, on a busy machine much longer, than the moments in which a state comes.
fn send_at_once(signal: Signal, to: &Path) {
    let _ = kill_process(Pid::from_raw(name(to).parse().unwrap()).unwrap(), signal);
}

/// Lets a plugin go on for a moment at a time, until it has begun to keep a state; gives that, and
/// leaves the plugin stopped. `None` if the backup has ended.
fn stop_at_a_state(world: &World, plakar: &mut Child, plugin: &Path) -> Option<PathBuf> {
    let begun = Instant::now();
    while begun.elapsed() < MINUTE && plakar.try_wait().unwrap().is_none() {
        if let Some(state) = kept(world.user()).pop() {
            return Some(state);
        }
        // It ends with its Plakar. The moments grow: on a busy machine it may not have come to run
        // within a short one.
        send_at_once(Signal::CONT, plugin);
        std::thread::sleep(Duration::from_micros(500).max(begun.elapsed() / 1000));
        send_at_once(Signal::STOP, plugin);
        // What it was at in the kernel comes to its end.
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

#[test]
fn after_a_plugin_was_killed_with_a_part_of_a_state_nothing_is_put_that_builds_on_it() {
    let world = World::new();
    // On a busy machine all of it may come within one of the moments.
    let state = (1..=30).find_map(|round| {
        world.add(1000 + 100 * round);
        let mut plakar = world.begin();
        let plugin = wait_for(MINUTE, "the plugin", || plugin_of(&plakar, "storage"));
        let state = stop_at_a_state(&world, &mut plakar, &plugin).filter(|state| !is_whole(state));
        send_at_once(if state.is_some() { Signal::KILL } else { Signal::CONT }, &plugin);
        // One that waits for ever for its plugin is ended: see `World::end`.
        let status = wait(&mut plakar, MINUTE);
        assert_eq!(status.is_some_and(|status| status.success()), state.is_none(), "{status:?}");
        state
    });
    let state = state.expect("no state was caught while it came");

    let outcome = world.user().run(&["-quiet", "at", "@drive", "backup", world.files()]);
    assert!(
        outcome.code != Some(0) && outcome.text().contains("only a part has come"),
        "{}",
        outcome.text()
    );
    // What is there can be read; and the advice helps.
    world.user().ok(&["at", "@drive", "ls"]);
    crate::kills::forget(world.user());
    std::fs::remove_file(state).unwrap();
    world.assert_the_next_backup_is_whole();
}
