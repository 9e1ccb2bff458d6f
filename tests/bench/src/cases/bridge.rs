//! The bridge by itself: bytes, calls, start-up.

use std::collections::HashMap;
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plakar_opendrive::plugin::v1_1::proto::importer::InitRequest;
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::rclone::{Rclone, Remote, RemoteConfig};
use support_plugin::plugin::Plugin;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::bench::{Bench, Case, drain};
use crate::figures::{Sample, Who};

pub fn all(bench: &mut Bench) {
    reading(bench);
    calls(bench);
    start_up(bench);
}

/// A file of holes, which reads like zeros from the page cache: no disk is measured.
fn reading(bench: &mut Bench) {
    const SIZE: u64 = 4 << 30;
    let case =
        Case::new("local file of 4 GiB, through a pipe or the bridge", Duration::ZERO).bytes(SIZE);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("large");
    File::create(&file).unwrap().set_len(SIZE).unwrap();
    // The first to read it would pay for the page cache.
    drain(&mut File::open(&file).unwrap());
    let runtime = Runtime::new().unwrap();
    let object = runtime.block_on(async {
        let remote = Remote::open(&RemoteConfig::new("local", folder.path().to_str().unwrap()))
            .await
            .unwrap();
        remote.stat("large").await.unwrap().object.unwrap()
    });
    for _ in 0..bench.rounds() {
        for who in [Who::Cat, Who::Rclone, Who::Plugin] {
            let start = Instant::now();
            let count = match who {
                Who::Plugin => runtime.block_on(async {
                    let mut reader = object.read(0, None).await.unwrap();
                    let mut count = 0;
                    while let Some(chunk) = reader.chunk().await.unwrap() {
                        count += chunk.len() as u64;
                    }
                    count
                }),
                _ => {
                    let mut command = if who == Who::Cat {
                        Command::new("cat")
                    } else {
                        Command::new(&bench.tools.rclone)
                    };
                    if who == Who::Rclone {
                        command.arg("cat").env("RCLONE_CONFIG", "/dev/null");
                    }
                    let mut child = command.arg(&file).stdout(Stdio::piped()).spawn().unwrap();
                    let count = drain(&mut child.stdout.take().unwrap());
                    assert!(child.wait().unwrap().success());
                    count
                }
            };
            assert_eq!(count, SIZE);
            bench.note(case, who, Sample { time: start.elapsed(), ..Sample::default() });
        }
    }
}

/// What a control call costs, JSON and both runtimes included.
fn calls(bench: &mut Bench) {
    const CALLS: u32 = 10_000;
    for method in ["rc/noop", "bridge/stats"] {
        let input = serde_json::json!({});
        let run = || {
            let start = Instant::now();
            for _ in 0..CALLS {
                let _: serde_json::Value = Rclone::get().rpc_blocking(method, &input).unwrap();
            }
            start.elapsed()
        };
        let times = (0..bench.rounds()).map(|_| run());
        let per_call = median(times) / CALLS;
        bench.figures.fact(
            &format!("control call {method}"),
            format!("{:.1} µs", per_call.as_secs_f64() * 1e6),
        );
    }
}

/// From the start of the executable to its answer of Init on a remote that needs no network.
fn start_up(bench: &mut Bench) {
    let runtime = Runtime::new().unwrap();
    let config = HashMap::from([
        ("location".to_owned(), "rclone://".to_owned()),
        ("rclone_type".to_owned(), "memory".to_owned()),
    ]);
    let run = || {
        runtime.block_on(async {
            let start = Instant::now();
            let plugin = Plugin::start("importer", &[]).await;
            let request =
                InitRequest { options: None, proto: "rclone".into(), config: config.clone() };
            ImporterClient::new(plugin.channel.clone()).init(request).await.unwrap();
            start.elapsed()
        })
    };
    let time = median((0..20).map(|_| run()));
    bench.figures.fact(
        "start of the executable to its answer of Init",
        format!("{:.0} ms", time.as_secs_f64() * 1e3),
    );
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}
