//! One file of 2 GB, beside the real rclone on the same drive.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use opendrive_sim::{Options, Simulator};
use tempfile::TempDir;

use super::import::import;
use crate::bench::{Bench, Case, PASSWORD, completed, drain};
use crate::figures::{Sample, Who};

const SIZE: u64 = 2_000_000_000;

pub fn one_file(bench: &mut Bench) {
    let latency = Duration::ZERO;
    let case = Case::new("one file of 2 GB", latency).bytes(SIZE);
    let simulator = Simulator::start(Options { latency, ..Options::default() }).unwrap();
    simulator.drive().put_generated("large", SIZE, 1, 1_700_000_000);
    // The drive knows its hash from now on; computing it takes seconds.
    simulator.drive().tree();
    // The same bytes on the local disk, for what Plakar itself can take.
    let folder = TempDir::new().unwrap();
    write_file(&folder.path().join("large"));
    let mut contestants = bench.contestants(Some(&simulator));
    contestants.push(bench.plakar_alone());
    for contestant in &contestants {
        contestant.configure("source", "");
    }
    for round in 0..bench.rounds() {
        for contestant in &mut contestants {
            let name = format!("store{round}");
            let store = contestant.local_store(&name);
            let (source, drive) = match contestant.who {
                Who::Plakar => (folder.path().to_str().unwrap(), None),
                _ => ("@drive", Some(&simulator)),
            };
            let text = bench.measure(case, contestant, drive, &["-quiet", "at", &store, "backup", source]);
            if text.is_some_and(|text| completed(&text).is_none()) {
                bench.fail(case, contestant.who, contestant, "the backup has errors");
            }
            contestant.remove(&name);
        }
        // What Plakar could get at most.
        let (sample, bytes) = import(&simulator, 1);
        assert_eq!(bytes, SIZE);
        bench.note(case, Who::Plugin, sample);
        let sample = rclone_cat(bench, &simulator);
        bench.note(case, Who::Rclone, sample);
    }
}

fn write_file(path: &std::path::Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < SIZE {
        let count = buffer.len().min((SIZE - offset) as usize);
        opendrive_sim::generated_bytes(1, offset, &mut buffer[..count]);
        file.write_all(&buffer[..count]).unwrap();
        offset += count as u64;
    }
}

/// The real rclone, its output thrown away.
fn rclone_cat(bench: &Bench, simulator: &Simulator) -> Sample {
    simulator.reset_calls();
    let start = Instant::now();
    let mut child = Command::new(&bench.tools.rclone)
        .args(["cat", ":opendrive:large"])
        .env("RCLONE_CONFIG", "/dev/null")
        .env("RCLONE_OPENDRIVE_USERNAME", simulator.username())
        .env("RCLONE_OPENDRIVE_PASSWORD", PASSWORD)
        .envs(simulator.env())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let count = drain(&mut child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success() && count == SIZE, "rclone cat gave {count} bytes");
    Sample { time: start.elapsed(), calls: Some(simulator.calls()), peak: None }
}
