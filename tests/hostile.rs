//! A drive that lies: names that lead elsewhere, listings in circles, answers that are none or never end.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use common::place::{Place, noise};
use common::planted::{ODD_NAMES, assert_plain, bad_names, file_entry, folder_entry, listing, plant, with};
use futures::stream::TryStreamExt;
use opendrive_sim::{Answer, Fault, What};
use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::store::{self, ByteRange, Kind};
use plakar_opendrive::connector::{Role, Source, Store};
use plakar_opendrive::rclone::{Error, ErrorKind};
use serde_json::json;
use tokio::sync::mpsc;

/// No walk of these tests takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What a walk told: folders, files, and what failed with the reason.
struct Told {
    source: Source,
    folders: Vec<String>,
    files: Vec<String>,
    failed: BTreeMap<String, String>,
}

/// Walks to the end. Whatever the drive says, no record leads elsewhere and no line has more than text in it.
async fn walk(place: &Place) -> Told {
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(16);
    let mut told = Told { source, folders: Vec::new(), files: Vec::new(), failed: BTreeMap::new() };
    let collect = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (outcome, records) =
        tokio::time::timeout(TIME_LIMIT, async { tokio::join!(told.source.walk(sender), collect) }).await.expect("the walk ends");
    outcome.unwrap();
    for SourceRecord { path, item } in records {
        assert!(path == "/" || path.starts_with('/') && path[1..].split('/').all(|name| !["", ".", ".."].contains(&name)), "{path:?}");
        assert!(!path.contains('\0') && path.len() < 20_000, "{path:?}");
        match item {
            SourceItem::Folder { .. } => told.folders.push(path),
            SourceItem::File { .. } => told.files.push(path),
            SourceItem::Failed(reason) => {
                assert_plain(&reason);
                told.failed.insert(path, reason);
            }
        }
    }
    told
}

async fn read(source: &Source, path: &str) -> Result<Vec<u8>, Error> {
    let mut reader = source.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[tokio::test]
async fn names_that_lead_elsewhere_stay_where_they_are_or_are_refused() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    place.put("good/file", b"good", 1).await;
    let (file, folder) = (drive.put_file("file", "file", 1), drive.make_folder("elsewhere"));
    drive.make_folder("names/deeper");
    let names = || bad_names().into_iter().chain(ODD_NAMES.map(str::to_owned)).chain(["x".repeat(1 << 20)]);
    let files: Vec<_> = names().map(|name| file_entry(&file, &name, b"file")).collect();
    let folders: Vec<_> =
        names().map(|name| folder_entry(&folder, &format!("{name}{}", if name.is_empty() { "" } else { "/f" }))).collect();
    plant(place.simulator(), "names/deeper", listing(folders, files));
    let told = walk(&place).await;
    assert!(told.files.contains(&"/good/file".to_owned()) && told.files.contains(&"/file".to_owned()));
    assert_eq!(told.folders.iter().filter(|path| *path == "/names/deeper").count(), 1, "{:?}", told.folders);
    // Without a name: a folder and a file. Too long: a folder and a file.
    let reasons: Vec<_> = told.failed.values().collect();
    assert_eq!(told.failed.len(), 2, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("an empty name")) && reasons.iter().any(|reason| reason.contains("too long")));
    let inside: Vec<_> = told.files.iter().filter(|path| path.starts_with("/names/deeper/")).collect();
    assert_eq!(inside.len(), bad_names().len() - 1 + ODD_NAMES.len(), "{inside:?}");
    for path in inside {
        assert_eq!(read(&told.source, path).await.unwrap(), b"file", "{path:?}");
    }
}

#[tokio::test]
async fn names_that_are_not_unicode_and_names_that_come_twice() {
    let place = Place::drive();
    let simulator = place.simulator();
    let file = simulator.drive().put_file("file", "file", 1);
    let folder = simulator.drive().make_folder("other");
    for name in ["broken", "twice"] {
        simulator.drive().make_folder(name);
    }
    let named = |name: &str| String::from_utf8(listing(vec![], vec![file_entry(&file, name, b"file")]).body).unwrap();
    let mut broken = named("AAAA").replace("AAAA", r"lone\ud800surrogate").into_bytes();
    let at = broken.windows(4).position(|window| window == b"lone").unwrap();
    broken[at] = 0xff;
    plant(simulator, "broken", Answer::new(broken));
    let two = |entry: fn(&str, &str) -> serde_json::Value, id: &str| vec![entry(id, "two"), entry(id, "two")];
    plant(simulator, "twice", listing(two(folder_entry, &folder), two(|id, name| file_entry(id, name, b"file"), &file)));
    let told = walk(&place).await;
    assert!(told.files.contains(&"/broken/\u{fffd}one\u{fffd}surrogate".to_owned()), "{:?}", told.files);
    assert_eq!(told.folders.iter().filter(|path| path.starts_with("/twice/")).collect::<Vec<_>>(), ["/twice/two"]);
    assert!(told.failed["/twice/two"].contains("another entry of this name") && told.failed.len() == 1, "{:?}", told.failed);
}

