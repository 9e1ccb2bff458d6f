//! Conformance of plugin API v1.0.0: a client speaks to the executable over its pipes as Plakar 1.0 does.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::place::{Place, noise};
use common::plugin::Plugin;
use opendrive_sim::{Fault, Options as Drive, Simulator, What};
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_0::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_0::proto::exporter::store_file_request::Type as Part;
use plakar_opendrive::plugin::v1_0::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_0::proto::importer::scan_response::Result as Found;
use plakar_opendrive::plugin::v1_0::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_0::proto::{exporter, importer, store};
use tonic::transport::Channel;
use tonic::{Code, Status};

type Importer = ImporterClient<Channel>;
type Exporter = ExporterClient<Channel>;
type Store = StoreClient<Channel>;

const FOLDER: u32 = 1 << 31;

async fn start_importer(config: HashMap<String, String>) -> (Plugin, Importer) {
    let plugin = Plugin::start_v1_0("importer", &[]).await;
    let mut client = Importer::new(plugin.channel.clone());
    let options = importer::Options { hostname: "here".into(), max_concurrency: 8, ..Default::default() };
    // 1.0.3 knows no cookie: none comes back, and none is sent in any call of these tests.
    let answer = client.init(importer::InitRequest { options: Some(options), proto: "rclone".into(), config }).await.unwrap();
    assert_eq!(answer.into_inner(), importer::InitResponse::default());
    (plugin, client)
}

/// Scans to the end: paths and what is there. Plakar never comes back from a stream that ends with a status.
async fn scan(client: &mut Importer) -> BTreeMap<String, Found> {
    let mut records = client.scan(importer::ScanRequest::default()).await.unwrap().into_inner();
    let mut found = BTreeMap::new();
    while let Some(record) = records.message().await.expect("Plakar 1.0 loops for ever on this") {
        assert!(found.insert(record.pathname, record.result.unwrap()).is_none());
    }
    found
}

