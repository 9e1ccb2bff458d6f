//! Figures of the source: run with `make bench`. Nothing here asserts a time; what is bounded is memory.

mod common;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use common::place::Place;
use common::plugin::Plugin;
use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{ImportRequest, InitRequest, OpenRequest};
use plakar_opendrive::rclone::{Remote, RemoteConfig};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

fn init(config: HashMap<String, String>) -> InitRequest {
    InitRequest { options: None, proto: "rclone".into(), config }
}

/// Says a figure; standard error, because standard output is captured by the test runner.
fn say(line: &str) {
    eprintln!("bench: {line}");
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn init_against_memory() {
    let config = HashMap::from([("location".to_owned(), "rclone://".to_owned()), ("rclone_type".to_owned(), "memory".to_owned())]);
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let plugin = Plugin::start("importer", &[]).await;
        ImporterClient::new(plugin.channel.clone()).init(init(config.clone())).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    say(&format!(
        "start-up to the answer of Init on :memory:: median {:?}, worst {:?} of {} (limit 50 ms)",
        times[10],
        times[19],
        times.len()
    ));
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn reading_a_local_remote_against_cat() {
    const SIZE: u64 = 4 << 30;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("large");
    // Holes read like zeros from the page cache; no disk is measured.
    std::fs::File::create(&file).unwrap().set_len(SIZE).unwrap();
    let remote = Remote::open(&RemoteConfig::new("local", folder.path().to_str().unwrap())).await.unwrap();
    let object = remote.stat("large").await.unwrap().object.unwrap();
    let (mut cat, mut bridge) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let start = Instant::now();
        // Through a pipe, as anybody would read it: cat alone copies within the kernel.
        let mut child = std::process::Command::new("cat").arg(&file).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        let count = std::io::copy(&mut pipe, &mut Discard(vec![0; 1 << 20])).unwrap();
        assert_eq!(count, SIZE);
        child.wait().unwrap();
        cat.push(start.elapsed());

        let start = Instant::now();
        let mut reader = object.read(0, None).await.unwrap();
        let mut count = 0;
        while let Some(chunk) = reader.chunk().await.unwrap() {
            count += chunk.len() as u64;
        }
        assert_eq!(count, SIZE);
        bridge.push(start.elapsed());
    }
    let speed = |times: &mut Vec<Duration>| {
        times.sort();
        SIZE as f64 / times[times.len() / 2].as_secs_f64() / 1e6
    };
    let (cat, bridge) = (speed(&mut cat), speed(&mut bridge));
    say(&format!(
        "local remote through the bridge {bridge:.0} MB/s, cat into a pipe {cat:.0} MB/s: ratio {:.2} (at least 0.5)",
        bridge / cat
    ));
}

/// Takes bytes and copies them once, as a reader of a pipe does.
struct Discard(Vec<u8>);

impl std::io::Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = bytes.len().min(self.0.len());
        self.0[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn memory_over_a_hundred_thousand_files() {
    let place = Place::drive();
    for n in 0..100_000 {
        place.simulator().drive().put_file(
            &format!("folder{:03}/file{n:06} with a name of usual length.dat", n % 1000),
            b"x".to_vec(),
            1_700_000_000,
        );
    }
    for reads in [0, 2_000] {
        let plugin = Plugin::start("importer", &[]).await;
        let mut client = ImporterClient::new(plugin.channel.clone());
        client.init(init(place.config(""))).await.unwrap();
        let (results, requests) = mpsc::channel(1);
        let start = Instant::now();
        let mut answers = client.import(ReceiverStream::new(requests)).await.unwrap().into_inner();
        let (mut count, mut files) = (0, 0);
        while let Some(record) = answers.message().await.unwrap().unwrap().record {
            count += 1;
            if record.has_reader && files < reads {
                files += 1;
                let asked = Record { pathname: record.pathname.clone(), ..Default::default() };
                let mut chunks = client.open(OpenRequest { record: Some(asked) }).await.unwrap().into_inner();
                while chunks.message().await.unwrap().is_some() {}
            }
            let result = Outcome { header: Some(record), error: String::new() };
            results.send(ImportRequest { result: Some(result) }).await.unwrap();
        }
        let peak = plugin.peak_memory();
        let took = start.elapsed();
        say(&format!("{count} records of 1,000 folders, {files} files read: {took:?}, peak {} MiB (limit 128)", peak >> 20));
        assert!(peak <= 128 << 20, "{peak} bytes");
    }
}
