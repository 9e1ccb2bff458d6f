//! A store on a simulated drive, beside one on the local disk, and a user of both.

use std::path::Path;
use std::time::{Duration, Instant};

use opendrive_sim::{Calls, Options, Simulator};

use crate::noise;
use crate::plakar::{Outcome, Plakar};

/// See the module.
pub struct DriveStore {
    /// The drive.
    pub simulator: Simulator,
    /// The user.
    pub plakar: Plakar,
}

/// What one command took.
#[derive(Debug)]
pub struct Cost {
    /// From its start to its end.
    pub time: Duration,
    /// What it asked of the drive.
    pub calls: Calls,
}

impl DriveStore {
    /// A user with a store `drive` configured at `opendrive://kloset`; nothing is made there yet.
    #[expect(clippy::new_without_default, reason = "it starts a server")]
    pub fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let plakar = Plakar::new(&simulator.env());
        let world = Self { simulator, plakar };
        world.configure(&world.plakar, serde_json::json!({}));
        world
    }

    /// Configures the store for a user, with more options.
    pub fn configure(&self, plakar: &Plakar, more: serde_json::Value) {
        let mut options = serde_json::json!({
            "location": "opendrive://kloset", "username": self.simulator.username(), "password": self.simulator.password(),
        });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = serde_json::json!({ "drive": options }).to_string();
        let outcome = plakar.run_with_input(&["store", "import", "-overwrite"], config.as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    /// A user on another machine: nothing is known there but where the store is.
    pub fn another_machine(&self) -> Plakar {
        let other = Plakar::new(&self.simulator.env());
        self.configure(&other, serde_json::json!({}));
        other
    }

    /// Runs a command on the store that must succeed, and tells what it took.
    pub fn cost(&self, arguments: &[&str]) -> (Outcome, Cost) {
        self.simulator.reset_calls();
        let start = Instant::now();
        let outcome = self.plakar.run(arguments);
        let cost = Cost { time: start.elapsed(), calls: self.simulator.calls() };
        assert_eq!(outcome.code, Some(0), "plakar {arguments:?}: {}", outcome.text());
        (outcome, cost)
    }
}

/// Makes a tree of files of noise, each of `size` bytes, a hundred in each folder.
pub fn make_files(folder: &Path, count: usize, size: usize) {
    for number in 0..count {
        let path = folder.join(format!("folder{:03}/file{number:05}.dat", number / 100));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, noise(number as u64 + 1, size)).unwrap();
    }
}

/// All files below a folder by their relative path.
pub fn tree(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
