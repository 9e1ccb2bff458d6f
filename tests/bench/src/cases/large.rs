//! One file of 2 GB, beside the real rclone on the same drive.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use opendrive_sim::{Options, Simulator, generated_bytes};
use tempfile::TempDir;

use super::import::{Reads, import};
use crate::bench::{Bench, Case, Contestant, PASSWORD, completed, drain};
use crate::figures::{Sample, Who, names};
use crate::relay;

const SIZE: u64 = 2_000_000_000;

/// Bytes per second of a line that is fast for a drive and slow for a processor.
const LINE: f64 = 100e6;

type Environment = Vec<(String, String)>;

pub fn one_file(bench: &mut Bench) {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.drive().put_generated("large", SIZE, 1, 1_700_000_000);
    // The drive knows its hash from now on; computing it takes seconds.
    simulator.drive().tree();

    // The same bytes on the local disk, for what Plakar itself can take.
    let folder = TempDir::new().unwrap();
    write_file(&folder.path().join("large"));
    let case = Case::new(names::LARGE, Duration::ZERO).bytes(SIZE);
    let mut contestants = bench.contestants(Some(&simulator));
    contestants.push(bench.plakar_alone());
    contestants.push(bench.bare_source(1, SIZE));
    for _ in 0..bench.rounds() {
        round(bench, case, &simulator, &simulator.env(), &mut contestants, folder.path());
    }
    drop((contestants, folder));

    let address = relay::start(simulator.address(), LINE).unwrap();
    let mut environment: Environment = simulator.env();
    for (name, value) in &mut environment {
        if name == "HTTPS_PROXY" {
            *value = format!("http://{address}");
        }
    }
    let case = Case::new(names::LINE, Duration::ZERO).bytes(SIZE);
    let mut contestants = bench.contestants_with(&environment);
    // What the line decides varies little.
    round(bench, case, &simulator, &environment, &mut contestants, Path::new(""));
}

/// Each contestant once, then our executable without Plakar, then rclone.
fn round(
    bench: &mut Bench,
    case: Case,
    simulator: &Simulator,
    environment: &Environment,
    contestants: &mut [Contestant],
    local: &Path,
) {
    for contestant in contestants {
        let store = contestant.local_store("store");
        let (source, drive) = match contestant.who {
            Who::Plakar => (local.to_str().unwrap(), None),
            Who::Bare => ("@drive", None),
            _ => {
                contestant.configure("source", "");
                ("@drive", Some(simulator))
            }
        };
        let text =
            bench.measure(case, contestant, drive, &["-quiet", "at", &store, "backup", source]);
        if text.is_some_and(|text| completed(&text).is_none()) {
            bench.fail(case, contestant.who, contestant, "the backup has errors");
        }
        contestant.remove("store");
    }
    let (sample, bytes) = import(simulator, environment, Reads::First(1));
    assert_eq!(bytes, SIZE);
    bench.note(case, Who::Plugin, sample);
    let sample = rclone_cat(bench, simulator, environment);
    bench.note(case, Who::Rclone, sample);
}

fn write_file(path: &Path) {
    let mut file = File::create(path).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < SIZE {
        let count = buffer.len().min((SIZE - offset) as usize);
        generated_bytes(1, offset, &mut buffer[..count]);
        file.write_all(&buffer[..count]).unwrap();
        offset += count as u64;
    }
}

/// The real rclone, its output thrown away.
fn rclone_cat(bench: &Bench, simulator: &Simulator, environment: &Environment) -> Sample {
    simulator.reset_calls();
    let start = Instant::now();
    let mut child = Command::new(&bench.tools.rclone)
        .args(["cat", ":opendrive:large"])
        .env("RCLONE_CONFIG", "/dev/null")
        .env("RCLONE_OPENDRIVE_USERNAME", simulator.username())
        .env("RCLONE_OPENDRIVE_PASSWORD", PASSWORD)
        .envs(environment.iter().cloned())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let count = drain(&mut child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success() && count == SIZE, "rclone cat gave {count} bytes");
    Sample { time: start.elapsed(), calls: Some(simulator.calls()), ..Sample::default() }
}
