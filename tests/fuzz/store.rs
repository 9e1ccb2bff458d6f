//! The store against a map.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use bolero::TypeGenerator;
use bytes::Bytes;
use futures::stream::TryStreamExt;
use plakar_opendrive::connector::store::{self, ByteRange, Kind};
use plakar_opendrive::connector::{Role, Store};
use plakar_opendrive::rclone::{Error, ErrorKind};

use crate::{Bucket, block_on, bytes, fuzz, runtime};

#[derive(Debug, TypeGenerator)]
enum StoreStep {
    Put {
        kind: u8,
        mac: u8,
        size: u16,
        pieces: u8,
    },
    /// A put that Plakar breaks off.
    Abandon {
        kind: u8,
        mac: u8,
    },
    Get {
        kind: u8,
        mac: u8,
    },
    Range {
        kind: u8,
        mac: u8,
        offset: u16,
        length: u16,
    },
    Delete {
        kind: u8,
        mac: u8,
    },
    List {
        kind: u8,
    },
    Size,
    Tidy,
    /// Goes on with a new connection, which knows nothing yet.
    Reopen,
}

async fn get(
    store: &Store,
    kind: Kind,
    mac: &[u8; 32],
    range: Option<ByteRange>,
) -> Result<Vec<u8>, Error> {
    match store.get(kind, mac, range).await? {
        store::ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        store::ResourceContent::Pieces(pieces) => {
            Ok(pieces.try_collect::<Vec<Bytes>>().await?.concat())
        }
    }
}

#[test]
fn a_store_against_a_map() {
    let (runtime, number) = (runtime(), Cell::new(0));
    fuzz::<Vec<StoreStep>>("a store against a map", |steps| {
        block_on(&runtime, async {
            let bucket = Bucket::new("store", &number);
            let mut store = Store::new(bucket.settings(Role::Store));
            store.create(Bytes::from_static(b"description")).await.unwrap();
            let mut model: BTreeMap<(u8, u8), Vec<u8>> = BTreeMap::new();
            // States whose name was taken by another one: they are kept under names of their own.
            let mut beside: BTreeSet<(u8, u8, Vec<u8>)> = BTreeSet::new();
            for step in steps {
                // Few of each, so that they meet.
                let kind = |number: u8| (number % 5, Kind::ALL[usize::from(number % 5)]);
                let place =
                    |number: u8, mac: u8| ((number % 5, mac % 4), kind(number).1, [mac % 4; 32]);
                match *step {
                    StoreStep::Put { kind, mac, size, pieces } => {
                        let (key, kind, mac) = place(kind, mac);
                        let content = bytes(pieces, usize::from(size));
                        let mut put = store.put(kind, mac).await.unwrap();
                        for piece in content.chunks(usize::from(pieces) * 100 + 999) {
                            put.write(Bytes::copy_from_slice(piece)).await.unwrap();
                        }
                        match put.commit().await {
                            Ok(count) => {
                                assert_eq!(count, u64::from(size));
                                let is_state = matches!(kind, Kind::State | Kind::EccState);
                                if is_state
                                    && model.get(&key).is_some_and(|there| *there != content)
                                {
                                    beside.insert((key.0, key.1, content));
                                } else {
                                    model.insert(key, content);
                                }
                            }
                            Err(error) => assert!(size == 0, "{error}"),
                        }
                    }
                    StoreStep::Abandon { kind, mac } => {
                        let (_, kind, mac) = place(kind, mac);
                        let mut put = store.put(kind, mac).await.unwrap();
                        put.write(Bytes::from_static(b"half")).await.unwrap();
                    }
                    StoreStep::Get { kind, mac } => {
                        let (key, kind, mac) = place(kind, mac);
                        let got = get(&store, kind, &mac, None).await;
                        match model.get(&key) {
                            Some(expected) => assert!(got.unwrap() == *expected),
                            None => assert_eq!(got.unwrap_err().kind(), ErrorKind::NotFound),
                        }
                    }
                    StoreStep::Range { kind, mac, offset, length } => {
                        let (key, kind, mac) = place(kind, mac);
                        let range = ByteRange { offset: offset.into(), length: length.into() };
                        let got = get(&store, kind, &mac, Some(range)).await;
                        let end = usize::from(offset) + usize::from(length);
                        match model.get(&key) {
                            Some(expected) if end <= expected.len() => {
                                assert!(got.unwrap() == expected[offset.into()..end])
                            }
                            Some(_) => assert_eq!(got.unwrap_err().kind(), ErrorKind::Config),
                            None => assert_eq!(got.unwrap_err().kind(), ErrorKind::NotFound),
                        }
                    }
                    StoreStep::Delete { kind, mac } => {
                        let (key, kind, mac) = place(kind, mac);
                        // What is not there is deleted already.
                        store.delete(kind, &mac).await.unwrap();
                        model.remove(&key);
                    }
                    StoreStep::List { kind: number } => {
                        let (key, kind) = kind(number);
                        let (given, own): (Vec<_>, Vec<_>) = store
                            .list(kind)
                            .await
                            .unwrap()
                            .into_iter()
                            .partition(|mac| mac.iter().all(|byte| *byte == mac[0]));
                        assert_eq!(
                            own.len(),
                            beside.iter().filter(|(kind, ..)| *kind == key).count()
                        );
                        let mut macs: Vec<u8> = given.iter().map(|mac| mac[0]).collect();
                        macs.sort_unstable();
                        let expected: Vec<u8> = model
                            .keys()
                            .filter(|(kind, _)| *kind == key)
                            .map(|(_, mac)| *mac)
                            .collect();
                        assert_eq!(macs, expected);
                    }
                    StoreStep::Size => drop(store.size().await.unwrap()),
                    StoreStep::Tidy => store.tidy().await,
                    StoreStep::Reopen => {
                        // When the connection ends its locks go.
                        store.finish().await;
                        model.retain(|(kind, _), _| Kind::ALL[usize::from(*kind)] != Kind::Lock);
                        store = Store::new(bucket.settings(Role::Store));
                        assert_eq!(store.open().await.unwrap(), "description");
                    }
                }
            }
            drop(store);
            bucket.clear().await;
        });
    });
}
