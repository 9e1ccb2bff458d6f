//! Putting resources.

use bytes::Bytes;

use super::layout::{Kind, Mac};
use super::spool::Spool;
use super::state_version::HEADER_BYTES;
use super::states::StateCopy;
use super::{Result, Store};
use crate::rclone::{Error, ErrorKind};

/// A put that is being received.
pub struct PutWriter {
    store: Store,
    kind: Kind,
    mac: Mac,
    spool: Spool,
    /// What this machine's disk has of it, if it is a state.
    kept: Option<StateCopy>,
    /// The first bytes of a state.
    first: Vec<u8>,
}

impl PutWriter {
    pub(super) async fn new(store: &Store, kind: Kind, mac: Mac) -> Self {
        let kept = match kind {
            Kind::State | Kind::EccState => Some(store.keep_state(kind, mac).await),
            Kind::Packfile | Kind::EccPackfile | Kind::Lock => None,
        };
        Self {
            store: store.clone(),
            kind,
            mac,
            spool: Spool::new(&store.0.budget),
            kept,
            first: Vec::new(),
        }
    }

    /// Takes bytes over.
    ///
    /// # Errors
    /// If they do not fit in memory and a temporary file cannot be written.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if let Some(kept) = &mut self.kept {
            let missing = HEADER_BYTES - self.first.len();
            self.first.extend_from_slice(&chunk[..missing.min(chunk.len())]);
            kept.write(chunk.clone()).await;
        }
        self.spool.push(chunk).await
    }

    /// Uploads what came; gives the number of bytes. Once it has begun it is carried through,
    /// whoever waits for it or not.
    ///
    /// # Errors
    /// What the server says. Nothing that a listing would show is left then.
    pub async fn commit(self) -> Result<u64> {
        let store = self.store.clone();
        store.carry_through(self.upload()).await
    }

    async fn upload(self) -> Result<u64> {
        let Self { store, kind, mac, spool, kept, first } = self;
        if spool.size() == 0 {
            if let Some(kept) = kept {
                kept.remove().await;
            }
            return Err(Error::new(
                ErrorKind::Config,
                format!("a {} without a byte in it", kind.name()),
            ));
        }
        // Locks and states never wait for the packfiles of a slow line: others take a lock that is
        // not renewed for stale.
        let permit = match kind {
            Kind::Packfile | Kind::EccPackfile => store.0.uploads.acquire().await.ok(),
            Kind::Lock | Kind::State | Kind::EccState => None,
        };
        if let Some(kept) = kept {
            store.put_state(kind, mac, &spool, kept).await?;
            store.saw_state(&first).await;
            return Ok(spool.size());
        }
        let catalog = store.ready().await?;
        if kind != Kind::Lock {
            store.settle().await?;
        }
        // An empty packfile or lock, which is what others see meanwhile, is passed over.
        let uploaded = spool.upload(catalog.remote(), &kind.path(&mac)).await;
        drop(permit);
        if kind == Kind::Packfile {
            store.0.cache.forget(&mac);
        }
        catalog.add(kind, mac, uploaded?);
        if kind == Kind::Packfile {
            store.packfiles().push(mac);
        }
        if kind == Kind::Lock {
            store.locks().own.insert(mac);
        }
        Ok(spool.size())
    }
}
