//! States, by the engine of Plakar 1.0: two of one name are both kept, and one that could not be
//! put comes first at the next connection.
//!
//! Kloset v1.0.12 names the state of a copy after the snapshot, as kloset v1.1.3 does (`Commit` in
//! its snapshot/builder.go), but its states have no parent: there is no circle. A state that was
//! put in the place of another one takes away what that one told of, and so a part of the data.
//! Unlike Plakar 1.1 it does not take a state for stored that it could not put (`flushDeltaState`
//! in its snapshot/backup.go), so nothing builds on one; the connector keeps it all the same. Its
//! maintenance is not in kloset but in Plakar 1.0 itself, which the Go proxy does not give out, and
//! so is not tried here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use opendrive_sim::{Fault, What};
use serde_json::json;
use tempfile::TempDir;

use support::drive_store::{DriveStore, make_files, tree};
use support::engine_1_0::{Said, run_engine};
use support::executable;
use support::plakar::own;

/// One user of a store on a drive, and of one on a disk from which it is copied.
struct Machine<'a> {
    world: &'a DriveStore,
    home: TempDir,
}

impl<'a> Machine<'a> {
    /// One that has seen nothing yet. The store on the disk and the files are in a folder that all
    /// share.
    fn new(world: &'a DriveStore, shared: &Path) -> Self {
        let machine = Self { world, home: tempfile::tempdir().unwrap() };
        let simulator = &world.simulator;
        let local = |path: PathBuf| json!({"location": format!("rclone://{}", path.display()), "rclone_type": "local"});
        let drive = json!({"location": "opendrive://kloset", "username": simulator.username(), "password": simulator.password()});
        let disk = local(shared.join("disk"));
        for (name, store, peer) in [("drive", &drive, &disk), ("disk", &disk, &drive)] {
            let settings = json!({
                "Plugin": [executable(), "--plakar-api", "v1.0"],
                "Cache": machine.home.path().join("cache"),
                "Concurrency": 4,
                "Source": local(shared.join("files")),
                "Destination": local(machine.home.path().join("restored")),
                "Store": store,
                "Peer": peer,
            });
            std::fs::write(machine.home.path().join(name), settings.to_string()).unwrap();
        }
        machine
    }

    fn run(&self, store: &str, arguments: &[&str]) -> Said {
        run_engine(
            &self.home.path().join(store),
            &self.world.simulator,
            self.home.path(),
            arguments,
        )
    }

    fn ok(&self, store: &str, arguments: &[&str]) -> String {
        let said = self.run(store, arguments);
        assert!(said.ok, "{store} {arguments:?}: {}", said.errors);
        String::from_utf8(said.out).unwrap()
    }

    /// Backs the shared files up, and gives the snapshot's id.
    fn backup(&self, store: &str) -> String {
        let line = self.ok(store, &["backup"]);
        let (id, errors) = line.trim().split_once(' ').unwrap();
        assert_eq!(errors, "0");
        id.to_owned()
    }

    fn snapshots(&self, store: &str) -> BTreeSet<String> {
        self.ok(store, &["snapshots"]).lines().map(str::to_owned).collect()
    }

    /// The files of states that are kept on this machine.
    fn kept(&self) -> usize {
        tree(&self.home.path().join("plakar-opendrive"))
            .keys()
            .filter(|path| !path.ends_with("/places") && !path.ends_with("/state-version"))
            .count()
    }
}

/// A drive without a store, and a folder for all machines, with files in it and an empty store.
fn world() -> (DriveStore, TempDir) {
    let (world, shared) = (DriveStore::new(), tempfile::tempdir().unwrap());
    make_files(&shared.path().join("files"), 20, 20_000);
    let first = Machine::new(&world, shared.path());
    first.ok("disk", &["create"]);
    first.ok("drive", &["create"]);
    (world, shared)
}

fn change(shared: &TempDir) {
    std::fs::write(shared.path().join("files/new"), "more").unwrap();
}

/// A machine that comes anew must find this snapshot and no other in the store on the drive, and
/// all of its files.
fn assert_found_anew(world: &DriveStore, shared: &TempDir, id: &str) {
    let anew = Machine::new(world, shared.path());
    assert_eq!(anew.snapshots("drive"), BTreeSet::from([id.to_owned()]));
    anew.ok("drive", &["check", id]);
    anew.ok("drive", &["restore", id, shared.path().join("files").to_str().unwrap()]);
    assert!(tree(&anew.home.path().join("restored")) == tree(&shared.path().join("files")));
}

