//! Memory must not grow with the number of files or their size; nothing here is about time.

use std::time::{Duration, Instant};

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_1::proto::exporter::ExportRequest;
use support_plugin::export::{Exporter, send_file, send_folder};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Sender;

use super::import::{Reads, import};
use crate::bench::{Bench, Case};
use crate::figures::{Sample, Who};

pub fn all(bench: &mut Bench) {
    many_files_listed(bench);
    export(bench, "restore of one file of 5 GB", Duration::ZERO, 1, async |sender| {
        send_file(sender, "/large", 5_000_000_000, 1).await
    });
    export(
        bench,
        "restore of 40 x 1 MiB and 40 x 25 MB",
        Duration::from_millis(100),
        80,
        async |sender| {
            for n in 0..40 {
                send_file(sender, &format!("/small{n}"), 1 << 20, n).await;
                send_file(sender, &format!("/medium{n}"), 25_000_000, n).await;
            }
        },
    );
    if bench.tools.long {
        const FILES: u64 = 10_000;
        export(
            bench,
            "restore of 10,000 x 1 kB",
            Duration::ZERO,
            FILES + FILES / 1000,
            async |sender| {
                for n in 0..FILES {
                    if n % 1000 == 0 {
                        send_folder(sender, &format!("/f{:02}", n / 1000)).await;
                    }
                    send_file(sender, &format!("/f{:02}/{n}", n / 1000), 1000, n).await;
                }
            },
        );
    }
}

fn many_files_listed(bench: &mut Bench) {
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    for n in 0..100_000 {
        let path = format!("folder{:03}/file{n:06} with a name of usual length.dat", n % 1000);
        simulator.drive().put_file(&path, b"x".to_vec(), 1_700_000_000);
    }
    let (sample, _) = import(&simulator, &simulator.env(), Reads::First(2_000));
    bench.note(
        Case::new("100,000 files listed, 2,000 read", Duration::ZERO).depth(3),
        Who::Plugin,
        sample,
    );
}

/// Sends files and folders to our executable as Plakar does; `count` of them must be stored.
fn export(
    bench: &mut Bench,
    name: &str,
    latency: Duration,
    count: u64,
    feed: impl AsyncFnOnce(&Sender<ExportRequest>),
) {
    let simulator = Simulator::start(Options {
        latency,
        discard_uploads: true,
        log_calls: false,
        ..Options::default()
    })
    .unwrap();
    let sample = Runtime::new().unwrap().block_on(async {
        let start = Instant::now();
        let mut exporter = Exporter::start(&simulator, "", &[]).await;
        let exported = exporter.export(feed).await;
        if exported.stored != count {
            bench.figures.failures.push(format!(
                "{name}: {} of {count} stored: {:?}",
                exported.stored,
                exported.failed.first()
            ));
        }
        Sample {
            time: start.elapsed(),
            calls: Some(simulator.calls()),
            peak: Some(exporter.plugin.peak_memory()),
            ..Sample::default()
        }
    });
    bench.note(Case::new(name, latency).depth(1), Who::Plugin, sample);
}
