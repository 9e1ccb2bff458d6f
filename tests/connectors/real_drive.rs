//! What the real OpenDrive does to those who write to it and list it, against destination, store
//! and source alike: nothing is lost, and nothing is called wrong that is not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use opendrive_sim::{Behaviour, Fault, Options, Simulator, TempLocation, What, texts};
use plakar_opendrive::connector::destination::{RestoreItem, RestoreRecord};
use plakar_opendrive::connector::source::SourceItem;
use plakar_opendrive::connector::store::{Kind, Mac, ResourceContent};
use plakar_opendrive::connector::{Destination, Role, Source, Store};
use support::alone::ran_alone;
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::*;
use tokio::sync::mpsc;

type Files = BTreeMap<String, (Vec<u8>, u64)>;

/// A drive that behaves so.
pub(crate) fn place(behaviour: Behaviour) -> Place {
    Place::Drive(Box::new(Simulator::start(Options { behaviour, ..Options::default() }).unwrap()))
}

fn files(count: u64, size: usize) -> Files {
    (0..count).map(|n| (format!("d{}/f{n}", n % 4), (noise(n, size), 1_600_000_000 + n))).collect()
}

/// All files are on the drive as they should be.
fn all_there(place: &Place, files: &Files) {
    let drive = place.simulator().drive();
    let tree = drive.tree();
    for (path, (bytes, seconds)) in files {
        assert!(drive.read_file(path).is_some_and(|found| found == *bytes), "{path}");
        assert_eq!(tree[path].mtime, *seconds as i64, "{path}");
    }
}

#[tokio::test]
async fn a_new_file_takes_three_calls_and_known_content_two() {
    for (temp_location, most) in [(TempLocation::AtCreate, 3.0), (TempLocation::AtOpen, 4.0)] {
        let place = place(Behaviour { temp_location, ..Behaviour::default() });
        let destination = open(&place, "").await;
        let files = files(40, 100_000);
        restore_files(&destination, &files).await.all_good();
        all_there(&place, &files);
        let calls = place.simulator().calls();
        // The folders are a call each, and their listing and the login are not many.
        let each = (calls.total as f64 - 8.0) / files.len() as f64;
        assert!(each <= most + 0.1, "{each} calls a file: {calls:?}");

        // The same content under other names.
        let before = place.simulator().calls();
        let again: Files =
            files.iter().map(|(path, content)| (format!("copy/{path}"), content.clone())).collect();
        restore_files(&destination, &again).await.all_good();
        all_there(&place, &again);
        let calls = place.simulator().calls();
        let each = (calls.total - before.total) as f64 - 8.0;
        assert!(each / files.len() as f64 <= 2.1, "{calls:?}");
        assert_eq!(calls.bytes_up, before.bytes_up);
    }
}

#[tokio::test]
async fn a_chunk_that_arrived_is_not_sent_again() {
    for (cut, name) in [(What::LoseAnswer, "lost"), (What::CutUpload { after: 1_000_000 }, "cut")] {
        let place = Place::drive();
        let simulator = place.simulator();
        let destination = open(&place, "").await;
        // One after the other: a connection that breaks takes what else is on it along.
        for (file, size) in [("large", 12_000_000), ("small", 50_000), ("smaller", 500_000)] {
            simulator.reset_calls();
            let fault = if size > 1_000_000 { cut.clone() } else { What::LoseAnswer };
            simulator.set_faults(vec![Fault::new(fault).endpoint("upload/upload_file_chunk")]);
            let files: Files = [(file.to_owned(), (noise(size, size as usize), 7))].into();
            restore_files(&destination, &files).await.all_good();
            all_there(&place, &files);
            assert_eq!(simulator.unused_faults(), []);
            // Where the rest is as small as this, it is not worth a call to ask for it. What is cut
            // came, and was not kept.
            let most =
                size + 64 * 1024 + if matches!(cut, What::LoseAnswer) { 0 } else { 2_000_000 };
            assert!(
                simulator.calls().bytes_up <= most,
                "{name}: {} bytes for {size} of {file}",
                simulator.calls().bytes_up
            );
        }
    }
}

#[tokio::test]
async fn an_upload_whose_end_takes_the_drive_long_is_waited_for_and_made_once() {
    let place = Place::drive();
    let simulator = place.simulator();
    let slow = |gives_up| {
        Fault::new(What::SlowClose { seconds: 8.0, gives_up }).endpoint("upload/close_file_upload")
    };
    simulator.add_fault(slow(Some(1.0)).item("large"));
    simulator.add_fault(slow(Some(1.0)).item("f0"));
    let mut files = files(1, 1000);
    files.insert("large".to_owned(), (noise(1, 3_000_000), 7));
    restore_files(&open(&place, "").await, &files).await.all_good();
    all_there(&place, &files);
    let calls = simulator.calls();
    assert_eq!(
        (calls.of("upload/create_file"), calls.of("upload/upload_file_chunk")),
        (2, 2),
        "{calls:?}"
    );
    assert!(calls.of("upload/close_file_upload") < 12 && calls.of("file/delete") == 0, "{calls:?}");
}

