//! A store full of lies.

use bytes::Bytes;
use futures::stream::TryStreamExt;
use plakar_opendrive::connector::store::{self, ByteRange, Kind};
use plakar_opendrive::connector::{Role, Store};
use plakar_opendrive::rclone::{Error, ErrorKind};
use serde_json::json;
use support::noise;
use support::planted::{
    ODD_NAMES, assert_plain, bad_names, file_entry, folder_entry, listing, plant, with,
};
use support_plugin::place::Place;

fn mac_name(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

async fn get(store: &Store, mac: u8, range: Option<(u64, u64)>) -> Result<Vec<u8>, Error> {
    let range = range.map(|(offset, length)| ByteRange { offset, length });
    let mac = [mac; 32];
    match store.get(Kind::Packfile, &mac, range).await? {
        store::ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        store::ResourceContent::Pieces(pieces) => {
            Ok(pieces.try_collect::<Vec<Bytes>>().await?.concat())
        }
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
    let sized =
        |mac: u8, size: &str| with(file_entry(&file, &mac_name(mac), &bytes), "Size", json!(size));
    let mut files = vec![
        file_entry(&file, &mac_name(1), &bytes),
        sized(2, "9223372036854775807"),
        sized(3, "-1"),
        sized(4, "400000"),
        sized(5, "600000"),
        with(file_entry(&file, &mac_name(6), &bytes), "FileHash", json!("abc")),
        file_entry(&file, &mac_name(1).to_uppercase().replace('A', "a"), &bytes),
    ];
    let foreign = bad_names()
        .into_iter()
        .chain(ODD_NAMES.map(str::to_owned))
        .chain(["f".repeat(1 << 20), format!("{}g", &mac_name(7)[1..])]);
    files.extend(foreign.map(|name| file_entry(&file, &name, b"x")));
    files.extend((0..20_000).map(|n| file_entry(&file, &format!("foreign{n}"), b"x")));
    let folders =
        vec![folder_entry("0", &mac_name(8)), folder_entry("D999", ".."), folder_entry("D999", "")];
    plant(simulator, "store/packfiles", listing(folders, files));
    let mut macs: Vec<u8> =
        store.list(Kind::Packfile).await.unwrap().iter().map(|mac| mac[0]).collect();
    macs.sort_unstable();
    assert_eq!(macs, [1, 2, 3, 4, 5, 6]);
    assert!(
        get(&store, 1, None).await.unwrap() == bytes
            && get(&store, 3, None).await.unwrap() == bytes
    );
    for mac in [2, 4, 5, 6] {
        let error = get(&store, mac, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{mac}: {error}");
    }
    for mac in 1..=6 {
        assert!(
            get(&store, mac, Some((1_000, 3_000))).await.unwrap() == bytes[1_000..4_000],
            "{mac}"
        );
    }
    // Beyond the true end, within the one that was told.
    for (mac, offset) in
        [(2, 499_000), (2, 1 << 62), (2, i64::MAX as u64 - 3_000), (5, 550_000), (3, 1 << 62)]
    {
        let error = get(&store, mac, Some((offset, 3_000))).await.unwrap_err();
        assert_plain(&error.to_string());
    }
    assert!(
        get(&store, 1, Some((499_999, 2)))
            .await
            .unwrap_err()
            .message()
            .contains("only 500000 bytes")
    );
    assert!(get(&store, 1, Some((0, 500_000))).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_description_without_an_end_is_no_description() {
    let place = Place::drive();
    let store = Store::new(place.settings(Role::Store, "store"));
    store.create(Bytes::from_static(b"description")).await.unwrap();
    let file = place.simulator().drive().put_generated("elsewhere", 5_000_000, 1, 1);
    for size in ["5000000", "9223372036854775807", "-1"] {
        let config = with(
            with(file_entry(&file, "CONFIG", b""), "Size", json!(size)),
            "FileHash",
            json!(""),
        );
        place.simulator().set_faults(vec![]);
        plant(place.simulator(), "store", listing(vec![], vec![config]));
        let error =
            Store::new(place.settings(Role::Store, "store")).open().await.unwrap_err().to_string();
        let expected = if size.len() > 7 {
            "it has 5000000 bytes, 9223372036854775807 were expected"
        } else {
            "CONFIG has more than 4000000 bytes"
        };
        assert!(error.contains(expected), "{error}");
    }
}
