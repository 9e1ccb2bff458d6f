//! The exporter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opendrive_sim::{Options as Drive, Simulator};
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_0::proto::exporter;
use plakar_opendrive::plugin::v1_0::proto::exporter::store_file_request::Type as Part;
use support::{noise, until, within};
use support_plugin::plugin::Plugin;
use tonic::{Code, Status};

use super::{Exporter, FOLDER};

/// Nothing here takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(180);

async fn start_exporter(simulator: &Simulator, base: &str) -> (Plugin, Exporter) {
    let plugin = Plugin::start_v1_0("exporter", &simulator.env()).await;
    let mut client = Exporter::new(plugin.channel.clone());
    let config = [
        ("location", format!("opendrive://{base}")),
        ("username", simulator.username().into()),
        ("password", simulator.password().into()),
    ];
    let config = config.map(|(key, value): (&str, String)| (key.to_owned(), value)).into();
    client.init(exporter::InitRequest { config, ..Default::default() }).await.unwrap();
    (plugin, client)
}

/// Stores a file that is said to have a size.
pub async fn store_file(
    client: &mut Exporter,
    path: &str,
    size: u64,
    bytes: &[u8],
) -> Result<(), Status> {
    let part = |part| exporter::StoreFileRequest { r#type: Some(part), ..Default::default() };
    let header = part(Part::Header(exporter::Header { pathname: path.to_owned(), size }));
    let data = bytes
        .chunks(1 << 20)
        .map(|chunk| part(Part::Data(exporter::Data { chunk: Bytes::copy_from_slice(chunk) })));
    let parts: Vec<_> = std::iter::once(header).chain(data).collect();
    client.store_file(tokio_stream::iter(parts)).await.map(drop)
}

async fn make(client: &mut Exporter, path: &str) -> Result<(), Status> {
    client
        .create_directory(exporter::CreateDirectoryRequest {
            pathname: path.to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
}

async fn date(client: &mut Exporter, path: &str, mode: u32, seconds: i64) -> Result<(), Status> {
    let time = prost_types::Timestamp { seconds, nanos: 0 };
    let info = FileInfo { mode, mod_time: Some(time), ..Default::default() };
    client
        .set_permissions(exporter::SetPermissionsRequest {
            pathname: path.to_owned(),
            file_info: Some(info),
            ..Default::default()
        })
        .await
        .map(drop)
}

#[tokio::test]
async fn a_file_is_on_the_drive_when_its_call_is_answered() {
    let simulator = Arc::new(Simulator::start(Drive::default()).unwrap());
    let (plugin, mut client) = start_exporter(&simulator, "base").await;
    assert_eq!(
        client.root(exporter::RootRequest::default()).await.unwrap().into_inner().root_path,
        "/base"
    );
    // Side by side, each with its folder first, as Plakar's workers do.
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..20u64 {
        let (mut client, simulator) = (client.clone(), simulator.clone());
        workers.spawn(async move {
            let (folder, size) =
                (format!("/base/a/{}", n % 3), [0, 1000, 1 << 20, 12_000_000][n as usize % 4]);
            make(&mut client, &folder).await.unwrap();
            let (path, bytes) = (format!("{folder}/{n}"), noise(n, size));
            store_file(&mut client, &path, size as u64, &bytes).await.unwrap();
            assert!(simulator.drive().read_file(&path).unwrap() == bytes, "{path}");
            date(&mut client, &path, 0o600, 1_600_000_000).await.unwrap();
            assert_eq!(simulator.drive().tree()[&path[1..]].mtime, 1_600_000_000);
        });
    }
    workers.join_all().await;
    assert_eq!(simulator.drive().duplicate_folders().ever, 0);
    date(&mut client, "/base/a", FOLDER | 0o700, 1).await.unwrap();
    // A hard link is another copy, a symbolic one is said at the end, once.
    let link = |old: &str, new: &str, kind| exporter::CreateLinkRequest {
        old_name: old.into(),
        new_name: new.into(),
        r#type: kind,
        ..Default::default()
    };
    client.create_link(link("/base/a/1/1", "/base/a/hard", 0)).await.unwrap();
    assert!(simulator.drive().read_file("base/a/hard").unwrap() == noise(1, 1000));
    assert_eq!(simulator.drive().tree()["base/a/hard"].mtime, 1_600_000_000);
    client.create_link(link("elsewhere", "/base/a/soft", 1)).await.unwrap();
    date(&mut client, "/base/a/soft", 1 << 27, 1).await.unwrap();
    assert!(client.create_link(link("/base/none", "/base/a/hard2", 0)).await.is_err());
    client.close(exporter::CloseRequest::default()).await.unwrap();
    drop(client);
    let (status, stderr) = plugin.hang_up().await;
    assert!(status.success());
    assert!(
        stderr.contains("1 symbolic link (\"/a/soft\")") && stderr.lines().count() == 1,
        "{stderr}"
    );
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_an_error_and_leaves_nothing() {
    let simulator = Simulator::start(Drive::default()).unwrap();
    let (_plugin, mut client) = start_exporter(&simulator, "base").await;
    make(&mut client, "/base").await.unwrap();
    // Plakar ends the stream as ever when it cannot read the rest of the file from its store.
    for (path, size) in [("/base/small", 1000), ("/base/large", 12_000_000)] {
        let status =
            store_file(&mut client, path, size, &noise(1, size as usize - 1)).await.unwrap_err();
        assert!(
            status
                .message()
                .contains(&format!("{} bytes came, the snapshot says {size}", size - 1)),
            "{status}"
        );
        let more = format!("{path} and more");
        let status =
            store_file(&mut client, &more, size - 1, &noise(1, size as usize)).await.unwrap_err();
        assert!(status.message().contains("the snapshot says"), "{status}");
    }
    let status = store_file(&mut client, "/base/unknown", u64::MAX, b"").await.unwrap_err();
    assert!(status.message().contains("whose size is not known"), "{status}");
    for (path, expected) in [
        ("/elsewhere/x", "is not below"),
        ("/basement", "is not below"),
        ("/base/a/../b", "leads elsewhere"),
        ("", "is not below"),
    ] {
        assert!(
            store_file(&mut client, path, 1, b"x").await.unwrap_err().message().contains(expected),
            "{path}"
        );
        assert!(make(&mut client, path).await.unwrap_err().message().contains(expected), "{path}");
    }
    assert!(client.store_file(tokio_stream::iter(Vec::new())).await.is_err());
    let headless = exporter::StoreFileRequest {
        r#type: Some(Part::Data(exporter::Data::default())),
        ..Default::default()
    };
    assert_eq!(
        client.store_file(tokio_stream::iter([headless])).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    // The second name is the first one to the drive.
    store_file(&mut client, "/base/Name", 1, b"a").await.unwrap();
    assert!(
        store_file(&mut client, "/base/name", 1, b"b")
            .await
            .unwrap_err()
            .message()
            .contains("differ in case only")
    );
    // Another snapshot, restored by the same process: the file is replaced, whatever was there
    // before.
    store_file(&mut client, "/base/Name", 1, b"c").await.unwrap();
    store_file(&mut client, "/base/Name", 1, b"a").await.unwrap();
    assert_eq!(simulator.drive().read_file("base/Name").unwrap(), b"a");
    // What the others made is removed after their answer.
    until(HANG, "only the other is there", || {
        simulator.drive().tree().into_keys().eq(["base", "base/Name"])
    })
    .await;
}

#[tokio::test]
async fn many_large_files_at_once_do_not_block_one_another_and_memory_is_bounded() {
    let simulator = Simulator::start(Drive { discard_uploads: true, ..Drive::default() }).unwrap();
    let (plugin, client) = start_exporter(&simulator, "").await;
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..64 {
        let mut client = client.clone();
        workers.spawn(async move {
            store_file(&mut client, &format!("/{n}"), 3_000_000, &noise(n, 3_000_000))
                .await
                .unwrap()
        });
    }
    within(HANG, workers.join_all()).await;
    #[cfg(target_os = "linux")]
    assert!(plugin.peak_memory() < 300 << 20, "{}", plugin.peak_memory());
    drop(plugin);
}

#[tokio::test]
async fn a_cancelled_or_cut_off_file_is_taken_back() {
    let simulator =
        Simulator::start(Drive { latency: Duration::from_millis(30), ..Drive::default() }).unwrap();
    for leave in ["cancel", "hang up", "TERM"] {
        let (plugin, client) = start_exporter(&simulator, "").await;
        let under_way = tokio::spawn({
            let mut client = client.clone();
            let part =
                |part| exporter::StoreFileRequest { r#type: Some(part), ..Default::default() };
            let header =
                part(Part::Header(exporter::Header { pathname: "/file".into(), size: 50_000_000 }));
            let data = (0..30)
                .map(move |n| part(Part::Data(exporter::Data { chunk: noise(n, 1 << 20).into() })));
            use tokio_stream::StreamExt;
            let parts = tokio_stream::iter(std::iter::once(header).chain(data))
                .chain(tokio_stream::pending());
            async move { client.store_file(parts).await.map(drop) }
        });
        simulator_has(&simulator, "file").await;
        let stderr = match leave {
            "cancel" => {
                under_way.abort();
                gone(&simulator, "file").await;
                drop(client);
                plugin.hang_up().await.1
            }
            "hang up" => {
                under_way.abort();
                drop(client);
                plugin.hang_up().await.1
            }
            signal => plugin.signal(signal).await.1,
        };
        assert!(
            simulator.drive().tree().is_empty(),
            "{leave}: {:?} {stderr}",
            simulator.drive().tree()
        );
    }
}

async fn simulator_has(simulator: &Simulator, path: &str) {
    until(HANG, "it is there", || simulator.drive().tree().contains_key(path)).await;
}

async fn gone(simulator: &Simulator, path: &str) {
    until(HANG, "it is gone", || !simulator.drive().tree().contains_key(path)).await;
}
