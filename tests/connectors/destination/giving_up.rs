//! What is about one file alone is no reason to leave the rest of a restore undone.

use std::collections::BTreeMap;

use bytes::Bytes;
use opendrive_sim::{Fault, Options, Simulator};
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::*;

#[tokio::test]
async fn a_file_that_is_larger_than_the_room_left_keeps_no_smaller_one_out() {
    let options = Options { quota: Some(50 << 20), ..Options::default() };
    let place = Place::Drive(Box::new(Simulator::start(options).unwrap()));
    let restored = restore(&open(&place, "").await, async |restore| {
        restore.entry(file("/large", 200 << 20, 1), "/large".into()).await;
        let chunk = Bytes::from(noise(1, 1 << 20));
        for _ in 0..200 {
            restore.chunk(chunk.clone()).await;
        }
        restore.end_of_file().await;
        give(restore, file("/small", 1000, 1), &noise(2, 1000)).await;
    })
    .await;
    let reason = "the drive has 50 MB left, and the file has 200 MB";
    assert_eq!(restored.failed(reason), ["/large"]);
    assert_eq!(
        place.simulator().drive().tree().into_keys().collect::<Vec<_>>(),
        ["small"],
        "and nothing was begun of the large one"
    );
}

#[tokio::test]
async fn names_that_the_drive_refuses_keep_no_other_out() {
    let place = Place::drive();
    // More than go side by side and are counted together.
    let refused: Vec<String> = (0..40).map(|number| format!("name {number:02}")).collect();
    for name in &refused {
        let fault = Fault::refused(400, "Invalid value specified for `file_name`");
        place.simulator().add_fault(fault.endpoint("upload/create_file").item(name));
    }
    let mut files: BTreeMap<String, (Vec<u8>, u64)> =
        refused.iter().map(|name| (name.clone(), (b"refused".to_vec(), 1))).collect();
    files.insert("the last one".into(), (b"good".to_vec(), 1));
    let restored = restore_files(&open(&place, "").await, &files).await;
    let expected: Vec<String> = refused.iter().map(|name| format!("/{name}")).collect();
    assert_eq!(restored.failed("Invalid value"), expected);
    assert_eq!(place.simulator().unused_faults(), []);
    assert_eq!(place.simulator().drive().read_file("the last one").unwrap(), b"good");
}
