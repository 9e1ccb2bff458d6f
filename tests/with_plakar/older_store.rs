//! A store that Plakar 1.0 has made, here by its engine, and what Plakar 1.1 does to it: the first state
//! that it puts shuts 1.0 out for good. So it is warned of before.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use support::drive_store::DriveStore;
use support::engine_1_0::{Said, run_engine};
use support::executable;
use support::plakar::Outcome;

/// Somebody with Plakar 1.0 and the store of [`DriveStore`].
struct Older<'a> {
    world: &'a DriveStore,
    home: TempDir,
}

impl<'a> Older<'a> {
    fn new(world: &'a DriveStore, files: &Path) -> Self {
        let older = Self { world, home: tempfile::tempdir().unwrap() };
        let simulator = &world.simulator;
        let local = |path: &Path| json!({"location": format!("rclone://{}", path.display()), "rclone_type": "local"});
        let settings = json!({
            "Plugin": [executable(), "--plakar-api", "v1.0"],
            "Cache": older.home.path().join("cache"),
            "Concurrency": 4,
            "Source": local(files),
            "Destination": local(&older.home.path().join("restored")),
            "Store": {"location": "opendrive://kloset", "username": simulator.username(), "password": simulator.password()},
        });
        std::fs::write(older.home.path().join("settings"), settings.to_string()).unwrap();
        older
    }

    fn run(&self, command: &str) -> Said {
        let home = self.home.path();
        run_engine(&home.join("settings"), &self.world.simulator, home, &[command])
    }

    fn ok(&self, command: &str) {
        let said = self.run(command);
        assert!(said.ok && !warned(&said.errors), "{command}: {}", said.errors);
    }
}

fn warned(text: &str) -> bool {
    text.contains("all states of this store are of an older Plakar (version 1.0.0), and this Plakar puts newer ones (1.1.0)")
}

#[test]
fn the_backup_that_shuts_plakar_1_0_out_is_warned_of_before() {
    let world = DriveStore::new();
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("letter"), "Dear all").unwrap();
    let older = Older::new(&world, files.path());
    older.ok("create");
    older.ok("backup");
    older.ok("backup");

    let ends = |outcome: Outcome, warns: bool| {
        assert!(outcome.code == Some(0) && warned(&outcome.text()) == warns, "{}", outcome.text());
    };
    let plakar = &world.plakar;
    let backup = ["at", "@drive", "backup", files.path().to_str().unwrap()];
    // Whoever reads harms nobody.
    ends(plakar.run(&["at", "@drive", "ls"]), false);
    ends(plakar.run(&["at", "@drive", "check"]), false);
    older.ok("backup");
    ends(plakar.run(&backup), true);
    let shut_out = older.run("backup");
    assert!(
        !shut_out.ok && shut_out.errors.contains("is newer than current version"),
        "{}",
        shut_out.errors
    );
    // Nothing can be saved any more, so nothing is said.
    ends(plakar.run(&backup), false);
    // Another machine sees both, the older ones last.
    ends(world.another_machine().run(&backup), false);
}

#[test]
fn a_machine_that_has_never_seen_the_store_is_warned_by_its_first_backup() {
    let world = DriveStore::new();
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("letter"), "Dear all").unwrap();
    let older = Older::new(&world, files.path());
    older.ok("create");
    older.ok("backup");
    let outcome = world.plakar.run(&["at", "@drive", "backup", files.path().to_str().unwrap()]);
    assert!(outcome.code == Some(0) && warned(&outcome.text()), "{}", outcome.text());
}
