//! The source and its reading ahead.

use std::cell::Cell;
use std::collections::HashMap;

use bolero::TypeGenerator;
use plakar_opendrive::connector::{Role, Source, source};
use plakar_opendrive::rclone::ErrorKind;
use tokio::sync::mpsc;

use crate::{Bucket, block_on, bytes, fuzz, real_time_runtime};

#[derive(Debug, TypeGenerator)]
enum SourceStep {
    /// Opens the next file and reads it, as Plakar does.
    Next,
    /// Passes the next file over.
    Skip,
    /// Opens any file, and reads so many chunks of it.
    Open {
        file: u8,
        chunks: u8,
    },
    /// A result for any file, or for none.
    Acknowledge {
        file: u8,
    },
    AcknowledgeNone {
        path: String,
    },
    /// A second walk beside the first.
    Walk,
    /// Lets what is under way go on.
    Wait,
}

async fn told(source: &Source) -> Vec<String> {
    let (sender, mut receiver) = mpsc::channel::<source::SourceRecord>(256);
    let collect = async {
        let mut files = Vec::new();
        while let Some(record) = receiver.recv().await {
            match record.item {
                source::SourceItem::File { .. } => files.push(record.path),
                source::SourceItem::Folder { .. } => {}
                source::SourceItem::Failed(reason) => panic!("{}: {reason}", record.path),
            }
        }
        files
    };
    let (walked, files) = tokio::join!(source.walk(sender), collect);
    walked.unwrap();
    files
}

#[test]
fn a_source_and_its_reading_ahead() {
    const FILES: usize = 12;
    let (runtime, number) = (real_time_runtime(), Cell::new(0));
    let bucket = Bucket::new("source", &number);
    let content =
        |index: usize| bytes(index as u8, [0, 1, 5_000, 1 << 20, (1 << 20) + 1][index % 5]);
    let mut contents = HashMap::new();
    runtime.block_on(async {
        for index in 0..FILES {
            let path = format!("f{}/file{index:02}", index % 3);
            bucket.put(&path, &content(index)).await;
            contents.insert(format!("/{}/{path}", bucket.0), content(index));
        }
    });
    fuzz::<Vec<SourceStep>>("a source and its reading ahead", |steps| {
        block_on(&runtime, async {
            let source = Source::open(bucket.settings(Role::Source)).await.unwrap();
            let files = told(&source).await;
            let mut sorted = files.clone();
            sorted.sort_unstable();
            assert_eq!(files.len(), FILES);
            let mut known = [true; FILES];
            let mut next = 0;
            for step in steps {
                let (index, chunks, acknowledge) = match step {
                    SourceStep::Next | SourceStep::Skip if next == FILES => continue,
                    SourceStep::Next => {
                        next += 1;
                        (next - 1, usize::MAX, true)
                    }
                    SourceStep::Skip => {
                        source.acknowledge(&files[next]);
                        known[next] = false;
                        next += 1;
                        continue;
                    }
                    SourceStep::Open { file, chunks } => {
                        (usize::from(*file) % FILES, usize::from(*chunks % 4), false)
                    }
                    SourceStep::Acknowledge { file } => {
                        let index = usize::from(*file) % FILES;
                        source.acknowledge(&files[index]);
                        known[index] = false;
                        continue;
                    }
                    SourceStep::AcknowledgeNone { path } => {
                        source.acknowledge(path);
                        assert_eq!(
                            source.read(path).await.unwrap_err().kind(),
                            ErrorKind::NotFound
                        );
                        continue;
                    }
                    SourceStep::Walk => {
                        let mut again = told(&source).await;
                        again.sort_unstable();
                        assert_eq!(again, sorted);
                        known = [true; FILES];
                        continue;
                    }
                    SourceStep::Wait => {
                        tokio::task::yield_now().await;
                        continue;
                    }
                };
                match source.read(&files[index]).await {
                    Ok(mut reader) => {
                        assert!(known[index], "{} was done with", files[index]);
                        let expected = &contents[&files[index]];
                        let mut got = Vec::new();
                        for _ in 0..chunks {
                            match reader.chunk().await.unwrap() {
                                Some(chunk) => got.extend_from_slice(&chunk),
                                None => {
                                    assert_eq!(got.len(), expected.len());
                                    break;
                                }
                            }
                        }
                        assert!(expected.starts_with(&got), "{}", files[index]);
                    }
                    Err(error) => {
                        assert!(!known[index] && error.kind() == ErrorKind::NotFound, "{error}")
                    }
                }
                if acknowledge {
                    source.acknowledge(&files[index]);
                    known[index] = false;
                }
            }
        });
    });
    runtime.block_on(bucket.clear());
}
