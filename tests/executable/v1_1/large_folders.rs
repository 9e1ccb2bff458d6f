//! What a large folder costs in memory: for each entry, over a run with a small one.

use std::collections::HashMap;
use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{
    ImportRequest, InitRequest as ImporterInit, OpenRequest,
};
use plakar_opendrive::plugin::v1_1::proto::store::get_request::Range;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{
    GetRequest, InitRequest as StoreInit, ListRequest, OpenRequest as StoreOpen,
};
use support::within;
use support_plugin::plugin::Plugin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const FILES: usize = 50_000;

/// How many of the files are read.
const READS: usize = 20;

/// Maximum number of bytes that a file of a source may cost. A listing that is kept whole, with an
/// object for each entry, takes 2,100; this took 550 when it was written, most of it not once more
/// with twice as many files.
const MAX_FILE_BYTES: u64 = 1_200;

/// The same for a packfile of a store, whose names come all in one message: 2,600 before, and 1,000.
const MAX_PACKFILE_BYTES: u64 = 1_600;

const PACKFILE: i32 = 1;

const TIME: Duration = Duration::from_secs(180);

const DATE: i64 = 1_700_000_000;

fn simulator() -> Simulator {
    Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap()
}

fn config(simulator: &Simulator, folder: &str) -> HashMap<String, String> {
    let location = format!("opendrive://{folder}");
    [
        ("location", location.as_str()),
        ("username", simulator.username()),
        ("password", simulator.password()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What each of the entries took of the peak.
fn hold(what: &str, large: u64, small: u64, most: u64) {
    let each = large.saturating_sub(small) / FILES as u64;
    assert!(each < most, "{what}: {each} bytes an entry");
}

/// Takes all records of a folder, and reads some of the files; gives the number of records and the
/// plugin's peak.
async fn import(simulator: &Simulator, folder: &str, files: usize) -> (usize, u64) {
    let plugin = Plugin::start("importer", &simulator.env()).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    let config = config(simulator, folder);
    client.init(ImporterInit { options: None, proto: "opendrive".into(), config }).await.unwrap();
    let (results, requests) = mpsc::channel(1);
    let mut records = client.import(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let (mut count, mut previous) = (0, String::new());
    while let Some(record) = records.message().await.unwrap().unwrap().record {
        if record.has_reader {
            assert!(previous < record.pathname, "{previous} before {}", record.pathname);
            previous.clone_from(&record.pathname);
            if count % (files / READS) == 0 {
                let asked = Record { pathname: record.pathname.clone(), ..Default::default() };
                let mut chunks =
                    client.open(OpenRequest { record: Some(asked) }).await.unwrap().into_inner();
                while chunks.message().await.unwrap().is_some() {}
            }
            count += 1;
        }
        let result = Outcome { header: Some(record), error: String::new() };
        results.send(ImportRequest { result: Some(result) }).await.unwrap();
    }
    (count, plugin.peak_memory())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_many_files_takes_little_memory() {
    let simulator = simulator();
    let name = |n: usize| format!("a file with a name of usual length {:07}.dat", n * 7919 % FILES);
    simulator.drive().put_alike("large", (0..FILES).map(name), b"x".to_vec(), DATE);
    simulator.drive().put_alike("small", (0..READS).map(name), b"x".to_vec(), DATE);
    within(TIME, async {
        let (few, small) = import(&simulator, "small", READS).await;
        let (count, large) = import(&simulator, "large", FILES).await;
        assert_eq!((few, count), (READS, FILES));
        hold("source", large, small, MAX_FILE_BYTES);
    })
    .await;
}

/// Opens a store, lists its packfiles twice, and reads some; gives their number and the plugin's
/// peak.
async fn look(simulator: &Simulator, folder: &str) -> (usize, u64) {
    let plugin = Plugin::start("storage", &simulator.env()).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    let config = config(simulator, folder);
    client.init(StoreInit { proto: "opendrive".into(), config }).await.unwrap();
    client.open(StoreOpen {}).await.unwrap();
    let mut macs = Vec::new();
    for _ in 0..2 {
        let listed = client.list(ListRequest { r#type: PACKFILE }).await.unwrap();
        macs = listed.into_inner().macs;
    }
    for mac in macs.iter().step_by((macs.len() / READS).max(1)) {
        let range = Some(Range { offset: 0, length: 1 });
        let request = GetRequest { mac: mac.clone(), r#type: PACKFILE, range };
        let mut bytes = client.get(request).await.unwrap().into_inner();
        while bytes.message().await.unwrap().is_some() {}
    }
    (macs.len(), plugin.peak_memory())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_many_packfiles_takes_little_memory() {
    let simulator = simulator();
    let name = |n: usize| format!("{:064x}", (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c));
    for (store, packfiles) in [("large", FILES), ("small", READS)] {
        let drive = simulator.drive();
        drive.put_file(&format!("{store}/CONFIG"), b"description".to_vec(), DATE);
        drive.put_alike(
            &format!("{store}/packfiles"),
            (0..packfiles).map(name),
            b"xyz".to_vec(),
            DATE,
        );
        drive.make_folder(&format!("{store}/states"));
        drive.make_folder(&format!("{store}/locks"));
    }
    within(TIME, async {
        let (few, small) = look(&simulator, "small").await;
        let (count, large) = look(&simulator, "large").await;
        assert_eq!((few, count), (READS, FILES));
        hold("store", large, small, MAX_PACKFILE_BYTES);
    })
    .await;
}
