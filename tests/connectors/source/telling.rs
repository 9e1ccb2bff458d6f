//! What a source tells of, in which order, and at what price.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::{Destination, Role, Store};
use plakar_opendrive::rclone::{ErrorKind, Rclone};
use support::alone::ran_alone;
use support::{until, within};
use support_plugin::place::{Place, kinds_of_files};
use support_plugin::restoring::walked;
use tokio::sync::mpsc;

use super::{open, read};

/// No walk takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(60);

fn seconds(time: Option<SystemTime>) -> u64 {
    time.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The path of a record below the place's own root.
fn below<'a>(place: &Place, record: &'a SourceRecord) -> &'a str {
    record.path.strip_prefix(place.root().trim_end_matches('/')).unwrap_or("")
}

#[tokio::test]
async fn everything_is_told_of_and_read_back() {
    let files = BTreeMap::from(kinds_of_files(5_000_000));
    for place in Place::all("told") {
        for (path, bytes) in &files {
            place.put(path, bytes, 1_700_000_000).await;
        }
        let empty_folder = place.make_folder("nothing in it");
        let source = open(&place, "").await;
        let records = walked(&source).await;

        let found: BTreeMap<&str, &SourceItem> = records
            .iter()
            .filter(|record| record.path.starts_with(&place.root()))
            .map(|record| (below(&place, record).trim_start_matches('/'), &record.item))
            .collect();
        for (path, bytes) in &files {
            // rclone's name for a control character, but in memory (lib/encoder in rclone).
            let path = &if !matches!(place, Place::Memory { .. }) {
                path.replace('\n', "␊")
            } else {
                path.to_string()
            };
            let Some(SourceItem::File { size, modified, .. }) = found.get(path.as_str()) else {
                panic!("{}: {path:?} is {:?}", place.name(), found.get(path.as_str()))
            };
            assert_eq!(
                (*size, seconds(*modified)),
                (Some(bytes.len() as u64), 1_700_000_000),
                "{}: {path:?}",
                place.name()
            );
            let absolute = format!("{}/{path}", place.root().trim_end_matches('/'));
            assert!(
                read(&source, &absolute).await.unwrap() == *bytes,
                "{}: {path:?}",
                place.name()
            );
        }
        assert_eq!(found.contains_key("nothing in it"), empty_folder, "{}", place.name());
        let failed =
            records.iter().filter(|record| matches!(record.item, SourceItem::Failed(_))).count();
        assert_eq!(failed, 0, "{}: {records:?}", place.name());
    }
}

#[tokio::test]
async fn what_an_upload_has_left_is_not_saved_and_said() {
    for place in Place::all("left") {
        for path in [
            "x/a",
            "x/a.plakar-opendrive-bababab1.partial",
            "x/b.plakar-opendrive-zuzuzuz9.partial",
            // Of rclone's own commands, and of somebody.
            "x/a.1a2b3c4d.partial",
            "x/a.plakar-opendrive-notes.partial",
        ] {
            place.put(path, b"x", 1_700_000_000).await;
        }
        let source = open(&place, "x").await;
        let mut told: Vec<_> = walked(&source)
            .await
            .into_iter()
            .filter(|record| !matches!(record.item, SourceItem::Folder { .. }))
            .map(|record| record.path.rsplit('/').next().unwrap().to_owned())
            .collect();
        told.sort();
        assert_eq!(
            told,
            ["a", "a.1a2b3c4d.partial", "a.plakar-opendrive-notes.partial"],
            "{}",
            place.name()
        );
        let notes: Vec<String> = source.notes().collect();
        let root = place.root();
        let first = format!("{}/x/a.plakar-opendrive-bababab1.partial", root.trim_end_matches('/'));
        assert!(
            notes.len() == 1
                && notes[0].starts_with("not saved, because")
                && notes[0].ends_with(&format!("2 files, the first of them {first:?}")),
            "{}: {notes:?}",
            place.name()
        );
    }
}

#[tokio::test]
async fn folders_come_before_what_is_in_them_from_the_root_on() {
    for place in Place::all("order") {
        for n in 0..30 {
            place.put(&format!("base/f{}/g{}/file{n}", n % 3, n % 5), b"x", 1).await;
        }
        let source = open(&place, "base").await;
        let mut told = std::collections::HashSet::new();
        for record in walked(&source).await {
            let parent = record
                .path
                .rsplit_once('/')
                .map(|(parent, _)| if parent.is_empty() { "/" } else { parent })
                .unwrap();
            assert!(
                record.path == "/" || told.contains(parent),
                "{}: {} came before {parent}",
                place.name(),
                record.path
            );
            assert!(
                told.insert(record.path.clone()),
                "{}: {} came twice",
                place.name(),
                record.path
            );
        }
        assert!(told.contains("/") && told.contains(&source.identity().root), "{}", place.name());
    }
}

