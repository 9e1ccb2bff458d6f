//! Putting resources.

use bytes::Bytes;

use super::layout::{Kind, Mac};
use super::spool::Spool;
use super::{Result, Store};
use crate::rclone::{Error, ErrorKind};

/// A put that is being received.
pub struct Put {
    store: Store,
    kind: Kind,
    mac: Mac,
    spool: Spool,
}

impl Put {
    pub(super) fn new(store: &Store, kind: Kind, mac: Mac) -> Self {
        Self { store: store.clone(), kind, mac, spool: Spool::new(&store.0.budget) }
    }

    /// Takes bytes over.
    ///
    /// # Errors
    /// If they do not fit in memory and a temporary file cannot be written.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
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
        let Self { store, kind, mac, spool } = self;
        if spool.size() == 0 {
            return Err(Error::new(ErrorKind::Config, format!("a {} without a byte in it", kind.name())));
        }
        let permit = store.0.uploads.acquire().await;
        let catalog = store.ready().await?;
        // Others read a state as soon as it is there. An empty packfile or lock is passed over.
        let whole = matches!(kind, Kind::State | Kind::EccState) && catalog.known(kind, &mac).is_none();
        let uploaded = spool.upload(catalog.remote(), &kind.path(&mac), whole).await;
        drop(permit);
        if kind == Kind::Packfile {
            store.0.cache.forget(&mac);
        }
        catalog.add(kind, mac, uploaded?);
        if kind == Kind::Lock {
            store.locks().insert(mac);
        }
        Ok(spool.size())
    }
}