async fn read(client: &mut Importer, path: &str) -> Result<Vec<u8>, Status> {
    let request = importer::OpenReaderRequest { pathname: path.to_owned(), ..Default::default() };
    let mut chunks = client.open_reader(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(answer) = chunks.message().await? {
        assert!(!answer.chunk.is_empty() && answer.chunk.len() <= 1 << 20, "{}", answer.chunk.len());
        bytes.extend_from_slice(&answer.chunk);
    }
    Ok(bytes)
}

async fn close(client: &mut Importer, path: &str) {
    client.close_reader(importer::CloseReaderRequest { pathname: path.to_owned(), ..Default::default() }).await.unwrap();
}

#[tokio::test]
async fn a_scan_and_its_files_side_by_side() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let mut files = BTreeMap::from([("a/empty".to_owned(), vec![]), ("b/large".to_owned(), noise(1, 3_500_000))]);
        files.extend((0..60).map(|n| (format!("c/{n:02}"), noise(n, 10_000))));
        for (path, bytes) in &files {
            place.put(path, bytes, 1_700_000_000).await;
        }
        let (plugin, mut client) = start_importer(place.config("")).await;
        let info = client.info(importer::InfoRequest::default()).await.unwrap().into_inner();
        assert_eq!((info.r#type.as_str(), info.root.as_str()), (place.name(), place.root().as_str()));
        let found = scan(&mut client).await;
        let mut reads = tokio::task::JoinSet::new();
        for (path, found) in &found {
            let Found::Record(record) = found else { panic!("{path}: {found:?}") };
            let info = record.file_info.clone().unwrap();
            assert_eq!(info.name, if path == "/" { "/" } else { path.rsplit('/').next().unwrap() });
            if info.mode & FOLDER == 0 {
                assert_eq!((info.mode, info.mod_time.unwrap().seconds), (0o600, 1_700_000_000));
                let (mut client, path) = (client.clone(), path.clone());
                reads.spawn(async move {
                    let bytes = read(&mut client, &path).await.unwrap();
                    close(&mut client, &path).await;
                    (path, bytes)
                });
            }
        }
        let read: BTreeMap<_, _> = reads.join_all().await.into_iter().collect();
        let expected: BTreeMap<_, _> =
            files.into_iter().map(|(path, bytes)| (format!("{}/{path}", place.root().trim_end_matches('/')), bytes)).collect();
        assert!(read == expected, "{}: {:?}", place.name(), read.keys());
        client.close(importer::CloseRequest::default()).await.unwrap();
        drop(client);
        let (status, took, stderr) = plugin.hang_up().await;
        assert!(status.success() && took < Duration::from_secs(1) && stderr.is_empty(), "{status} {took:?} {stderr}");
    }
}

#[tokio::test]
async fn errors_of_folders_and_files_are_told_and_end_nothing() {
    let place = Place::drive();
    for path in ["good/file", "bad/file", "good/cut"] {
        place.put(path, &noise(1, 3_000_000), 1_700_000_000).await;
    }
    let simulator = place.simulator();
    simulator.add_fault(
        Fault::new(What::Status { code: 403, message: "no".into(), retry_after: None }).endpoint("folder/list").item("/bad").always(),
    );
    let (_plugin, mut client) = start_importer(place.config("")).await;
    let found = scan(&mut client).await;
    assert!(matches!(&found["/bad"], Found::Error(error) if error.message.contains("cannot list the folder")), "{found:?}");
    assert!(matches!(found["/good/file"], Found::Record(_)) && !found.contains_key("/bad/file"));
    simulator.drive().remove("good/cut");
    assert_eq!(read(&mut client, "/good/cut").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(read(&mut client, "/never/told").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(read(&mut client, "/good").await.unwrap_err().code(), Code::NotFound);
    assert!(read(&mut client, "/good/file").await.unwrap() == noise(1, 3_000_000));
    // The base is gone at the second scan: an error record, which Plakar counts, and no status.
    simulator.add_fault(Fault::new(What::Status { code: 403, message: "no".into(), retry_after: None }).endpoint("folder/list").always());
    let found = scan(&mut client).await;
    assert!(matches!(&found["/"], Found::Error(error) if error.message.contains("cannot open /")), "{found:?}");
}

#[tokio::test]
async fn files_that_are_closed_early_or_never_read_hold_up_nobody() {
    let place = Place::drive();
    for n in 0..10 {
        place.put(&format!("{n:02}"), &noise(n, if n == 0 { 12_000_000 } else { 4_000_000 }), 1_700_000_000).await;
    }
    let mut config = place.config("");
    config.insert("transfers".into(), "2".into());
    let (plugin, mut client) = start_importer(config).await;
    scan(&mut client).await;
    let mut streams = Vec::new();
    for n in 0..10 {
        let path = format!("/{n:02}");
        let mut stream =
            client.open_reader(importer::OpenReaderRequest { pathname: path.clone(), ..Default::default() }).await.unwrap().into_inner();
        assert!(!stream.message().await.unwrap().unwrap().chunk.is_empty());
        // Plakar closes a file without cancelling its stream.
        streams.push(stream);
        close(&mut client, &path).await;
    }
    // What was closed before its end does not look like a whole file to who reads on.
    let mut first = streams.remove(0);
    let end = loop {
        match first.message().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert_eq!(end.unwrap_err().code(), Code::Aborted);
    #[cfg(target_os = "linux")]
    assert!(plugin.peak_memory() < 300 << 20, "{}", plugin.peak_memory());
    drop(plugin);
}

/// Nothing is acknowledged that is not opened: what Plakar must have passed is let go, and found again if it comes all the same.
#[tokio::test]
async fn files_that_plakar_has_passed_are_let_go_and_can_be_read_all_the_same() {
    let place = Place::drive();
    for n in 0..100 {
        place.put(&format!("{n:03}"), &noise(n, 1000), 1_700_000_000).await;
    }
    let (_plugin, mut client) = start_importer(place.config("")).await;
    scan(&mut client).await;
    let simulator = place.simulator();
    let mut cost = Vec::new();
    for n in [99, 98, 0, 99] {
        simulator.reset_calls();
        assert!(read(&mut client, &format!("/{n:03}")).await.unwrap() == noise(n, 1000));
        close(&mut client, &format!("/{n:03}")).await;
        cost.push(simulator.calls().of("folder/itembyname"));
    }
    // One of 64 workers may have the 98th in its hands when the 99th is opened; the first one nobody has. One
    // that was closed is looked up as well.
    assert!(cost[..2] == [0, 0] && cost[2] > 0 && cost[3] > 0, "{cost:?}");
}

#[tokio::test]
async fn calls_before_init_and_a_second_init_are_errors() {
    let plugin = Plugin::start_v1_0("importer", &[]).await;
    let mut client = Importer::new(plugin.channel.clone());
    assert_eq!(client.info(importer::InfoRequest::default()).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(client.scan(importer::ScanRequest::default()).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(read(&mut client, "/x").await.unwrap_err().code(), Code::FailedPrecondition);
    // Not even options, as nothing needs them.
    let bad = client.init(importer::InitRequest::default()).await.unwrap_err();
    assert!(bad.code() == Code::InvalidArgument && bad.message().contains("there is no location"), "{bad}");
    let config = HashMap::from([("location".into(), "rclone://".into()), ("rclone_type".into(), "memory".into())]);
    let init = importer::InitRequest { config, ..Default::default() };
    client.init(init.clone()).await.unwrap();
    assert_eq!(client.init(init).await.unwrap_err().code(), Code::FailedPrecondition);
    let plugin = Plugin::start_v1_0("exporter", &[]).await;
    let mut client = Exporter::new(plugin.channel.clone());
    assert_eq!(client.root(exporter::RootRequest::default()).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(store_file(&mut client, "/x", 1, b"x").await.unwrap_err().code(), Code::FailedPrecondition);
    let plugin = Plugin::start_v1_0("storage", &[]).await;
    let mut client = Store::new(plugin.channel.clone());
    assert_eq!(client.open(store::OpenRequest::default()).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(client.get_mode(store::GetModeRequest::default()).await.unwrap_err().code(), Code::FailedPrecondition);
    // The other generation's calls are not there.
    let other = plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient::new(plugin.channel.clone());
    let status = { other }.ping(plakar_opendrive::plugin::v1_1::proto::store::PingRequest {}).await.unwrap_err();
    assert!(status.code() == Code::Unimplemented && status.message().contains("for another version of Plakar"), "{status}");
}

async fn start_exporter(simulator: &Simulator, base: &str) -> (Plugin, Exporter) {
    let plugin = Plugin::start_v1_0("exporter", &simulator.env()).await;
    let mut client = Exporter::new(plugin.channel.clone());
    let config =
        [("location", format!("opendrive://{base}")), ("username", simulator.username().into()), ("password", simulator.password().into())];
    let config = config.map(|(key, value): (&str, String)| (key.to_owned(), value)).into();
    client.init(exporter::InitRequest { config, ..Default::default() }).await.unwrap();
    (plugin, client)
}

/// Stores a file that is said to have a size.
async fn store_file(client: &mut Exporter, path: &str, size: u64, bytes: &[u8]) -> Result<(), Status> {
    let part = |part| exporter::StoreFileRequest { r#type: Some(part), ..Default::default() };
    let header = part(Part::Header(exporter::Header { pathname: path.to_owned(), size }));
    let data = bytes.chunks(1 << 20).map(|chunk| part(Part::Data(exporter::Data { chunk: Bytes::copy_from_slice(chunk) })));
    let parts: Vec<_> = std::iter::once(header).chain(data).collect();
    client.store_file(tokio_stream::iter(parts)).await.map(drop)
}

async fn make(client: &mut Exporter, path: &str) -> Result<(), Status> {
    client.create_directory(exporter::CreateDirectoryRequest { pathname: path.to_owned(), ..Default::default() }).await.map(drop)
}

async fn date(client: &mut Exporter, path: &str, mode: u32, seconds: i64) -> Result<(), Status> {
    let time = prost_types::Timestamp { seconds, nanos: 0 };
    let info = FileInfo { mode, mod_time: Some(time), ..Default::default() };
    client
        .set_permissions(exporter::SetPermissionsRequest { pathname: path.to_owned(), file_info: Some(info), ..Default::default() })
        .await
        .map(drop)
}

#[tokio::test]
async fn a_file_is_on_the_drive_when_its_call_is_answered() {
    let simulator = Arc::new(Simulator::start(Drive::default()).unwrap());
    let (plugin, mut client) = start_exporter(&simulator, "base").await;
    assert_eq!(client.root(exporter::RootRequest::default()).await.unwrap().into_inner().root_path, "/base");
    // Side by side, each with its folder first, as Plakar's workers do.
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..20u64 {
        let (mut client, simulator) = (client.clone(), simulator.clone());
        workers.spawn(async move {
            let (folder, size) = (format!("/base/a/{}", n % 3), [0, 1000, 1 << 20, 12_000_000][n as usize % 4]);
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
    let (status, _, stderr) = plugin.hang_up().await;
    assert!(status.success());
    assert!(stderr.contains("1 symbolic link (\"/a/soft\")") && stderr.lines().count() == 1, "{stderr}");
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_an_error_and_leaves_nothing() {
    let simulator = Simulator::start(Drive::default()).unwrap();
    let (_plugin, mut client) = start_exporter(&simulator, "base").await;
    make(&mut client, "/base").await.unwrap();
    // Plakar ends the stream as ever when it cannot read the rest of the file from its store.
    for (path, size) in [("/base/small", 1000), ("/base/large", 12_000_000)] {
        let status = store_file(&mut client, path, size, &noise(1, size as usize - 1)).await.unwrap_err();
        assert!(status.message().contains(&format!("{} bytes came, the snapshot says {size}", size - 1)), "{status}");
        let more = format!("{path} and more");
        let status = store_file(&mut client, &more, size - 1, &noise(1, size as usize)).await.unwrap_err();
        assert!(status.message().contains("the snapshot says"), "{status}");
    }
    let status = store_file(&mut client, "/base/unknown", u64::MAX, b"").await.unwrap_err();
    assert!(status.message().contains("whose size is not known"), "{status}");
    for (path, expected) in
        [("/elsewhere/x", "is not below"), ("/basement", "is not below"), ("/base/a/../b", "leads elsewhere"), ("", "is not below")]
    {
        assert!(store_file(&mut client, path, 1, b"x").await.unwrap_err().message().contains(expected), "{path}");
        assert!(make(&mut client, path).await.unwrap_err().message().contains(expected), "{path}");
    }
    assert!(client.store_file(tokio_stream::iter(Vec::new())).await.is_err());
    let headless = exporter::StoreFileRequest { r#type: Some(Part::Data(exporter::Data::default())), ..Default::default() };
    assert_eq!(client.store_file(tokio_stream::iter([headless])).await.unwrap_err().code(), Code::InvalidArgument);
    // The second name is the first one to the drive.
    store_file(&mut client, "/base/Name", 1, b"a").await.unwrap();
    assert!(store_file(&mut client, "/base/name", 1, b"b").await.unwrap_err().message().contains("differ in case only"));
    // Another snapshot, restored by the same process: the file is replaced, whatever was there before.
    store_file(&mut client, "/base/Name", 1, b"c").await.unwrap();
    store_file(&mut client, "/base/Name", 1, b"a").await.unwrap();
    assert_eq!(simulator.drive().read_file("base/Name").unwrap(), b"a");
    // What the others made is removed after their answer.
    until(|| simulator.drive().tree().into_keys().eq(["base", "base/Name"])).await;
}

#[tokio::test]
async fn many_large_files_at_once_do_not_block_one_another_and_memory_is_bounded() {
    let simulator = Simulator::start(Drive { discard_uploads: true, ..Drive::default() }).unwrap();
    let (plugin, client) = start_exporter(&simulator, "").await;
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..64 {
        let mut client = client.clone();
        workers.spawn(async move { store_file(&mut client, &format!("/{n}"), 3_000_000, &noise(n, 3_000_000)).await.unwrap() });
    }
    tokio::time::timeout(Duration::from_secs(60), workers.join_all()).await.expect("they wait for one another");
    #[cfg(target_os = "linux")]
    assert!(plugin.peak_memory() < 300 << 20, "{}", plugin.peak_memory());
    drop(plugin);
}

#[tokio::test]
async fn a_cancelled_or_cut_off_file_is_taken_back() {
    let simulator = Simulator::start(Drive { latency: Duration::from_millis(30), ..Drive::default() }).unwrap();
    for leave in ["cancel", "hang up", "TERM"] {
        let (plugin, client) = start_exporter(&simulator, "").await;
        let under_way = tokio::spawn({
            let mut client = client.clone();
            let part = |part| exporter::StoreFileRequest { r#type: Some(part), ..Default::default() };
            let header = part(Part::Header(exporter::Header { pathname: "/file".into(), size: 50_000_000 }));
            let data = (0..30).map(move |n| part(Part::Data(exporter::Data { chunk: noise(n, 1 << 20).into() })));
            use tokio_stream::StreamExt;
            let parts = tokio_stream::iter(std::iter::once(header).chain(data)).chain(tokio_stream::pending());
            async move { client.store_file(parts).await.map(drop) }
        });
        simulator_has(&simulator, "file").await;
        let stderr = match leave {
            "cancel" => {
                under_way.abort();
                gone(&simulator, "file").await;
                drop(client);
                plugin.hang_up().await.2
            }
            "hang up" => {
                under_way.abort();
                drop(client);
                plugin.hang_up().await.2
            }
            signal => plugin.signal(signal).await.2,
        };
        assert!(simulator.drive().tree().is_empty(), "{leave}: {:?} {stderr}", simulator.drive().tree());
    }
}

async fn simulator_has(simulator: &Simulator, path: &str) {
    until(|| simulator.drive().tree().contains_key(path)).await;
}

async fn gone(simulator: &Simulator, path: &str) {
    until(|| !simulator.drive().tree().contains_key(path)).await;
}

async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it never comes");
}

/// Plakar 1.0 knows no classes and no validators (plakar-pkg-manifest.yaml(5)), and starts what the arguments say.
#[test]
fn the_manifest_for_plakar_1_0_is_made_of_the_other() {
    let packaging = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let manifest = std::fs::File::open(packaging.join("manifest.yaml")).unwrap();
    let output = std::process::Command::new(packaging.join("manifest-v1.0")).arg("v0.1.0").stdin(manifest).output().unwrap();
    assert!(output.status.success());
    let manifest = String::from_utf8(output.stdout).unwrap();
    for line in ["api_version: v1.0.0", "name: rclone"] {
        assert!(manifest.lines().any(|found| found == line), "{line}: {manifest}");
    }
    for connector in ["importer", "storage", "exporter"] {
        assert!(manifest.contains(&format!("args: [{connector}, --plakar-api, v1.0]\n")), "{connector}: {manifest}");
    }
    const KNOWN: [&str; 15] = [
        "name",
        "display_name",
        "description",
        "homepage",
        "license",
        "tags",
        "api_version",
        "version",
        "connectors",
        "type",
        "protocols",
        "executable",
        "args",
        "extra_files",
        "location_flags",
    ];
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        let key = line.trim_start_matches([' ', '-']).split(':').next().unwrap();
        assert!(KNOWN.contains(&key), "{line}");
    }
}

fn mac(byte: u8) -> Option<store::Mac> {
    Some(store::Mac { value: vec![byte; 32].into() })
}

fn put(name: Option<store::Mac>, bytes: &[u8]) -> tokio_stream::Iter<std::vec::IntoIter<store::PutRequest>> {
    let chunk = |chunk: &[u8]| store::PutRequest { chunk: Bytes::copy_from_slice(chunk), ..Default::default() };
    let first = store::PutRequest { mac: name, ..Default::default() };
    tokio_stream::iter(std::iter::once(first).chain(bytes.chunks(1 << 20).map(chunk)).collect::<Vec<_>>())
}

async fn whole(stream: tonic::Streaming<store::GetResponse>) -> Result<Vec<u8>, Status> {
    use tokio_stream::StreamExt;
    let mut bytes = Vec::new();
    let mut stream = stream;
    while let Some(answer) = stream.next().await {
        bytes.extend_from_slice(&answer?.chunk);
    }
    Ok(bytes)
}

async fn range(client: &mut Store, byte: u8, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
    let request = store::GetRangeRequest { mac: mac(byte), offset, length, ..Default::default() };
    whole(client.get_packfile_blob(request).await?.into_inner()).await
}

#[tokio::test]
async fn a_store_answers_each_call_for_each_kind() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let (plugin, mut client) = start_store(place.config("store")).await;
        let status = client.open(store::OpenRequest::default()).await.unwrap_err();
        assert!(status.code() == Code::NotFound && status.message().contains("there is no store"), "{status}");
        let create = || store::CreateRequest { config: Bytes::from_static(b"description"), ..Default::default() };
        client.create(create()).await.unwrap();
        assert_eq!(client.create(create()).await.unwrap_err().code(), Code::AlreadyExists);
        assert_eq!(client.open(store::OpenRequest::default()).await.unwrap().into_inner().config, "description");
        assert_eq!(client.get_mode(store::GetModeRequest::default()).await.unwrap().into_inner().mode, 6);
        let location = client.get_location(store::GetLocationRequest::default()).await.unwrap().into_inner().location;
        assert_eq!(location, place.config("store")["location"]);

        let bytes = noise(1, 5_000_000);
        assert_eq!(client.put_packfile(put(mac(1), &bytes)).await.unwrap().into_inner().bytes_written, 5_000_000);
        assert_eq!(client.put_state(put(mac(2), b"state")).await.unwrap().into_inner().bytes_written, 5);
        assert_eq!(client.put_lock(put(mac(3), b"lock")).await.unwrap().into_inner().bytes_written, 4);
        let get = |byte| store::GetRequest { mac: mac(byte), ..Default::default() };
        assert!(whole(client.get_packfile(get(1)).await.unwrap().into_inner()).await.unwrap() == bytes);
        assert_eq!(whole(client.get_state(get(2)).await.unwrap().into_inner()).await.unwrap(), b"state");
        assert_eq!(whole(client.get_lock(get(3)).await.unwrap().into_inner()).await.unwrap(), b"lock");
        for (offset, length) in [(0, 0), (0, 1), (4_999_999, 1), (0, 5_000_000), (123_456, 3_000), (123_456, 3_000), (5_000_000, 0)] {
            let part = range(&mut client, 1, offset, length).await.unwrap();
            assert!(part == bytes[offset as usize..][..length as usize], "{offset} {length}");
        }
        for (offset, length) in [(5_000_000, 1), (0, 5_000_001), (u64::MAX, u32::MAX)] {
            assert_eq!(range(&mut client, 1, offset, length).await.unwrap_err().code(), Code::InvalidArgument);
        }
        let list = || store::ListRequest::default();
        assert_eq!(client.get_packfiles(list()).await.unwrap().into_inner().macs, [mac(1).unwrap()]);
        assert_eq!(client.get_states(list()).await.unwrap().into_inner().macs, [mac(2).unwrap()]);
        assert_eq!(client.get_locks(list()).await.unwrap().into_inner().macs, [mac(3).unwrap()]);
        assert_eq!(client.get_size(store::GetSizeRequest::default()).await.unwrap().into_inner().size, 5_000_009);

        for name in [None, Some(store::Mac { value: vec![1; 31].into() })] {
            let request = store::GetRequest { mac: name.clone(), ..Default::default() };
            assert_eq!(client.get_packfile(request).await.unwrap_err().code(), Code::InvalidArgument);
            // More than the window holds: an answer that came before all was taken would be lost.
            let status = client.put_packfile(put(name, &noise(1, 20 << 20))).await.unwrap_err();
            assert!(status.message().contains("one has 32"), "{status}");
        }
        assert_eq!(client.get_state(get(9)).await.unwrap_err().code(), Code::NotFound);
        // Plakar 1.0 takes no state for stored whose put fails, so there is no advice about its cache.
        let status = client.put_state(put(mac(4), b"")).await.unwrap_err();
        assert!(status.message().contains("a state without a byte in it") && !status.message().contains("cache"), "{status}");

        let delete = |byte| store::DeleteRequest { mac: mac(byte), ..Default::default() };
        client.delete_packfile(delete(1)).await.unwrap();
        client.delete_state(delete(2)).await.unwrap();
        client.delete_lock(delete(3)).await.unwrap();
        // What is gone already is deleted.
        client.delete_lock(delete(3)).await.unwrap();
        assert_eq!(client.get_size(store::GetSizeRequest::default()).await.unwrap().into_inner().size, 0);
        // A lock that nobody deletes goes with the connection.
        client.put_lock(put(mac(5), b"lock")).await.unwrap();
        client.close(store::CloseRequest::default()).await.unwrap();
        drop(client);
        let (status, took, stderr) = plugin.hang_up().await;
        assert!(status.success() && took < Duration::from_secs(5) && stderr.is_empty(), "{status} {took:?} {stderr}");
        let (_plugin, mut client) = start_store(place.config("store")).await;
        assert_eq!(client.get_locks(list()).await.unwrap().into_inner().macs, []);
    }
}

async fn start_store(config: HashMap<String, String>) -> (Plugin, Store) {
    let plugin = Plugin::start_v1_0("storage", &[]).await;
    let mut client = Store::new(plugin.channel.clone()).max_decoding_message_size(4 << 20);
    client.init(store::InitRequest { config, ..Default::default() }).await.unwrap();
    (plugin, client)
}
