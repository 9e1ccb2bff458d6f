//! The command line for people, on a simulated drive: what it prints, how it fails, and with which
//! status.

mod reading;
mod telling;

use opendrive_sim::{Options, Simulator};
use serde_json::Value;
use support::command::Person;

/// A drive with a folder `Documents`, and a home.
struct World {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let drive = simulator.drive();
        drive.put_file("Documents/letter.txt", b"Dear all,\n".to_vec(), 1_700_000_000);
        drive.put_file("Documents/deep/er/empty", Vec::new(), 1_700_000_001);
        drive.make_folder("Documents/hollow");
        Self { simulator, home: tempfile::tempdir().unwrap() }
    }

    fn person(&self) -> Person<'_> {
        Person { simulator: &self.simulator, home: self.home.path() }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}
