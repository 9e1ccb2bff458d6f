//! The stream of a restore.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bolero::TypeGenerator;
use bytes::Bytes;
use plakar_opendrive::connector::{Destination, Role, destination};
use support::planted::assert_plain;
use tokio::sync::mpsc;

use crate::{Bucket, block_on, bytes, fuzz, runtime};

#[derive(Debug, TypeGenerator)]
enum RestoreStep {
    Folder {
        path: Vec<u8>,
    },
    File {
        path: Vec<u8>,
        size: Option<u16>,
        sent: u16,
        pieces: u8,
        ended: bool,
    },
    /// Of the right size, as most are.
    Good {
        path: Vec<u8>,
        size: u16,
    },
    Other,
    Chunk {
        size: u8,
    },
    End,
}

/// A path of few names, so that they meet; now and then one that leads elsewhere.
fn path(names: &[u8]) -> String {
    const NAMES: [&str; 9] = ["a", "b", "A", "ü", "x y", "line\nbreak", "..", "", "nul\0"];
    let name = |index: &u8| {
        NAMES[if *index < 240 { usize::from(index % 6) } else { usize::from(index % 3) + 6 }]
    };
    format!("/{}", names.iter().take(4).map(name).collect::<Vec<_>>().join("/"))
}

#[test]
fn the_stream_of_a_restore() {
    let (runtime, number) = (runtime(), Cell::new(0));
    fuzz::<Vec<RestoreStep>>("the stream of a restore", |steps| {
        block_on(&runtime, async {
            let bucket = Bucket::new("restore", &number);
            let target =
                Arc::new(Destination::open(bucket.settings(Role::Destination)).await.unwrap());
            let (sender, mut outcomes) = mpsc::channel(4);
            let collect = async {
                let mut all = Vec::new();
                while let Some(destination::Outcome { ticket, result }) = outcomes.recv().await {
                    all.push((ticket, result));
                }
                all
            };
            // What was sent for each ticket, a file with its bytes.
            let mut entries: Vec<Option<(String, Vec<u8>, bool)>> = Vec::new();
            let mut restore = target.restore(sender);
            let feed = async {
                for step in steps {
                    let mut file =
                        |path: &[u8], size: Option<u16>, content: Vec<u8>, whole: bool| {
                            let path = self::path(path);
                            entries.push(Some((path.clone(), content, whole)));
                            let item = destination::RestoreItem::File {
                                size: size.map(u64::from),
                                modified: std::time::UNIX_EPOCH,
                            };
                            (
                                destination::RestoreRecord { path, item, attributes: false },
                                entries.len() - 1,
                            )
                        };
                    match step {
                        RestoreStep::Folder { path } => {
                            entries.push(None);
                            let record = destination::RestoreRecord {
                                path: self::path(path),
                                item: destination::RestoreItem::Folder,
                                attributes: false,
                            };
                            restore.entry(record, entries.len() - 1).await;
                        }
                        RestoreStep::Good { path, size } => {
                            let content = bytes(2, usize::from(*size));
                            let (record, ticket) = file(path, Some(*size), content.clone(), true);
                            restore.entry(record, ticket).await;
                            restore.chunk(content.into()).await;
                            restore.end_of_file().await;
                        }
                        RestoreStep::File { path, size, sent, pieces, ended } => {
                            let content = bytes(3, usize::from(*sent));
                            let whole = *ended && size.is_none_or(|size| size == *sent);
                            let (record, ticket) = file(path, *size, content.clone(), whole);
                            restore.entry(record, ticket).await;
                            for piece in content.chunks(usize::from(*pieces) * 100 + 999) {
                                restore.chunk(Bytes::copy_from_slice(piece)).await;
                            }
                            if *ended {
                                restore.end_of_file().await;
                            } else {
                                // Or else what comes next would be taken for a part of it.
                                let other =
                                    destination::RestoreItem::Other(destination::LeftOut::Link);
                                restore
                                    .entry(
                                        destination::RestoreRecord {
                                            path: "/link".into(),
                                            item: other,
                                            attributes: true,
                                        },
                                        usize::MAX,
                                    )
                                    .await;
                            }
                        }
                        RestoreStep::Other => {
                            let item =
                                destination::RestoreItem::Other(destination::LeftOut::Socket);
                            restore
                                .entry(
                                    destination::RestoreRecord {
                                        path: "/x".into(),
                                        item,
                                        attributes: false,
                                    },
                                    usize::MAX,
                                )
                                .await;
                        }
                        RestoreStep::Chunk { size } => {
                            restore.chunk(bytes(4, usize::from(*size)).into()).await
                        }
                        RestoreStep::End => restore.end_of_file().await,
                    }
                }
                restore.finish().await
            };
            let (summary, mut all) = tokio::join!(feed, collect);
            all.sort_by_key(|(ticket, _)| *ticket);
            // One outcome for each folder and file.
            let tickets: Vec<usize> = all.iter().map(|(ticket, _)| *ticket).collect();
            assert_eq!(tickets, (0..entries.len()).collect::<Vec<_>>());
            assert_eq!(
                summary.failures,
                all.iter().filter(|(_, result)| result.is_err()).count() as u64
            );
            summary.failure().iter().chain(&summary.left_out()).for_each(|line| assert_plain(line));
            // What is said to be stored is there, and nothing else is.
            let mut expected: BTreeMap<String, &[u8]> = BTreeMap::new();
            for (ticket, result) in &all {
                if let (Some((path, content, whole)), Ok(())) = (&entries[*ticket], result) {
                    assert!(whole, "{path:?} was not whole and is said to be stored");
                    // A path comes once in a snapshot. One that comes again when the stream has
                    // left its folder, which is forgotten then, replaces the first.
                    expected.insert(path.replace('\n', "␊"), content);
                }
                result.as_ref().err().iter().for_each(|reason| assert_plain(&reason.to_string()));
            }
            let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            let remote = bucket.remote().await;
            let mut waiting = vec![String::new()];
            while let Some(folder) = waiting.pop() {
                for entry in remote.list(&folder).await.unwrap_or_default() {
                    let path = if folder.is_empty() {
                        entry.name
                    } else {
                        format!("{folder}/{}", entry.name)
                    };
                    match entry.object {
                        None => waiting.push(path),
                        Some(object) => {
                            let mut content = Vec::new();
                            let mut reader = object.read(0, None).await.unwrap();
                            while let Some(chunk) = reader.chunk().await.unwrap() {
                                content.extend_from_slice(&chunk);
                            }
                            found.insert(format!("/{path}"), content);
                        }
                    }
                }
            }
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
            assert!(found.iter().all(|(path, content)| expected[path] == *content));
            bucket.clear().await;
        });
    });
}
