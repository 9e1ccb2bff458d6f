//! What holds, and what differs on a drive that is otherwise.

use opendrive_sim::{Behaviour, Fault, FolderNamesakes, TempLocation, What, texts};
use serde_json::json;
use support::planted::{file_entry, listing, with};

use super::{World, planted, row, verdict};

#[test]
fn on_a_drive_as_it_is_known_everything_holds() {
    let world = World::new();
    let (report, code) = world.report(&["--yes"]);
    let verdicts: Vec<(u64, &str)> = report["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["point"].as_u64().unwrap(), row["verdict"].as_str().unwrap()))
        .collect();
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16]
        .map(|point| (point, if point == 8 { "noted" } else { "holds" }));
    assert_eq!(verdicts, expected, "{report:#}");
    assert_eq!(code, Some(0));
    world.is_tidy();

    assert_eq!((&report["format"], &report["account"]), (&json!(1), &json!("Personal")));
    for row in report["points"].as_array().unwrap() {
        assert!(
            row["bytes"].as_u64().unwrap() <= row["max_bytes"].as_u64().unwrap()
                && row["calls"].as_u64().unwrap() > 0,
            "{row:#}"
        );
    }
    let seventh = row(&report, 7)["answers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|answer| answer["status"] == 429)
        .unwrap();
    assert_eq!(
        (&seventh["error"], &seventh["retry_after"]),
        (&json!(texts::TOO_MANY_DOWNLOADS), &json!(false))
    );
    assert!(
        row(&report, 6)["found"]
            .as_str()
            .unwrap()
            .starts_with("that of 101 has 101, that of 1001 has 1001; offset=0 has 100"),
        "{report:#}"
    );
    let fields = row(&report, 13)["answers"][1]["fields"].as_array().unwrap();
    assert!(
        fields.contains(&json!("BwMax")) && fields.contains(&json!("PrivateKey")),
        "{fields:?}"
    );
}

#[test]
fn a_chunk_that_is_taken_twice_or_refused_in_other_words() {
    let chunk = "upload/upload_file_chunk";
    let taken = Fault::new(planted(&json!({"TotalWritten": 1000}))).endpoint(chunk).skip(1);
    verdict(
        &World::faulty(vec![taken]),
        1,
        "differs",
        "the second was taken too; the upload then went on and its content is right",
    );
    let other = Fault::refused(409, "Chunk is there").endpoint(chunk).skip(1);
    verdict(
        &World::faulty(vec![other]),
        1,
        "differs",
        r#"the second was refused with 409 "Chunk is there""#,
    );
}

#[test]
fn a_drive_that_wants_an_upload_opened() {
    let with = |temp_location| World::with(Behaviour { temp_location, ..Behaviour::default() });
    verdict(&with(TempLocation::AtOpen), 2, "differs", "create_file gave no TempLocation");
    verdict(&with(TempLocation::RefusedUntilOpen), 2, "differs", "the chunk was refused with 404");
}

#[test]
fn a_close_that_forgets_or_keeps_silent() {
    let record = json!({"FileId": "f", "Size": "1000", "DateModified": "1"});
    let elsewhen = Fault::new(planted(&record)).endpoint("file/info");
    verdict(
        &World::faulty(vec![elsewhen]),
        3,
        "differs",
        "the file has another time; a time before 1970 was refused with 400",
    );
    let silent = Fault::new(planted(&record)).endpoint("upload/close_file_upload").times(3);
    verdict(&World::faulty(vec![silent]), 4, "differs", "close's answer has no Access");
    let other = Fault::new(planted(&json!({"FileId": "another", "Size": 2000})))
        .endpoint("upload/close_file_upload")
        .skip(1);
    verdict(&World::faulty(vec![other]), 11, "differs", "the file has another id afterwards");
}

#[test]
fn an_empty_file_without_a_hash() {
    let files = vec![
        with(file_entry("a", "empty", b""), "FileHash", json!("")),
        with(file_entry("b", "unfinished", b""), "FileHash", json!("")),
    ];
    let lists =
        Fault::new(What::Answer(listing(vec![], files))).endpoint("folder/list").item("point-5");
    verdict(&World::faulty(vec![lists]), 5, "differs", "of the empty file it is empty");
}

#[test]
fn a_listing_that_ends_after_a_hundred() {
    let world = World::with(Behaviour { listing_limit: Some(100), ..Behaviour::default() });
    verdict(&world, 6, "differs", "that of 101 has 100, that of 1001 has 100");
}

#[test]
fn another_number_of_downloads() {
    // Slow enough that they are still being read when the next one is asked for.
    let with = |max_downloads| {
        World::with(Behaviour {
            max_downloads,
            download_speed: Some(500_000),
            ..Behaviour::default()
        })
    };
    verdict(&with(None), 7, "differs", "eight were let in at once");
    verdict(
        &with(Some(7)),
        7,
        "differs",
        "an eighth, while they were read on, was refused with 429",
    );
    verdict(&with(Some(3)), 7, "unclear", "only 3 were let in at once");
    let waits = Fault::new(What::Status {
        code: 429,
        message: texts::TOO_MANY_DOWNLOADS.into(),
        retry_after: Some(1),
    });
    let world = with(None);
    world.simulator.add_fault(waits.endpoint("download/file").skip(6));
    verdict(&world, 7, "differs", "the refusal has a Retry-After");
}

#[test]
fn two_folders_of_a_name() {
    let with =
        |folder_namesakes| World::with(Behaviour { folder_namesakes, ..Behaviour::default() });
    verdict(
        &with(FolderNamesakes::Made),
        9,
        "differs",
        "the second was made beside the first; two calls at once made 2",
    );
    verdict(&with(FolderNamesakes::Raced), 9, "holds", "the second was refused with 409");
}

#[test]
fn other_names() {
    let long = "ö".repeat(128);
    let kept = json!({"FileId": "f", "Name": long});
    let create = Fault::new(planted(&kept)).endpoint("upload/create_file").item(&long);
    let lists = Fault::new(What::Answer(listing(vec![], vec![file_entry("f", &long, b"")])))
        .endpoint("folder/list")
        .item("point-10");
    verdict(
        &World::faulty(vec![create, lists]),
        10,
        "differs",
        "128 characters of two bytes: kept whole",
    );
    let found = Fault::new(What::Answer(listing(vec![], vec![file_entry("f", "x", b"")])))
        .endpoint("folder/itembyname")
        .times(6);
    verdict(&World::faulty(vec![found]), 16, "differs", "a+b is kept and found");
    let poor =
        Fault::new(planted(&json!({"StorageUsed": "1", "BwMax": "much"}))).endpoint("users/info");
    verdict(
        &World::faulty(vec![poor]),
        13,
        "differs",
        "it has no number in MaxStorage, BwUsed, BwMax, MaxFileSize",
    );
    let in_bytes = json!({
        "StorageUsed": "1", "MaxStorage": 1024, "BwUsed": 0, "BwMax": "1024",
        "MaxFileSize": "104857600",
    });
    let told = Fault::new(planted(&in_bytes)).endpoint("users/info");
    verdict(&World::faulty(vec![told]), 13, "differs", "MaxFileSize has 9 digits");
}

#[test]
fn a_drive_that_refuses_leaves_a_question_open() {
    let refused = Fault::refused(400, "Not now").endpoint("upload/close_file_upload").always();
    verdict(
        &World::faulty(vec![refused]),
        3,
        "unclear",
        r#"was refused with 400 "Not now", so that the question could not be asked"#,
    );
    // What only prepares a question is tried again.
    let passes = Fault::new(What::RefuseWrite).endpoint("upload/create_file").times(2);
    verdict(&World::faulty(vec![passes]), 3, "holds", "the time was taken");
    let cut = Fault::new(What::Reset).endpoint("file/info").always();
    verdict(&World::faulty(vec![cut]), 3, "unclear", "no answer");
}