#[tokio::test]
async fn a_folder_that_is_inside_itself_is_an_error_and_the_walk_ends() {
    let place = Place::drive();
    let simulator = place.simulator();
    place.put("good/file", b"good", 1).await;
    let ids: Vec<_> = ["self", "one", "two"].iter().map(|name| simulator.drive().make_folder(name)).collect();
    // Under two names, so that a walk that only counts its steps down would still never end.
    plant(simulator, "self", listing(vec![folder_entry(&ids[0], "again"), folder_entry(&ids[0], "and again")], vec![]));
    plant(simulator, "one", listing(vec![folder_entry(&ids[2], "to two"), folder_entry("0", "to the root")], vec![]));
    plant(simulator, "two", listing(vec![folder_entry(&ids[1], "to one")], vec![]));
    let told = walk(&place).await;
    assert!(told.failed.values().all(|reason| reason.contains("inside itself")), "{:?}", told.failed);
    for path in ["/self/again", "/self/and again", "/one/to two/to one", "/two/to one/to two", "/one/to the root/one"] {
        assert!(told.failed.contains_key(path), "{path}: {:?}", told.failed.keys());
    }
    assert!(told.files.contains(&"/good/file".to_owned()));
    assert!(simulator.calls().of("folder/list") < 50, "{:?}", simulator.calls());
}

#[tokio::test]
async fn a_tree_without_a_bottom_ends_at_a_bounded_depth() {
    // The memory remote has no ids to tell a circle by.
    let place = Place::Memory { bucket: "bottomless".into() };
    let name = "n".repeat(200);
    place.put(&format!("{}file", format!("{name}/").repeat(120)), b"deep", 1).await;
    place.put("good", b"good", 1).await;
    let told = walk(&place).await;
    assert_eq!(told.files, ["/bottomless/good"]);
    let [(path, reason)] = &told.failed.iter().collect::<Vec<_>>()[..] else { panic!("{:?}", told.failed) };
    assert!(reason.contains("at most 16384 can be saved") && path.ends_with(&format!("/{}", "n".repeat(100))), "{reason}");
}