#[tokio::test]
async fn two_runs_tell_the_same() {
    for place in Place::all("same") {
        for n in 0..40 {
            place.put(&format!("f{}/file{n}", n % 7), &[n], 1_600_000_000 + u64::from(n)).await;
        }
        let first = open(&place, "").await;
        let second = open(&place, "").await;
        assert_eq!(first.identity(), second.identity());
        let sorted = |mut records: Vec<SourceRecord>| {
            records.sort_by(|a, b| a.path.cmp(&b.path));
            records
        };
        assert_eq!(sorted(walked(&first).await), sorted(walked(&second).await), "{}", place.name());
    }
}

#[tokio::test]
async fn objects_are_let_go_when_they_are_acknowledged() {
    for place in Place::all("acknowledged") {
        place.put("a", b"x", 1).await;
        place.put("b", b"y", 1).await;
        let source = open(&place, "").await;
        for record in walked(&source).await {
            source.acknowledge(&record.path);
        }
        let path = format!("{}/a", place.root().trim_end_matches('/'));
        assert_eq!(
            source.read(&path).await.unwrap_err().kind(),
            ErrorKind::NotFound,
            "{}",
            place.name()
        );
    }
}

#[tokio::test]
async fn names_that_look_like_dots_stay_names() {
    // rclone's look-alikes of "." and ".." (lib/encoder in rclone) must not become the real ones.
    let place = Place::drive();
    place.put("folder/\u{ff0e}\u{ff0e}", b"x", 1).await;
    place.simulator().drive().make_folder("folder/\u{ff0e}");
    let source = open(&place, "").await;
    let mut paths: Vec<String> =
        walked(&source).await.into_iter().map(|record| record.path).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/", "/folder", "/folder/\u{ff0e}", "/folder/\u{ff0e}\u{ff0e}"]);
    assert_eq!(read(&source, "/folder/\u{ff0e}\u{ff0e}").await.unwrap(), b"x");
}

#[tokio::test]
async fn the_drive_is_asked_as_little_as_can_be() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..20 {
        place.put(&format!("a/b/f{}/file{n}", n % 4), b"0123456789", 1_700_000_000).await;
    }
    simulator.reset_calls();
    let source = open(&place, "a/b").await;
    let records = walked(&source).await;
    for record in &records {
        if matches!(record.item, SourceItem::File { .. }) {
            read(&source, &record.path).await.unwrap();
        }
    }
    let calls = simulator.calls();
    assert_eq!(calls.of("session/login"), 1, "{calls:?}");
    // The folders beside the base, where only a listing tells whether it is there twice, the base,
    // and the four folders in it.
    assert_eq!((calls.of("folder/idbypath"), calls.of("folder/list")), (1, 1 + 1 + 4), "{calls:?}");
    assert_eq!(calls.of("download/file"), 20, "{calls:?}");
    assert_eq!(calls.total, 1 + 2 + 5 + 20, "{calls:?}");
}

/// Folders of years of files above the base cost nothing.
#[tokio::test]
async fn a_base_is_opened_in_three_calls_whatever_is_beside_it() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    for folder in ["", "a/", "a/b/"] {
        (0..10_000).for_each(|number| {
            drop(drive.put_generated(
                &format!("{folder}file{number:05}"),
                10,
                number,
                1_700_000_000,
            ))
        });
    }
    place.put("a/b/c/file", b"0123456789", 1_700_000_000).await;
    for role in [Role::Source, Role::Destination, Role::Store] {
        place.simulator().reset_calls();
        match role {
            Role::Source => drop(open(&place, "a/b/c").await),
            Role::Destination => {
                drop(Destination::open(place.settings(role, "a/b/c")).await.unwrap())
            }
            Role::Store => Store::new(place.settings(role, "a/b/c")).ping().await.unwrap(),
        }
        let calls = place.simulator().calls();
        // The listing of the base itself is the first of what follows.
        let to_open = calls.total - calls.of("session/logout") - 1;
        assert!(to_open <= 3 && calls.bytes_answers < 100_000, "{role:?}: {calls:?}");
    }
}

#[tokio::test]
async fn dropping_a_walk_ends_it() {
    // It counts the remotes of the process.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    for n in 0..50 {
        place.make_folder(&format!("f{n}/g"));
    }
    place.simulator().set_latency(Duration::from_millis(20));
    let source = open(&place, "").await;
    let (sender, mut receiver) = mpsc::channel(1);
    let listen = async {
        receiver.recv().await;
        drop(receiver);
    };
    within(HANG, async { tokio::join!(source.walk(sender), listen) }).await.0.unwrap();
    drop(source);
    let calls = place.simulator().calls().total;
    assert!(calls < 50, "{calls} calls for a walk that nobody wanted");
    until(HANG, "the remote is closed", || Rclone::get().stats().remotes == 0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_not_utf8_is_saved_under_the_name_that_rclone_gives() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(OsStr::from_bytes(b"bad\xffname")), "content").unwrap();
    let place = Place::Local(folder);
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let path = format!("{}/bad\u{fffd}name", place.root());
    assert!(records.iter().any(|record| record.path == path), "{records:?}");
    assert_eq!(read(&source, &path).await.unwrap(), b"content");
}