#[tokio::test]
async fn a_random_refusal_to_write_loses_nothing_and_a_real_one_is_told() {
    let place = Place::drive();
    let simulator = place.simulator();
    simulator.add_fault(Fault::new(What::RefuseWrite).lasting(3.0));
    simulator.add_fault(
        Fault::new(What::RefuseWrite).endpoint("upload/close_file_upload").skip(4).times(3),
    );
    let files = files(12, 10_000);
    restore_files(&open(&place, "").await, &files).await.all_good();
    all_there(&place, &files);
    assert_eq!(simulator.unused_faults(), []);

    simulator.set_faults(vec![
        Fault::refused(403, texts::PERMISSION_DENIED).endpoint("upload/create_file").always(),
    ]);
    simulator.reset_calls();
    let restored = restore_files(&open(&place, "more").await, &files).await;
    assert_eq!(restored.failed("Permission").len(), files.len());
    assert_eq!(
        simulator.calls().of("upload/create_file"),
        files.len() as u64,
        "nothing is tried again"
    );
}

#[tokio::test]
async fn a_drive_that_wants_fewer_calls_for_a_while_loses_nothing() {
    let place = Place::drive();
    place.simulator().add_fault(Fault::throttled_403(4.0).skip(20));
    let files = files(30, 10_000);
    restore_files(&open(&place, "").await, &files).await.all_good();
    all_there(&place, &files);
    assert_eq!(place.simulator().unused_faults(), []);
}

#[tokio::test]
async fn the_end_of_a_session_and_a_server_in_front_of_the_drive_are_told_apart() {
    let place = place(Behaviour { session_over_status: 200, ..Behaviour::default() });
    let simulator = place.simulator();
    simulator.add_fault(Fault::new(What::Edge { code: 401 }).skip(10).times(4));
    let files = files(10, 10_000);
    let destination = open(&place, "").await;
    restore_files(&destination, &files).await.all_good();
    assert_eq!(simulator.calls().of("session/login"), 1);
    simulator.add_fault(Fault::new(What::ExpireSessions).endpoint("upload/close_file_upload"));
    let more: Files = files
        .iter()
        .map(|(path, (bytes, seconds))| (format!("x/{path}"), (bytes.clone(), *seconds)))
        .collect();
    restore_files(&destination, &more).await.all_good();
    all_there(&place, &files);
    all_there(&place, &more);
    assert_eq!((simulator.calls().of("session/login"), simulator.unused_faults()), (2, vec![]));
}

#[tokio::test]
async fn a_time_that_the_drive_refuses_is_said_once_and_the_file_is_restored() {
    let place = Place::drive();
    let destination = open(&place, "").await;
    for _ in 0..2 {
        let restored = restore(&destination, async |restore| {
            give(restore, folder("/"), b"").await;
            for (name, size) in [("/old", 10), ("/old and large", 2_000_000)] {
                let item = RestoreItem::File {
                    size: Some(size),
                    modified: UNIX_EPOCH - Duration::from_secs(86_400 * 365),
                };
                give(
                    restore,
                    RestoreRecord { path: name.to_owned(), item, attributes: false },
                    &noise(1, size as usize),
                )
                .await;
            }
            give(restore, file("/new", 3, 1_600_000_000), b"new").await;
        })
        .await;
        restored.all_good();
        let told: Vec<String> = restored.summary.notes().collect();
        assert!(
            told.len() == 1
                && told[0].starts_with("2 files have another time")
                && told[0].contains("\"/old and large\""),
            "{told:?}"
        );
        let tree = place.simulator().drive().tree();
        assert_eq!(
            (tree["old"].mtime, tree["old and large"].mtime, tree["new"].mtime),
            (0, 0, 1_600_000_000)
        );
    }
}

#[tokio::test]
async fn a_name_that_the_drive_trims_is_an_error_and_leaves_nothing() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    place.put("there", b"somebody's", 1).await;
    let files: Files =
        [" new ", "there ", "fine"].map(|name| (name.to_owned(), (noise(1, 10), 1))).into();
    let mut settings = place.settings(Role::Destination, "");
    // By default white space at the ends is quoted.
    settings.remote = settings.remote.option("encoding", "Slash,InvalidUtf8");
    let destination = Arc::new(Destination::open(settings).await.unwrap());
    let restored = restore_files(&destination, &files).await;
    assert_eq!(restored.failed("the drive changes its name").len(), 2);
    no_streams().await;
    let drive = place.simulator().drive();
    assert_eq!(drive.tree().into_keys().collect::<Vec<_>>(), ["fine", "there"]);
    assert_eq!(drive.read_file("there").unwrap(), b"somebody's");
}

