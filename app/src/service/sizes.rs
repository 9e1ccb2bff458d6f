//! The sizes of what is done: Plakar's lines have none, so they are looked up in a restore point
//! that has the same paths.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::meter::Meter;
use plakar_driver::{Browser, Result, SnapshotId, SnapshotPath};

/// Maximum number of paths that wait; of others no size is known.
const MAX_WAITING_PATHS: usize = 10_000;

/// Maximum number of folders that are kept: files come roughly folder by folder.
const MAX_KEPT_FOLDERS: usize = 32;

/// Maximum number of entries of a folder that are asked for.
const MAX_FOLDER_ENTRIES: u64 = 10_000;

/// Looks the sizes up, beside the work, for as long as it lives.
pub(super) struct Sizes {
    paths: mpsc::Sender<String>,
    _task: AbortOnDropHandle<()>,
}

/// Where to look: a restore point, and the folder of it that the paths begin at.
pub(super) type Reference = (Arc<Browser>, SnapshotId, SnapshotPath);

impl Sizes {
    /// Begins. What cannot be looked up is left out: it is only to show how far something is.
    pub(super) fn start(
        reference: impl Future<Output = Result<Option<Reference>>> + Send + 'static,
        meter: Meter,
    ) -> Self {
        let (paths, waiting) = mpsc::channel(MAX_WAITING_PATHS);
        let task = tokio::spawn(async move {
            match reference.await {
                Ok(Some(reference)) => look_up(reference, waiting, meter).await,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "no sizes to compare with"),
            }
        });
        Self { paths, _task: AbortOnDropHandle::new(task) }
    }

    /// This entry is done.
    pub(super) fn done(&self, path: &str) {
        let _ = self.paths.try_send(path.to_owned());
    }
}

async fn look_up((browser, id, base): Reference, mut paths: mpsc::Receiver<String>, meter: Meter) {
    let mut kept: HashMap<SnapshotPath, HashMap<String, u64>> = HashMap::new();
    let mut order = VecDeque::new();
    while let Some(path) = paths.recv().await {
        let full = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let Ok(path) = SnapshotPath::new(&full) else { continue };
        let folder = path.parent();
        if !kept.contains_key(&folder) {
            // A folder that is new has no sizes yet.
            let sizes = sizes(&browser, &id, &folder).await.unwrap_or_default();
            if order.len() >= MAX_KEPT_FOLDERS
                && let Some(oldest) = order.pop_front()
            {
                kept.remove(&oldest);
            }
            order.push_back(folder.clone());
            kept.insert(folder.clone(), sizes);
        }
        if let Some(bytes) = kept.get(&folder).and_then(|sizes| sizes.get(path.name())) {
            meter.see(|tracker, _| tracker.sized(*bytes));
        }
    }
}

/// The sizes of the files in a folder, by name.
async fn sizes(
    browser: &Browser,
    id: &SnapshotId,
    folder: &SnapshotPath,
) -> Result<HashMap<String, u64>> {
    let page = browser.children(id, folder, 0, MAX_FOLDER_ENTRIES).await?;
    let files = page.items.into_iter().filter(|entry| entry.kind == plakar_driver::EntryKind::File);
    Ok(files.map(|entry| (entry.name, entry.size)).collect())
}
