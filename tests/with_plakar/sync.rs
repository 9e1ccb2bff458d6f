//! End to end: what is copied to a store on the drive is there for every machine, not only for the
//! one that copied it.

use std::path::Path;

use support::drive_store::{DriveStore, make_files, tree};
use support::plakar::Plakar;

/// The ids that `ls` shows.
fn listed(plakar: &Plakar) -> Vec<String> {
    let mut ids: Vec<String> = plakar
        .ok(&["at", "@drive", "ls"])
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .collect();
    ids.sort();
    ids
}

/// Plakar names the state of a copied snapshot after the snapshot, and copies one that was removed
/// anew each time: the second state of that name must not take the place of the first, from which
/// all later ones descend (kloset v1.1.3, `TopoSort`).
#[test]
fn a_copy_from_which_snapshots_were_removed_is_whole_on_every_machine() {
    let world = DriveStore::new();
    let plakar = &world.plakar;
    let local = plakar.path("local");
    plakar.ok(&["at", &local, "create", "-plaintext"]);
    plakar.ok(&["at", "@drive", "create", "-plaintext"]);
    let files = plakar.home().join("files");
    make_files(&files, 20, 20_000);
    let files = files.to_str().unwrap();

    let first = plakar.backup(&local, files);
    plakar.ok(&["at", &local, "sync", "to", "@drive"]);
    std::fs::write(Path::new(files).join("new"), "more").unwrap();
    let second = plakar.backup(&local, files);
    plakar.ok(&["at", &local, "sync", "to", "@drive"]);
    plakar.ok(&["at", "@drive", "rm", "-apply", &first]);
    for night in 0..3 {
        plakar.ok(&["at", &local, "sync", "to", "@drive"]);
        let mut wanted = vec![second.clone()];
        if night == 2 {
            // The chain goes on from what was copied last.
            wanted.push(plakar.backup("@drive", files));
            wanted.sort();
        }
        assert_eq!(listed(plakar), wanted, "here, night {night}");
        let other = world.another_machine();
        assert_eq!(listed(&other), wanted, "elsewhere, night {night}");
        other.ok(&["at", "@drive", "check"]);
        for (number, id) in wanted.iter().enumerate() {
            let restored = other.path(&format!("restored{number}"));
            other.ok(&["at", "@drive", "restore", "-to", &restored, id]);
            assert!(tree(Path::new(&restored)) == tree(Path::new(files)), "night {night}: {id}");
        }
    }
    // Space is freed, and nothing else with it.
    plakar.ok(&["at", "@drive", "maintenance"]);
    world.another_machine().ok(&["at", "@drive", "check"]);
}
