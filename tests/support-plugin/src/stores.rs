//! A store at a place, and what is done with it.

use bytes::Bytes;
use futures::stream::TryStreamExt;
use plakar_opendrive::connector::store::{ByteRange, Kind, Mac, ResourceContent};
use plakar_opendrive::connector::{Role, Store};
use plakar_opendrive::rclone::Result;

use crate::place::Place;

/// No MAC at all.
pub const NONE: &[Mac] = &[];

/// A store, not opened and not made.
pub fn store(place: &Place) -> Store {
    Store::new(place.settings(Role::Store, "stores/one"))
}

/// A store that was just made.
pub async fn made(place: &Place) -> Store {
    let store = store(place);
    store.create(Bytes::from_static(b"description")).await.unwrap();
    store
}

/// A MAC for each number.
pub fn mac(number: u8) -> Mac {
    std::array::from_fn(|index| number.wrapping_mul(31).wrapping_add(index as u8 * 5))
}

/// Puts as Plakar does: the number of bytes that are there.
pub async fn put(store: &Store, kind: Kind, mac: Mac, bytes: &[u8]) -> Result<u64> {
    let mut put = store.put(kind, mac).await?;
    for chunk in bytes.chunks(1 << 20) {
        put.write(Bytes::copy_from_slice(chunk)).await?;
    }
    put.commit().await
}

/// Gets as Plakar's service does, and checks the sizes of the pieces.
pub async fn get(
    store: &Store,
    kind: Kind,
    mac: &Mac,
    range: Option<(u64, u64)>,
) -> Result<Vec<u8>> {
    let range = range.map(|(offset, length)| ByteRange { offset, length });
    match store.get(kind, mac, range).await? {
        ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        ResourceContent::Pieces(pieces) => {
            let pieces: Vec<Bytes> = pieces.try_collect().await?;
            assert!(pieces.iter().all(|piece| (1..=1 << 20).contains(&piece.len())));
            Ok(pieces.concat())
        }
    }
}

/// The MACs of a kind, in order.
pub async fn listed(store: &Store, kind: Kind) -> Vec<Mac> {
    let mut macs = store.list(kind).await.unwrap();
    macs.sort();
    macs
}