fn states(world: &DriveStore) -> Vec<String> {
    let tree = world.simulator.drive().tree();
    tree.into_iter()
        .filter(|(path, entry)| path.starts_with("kloset/states/") && !entry.is_dir)
        .map(|(path, _)| path)
        .collect()
}

/// As docs/store.md has it: a copy, a second backup, and the older snapshot goes from the copy,
/// before or after the second copy.
#[test]
fn a_snapshot_that_is_copied_again_hides_nothing() {
    for copied_before_the_removal in [true, false] {
        let (world, shared) = world();
        let user = Machine::new(&world, shared.path());
        let removed = user.backup("disk");
        user.ok("drive", &["sync"]);
        change(&shared);
        let id = user.backup("disk");
        if copied_before_the_removal {
            user.ok("drive", &["sync"]);
        }
        user.ok("drive", &["rm", &removed]);
        user.ok("drive", &["sync"]);
        assert_found_anew(&world, &shared, &id);
        // Once more, on another machine.
        let other = Machine::new(&world, shared.path());
        other.ok("drive", &["sync"]);
        assert_found_anew(&world, &shared, &id);
        assert!(
            states(&world).contains(&format!("kloset/states/{removed}")),
            "{:?}",
            states(&world)
        );
    }
}

/// Refused for good, as by a drive that is out of order.
fn refusal() -> Fault {
    Fault::new(What::Status { code: 503, message: "Service Unavailable".into(), retry_after: None })
        .endpoint("file/rename")
        .always()
}

#[test]
fn a_state_that_is_refused_is_put_first_at_the_next_connection() {
    let (world, shared) = world();
    let user = Machine::new(&world, shared.path());
    // What has a temporary name until it is complete is a state.
    world.simulator.set_faults(vec![refusal()]);
    let said = user.run("drive", &["backup"]);
    assert!(!said.ok && said.errors.contains("it is kept in "), "{}", said.errors);
    assert_eq!((user.kept(), world.simulator.unused_faults()), (1, vec![]));
    world.simulator.set_faults(Vec::new());
    assert_eq!(states(&world), [] as [&str; 0]);

    // Whoever only looks puts it.
    let listed = user.snapshots("drive");
    assert_eq!((user.kept(), listed.len(), states(&world).len()), (0, 1, 1));
    assert_found_anew(&world, &shared, listed.first().unwrap());
    change(&shared);
    user.backup("drive");
    let anew = Machine::new(&world, shared.path());
    assert_eq!(anew.snapshots("drive").len(), 2);
    anew.snapshots("drive").iter().for_each(|id| drop(anew.ok("drive", &["check", id])));
}

/// Our command line asks the Plakar of this machine, which is a later one.
#[test]
fn a_store_of_plakar_1_0_is_looked_at_and_what_was_replaced_in_it_is_missed() {
    let (world, shared) = world();
    let user = Machine::new(&world, shared.path());
    let removed = user.backup("disk");
    user.ok("drive", &["sync"]);
    change(&shared);
    let id = user.backup("disk");
    user.ok("drive", &["sync"]);
    user.ok("drive", &["rm", &removed]);
    let before = states(&world);
    user.ok("drive", &["sync"]);
    let ours = |command: &[&str], code: i32, line: &str| {
        let output = own(&world.plakar, &[&["store"], command, &["@drive"]].concat());
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.code() == Some(code) && said.contains(line), "{command:?}: {said}");
    };
    ours(&["check", "--data"], 0, "1 restore point on every machine, of 4 states");
    ours(&["repair"], 0, "nothing to mend");
    assert!(world.plakar.ok(&["at", "@drive", "ls", "-uuid"]).contains(&id));

    // As on a store that lets a state be replaced: the copy is listed, and a part of its data is
    // nowhere.
    let drive = world.simulator.drive();
    let second = states(&world).into_iter().find(|path| !before.contains(path)).unwrap();
    drive.put_file(
        &format!("kloset/states/{removed}"),
        drive.read_file(&second).unwrap(),
        1_600_000_000,
    );
    drive.remove(&second);
    let tree = drive.tree();
    ours(&["check"], 0, "1 restore point on every machine, of 3 states");
    ours(&["check", "--data"], 1, "data is missing or damaged");
    // No other name of a state brings that back.
    ours(&["repair"], 0, "nothing to mend");
    assert!(drive.tree() == tree);
}
