//! What a backup leaves out without being an error: the real Plakar, and what it shows of it.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::common::plakar::{Outcome, Plakar};
use opendrive_sim::{Options, Simulator};
use serde_json::{Value, json};

struct World {
    simulator: Simulator,
    plakar: Plakar,
    store: String,
}

impl World {
    fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let plakar = Plakar::new(&simulator.env());
        let store = plakar.path("store");
        plakar.ok(&["at", &store, "create", "-plaintext"]);
        Self { simulator, plakar, store }
    }

    fn import(&self, source: &Value) {
        let outcome = self.plakar.run_with_input(&["source", "import", "-overwrite"], json!({"it": source}).to_string().as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    fn drive(&self, location: &str) {
        self.import(&json!({"location": location, "username": self.simulator.username(), "password": self.simulator.password()}));
    }

    fn backup(&self, options: &[&str]) -> Outcome {
        self.plakar.run(&[&["-quiet", "at", &self.store, "backup"], options, &["@it"]].concat())
    }
}

#[test]
fn a_pattern_that_drops_everything_is_said() {
    let world = World::new();
    world.simulator.drive().put_file("Documents/a.txt", b"a".to_vec(), 1);
    world.simulator.drive().put_file("Documents/deep/b.txt", b"b".to_vec(), 1);
    world.drive("opendrive:///Documents");
    for pattern in ["Documents", "/Documents", "**/Documents", "*"] {
        let text = world.backup(&["-ignore", pattern]).text();
        assert!(text.contains("with 1 error") && !text.contains("without errors"), "{pattern}: {text}");
        assert!(text.contains("patterns count from the root of the drive"), "{pattern}: {text}");
        assert!(text.contains("nothing is saved but the folder itself: -ignore leaves out all that is in it, 3 of 3"), "{pattern}: {text}");
    }
    // Somebody may mean that.
    for pattern in ["/Documents/*", "Documents/**/*"] {
        let text = world.backup(&["-ignore", pattern]).text();
        assert!(text.contains("without errors") && text.contains("nothing is saved but the folder itself"), "{pattern}: {text}");
    }
    for pattern in ["documents", "*.txt", "deep", "/deep", "*.doc"] {
        let text = world.backup(&["-ignore", pattern]).text();
        assert!(text.contains("without errors") && !text.contains("nothing is saved"), "{pattern}: {text}");
    }
    // The root itself is never dropped, and an error there is none to Plakar.
    world.drive("opendrive://");
    let text = world.backup(&["-ignore", "*"]).text();
    assert!(text.contains("nothing is saved but the folder itself: -ignore leaves out all that is in it, 4 of 4"), "{text}");
}

#[test]
fn what_is_no_file_on_a_local_remote_is_counted() {
    let world = World::new();
    let folder = world.plakar.path("folder");
    std::fs::create_dir_all(format!("{folder}/deep")).unwrap();
    std::fs::write(format!("{folder}/file"), "x").unwrap();
    symlink("file", format!("{folder}/link")).unwrap();
    symlink("../file", format!("{folder}/deep/link")).unwrap();
    assert!(Command::new("mkfifo").arg(format!("{folder}/deep/pipe")).status().unwrap().success());
    let local = |options: &[(&str, &str)]| {
        let mut source = json!({"location": format!("rclone://{folder}"), "rclone_type": "local"});
        options.iter().for_each(|(key, value)| source[*key] = json!(value));
        world.import(&source);
        world.backup(&[]).text()
    };
    let text = local(&[]);
    assert!(
        text.contains("without errors") && text.contains("not saved, because they are no files: 2 symbolic links, 1 named pipe"),
        "{text}"
    );
    assert!(text.contains("rclone_copy_links=true saves what links lead to, rclone_links=true the links"), "{text}");
    for option in ["rclone_links", "rclone_copy_links"] {
        let text = local(&[(option, "true")]);
        assert!(text.contains("not saved, because they are no files: 1 named pipe, the first of them"), "{option}: {text}");
        assert!(!text.contains("symbolic"), "{option}: {text}");
    }
    std::fs::remove_file(format!("{folder}/deep/pipe")).unwrap();
    assert!(!local(&[("rclone_links", "true")]).contains("not saved"));
}
