//! Conformance of the exporter: a gRPC client speaks to the executable over its pipes.

use std::collections::HashMap;
use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_1::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_1::proto::exporter::{ExportRequest, InitRequest, PingRequest};
use support::{noise, until};
use support_plugin::export::{
    Exporter, begin_file, send_chunk, send_file, send_folder, send_other,
};
use support_plugin::plugin::Plugin;
use tonic::Code;

/// Nothing here takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(60);

fn simulator() -> Simulator {
    Simulator::start(Options::default()).unwrap()
}

#[tokio::test]
async fn nothing_goes_without_a_good_init() {
    let plugin = Plugin::start("exporter", &[]).await;
    let mut client = ExporterClient::new(plugin.channel.clone());
    assert_eq!(client.ping(PingRequest {}).await.unwrap_err().code(), Code::FailedPrecondition);
    let requests = tokio_stream::iter(Vec::<ExportRequest>::new());
    assert_eq!(client.export(requests).await.unwrap_err().code(), Code::FailedPrecondition);
    let config = HashMap::from([
        ("location".to_owned(), "opendrive://".to_owned()),
        ("username".to_owned(), "me".to_owned()),
    ]);
    let error = client
        .init(InitRequest { options: None, proto: "opendrive".into(), config })
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.message().contains("option \"password\" is missing")),
        (Code::InvalidArgument, true),
        "{error}"
    );
}

#[tokio::test]
async fn every_result_is_out_before_the_error_that_ends_the_stream() {
    let simulator = simulator();
    let mut exporter = Exporter::start(&simulator, "base", &[]).await;
    let exported = exporter
        .export(async |sender| {
            send_folder(sender, "/").await;
            for n in 0..30 {
                send_file(sender, &format!("/File{n}"), 1000, n).await;
                send_file(sender, &format!("/file{n}"), 1000, n).await;
            }
            send_other(sender, "/link", 1 << 27).await;
            send_other(sender, "/device", 1 << 26 | 1 << 21).await;
            // A file that comes without content is none.
            send_other(sender, "/hollow", 0o600).await;
        })
        .await;
    assert_eq!((exported.stored, exported.failed.len()), (31, 31));
    let status = exported.status.unwrap();
    assert!(
        status.message().starts_with("31 of 62 entries could not be restored: \"/file0\": "),
        "{status}"
    );
    assert!(
        status.message().ends_with("; and 26 more") && !status.message().contains('\n'),
        "{status}"
    );
    // Plakar has words of its own for these two.
    assert!(![Code::Unavailable, Code::Cancelled].contains(&status.code()));
    let (exit, stderr) = exporter.hang_up().await;
    assert!(exit.success());
    let line = "not restored, because the destination has no notion of them: 1 symbolic link (\"/link\"); 1 device (\"/device\")";
    assert!(stderr.contains(line) && stderr.lines().count() == 1, "{stderr}");
}

#[tokio::test]
async fn a_stream_that_ends_within_a_file_stores_nothing_of_it() {
    let simulator = simulator();
    for size in [100_000, 20_000_000] {
        let mut exporter = Exporter::start(&simulator, "base", &[]).await;
        let exported = exporter
            .export(async |sender| {
                send_folder(sender, "/").await;
                send_file(sender, "/whole", 1000, 1).await;
                begin_file(sender, "/cut", size).await;
                // Even with all its bytes: the empty chunk is missing.
                for chunk in noise(1, size as usize).chunks(1 << 20) {
                    send_chunk(sender, chunk.to_vec()).await;
                }
            })
            .await;
        assert_eq!(
            exported.failed,
            [("/cut".to_owned(), "the stream ended within the file".to_owned())]
        );
        assert_eq!((exported.stored, exported.status.is_some()), (2, true));
        // Nobody else says that Plakar has sent nothing of what follows.
        let (_, stderr) = exporter.hang_up().await;
        let line = "Plakar has ended the restore within \"/cut\", which it cannot read: what follows it in the snapshot was not sent, and is not restored";
        assert!(stderr.contains(line) && stderr.lines().count() == 1, "{stderr}");
        assert_eq!(
            simulator.drive().tree().into_keys().collect::<Vec<_>>(),
            ["base", "base/whole"]
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_after_a_whole_file_says_nothing() {
    let simulator = simulator();
    let mut exporter = Exporter::start(&simulator, "base", &[]).await;
    let exported = exporter
        .export(async |sender| {
            send_folder(sender, "/").await;
            send_file(sender, "/empty", 0, 1).await;
            send_file(sender, "/whole", 1000, 1).await;
        })
        .await;
    assert!(exported.failed.is_empty() && exported.status.is_none(), "{exported:?}");
    let (_, stderr) = exporter.hang_up().await;
    assert_eq!(stderr, "");
}

#[tokio::test]
async fn when_plakar_goes_what_is_under_way_is_taken_back() {
    let simulator =
        Simulator::start(Options { latency: Duration::from_millis(50), ..Options::default() })
            .unwrap();
    let mut exporter = Exporter::start(&simulator, "", &[]).await;
    // The export is cancelled while its stream is open.
    let export = exporter.export(async |sender| {
        for n in 0..20 {
            send_file(sender, &format!("/small{n}"), 50_000, n).await;
        }
        begin_file(sender, "/large", 30_000_000).await;
        for n in 0..25 {
            send_chunk(sender, noise(n, 1 << 20)).await;
        }
        std::future::pending().await
    });
    // More than all the small ones have.
    let under_way =
        until(HANG, "a part of the large one", || simulator.calls().bytes_up > 10 << 20);
    tokio::select! {
        _ = export => panic!("the export ended"),
        () = under_way => {}
    }
    let (_, stderr) = exporter.hang_up().await;
    assert!(!stderr.contains("has ended the restore"), "{stderr}");
    let tree = simulator.drive().tree();
    assert!(tree.values().all(|entry| entry.size == 50_000), "{tree:?}");
}

#[tokio::test]
async fn ping_makes_nothing() {
    let simulator = simulator();
    let exporter = Exporter::start(&simulator, "not/there", &[]).await;
    exporter.ping().await;
    assert!(simulator.drive().tree().is_empty());
}