/// What a source tells of.
pub(crate) async fn records(source: &Source) -> Vec<(String, SourceItem)> {
    let (sender, mut receiver) = mpsc::channel(4096);
    source.walk(sender).await.unwrap();
    let mut found = Vec::new();
    while let Some(record) = receiver.recv().await {
        found.push((record.path, record.item));
    }
    found
}

#[tokio::test]
async fn an_upload_that_goes_on_is_no_empty_file() {
    let place = Place::drive();
    place.put("base/empty", b"", 1).await;
    place.simulator().drive().put_unfinished("base/going on");
    let source = Source::open(place.settings(Role::Source, "base")).await.unwrap();
    let found: BTreeMap<String, SourceItem> = records(&source).await.into_iter().collect();
    assert!(
        matches!(found["/base/empty"], SourceItem::File { size: Some(0), .. }),
        "{:?}",
        found["/base/empty"]
    );
    let SourceItem::Failed(told) = &found["/base/going on"] else {
        panic!("{:?}", found["/base/going on"])
    };
    assert!(told.contains("is not finished"), "{told}");

    // A restore puts the file there, also if it is to be empty.
    let files: Files = [("going on".to_owned(), (Vec::new(), 5))].into();
    restore_files(&open(&place, "base").await, &files).await.all_good();
    let tree = place.simulator().drive().tree();
    assert!(tree["base/going on"].md5.is_some() && tree["base/going on"].mtime == 5, "{tree:?}");
}

#[tokio::test]
async fn a_base_below_large_folders_is_opened_with_few_calls() {
    let place = Place::drive();
    for n in 0..300 {
        place.put(&format!("a/f{n}"), b"", 1).await;
        place.put(&format!("a/b/f{n}"), b"", 1).await;
    }
    place.put("a/b/c/x", b"x", 1).await;
    let before = place.simulator().calls();
    let destination = open(&place, "a/b/c").await;
    destination.ping().await.unwrap();
    let calls = place.simulator().calls();
    // Three to open it, and the listing of the base that the ping asks for.
    assert_eq!(calls.total - before.total, 3 + 1, "{calls:?}");
    assert!(calls.bytes_answers - before.bytes_answers < 10_000, "{calls:?}");
}

fn mac(number: u8) -> Mac {
    std::array::from_fn(|index| number.wrapping_add(index as u8))
}

async fn put(store: &Store, kind: Kind, mac: Mac, bytes: &[u8]) {
    let mut put = store.put(kind, mac).await.unwrap();
    put.write(Bytes::copy_from_slice(bytes)).await.unwrap();
    put.commit().await.unwrap();
}

/// A store goes on through all of it, and what was put is whole for somebody else.
#[tokio::test]
async fn a_store_loses_nothing_to_what_the_drive_does() {
    let lost = |endpoint| Fault::new(What::LoseAnswer).endpoint(endpoint).skip(2).times(2);
    let every: [(&str, Vec<Fault>); 5] = [
        (
            "fresh",
            vec![
                Fault::new(What::LagFiles { seconds: 2.0 })
                    .endpoint("upload/close_file_upload")
                    .always(),
            ],
        ),
        (
            "refused",
            vec![
                Fault::new(What::RefuseWrite).skip(1).lasting(3.0),
                Fault::new(What::RefuseWrite).endpoint("file/rename").times(3),
            ],
        ),
        (
            "slow",
            vec![
                Fault::new(What::SlowClose { seconds: 4.0, gives_up: Some(1.0) })
                    .endpoint("upload/close_file_upload")
                    .skip(1),
            ],
        ),
        (
            "lost",
            vec![
                lost("upload/upload_file_chunk"),
                lost("upload/close_file_upload"),
                lost("upload/create_file"),
            ],
        ),
        ("throttled", vec![Fault::throttled_403(3.0).skip(12)]),
    ];
    for (name, faults) in every {
        let place = Place::drive();
        let store = Store::new(place.settings(Role::Store, "store"));
        place.simulator().set_faults(faults);
        store.create(Bytes::from_static(b"description")).await.unwrap();
        for number in 0..6 {
            put(&store, Kind::Packfile, mac(number), &noise(number.into(), 2_000_000)).await;
            put(&store, Kind::State, mac(100 + number), &noise(number.into(), 3000)).await;
        }
        let other = Store::new(place.settings(Role::Store, "store"));
        assert_eq!(other.open().await.unwrap(), "description", "{name}");
        for number in 0..6 {
            for (kind, mac, size) in
                [(Kind::Packfile, mac(number), 2_000_000), (Kind::State, mac(100 + number), 3000)]
            {
                let bytes = match other.get(kind, &mac, None).await.unwrap() {
                    ResourceContent::Whole(bytes) => bytes.to_vec(),
                    ResourceContent::Pieces(pieces) => {
                        futures::TryStreamExt::try_collect::<Vec<Bytes>>(pieces)
                            .await
                            .unwrap()
                            .concat()
                    }
                };
                assert!(bytes == noise(number.into(), size), "{name}: {kind:?} {number}");
            }
        }
        assert_eq!(place.simulator().unused_faults(), [], "{name}");
    }
}
