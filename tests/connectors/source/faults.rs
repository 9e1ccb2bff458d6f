//! What is missing, changed or damaged, and a drive that fails for a while.

use opendrive_sim::{Fault, FolderNamesakes, What};
use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::{Role, Source};
use plakar_opendrive::rclone::ErrorKind;
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::walked;

use super::{open, read};

#[tokio::test]
async fn a_base_that_is_missing_or_a_file_is_one_clear_line() {
    for place in Place::all("base") {
        place.put("folder/file", b"x", 1).await;
        if !matches!(place, Place::Memory { .. }) {
            let error = Source::open(place.settings(Role::Source, "missing"))
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains("missing does not exist"), "{}: {error}", place.name());
        }
        let error = Source::open(place.settings(Role::Source, "folder/file"))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("is a file: give the folder that it is in"),
            "{}: {error}",
            place.name()
        );
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_vanished_or_changed_is_an_error_and_not_a_wrong_copy() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    for name in ["gone", "longer", "shorter", "other"] {
        place.put(name, b"0123456789", 1_700_000_000).await;
    }
    let source = open(&place, "").await;
    walked(&source).await;
    drive.remove("gone");
    drive.set_file("longer", "0123456789abcdef", 1_700_000_001);
    drive.set_file("shorter", "012", 1_700_000_001);
    drive.set_file("other", "9876543210", 1_700_000_001);
    assert_eq!(read(&source, "/gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    for name in ["/longer", "/shorter", "/other"] {
        let error = read(&source, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.message().contains("changed"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_is_an_error_on_it_and_the_rest_is_told() {
    let place = Place::drive();
    place.put("good/file", b"x", 1).await;
    place.put("bad/file", b"x", 1).await;
    place.simulator().make_unlistable("bad");
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let bad: Vec<_> = records.iter().filter(|record| record.path.starts_with("/bad")).collect();
    let [SourceRecord { path, item: SourceItem::Failed(message) }] = bad[..] else {
        panic!("{bad:?}")
    };
    assert_eq!(path, "/bad");
    assert!(message.starts_with("cannot list the folder: "), "{message}");
    assert!(records.iter().any(|record| record.path == "/good/file"));
}

/// What the drive says of a folder that somebody has removed since its parent was listed.
fn removed(path: &str) -> Fault {
    let message = "Folder is already deleted".into();
    Fault::new(What::Status { code: 404, message, retry_after: None })
        .endpoint("folder/list")
        .item(path)
}

#[tokio::test]
async fn a_folder_that_is_removed_meanwhile_is_an_error_and_not_an_empty_one() {
    let place = Place::drive();
    place.put("gone/file", b"x", 1).await;
    place.put("good/file", b"x", 1).await;
    place.simulator().add_fault(removed("gone"));
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let gone: Vec<_> = records.iter().filter(|record| record.path.starts_with("/gone")).collect();
    assert!(matches!(gone[..], [SourceRecord { item: SourceItem::Failed(_), .. }]), "{gone:?}");
    assert!(records.iter().any(|record| record.path == "/good/file"));
    assert!(place.simulator().unused_faults().is_empty());
}

#[tokio::test]
async fn entries_of_one_name_are_an_error_and_not_a_silent_choice() {
    let place = Place::drive();
    place.put("folder/name", b"x", 1).await;
    // The drive makes a second folder of one name when two are made at once.
    make_second_folder(&place, "twin").await;
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let failed: Vec<_> =
        records.iter().filter(|record| matches!(record.item, SourceItem::Failed(_))).collect();
    let [SourceRecord { path, item: SourceItem::Failed(message) }] = failed[..] else {
        panic!("{records:?}")
    };
    assert_eq!(path, "/twin");
    assert!(message.contains("another entry of this name"), "{message}");
    assert!(records.iter().any(|record| record.path == "/folder/name"));
}

/// Makes a folder twice, by two clients that do not know of each other.
async fn make_second_folder(place: &Place, path: &str) {
    place
        .simulator()
        .change_behaviour(|behaviour| behaviour.folder_namesakes = FolderNamesakes::Raced);
    let remotes = [remote(place).await, remote(place).await];
    // Each has seen that there is no such folder before either makes it.
    place
        .simulator()
        .add_fault(Fault::new(What::Delay { ms: 3_000 }).endpoint("folder/create").always());
    let (first, second) = tokio::join!(remotes[0].make_folder(path), remotes[1].make_folder(path));
    first.unwrap();
    second.unwrap();
    assert_eq!(place.simulator().duplicate_folders().now, 1);
    assert!(place.simulator().unused_faults().is_empty());
}

async fn remote(place: &Place) -> plakar_opendrive::rclone::Remote {
    plakar_opendrive::rclone::Remote::open(&place.settings(Role::Source, "").remote).await.unwrap()
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once() {
    let place = Place::drive();
    let mut config = place.config("");
    config.insert("password".into(), "wrong one".into());
    let settings =
        plakar_opendrive::connector::Settings::parse(Role::Source, &config, "h").unwrap();
    let error = Source::open(settings).await.unwrap_err().to_string();
    assert!(
        error.contains("refused the login of user@example.com") && !error.contains("wrong one"),
        "{error}"
    );
    assert_eq!(place.simulator().calls().of("session/login"), 1, "no storm of logins");
}

#[tokio::test]
async fn calls_that_fail_for_a_while_are_tried_again() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..10 {
        place.put(&format!("f/file{n}"), &noise(n, 10_000), 1).await;
    }
    let busy = |code| What::Status { code, message: "Busy".into(), retry_after: None };
    simulator.set_faults(vec![
        Fault::new(busy(503)).endpoint("session/login").times(2),
        Fault::new(busy(500)).endpoint("folder/list").times(3),
        Fault::new(busy(429)).endpoint("download/file").times(5),
        Fault::new(What::Reset).endpoint("download/file").skip(2).times(1),
    ]);
    let source = open(&place, "").await;
    walked(&source).await;
    for n in 0..10 {
        assert!(
            read(&source, &format!("/f/file{n}")).await.unwrap() == noise(n, 10_000),
            "file{n}"
        );
    }
    assert!(simulator.unused_faults().is_empty(), "{:?}", simulator.unused_faults());
}

#[tokio::test]
async fn a_download_that_is_cut_is_taken_up_where_it_stopped() {
    let place = Place::drive();
    place.put("large", &noise(9, 3_000_000), 1).await;
    place
        .simulator()
        .add_fault(Fault::new(What::CutBody { after: 1_234_567 }).endpoint("download/file"));
    let source = open(&place, "").await;
    walked(&source).await;
    assert!(read(&source, "/large").await.unwrap() == noise(9, 3_000_000));
    assert!(place.simulator().unused_faults().is_empty());
    let moved = place.simulator().calls().bytes_down;
    assert!(moved < 3_100_000, "{moved} bytes: it began anew instead of going on");
}

#[tokio::test]
async fn a_damaged_download_is_begun_once_more_while_nothing_of_it_was_given_out() {
    let place = Place::drive();
    const FILES: [(&str, u64); 6] = [
        ("once", 50_000),
        ("twice", 50_000),
        ("chunk", 1 << 20),
        ("middle", 2 << 20),
        ("largest", 4 << 20),
        ("large", 6 << 20),
    ];
    for (path, size) in FILES {
        place.put(path, &noise(size, size as usize), 1).await;
    }
    let damage = |item: &str, times| {
        Fault::new(What::CorruptBody).endpoint("download/file").item(item).times(times)
    };
    let whole = [FILES[0], FILES[2], FILES[3], FILES[4]];
    let mut faults = vec![damage("twice", 2), damage("large", 1)];
    faults.extend(whole.map(|(path, _)| damage(path, 1)));
    place.simulator().set_faults(faults);
    let source = open(&place, "").await;
    walked(&source).await;
    for (path, size) in whole {
        place.simulator().reset_calls();
        let content = read(&source, &format!("/{path}")).await.unwrap();
        assert!(content == noise(size, size as usize), "{path}");
        if path == "once" {
            assert_eq!(place.simulator().calls().of("download/file"), 2);
        }
    }
    for path in ["/twice", "/large"] {
        let error = read(&source, path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{path}");
        assert!(error.message().contains("changed or damaged"), "{path}: {error}");
    }
    assert!(place.simulator().unused_faults().is_empty());
}
