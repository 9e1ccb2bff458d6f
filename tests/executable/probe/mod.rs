//! `plakar-opendrive probe` on a simulated drive: what holds, what does not, what is printed, and
//! that nothing stays.

mod ending;
mod printing;
mod verdicts;

use opendrive_sim::{Answer, Behaviour, Fault, Options, Simulator, What};
use serde_json::{Value, json};
use support::command::{Outcome, Person};

const SCRATCH: &str = "plakar-opendrive-probe-";

/// A drive with a folder `Documents` of somebody's, and a home.
struct World {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(Behaviour::default())
    }

    fn with(behaviour: Behaviour) -> Self {
        let simulator = Simulator::start(Options { behaviour, ..Options::default() }).unwrap();
        simulator.drive().put_file("Documents/letter.txt", b"Dear all,\n".to_vec(), 1_700_000_000);
        Self { simulator, home: tempfile::tempdir().unwrap() }
    }

    fn faulty(faults: Vec<Fault>) -> Self {
        let world = Self::new();
        world.simulator.set_faults(faults);
        world
    }

    fn person(&self) -> Person<'_> {
        Person { simulator: &self.simulator, home: self.home.path() }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.person().run(&[&["probe", "opendrive://Documents"], arguments].concat())
    }

    /// Asks questions, and gives the report and the exit status.
    fn report(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let outcome = self.run(&[&["--json"], arguments].concat());
        let report = serde_json::from_slice(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", outcome.text()));
        (report, outcome.code)
    }

    /// That the drive is as it was.
    fn is_tidy(&self) {
        let tree: Vec<String> = self.simulator.drive().tree().into_keys().collect();
        assert_eq!(tree, ["Documents", "Documents/letter.txt"]);
        assert_eq!(
            self.simulator.drive().read_file("Documents/letter.txt").unwrap(),
            b"Dear all,\n"
        );
    }
}

fn row(report: &Value, point: u64) -> &Value {
    let rows = report["points"].as_array().unwrap();
    rows.iter()
        .find(|row| row["point"] == point)
        .unwrap_or_else(|| panic!("no point {point}: {report:#}"))
}

/// Asks one question, and checks the verdict, what is said, the exit status, and that nothing
/// stays.
fn verdict(world: &World, point: u64, verdict: &str, found: &str) {
    let (report, code) = world.report(&["--yes", "--only", &point.to_string()]);
    let row = row(&report, point);
    assert!(row["verdict"] == verdict && row["found"].as_str().unwrap().contains(found), "{row:#}");
    let status = match verdict {
        "differs" => 1,
        "unclear" => 6,
        _ => 0,
    };
    assert_eq!(code, Some(status), "{report:#}");
    assert_eq!((&report["scratch"]["removed"], &report["complete"]), (&json!(true), &json!(true)));
    assert!(!row["answers"].as_array().unwrap().is_empty(), "{row:#}");
    world.is_tidy();
    assert_eq!(world.simulator.unused_faults(), []);
}

/// An answer that the drive would not give.
fn planted(answer: &Value) -> What {
    What::Answer(Answer::new(answer.to_string()))
}
