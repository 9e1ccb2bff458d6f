//! Locks: which of those that are listed are there, and which are our own.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::known_locks::KnownLocks;
use super::layout::{self, Kind, Mac};
use super::{Result, Store, catalog, contents};
use crate::rclone::ErrorKind;

/// Maximum age of what was read of a lock when the locks were listed and is taken for what it is.
/// Its owner renews it every five minutes.
const MAX_READ_LOCK_AGE: Duration = Duration::from_secs(10);

/// Maximum number of times that a lock is read which is replaced whenever it is read.
const MAX_LOCK_READS: usize = 5;

impl Store {
    /// Of the locks that were listed, those that are there. A drive may go on to show one that is
    /// gone, and Plakar gives up every backup and maintenance over a lock that it cannot read.
    /// Plakar reads each lock that is listed at once, so what was read here is kept for it.
    pub(super) async fn readable_locks(&self, macs: Vec<Mac>) -> Result<Vec<Mac>> {
        self.locks().read.clear();
        let look = |mac: Mac| async move {
            match self.read_lock(&mac).await {
                Ok(bytes) => drop(self.locks().read.insert(mac, (Instant::now(), bytes))),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::warn!(
                        "the lock {} is listed and is not there: it is passed over",
                        layout::hex(&mac)
                    );
                    return None;
                }
                // Whoever asks for it is told.
                Err(_) => {}
            }
            Some(mac)
        };
        Ok(stream::iter(macs)
            .map(look)
            .buffer_unordered(self.0.settings.checkers)
            .filter_map(|mac| async move { mac })
            .collect()
            .await)
    }

    /// A lock, as it was when the locks were listed just now, or as it is.
    pub(super) async fn lock(&self, mac: &Mac) -> Result<Bytes> {
        let read = self.locks().read.remove(mac);
        match read {
            Some((when, bytes)) if when.elapsed() < MAX_READ_LOCK_AGE => Ok(bytes),
            _ => self.read_lock(mac).await,
        }
    }

    /// Reads a lock whole: it may be replaced at any moment, and is read again then.
    async fn read_lock(&self, mac: &Mac) -> Result<Bytes> {
        let catalog = self.ready().await?;
        let mut kept = catalog.find(Kind::Lock, mac).await?;
        for _ in 1..MAX_LOCK_READS {
            match contents(&kept.object).await {
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {}
                outcome => return outcome,
            }
            catalog.list(Kind::Lock).await?;
            kept =
                catalog.known(Kind::Lock, mac).ok_or_else(|| catalog::missing(Kind::Lock, mac))?;
        }
        contents(&kept.object).await
    }

    pub(super) fn locks(&self) -> MutexGuard<'_, KnownLocks> {
        self.0.locks.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
