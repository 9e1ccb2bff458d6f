//! Folders that a drive gives by pages: nothing in them is left out without a word.

use std::cell::Cell;
use std::collections::BTreeMap;

use opendrive_sim::{Behaviour, Fault, What};
use plakar_opendrive::connector::source::SourceItem;
use plakar_opendrive::connector::{Role, Source};
use support_plugin::place::Place;

use crate::real_drive::{place, records};

/// So many files, and some folders with one in each.
async fn fill(place: &Place, files: u32, folders: u32) {
    for number in 0..files {
        place.put(&format!("base/in/f{number:03}"), b"x", 1).await;
    }
    for number in 0..folders {
        place.put(&format!("base/in/d{number:03}/file"), b"x", 1).await;
    }
}

async fn open(place: &Place) -> Source {
    Source::open(place.settings(Role::Source, "base")).await.unwrap()
}

/// How many files there are, and what failed.
async fn told(source: &Source) -> (usize, BTreeMap<String, String>) {
    let (mut files, mut failed) = (0, BTreeMap::new());
    for (path, item) in records(source).await {
        match item {
            SourceItem::File { .. } => files += 1,
            SourceItem::Failed(reason) => drop(failed.insert(path, reason)),
            SourceItem::Folder { .. } => {}
        }
    }
    (files, failed)
}

#[tokio::test]
async fn a_listing_that_stops_at_a_hundred_or_fails_is_read_by_pages() {
    // Of entries, or of files beside all folders.
    for (entries, files, folders) in [(Some(100), None, 0), (None, Some(100), 3)] {
        let place = place(Behaviour {
            listing_limit: entries,
            listing_files_limit: files,
            ..Behaviour::default()
        });
        fill(&place, 250, folders).await;
        for fault in [None, Some(Fault::new(What::LargeListing { over: 100 }).always())] {
            place.simulator().set_faults(fault.into_iter().collect());
            let expected = (250 + folders as usize, BTreeMap::new());
            assert_eq!(told(&open(&place).await).await, expected, "{entries:?} {files:?}");
        }
    }
}

#[tokio::test]
async fn what_is_removed_meanwhile_hides_nothing_else() {
    let place = place(Behaviour { listing_limit: Some(100), ..Behaviour::default() });
    fill(&place, 250, 0).await;
    let source = open(&place).await;
    // One of the first, before these calls for the folder.
    let next = Cell::new(0);
    let removed_before = |calls: &[u64]| {
        for call in calls {
            let number = next.replace(next.get() + 1);
            let removes = What::Remove { path: format!("base/in/f{number:03}") };
            let fault = Fault::new(removes).endpoint("folder/list").item("/base/in");
            place.simulator().add_fault(fault.skip(call - 1));
        }
    };
    for (calls, left) in [(&[2][..], 249), (&[3][..], 248), (&[2, 4][..], 246)] {
        place.simulator().set_faults(Vec::new());
        removed_before(calls);
        assert_eq!(told(&source).await, (left, BTreeMap::new()), "{calls:?}");
        assert_eq!(place.simulator().unused_faults(), []);
    }

    // It does not end: an error on that folder.
    place.simulator().set_faults(Vec::new());
    removed_before(&[2, 4, 6]);
    let (files, failed) = told(&source).await;
    let reason = &failed["/base/in"];
    assert!(
        files == 0 && reason.contains("were removed from the folder each of the 3 times"),
        "{files} files, {reason}"
    );
    // Once nothing is removed, it is listed as ever.
    assert_eq!(told(&source).await, (243, BTreeMap::new()));
}
