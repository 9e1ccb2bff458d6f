//! Putting resources.

use bytes::Bytes;

use super::layout::{Kind, Mac};
use super::spool::Spool;
use super::{Result, Store};
use crate::rclone::{Error, ErrorKind};

/// What to do when a state could not be put. Plakar 1.1.4 merges it into its local cache all the same
/// (`flushDeltaState` in kloset v1.1.3, snapshot/builder.go): its next backup then takes data for
/// stored that no state in the store tells of, and nobody else can read that backup.
const ADVICE: &str = "; Plakar's cache takes it for stored all the same: before the next backup remove it (the folder 2.0.0 in \
                      ~/.cache/plakar), or that backup will lack data";

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
        let uploaded = uploaded.map_err(|error| match kind {
            Kind::State => Error::new(error.kind(), format!("{error}{ADVICE}")),
            _ => error,
        });
        catalog.add(kind, mac, uploaded?);
        if kind == Kind::Lock {
            store.locks().insert(mac);
        }
        Ok(spool.size())
    }
}
