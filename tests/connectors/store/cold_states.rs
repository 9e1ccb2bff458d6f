//! The states of a store that a machine reads for the first time.

use opendrive_sim::{Fault, What, texts};
use plakar_opendrive::connector::store::{Kind, Mac};
use support::noise;
use support_plugin::place::Place;
use support_plugin::stores::{get, made, store};

const STATES: u8 = 12;

/// A name that says nothing of the order.
fn mac(number: u8) -> Mac {
    std::array::from_fn(|index| {
        number.wrapping_mul(97).wrapping_add((index as u8).wrapping_mul(11))
    })
}

fn content(number: u8) -> Vec<u8> {
    noise(u64::from(number), 500 + usize::from(number))
}

/// A store on a drive with states that were put one after another.
async fn with_states() -> Place {
    with((0..STATES).map(content)).await
}

async fn with(states: impl Iterator<Item = Vec<u8>>) -> Place {
    let place = Place::drive();
    drop(made(&place).await);
    for (number, content) in (0..).zip(states) {
        let name: String = mac(number).iter().map(|byte| format!("{byte:02x}")).collect();
        let seconds = 1_700_000_000 + i64::from(number);
        let path = format!("stores/one/states/{name}");
        place.simulator().drive().put_file(&path, content, seconds);
    }
    place
}

/// Reads states as Plakar does that has no cache, each of them twice; gives the calls that brought
/// them together and one by one.
async fn read_all(place: &Place) -> (u64, u64) {
    let store = store(place);
    store.open().await.unwrap();
    let listed = store.list(Kind::State).await.unwrap();
    assert_eq!(listed.len(), usize::from(STATES));
    let simulator = place.simulator();
    simulator.reset_calls();
    let newest_first = (0..STATES).rev();
    let oldest_first = 0..STATES;
    for number in newest_first.chain(oldest_first) {
        let bytes = get(&store, Kind::State, &mac(number), None).await.unwrap();
        assert!(bytes == content(number), "state {number}");
    }
    let calls = simulator.calls();
    let one_by_one = calls.of("download/file");
    // What was read twice is not kept.
    get(&store, Kind::State, &listed[0], None).await.unwrap();
    assert_eq!(simulator.calls().of("download/file"), one_by_one + 1);
    (calls.of("download/all"), one_by_one)
}

#[tokio::test]
async fn who_reads_several_states_has_all_in_one_call_and_each_once() {
    assert_eq!(read_all(&with_states().await).await, (1, 2));
}

#[tokio::test]
async fn where_the_drive_does_not_give_them_in_one_call_they_come_one_by_one() {
    for what in [
        What::Status { code: 404, message: "Directory does not exist".into(), retry_after: None },
        What::Edge { code: 403 },
        // The seventh: it is not waited for, and holds nothing else back.
        What::Status { code: 429, message: texts::TOO_MANY_DOWNLOADS.into(), retry_after: None },
    ] {
        let place = with_states().await;
        place.simulator().set_faults(vec![Fault::new(what).endpoint("download/all")]);
        assert_eq!(read_all(&place).await, (1, u64::from(STATES)));
    }
}

#[tokio::test]
async fn who_lacks_the_newest_states_reads_those() {
    let place = with_states().await;
    let store = store(&place);
    store.open().await.unwrap();
    let listed = store.list(Kind::State).await.unwrap();
    place.simulator().reset_calls();
    for _ in 0..2 {
        get(&store, Kind::State, &listed[0], None).await.unwrap();
        get(&store, Kind::State, &listed[1], None).await.unwrap();
    }
    let calls = place.simulator().calls();
    assert_eq!((calls.of("download/all"), calls.of("download/file")), (0, 2));
}

#[tokio::test]
async fn who_lacks_a_few_of_many_large_states_is_not_given_all() {
    let place = with((0..40).map(|number| noise(number, 20_000))).await;
    let store = store(&place);
    store.open().await.unwrap();
    store.list(Kind::State).await.unwrap();
    place.simulator().reset_calls();
    let read = async |numbers: std::ops::Range<u8>| {
        for number in numbers {
            get(&store, Kind::State, &mac(number), None).await.unwrap();
        }
        let calls = place.simulator().calls();
        (calls.of("download/all"), calls.of("download/file"))
    };
    assert_eq!(read(36..40).await, (0, 4));
    // Who goes on has no cache.
    assert_eq!(read(0..36).await, (1, 4));
}
