//! States: never replaced by another one, over memory, a local folder and the simulated OpenDrive
//! alike.

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::TryStreamExt;
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::Store;
use plakar_opendrive::connector::store::{Kind, Mac, ResourceContent, mac_to_hex};
use support_plugin::place::Place;
use support_plugin::stores::{made, store};

/// The name of each state here.
pub(super) const NAME: Mac = [7; 32];

async fn put(store: &Store, content: &str) -> u64 {
    let mut put = store.put(Kind::State, NAME).await.unwrap();
    put.write(Bytes::copy_from_slice(content.as_bytes())).await.unwrap();
    put.commit().await.unwrap()
}

pub(super) async fn get(store: &Store, mac: &Mac) -> String {
    let bytes = match store.get(Kind::State, mac, None).await.unwrap() {
        ResourceContent::Whole(bytes) => bytes.to_vec(),
        ResourceContent::Pieces(pieces) => {
            pieces.try_collect::<Vec<Bytes>>().await.unwrap().concat()
        }
    };
    String::from_utf8(bytes).unwrap()
}

/// The contents of all states, as whoever comes anew finds them.
pub(super) async fn states(place: &Place) -> Vec<String> {
    let store = store(place);
    let macs = store.list(Kind::State).await.unwrap();
    let mut contents = join_all(macs.iter().map(|mac| get(&store, mac))).await;
    contents.sort();
    contents
}

#[tokio::test]
async fn a_state_never_takes_the_place_of_another_one() {
    for place in Place::all("store-states") {
        let first = made(&place).await;
        assert_eq!(put(&first, "as it was").await, 9);
        // The same again, by whoever knows of it or does not, is no further one.
        put(&first, "as it was").await;
        put(&store(&place), "as it was").await;
        assert_eq!(states(&place).await, ["as it was"], "{}", place.name());
        // Another one of that name is kept beside it, once. It has the same size, so that only the
        // content tells.
        for store in [&first, &store(&place), &first] {
            assert_eq!(put(store, "and after").await, 9);
            assert_eq!(states(&place).await, ["and after", "as it was"], "{}", place.name());
        }
        put(&first, "and a third").await;
        assert_eq!(
            states(&place).await,
            ["and a third", "and after", "as it was"],
            "{}",
            place.name()
        );
        // What has the name is what had it first.
        assert_eq!(get(&store(&place), &NAME).await, "as it was", "{}", place.name());
        assert_eq!(get(&first, &NAME).await, "as it was", "{}", place.name());
    }
}

#[tokio::test]
async fn two_machines_that_put_a_state_of_one_name_at_once_keep_both() {
    for place in Place::all("store-states-at-once") {
        let (first, second) = (made(&place).await, store(&place));
        // Both have looked before either has put.
        second.list(Kind::State).await.unwrap();
        first.list(Kind::State).await.unwrap();
        put(&first, "by the first").await;
        put(&second, "by the other").await;
        assert_eq!(states(&place).await, ["by the first", "by the other"], "{}", place.name());
        assert_eq!(get(&store(&place), &NAME).await, "by the first", "{}", place.name());
        if let Place::Local(folder) = &place {
            // What had been uploaded under a temporary name is gone.
            let files = std::fs::read_dir(folder.path().join("stores/one/states")).unwrap();
            assert_eq!(files.count(), 2);
        }
    }
}

/// A name that another machine has taken with the same content is no second state.
#[tokio::test]
async fn two_machines_that_put_the_same_state_at_once_put_one() {
    for place in Place::all("store-same-state-at-once") {
        let (first, second) = (made(&place).await, store(&place));
        second.list(Kind::State).await.unwrap();
        put(&first, "by both").await;
        assert_eq!(put(&second, "by both").await, 7, "{}", place.name());
        assert_eq!(states(&place).await, ["by both"], "{}", place.name());
    }
}

#[tokio::test]
async fn a_state_whose_last_answer_is_lost_is_put_once() {
    for endpoint in ["file/rename", "upload/close_file_upload", "upload/create_file"] {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(Fault::new(What::LoseAnswer).endpoint(endpoint));
        put(&store, "whole").await;
        assert_eq!(place.simulator().unused_faults(), [], "{endpoint}");
        assert_eq!(states(&place).await, ["whole"], "{endpoint}");
    }
}

/// What could not be listed afterwards was renamed all the same.
#[tokio::test]
async fn a_state_that_was_renamed_is_renamed_whatever_the_next_listing_says() {
    let place = Place::drive();
    let store = made(&place).await;
    put(&store, "content").await;
    assert_eq!(store.list(Kind::State).await.unwrap(), [NAME]);
    let refused = Fault::refused(403, "Access denied").endpoint("folder/list");
    place.simulator().add_fault(refused.always());
    let name = store.rename_state(&NAME, Some(3)).await.unwrap();
    assert_eq!(place.simulator().unused_faults(), []);
    place.simulator().set_faults(Vec::new());
    assert_ne!(name, NAME);
    // The next use lists.
    assert_eq!(get(&store, &name).await, "content");
    assert_eq!(store.list(Kind::State).await.unwrap(), [name]);
    assert_eq!(states(&place).await, ["content"]);
}

#[tokio::test]
async fn a_store_is_not_made_over_one_that_was_made_meanwhile() {
    let place = Place::drive();
    let (first, second) = (store(&place), store(&place));
    // The second looks before the first has made anything, and is slow to go on.
    place
        .simulator()
        .add_fault(Fault::new(What::Delay { ms: 1_500 }).endpoint("upload/create_file"));
    let slow = tokio::spawn(async move { second.create(Bytes::from_static(b"the second")).await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let quick = first.create(Bytes::from_static(b"the first")).await;
    let outcomes = [quick, slow.await.unwrap()];
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(
        refused.len() == 1 && refused[0].to_string().contains("a store already"),
        "{outcomes:?}"
    );
    let won = if outcomes[0].is_ok() { "the first" } else { "the second" };
    assert_eq!(store(&place).open().await.unwrap(), won);
}

#[tokio::test]
async fn the_last_state_comes_first() {
    for place in Place::all("store-order") {
        let store = made(&place).await;
        // In an order that is that of neither the names nor the puts.
        let times = [3, 7, 1, 6, 2, 5, 4];
        for (number, time) in times.iter().enumerate() {
            let name = format!("stores/one/states/{}", mac_to_hex(&[number as u8; 32]));
            place.put(&name, b"a state", 1_600_000_000 + 100 * time).await;
        }
        let order: Vec<u64> = store
            .list(Kind::State)
            .await
            .unwrap()
            .iter()
            .map(|mac| times[usize::from(mac[0])])
            .collect();
        assert_eq!(order, [7, 6, 5, 4, 3, 2, 1], "{}", place.name());
    }
}
