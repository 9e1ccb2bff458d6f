//! Names that lead elsewhere, and folders in circles.

use opendrive_sim::Answer;
use support::planted::{ODD_NAMES, bad_names, file_entry, folder_entry, listing, plant};
use support_plugin::place::Place;

use super::{read, walk};

#[tokio::test]
async fn names_that_lead_elsewhere_stay_where_they_are_or_are_refused() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    place.put("good/file", b"good", 1).await;
    let (file, folder) = (drive.put_file("file", "file", 1), drive.make_folder("elsewhere"));
    drive.make_folder("names/deeper");
    let names =
        || bad_names().into_iter().chain(ODD_NAMES.map(str::to_owned)).chain(["x".repeat(1 << 20)]);
    let files: Vec<_> = names().map(|name| file_entry(&file, &name, b"file")).collect();
    let folders: Vec<_> = names()
        .map(|name| {
            folder_entry(&folder, &format!("{name}{}", if name.is_empty() { "" } else { "/f" }))
        })
        .collect();
    plant(place.simulator(), "names/deeper", listing(folders, files));
    let told = walk(&place).await;
    assert!(
        told.files.contains(&"/good/file".to_owned()) && told.files.contains(&"/file".to_owned())
    );
    assert_eq!(
        told.folders.iter().filter(|path| *path == "/names/deeper").count(),
        1,
        "{:?}",
        told.folders
    );
    // Without a name: a folder and a file. Too long: a folder and a file.
    let reasons: Vec<_> = told.failed.values().collect();
    assert_eq!(told.failed.len(), 2, "{reasons:?}");
    assert!(
        reasons.iter().any(|reason| reason.contains("an empty name"))
            && reasons.iter().any(|reason| reason.contains("too long"))
    );
    let inside: Vec<_> =
        told.files.iter().filter(|path| path.starts_with("/names/deeper/")).collect();
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
    let named = |name: &str| {
        String::from_utf8(listing(vec![], vec![file_entry(&file, name, b"file")]).body).unwrap()
    };
    let mut broken = named("AAAA").replace("AAAA", r"lone\ud800surrogate").into_bytes();
    let at = broken.windows(4).position(|window| window == b"lone").unwrap();
    broken[at] = 0xff;
    plant(simulator, "broken", Answer::new(broken));
    let two = |entry: fn(&str, &str) -> serde_json::Value, id: &str| {
        vec![entry(id, "two"), entry(id, "two")]
    };
    plant(
        simulator,
        "twice",
        listing(two(folder_entry, &folder), two(|id, name| file_entry(id, name, b"file"), &file)),
    );
    let told = walk(&place).await;
    assert!(
        told.files.contains(&"/broken/\u{fffd}one\u{fffd}surrogate".to_owned()),
        "{:?}",
        told.files
    );
    assert_eq!(
        told.folders.iter().filter(|path| path.starts_with("/twice/")).collect::<Vec<_>>(),
        ["/twice/two"]
    );
    assert!(
        told.failed["/twice/two"].contains("another entry of this name") && told.failed.len() == 1,
        "{:?}",
        told.failed
    );
}

/// An upload that is not finished is not saved, and hides no file of its name that is.
#[tokio::test]
async fn an_unfinished_upload_hides_no_good_file_of_its_name() {
    let place = Place::drive();
    let simulator = place.simulator();
    let (good, other) = (
        simulator.drive().put_file("good", "good", 1),
        simulator.drive().put_file("other", "other", 1),
    );
    simulator.drive().make_folder("twice");
    let mut unfinished = file_entry(&other, "report", b"");
    unfinished["Size"] = "0".into();
    unfinished["FileHash"] = "".into();
    let entries = vec![unfinished, file_entry(&good, "report", b"good")];
    plant(simulator, "twice", listing(vec![], entries));
    let told = walk(&place).await;
    assert!(told.files.contains(&"/twice/report".to_owned()), "{:?}", told.files);
    assert!(
        told.failed["/twice/report"].contains("is not finished") && told.failed.len() == 1,
        "{:?}",
        told.failed
    );
    assert_eq!(read(&told.source, "/twice/report").await.unwrap(), b"good");
}

#[tokio::test]
async fn a_folder_that_is_inside_itself_is_an_error_and_the_walk_ends() {
    let place = Place::drive();
    let simulator = place.simulator();
    place.put("good/file", b"good", 1).await;
    let ids: Vec<_> =
        ["self", "one", "two"].iter().map(|name| simulator.drive().make_folder(name)).collect();
    // Under two names, so that a walk that only counts its steps down would still never end.
    plant(
        simulator,
        "self",
        listing(vec![folder_entry(&ids[0], "again"), folder_entry(&ids[0], "and again")], vec![]),
    );
    plant(
        simulator,
        "one",
        listing(vec![folder_entry(&ids[2], "to two"), folder_entry("0", "to the root")], vec![]),
    );
    plant(simulator, "two", listing(vec![folder_entry(&ids[1], "to one")], vec![]));
    let told = walk(&place).await;
    assert!(
        told.failed.values().all(|reason| reason.contains("inside itself")),
        "{:?}",
        told.failed
    );
    for path in [
        "/self/again",
        "/self/and again",
        "/one/to two/to one",
        "/two/to one/to two",
        "/one/to the root/one",
    ] {
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
    let [(path, reason)] = &told.failed.iter().collect::<Vec<_>>()[..] else {
        panic!("{:?}", told.failed)
    };
    assert!(
        reason.contains("at most 16384 can be saved")
            && path.ends_with(&format!("/{}", "n".repeat(100))),
        "{reason}"
    );
}
