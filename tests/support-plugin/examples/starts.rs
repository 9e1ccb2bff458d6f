//! How long executables take from their start to the answer of Init, and what they hold two seconds later, in one run: starts
//! EXECUTABLE... `make test-all-backends` compares the one with all backends with the slim one.

#![allow(clippy::print_stdout)] // Its output is for people.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use plakar_opendrive::plugin::v1_1::proto::importer::InitRequest;
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use support_plugin::plugin::Plugin;

/// Number of times that each is started, in turns.
const ROUNDS: usize = 25;

/// How long after a start its memory is looked at: it has settled then.
const IDLE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let programs: Vec<String> = std::env::args().skip(1).collect();
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..ROUNDS {
        for (program, times) in programs.iter().zip(&mut times) {
            let (plugin, time) = start(program).await;
            times.push(time);
            plugin.hang_up().await;
        }
    }
    for (program, mut times) in programs.iter().zip(times) {
        times.sort_unstable();
        let (plugin, _) = start(program).await;
        tokio::time::sleep(IDLE).await;
        let (resident, own) = memory(plugin.child.id().unwrap());
        plugin.hang_up().await;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{program}: start to Init {:.1} ms (median; least {:.1} ms), idle {:.1} MiB resident, {:.1} MiB of them its own",
            ms(times[ROUNDS / 2]),
            ms(times[0]),
            resident as f64 / 1024.0,
            own as f64 / 1024.0,
        );
    }
}

/// Starts it as Plakar does, on a remote that needs no network.
async fn start(program: &str) -> (Plugin, Duration) {
    let config = [("location", "rclone://"), ("rclone_type", "memory")];
    let config: HashMap<_, _> =
        config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let begun = Instant::now();
    let plugin = Plugin::start_program(program, "importer").await;
    let request = InitRequest { options: None, proto: "rclone".into(), config };
    ImporterClient::new(plugin.channel.clone()).init(request).await.unwrap();
    (plugin, begun.elapsed())
}

/// What a process holds, and what of it is in no file and so shared with nobody, in KiB.
fn memory(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let figure = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (figure("VmRSS:"), figure("RssAnon:"))
}
