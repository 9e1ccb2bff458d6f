//! It goes when Plakar goes or a signal comes, and nothing half-written stays.

use std::io::Write;
use std::process::Stdio;

use opendrive_sim::{Fault, What};
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::importer::OpenRequest;
use support::{executable, noise, until};
use support_plugin::export::{Exporter, begin_file, send_chunk, send_file};
use support_plugin::plugin::{Ended, Plugin};

use super::{HANG, LOCK, PACKFILE, importer, put, resources, simulator, storage};

/// Far longer than a test takes: what it delays is not answered.
const NEVER: What = What::Delay { ms: 600_000 };

/// How a process is made to leave.
#[derive(Debug, Clone, Copy)]
enum Leave {
    HangUp,
    Signal(&'static str, i32),
}

const WAYS: [Leave; 3] = [Leave::HangUp, Leave::Signal("TERM", 143), Leave::Signal("INT", 130)];

impl Leave {
    async fn apply(self, plugin: Plugin) -> Ended {
        match self {
            Self::HangUp => plugin.hang_up().await,
            Self::Signal(name, _) => plugin.signal(name).await,
        }
    }

    fn check(self, (status, stderr): &Ended) {
        match self {
            Self::HangUp => assert!(status.success() && stderr.is_empty(), "{status} {stderr}"),
            Self::Signal(name, code) => {
                assert_eq!(status.code(), Some(code), "{name}: {stderr}");
                let line = format!(
                    "plakar-opendrive: ended by SIG{name}; what was under way is not complete\n"
                );
                assert_eq!(*stderr, line);
            }
        }
    }
}

#[tokio::test]
async fn an_import_with_downloads_in_flight_is_left_at_once() {
    for way in WAYS {
        let simulator = simulator();
        for n in 0..8 {
            simulator.drive().put_file(&format!("base/file{n}"), noise(n, 300_000), 1_700_000_000);
        }
        simulator.add_fault(Fault::new(NEVER).endpoint("download/file").always());
        let (plugin, client, import) = importer(&simulator, &[]).await;
        let reads: Vec<_> = (0..4)
            .map(|n| {
                let mut client = client.clone();
                let record = Record { pathname: format!("/base/file{n}"), ..Default::default() };
                tokio::spawn(async move {
                    client.open(OpenRequest { record: Some(record) }).await.map(drop)
                })
            })
            .collect();
        until(HANG, "a download", || simulator.calls().of("download/file") >= 4).await;
        if let Leave::HangUp = way {
            reads.iter().for_each(|read| read.abort());
        }
        drop((client, import));
        way.check(&way.apply(plugin).await);
        for read in reads {
            // Nobody is told of success.
            assert!(!matches!(read.await, Ok(Ok(()))), "{way:?}");
        }
    }
}

#[tokio::test]
async fn an_export_with_uploads_in_flight_is_taken_back() {
    for way in WAYS {
        let simulator = simulator();
        simulator.add_fault(Fault::new(NEVER).endpoint("upload/upload_file_chunk").always());
        let mut exporter = Exporter::start(&simulator, "base", &[]).await;
        let export = exporter.export(async |sender| {
            // One that is whole, one of which more has come than its upload has taken, and a stream
            // that stays open. A client of which even more is waited for would keep the connection
            // until the rest has gone, which it never does.
            send_file(sender, "/small", 50_000, 1).await;
            begin_file(sender, "/large", 30_000_000).await;
            for n in 0..18 {
                send_chunk(sender, noise(n, 1 << 20)).await;
            }
            std::future::pending().await
        });
        let in_flight =
            until(HANG, "an upload", || simulator.calls().of("upload/upload_file_chunk") >= 2);
        tokio::select! {
            _ = export => panic!("the export ended"),
            () = in_flight => {}
        }
        way.check(&way.apply(exporter.into_plugin()).await);
        let tree = simulator.drive().tree();
        assert_eq!(tree.into_keys().collect::<Vec<_>>(), ["base"], "{way:?}");
    }
}

#[tokio::test]
async fn puts_that_take_too_long_are_taken_back_and_locks_go() {
    for way in WAYS {
        let simulator = simulator();
        let (plugin, client) = storage(&simulator, "true", &[]).await;
        put(client.clone(), 1, LOCK, b"a lock".to_vec()).await.unwrap();
        simulator.add_fault(Fault::new(NEVER).endpoint("upload/upload_file_chunk").always());
        let puts: Vec<_> = (2..5)
            .map(|n| {
                tokio::spawn(put(client.clone(), n, i32::from(n) - 1, noise(n.into(), 100_000)))
            })
            .collect();
        let before = simulator.calls().of("upload/upload_file_chunk");
        until(HANG, "the uploads", || {
            simulator.calls().of("upload/upload_file_chunk") == before + 3
        })
        .await;
        if let Leave::HangUp = way {
            puts.iter().for_each(|put| put.abort());
        }
        drop(client);
        way.check(&way.apply(plugin).await);
        for put in puts {
            assert!(!matches!(put.await, Ok(Ok(_))), "{way:?}");
        }
        assert_eq!(resources(&simulator), [""; 0], "{way:?}");
    }
}

#[tokio::test]
async fn a_drive_that_answers_nothing_holds_nobody() {
    for way in WAYS {
        let simulator = simulator();
        let (plugin, client) = storage(&simulator, "true", &[]).await;
        put(client.clone(), 1, LOCK, b"a lock".to_vec()).await.unwrap();
        simulator.add_fault(Fault::new(NEVER).always());
        let before = simulator.calls().total;
        let put = tokio::spawn(put(client.clone(), 2, PACKFILE, noise(2, 100_000)));
        until(HANG, "the upload", || simulator.calls().total > before).await;
        if let Leave::HangUp = way {
            put.abort();
        }
        drop(client);
        way.check(&way.apply(plugin).await);
        drop(put);
    }
}

#[tokio::test]
async fn a_plakar_that_reads_no_more_ends_it_without_a_crash() {
    for connector in ["importer", "exporter", "storage"] {
        let mut child = std::process::Command::new(executable())
            .arg(connector)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // The client's first words in HTTP/2: connection preface and empty settings. They must be
        // answered.
        let mut stdin = child.stdin.take().unwrap();
        // It may have met the pipe without a reader before, and be gone.
        let _ = stdin.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        let mut ended = None;
        until(HANG, "the end", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        let stderr = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(
            ended.unwrap().code().is_some() && !stderr.contains("panic"),
            "{connector}: {ended:?} {stderr}"
        );
        drop(stdin);
    }
}