#[tokio::test]
async fn an_answer_that_is_no_listing_is_an_error_on_that_folder() {
    let place = Place::drive();
    let simulator = place.simulator();
    place.put("good/file", b"good", 1).await;
    let huge = format!("{{\"error\":{{\"code\":403,\"message\":\"{}\\u001b[31m\\u202e\"}}}}", "No ".repeat(1 << 18));
    let shapes: Vec<(&str, &str)> = vec![
        ("[]", "cannot unmarshal array"),
        ("null", "not a listing"),
        ("{}", "not a listing"),
        ("<html>\u{1b}[31m\u{202e}", "invalid character '<'"),
        ("{\"\u{1b}[31m\u{202e}\":1}", "invalid character"),
        ("{\"Name\":\"\u{202e}\"}", "not a listing: \"{\\\"Name\\\":\\\"\\u202e\\\"}\""),
        (r#"{"error":{"code":403,"message":"Access denied"}}"#, "Access denied"),
        (r#"{"Name":"x","error":{"code":404,"message":"Gone"}}"#, "Gone"),
        (&huge, "No No"),
        (r#"{"Folders":{},"Files":7}"#, "cannot unmarshal"),
        (r#"{"Folders":[{"FolderID":"\u001b[31m\u202e","DateModified":"\u001b[31m"}],"Files":[]}"#, "cannot unmarshal string"),
    ];
    for (number, (body, _)) in shapes.iter().enumerate() {
        simulator.drive().make_folder(&format!("shape{number}"));
        plant(simulator, &format!("shape{number}"), Answer::new(*body));
    }
    let told = walk(&place).await;
    for (number, (_, expected)) in shapes.iter().enumerate() {
        let reason = &told.failed[&format!("/shape{number}")];
        assert!(reason.starts_with("cannot list the folder: ") && reason.contains(expected), "{number}: {reason}");
    }
    assert_eq!((told.failed.len(), &told.files[..]), (shapes.len(), &["/good/file".to_owned()][..]));
}

#[tokio::test]
async fn an_error_with_status_200_is_treated_as_what_it_is() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..5 {
        place.put(&format!("f{n}/file"), b"x", 1).await;
    }
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    drop(source);
    let inside = |code: u16| What::Answer(Answer::new(format!(r#"{{"error":{{"code":{code},"message":"Inside"}}}}"#)));
    simulator.reset_calls();
    simulator.set_faults(vec![
        Fault::new(inside(401)).endpoint("folder/list").item("/f3"),
        Fault::new(inside(503)).endpoint("folder/list").item("/f4").times(2),
        // Perhaps these only broke off.
        Fault::new(What::Answer(Answer::new(""))).endpoint("folder/list").item("/f1").times(2),
        Fault::new(What::Answer(Answer::new(r#"{"Folders":[],"Files":["#))).endpoint("folder/list").item("/f2").times(2),
    ]);
    let told = walk(&place).await;
    assert_eq!((told.files.len(), told.failed.len()), (5, 0), "{:?}", told.failed);
    // One for the walk, one because the session was said to have ended.
    assert_eq!(simulator.calls().of("session/login"), 2);
    assert_eq!(simulator.unused_faults(), []);
}

#[tokio::test]
async fn a_login_without_a_session_is_refused_in_one_line() {
    let place = Place::drive();
    for (body, expected) in [
        (r#"{"UserName":"me"}"#, "gave no session"),
        ("[]", "cannot unmarshal array"),
        (r#"{"SessionID":""}"#, "gave no session"),
        ("\u{1b}<html>", "invalid character"),
    ] {
        place.simulator().set_faults(vec![Fault::new(What::Answer(Answer::new(body))).endpoint("session/login").always()]);
        let error = Source::open(place.settings(Role::Source, "")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_plain(&error);
    }
}

#[tokio::test]
async fn files_whose_size_time_or_hash_lie_are_errors_on_those_files() {
    let place = Place::drive();
    let simulator = place.simulator();
    let file = simulator.drive().put_file("file", "target", 1);
    let fine = None;
    let cases = [
        ("Size", json!("-5"), fine),
        ("Size", json!("9223372036854775807"), Some("it has 6 bytes, 9223372036854775807 were expected")),
        ("Size", json!("5"), Some("changed while it was read")),
        ("Size", json!("7"), Some("changed while it was read")),
        ("DateModified", json!("-99999999999"), fine),
        ("DateModified", json!("9223372036854775807"), fine),
        ("DateModified", json!("-9223372036854775808"), fine),
        ("FileHash", json!("abc"), Some("changed or damaged")),
        ("FileHash", json!("\u{1b}[31m\u{202e}".repeat(100_000)), Some("changed or damaged")),
        ("FileHash", json!(""), fine),
        ("FileId", json!(""), Some("File does not exist")),
        ("FileId", json!("../../session/login.json"), Some("")),
    ];
    let entries = cases
        .iter()
        .enumerate()
        .map(|(number, (key, value, _))| with(file_entry(&file, &format!("f{number}"), b"target"), key, value.clone()));
    simulator.drive().make_folder("lies");
    plant(simulator, "lies", listing(vec![with(folder_entry("D999", "gone"), "DateModified", json!(i64::MIN))], entries.collect()));
    let told = walk(&place).await;
    assert_eq!(told.failed.keys().collect::<Vec<_>>(), ["/lies/gone"]);
    assert_eq!(told.files.len(), cases.len() + 1);
    for (number, (key, value, expected)) in cases.iter().enumerate() {
        match (read(&told.source, &format!("/lies/f{number}")).await, expected) {
            (Ok(bytes), None) => assert_eq!(bytes, b"target", "{key} {value}"),
            (Err(error), Some(expected)) => {
                assert!(error.message().contains(expected), "{key} {value}: {error}");
                assert_plain(&error.to_string());
            }
            (outcome, _) => panic!("{key} {value}: {outcome:?}"),
        }
    }
    // What JSON itself cannot mean spoils its listing, and no other.
    for (number, (key, value)) in [
        ("Size", json!("99999999999999999999")),
        ("Size", json!(5)),
        ("Name", json!(7)),
        ("DateModified", json!("soon")),
        ("FileHash", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        simulator.drive().make_folder(&format!("wrong{number}"));
        plant(simulator, &format!("wrong{number}"), listing(vec![], vec![with(file_entry(&file, "f", b"target"), key, value)]));
    }
    let told = walk(&place).await;
    assert_eq!(told.failed.len(), 5 + 1, "{:?}", told.failed);
}

fn mac_name(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

async fn get(store: &Store, mac: u8, range: Option<(u64, u64)>) -> Result<Vec<u8>, Error> {
    let range = range.map(|(offset, length)| ByteRange { offset, length });
    let mac = [mac; 32];
    match store.get(Kind::Packfile, &mac, range).await? {
        store::ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        store::ResourceContent::Pieces(pieces) => Ok(pieces.try_collect::<Vec<Bytes>>().await?.concat()),
    }
}

#[tokio::test]
async fn a_store_full_of_lies_gives_what_is_true_in_it() {
    let place = Place::drive();
    let simulator = place.simulator();
    let drive = simulator.drive();
    let store = Store::new(place.settings(Role::Store, "store"));
    store.create(Bytes::from_static(b"description")).await.unwrap();
    let bytes = noise(1, 500_000);
    let file = drive.put_file("elsewhere", bytes.clone(), 1);
    let sized = |mac: u8, size: &str| with(file_entry(&file, &mac_name(mac), &bytes), "Size", json!(size));
    let mut files = vec![
        file_entry(&file, &mac_name(1), &bytes),
        sized(2, "9223372036854775807"),
        sized(3, "-1"),
        sized(4, "400000"),
        sized(5, "600000"),
        with(file_entry(&file, &mac_name(6), &bytes), "FileHash", json!("abc")),
        file_entry(&file, &mac_name(1).to_uppercase().replace('A', "a"), &bytes),
    ];
    let foreign =
        bad_names().into_iter().chain(ODD_NAMES.map(str::to_owned)).chain(["f".repeat(1 << 20), format!("{}g", &mac_name(7)[1..])]);
    files.extend(foreign.map(|name| file_entry(&file, &name, b"x")));
    files.extend((0..20_000).map(|n| file_entry(&file, &format!("foreign{n}"), b"x")));
    let folders = vec![folder_entry("0", &mac_name(8)), folder_entry("D999", ".."), folder_entry("D999", "")];
    plant(simulator, "store/packfiles", listing(folders, files));
    let mut macs: Vec<u8> = store.list(Kind::Packfile).await.unwrap().iter().map(|mac| mac[0]).collect();
    macs.sort_unstable();
    assert_eq!(macs, [1, 2, 3, 4, 5, 6]);
    assert!(get(&store, 1, None).await.unwrap() == bytes && get(&store, 3, None).await.unwrap() == bytes);
    for mac in [2, 4, 5, 6] {
        let error = get(&store, mac, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{mac}: {error}");
    }
    for mac in 1..=6 {
        assert!(get(&store, mac, Some((1_000, 3_000))).await.unwrap() == bytes[1_000..4_000], "{mac}");
    }
    // Beyond the true end, within the one that was told.
    for (mac, offset) in [(2, 499_000), (2, 1 << 62), (2, i64::MAX as u64 - 3_000), (5, 550_000), (3, 1 << 62)] {
        let error = get(&store, mac, Some((offset, 3_000))).await.unwrap_err();
        assert_plain(&error.to_string());
    }
    assert!(get(&store, 1, Some((499_999, 2))).await.unwrap_err().message().contains("only 500000 bytes"));
    assert!(get(&store, 1, Some((0, 500_000))).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_description_without_an_end_is_no_description() {
    let place = Place::drive();
    let store = Store::new(place.settings(Role::Store, "store"));
    store.create(Bytes::from_static(b"description")).await.unwrap();
    let file = place.simulator().drive().put_generated("elsewhere", 5_000_000, 1, 1);
    for size in ["5000000", "9223372036854775807", "-1"] {
        let config = with(with(file_entry(&file, "CONFIG", b""), "Size", json!(size)), "FileHash", json!(""));
        place.simulator().set_faults(vec![]);
        plant(place.simulator(), "store", listing(vec![], vec![config]));
        let error = Store::new(place.settings(Role::Store, "store")).open().await.unwrap_err().to_string();
        let expected =
            if size.len() > 7 { "it has 5000000 bytes, 9223372036854775807 were expected" } else { "CONFIG has more than 4000000 bytes" };
        assert!(error.contains(expected), "{error}");
    }
}
