//! A drive that lies: names that lead elsewhere, listings in circles, answers that are none or
//! never end.

mod answers;
mod names;
mod stores;

use std::collections::BTreeMap;
use std::time::Duration;

use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::{Role, Source};
use plakar_opendrive::rclone::Error;
use support::planted::assert_plain;
use support::within;
use support_plugin::place::Place;
use tokio::sync::mpsc;

/// No walk of these tests takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// What a walk told: folders, files, and what failed with the reason.
struct Told {
    source: Source,
    folders: Vec<String>,
    files: Vec<String>,
    failed: BTreeMap<String, String>,
}

/// Walks to the end. Whatever the drive says, no record leads elsewhere and no line has more than
/// text in it.
async fn walk(place: &Place) -> Told {
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(16);
    let mut told = Told { source, folders: Vec::new(), files: Vec::new(), failed: BTreeMap::new() };
    let collect = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (outcome, records) =
        within(TIME_LIMIT, async { tokio::join!(told.source.walk(sender), collect) }).await;
    outcome.unwrap();
    for SourceRecord { path, item } in records {
        assert!(
            path == "/"
                || path.starts_with('/')
                    && path[1..].split('/').all(|name| !["", ".", ".."].contains(&name)),
            "{path:?}"
        );
        assert!(!path.contains('\0') && path.len() < 20_000, "{path:?}");
        match item {
            SourceItem::Folder { .. } => told.folders.push(path),
            SourceItem::File { .. } => told.files.push(path),
            SourceItem::Failed(reason) => {
                assert_plain(&reason);
                told.failed.insert(path, reason);
            }
        }
    }
    told
}

async fn read(source: &Source, path: &str) -> Result<Vec<u8>, Error> {
    let mut reader = source.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
