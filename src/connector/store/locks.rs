//! Locks: which of those that are listed are there, and which are our own.

use std::sync::MutexGuard;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::catalog::{self, Catalog};
use super::known_locks::KnownLocks;
use super::layout::{self, Kind, Mac};
use super::small::contents;
use super::{Result, Store};
use crate::rclone::{Error, ErrorKind};

/// Maximum age of what was read of a lock when the locks were listed and is taken for what it is.
/// Its owner renews it every five minutes.
const MAX_READ_LOCK_AGE: Duration = Duration::from_secs(10);

/// Maximum number of times that a lock is read which is replaced whenever it is read.
const MAX_LOCK_READS: usize = 5;

/// How long a lock is waited for that is listed and not found: so long the drive may not find what
/// another machine has just put.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Pause before such a lock is looked for again the first time. It doubles.
const MIN_LOCK_PAUSE: Duration = Duration::from_millis(500);

/// Maximum of that pause.
const MAX_LOCK_PAUSE: Duration = Duration::from_secs(4);

/// Age from which on Plakar takes a lock for one that was left behind (kloset v1.1.3,
/// repository/lock.go). It compares the clock of the machine that put it with that of its own; so
/// do we, as a lock's time on the drive is the former.
const STALE_LOCK_AGE: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Of the locks that were listed, those that are there. A drive may go on to show one that is
    /// gone, and Plakar gives up every backup and maintenance over a lock that it cannot read.
    /// Plakar reads each lock that is listed at once, so what was read here is kept for it.
    ///
    /// One that another machine may hold is listed even if it cannot be read: without it, a backup
    /// would run beside a maintenance, and build on what that sweeps.
    pub(super) async fn readable_locks(&self, macs: Vec<Mac>) -> Result<Vec<Mac>> {
        let catalog = self.ready().await?;
        {
            let mut known = self.locks();
            known.read.clear();
            known.unread.clear();
        }
        let look = |mac: Mac| async move {
            match self.listed_lock(catalog, &mac).await {
                Ok(bytes) => drop(self.locks().read.insert(mac, (Instant::now(), bytes))),
                Err(error) if error.kind() == ErrorKind::NotFound && may_be_held(catalog, &mac) => {
                    self.locks().unread.insert(mac);
                }
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
        let (read, is_unread) = {
            let mut known = self.locks();
            (known.read.remove(mac), known.unread.contains(mac))
        };
        if let Some((when, bytes)) = read
            && when.elapsed() < MAX_READ_LOCK_AGE
        {
            return Ok(bytes);
        }
        match self.read_lock(self.ready().await?, mac, MAX_LOCK_READS).await {
            Err(error) if is_unread && error.kind() == ErrorKind::NotFound => Err(unreadable(mac)),
            outcome => outcome,
        }
    }

    /// Reads a lock that was listed just now. While it is listed and not found, it is waited for:
    /// another machine may have put it a moment ago.
    async fn listed_lock(&self, catalog: &Catalog, mac: &Mac) -> Result<Bytes> {
        let (begun, mut pause) = (Instant::now(), MIN_LOCK_PAUSE);
        let mut read = self.read_lock(catalog, mac, MAX_LOCK_READS).await;
        while read.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
            && may_be_held(catalog, mac)
            && begun.elapsed() < LOCK_PATIENCE
        {
            tokio::time::sleep(pause).await;
            pause = MAX_LOCK_PAUSE.min(pause * 2);
            catalog.list(Kind::Lock).await?;
            read = self.read_lock(catalog, mac, 1).await;
        }
        read
    }

    /// Reads a lock whole: it may be replaced at any moment, and is read again then, so many times
    /// in all.
    async fn read_lock(&self, catalog: &Catalog, mac: &Mac, times: usize) -> Result<Bytes> {
        let mut kept = catalog.find(Kind::Lock, mac).await?;
        for _ in 1..times {
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

/// Whether a lock is still listed, and none that Plakar takes for left behind.
fn may_be_held(catalog: &Catalog, mac: &Mac) -> bool {
    catalog.known(Kind::Lock, mac).is_some_and(|kept| {
        let now = SystemTime::now();
        let age = kept.modified.map(|put| now.duration_since(put).unwrap_or_default());
        age.is_none_or(|age| age < STALE_LOCK_AGE)
    })
}

/// What is said of a lock that is listed and cannot be read. The source app waits for a store that
/// is "already locked".
fn unreadable(mac: &Mac) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "the store counts as already locked: the lock {} of another machine is listed and cannot be read yet; try again in a minute",
            layout::hex(mac)
        ),
    )
}
