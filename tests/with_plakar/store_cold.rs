//! A machine that has never seen a store, and what its first look costs.

use support::drive_store::{DriveStore, make_files};

const SNAPSHOTS: usize = 16;

/// Two processes of Plakar's open the store (a login, the folder by its path, its listing, `CONFIG`:
/// 4 calls each); one lists the states and reads them (4), the other lists the packfiles (1) and
/// reads the header of each snapshot (16). Logouts are not counted: one comes if there is time for
/// it, and that of the process which kept the cache of the first machine comes seconds after its
/// last command.
const MAX_CALLS: u64 = 29;

#[test]
fn the_first_list_of_16_snapshots_takes_few_calls() {
    let world = DriveStore::new();
    let plakar = &world.plakar;
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let folder = plakar.home().join("files");
    make_files(&folder, 3, 2_000);
    for n in 0..SNAPSHOTS {
        std::fs::write(folder.join("changing"), format!("version {n}")).unwrap();
        plakar.ok(&["-quiet", "at", "@drive", "backup", folder.to_str().unwrap()]);
    }
    let other = world.another_machine();
    world.simulator.reset_calls();
    let listed = other.ok(&["at", "@drive", "ls"]);
    assert_eq!(listed.lines().count(), SNAPSHOTS, "{listed}");
    let calls = world.simulator.calls();
    assert_eq!(calls.of("download/all"), 1, "{calls:?}");
    assert!(calls.total - calls.of("session/logout") <= MAX_CALLS, "{calls:?}");
}
