//! Putting resources.

use bytes::Bytes;

use super::catalog::Catalog;
use super::layout::{self, Kind, Mac};
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
        // Locks and states never wait for the packfiles of a slow line: others take a lock that is not renewed for stale.
        let permit = match kind {
            Kind::Packfile | Kind::EccPackfile => store.0.uploads.acquire().await.ok(),
            Kind::Lock | Kind::State | Kind::EccState => None,
        };
        let catalog = store.ready().await?;
        if matches!(kind, Kind::State | Kind::EccState) {
            put_state(catalog, kind, mac, &spool).await?;
            return Ok(spool.size());
        }
        // An empty packfile or lock, which is what others see meanwhile, is passed over.
        let uploaded = spool.upload(catalog.remote(), &kind.path(&mac)).await;
        drop(permit);
        if kind == Kind::Packfile {
            store.0.cache.forget(&mac);
        }
        catalog.add(kind, mac, uploaded?);
        if kind == Kind::Lock {
            store.locks().own.insert(mac);
        }
        Ok(spool.size())
    }
}

/// Puts a state, which others read as soon as it is there, whole or not at all, and never in the place of another one.
///
/// Plakar names the state that a `sync` writes after the snapshot that it copies. When that snapshot was removed on this store and
/// is copied again, there is a state of that name, from which others descend: each state names its parent. Replaced, it would be its
/// own ancestor, and a Plakar that has no cache yet passes over such a circle without a word (`TopoSort` in kloset v1.1.3), and
/// over all the content that the state told of. Plakar reads every state that is listed, whatever its name, so the new one is kept
/// under a name of its own: that of its content, so that the same put made twice is one state.
async fn put_state(catalog: &Catalog, kind: Kind, mac: Mac, spool: &Spool) -> Result<()> {
    let mut name = mac;
    for try_other in [true, false] {
        match catalog.present(kind, &name).await? {
            Some(kept) if spool.is_same(&kept.object).await? => return Ok(()),
            Some(_) if try_other => {
                tracing::info!("a {} named {} is there with other content: both are kept", kind.name(), layout::hex(&mac));
                name = spool.name(&mac).await?;
            }
            Some(_) => break,
            None => match spool.place(catalog.remote(), &kind.path(&name)).await {
                // Another machine was quicker: its state is compared, and kept.
                Err(error) if error.kind() == ErrorKind::Exists && try_other => {
                    catalog.list(kind).await?;
                    match catalog.known(kind, &name) {
                        Some(kept) if spool.is_same(&kept.object).await? => return Ok(()),
                        _ => name = spool.name(&mac).await?,
                    }
                }
                uploaded => {
                    catalog.add(kind, name, uploaded?);
                    return Ok(());
                }
            },
        }
    }
    Err(Error::new(ErrorKind::Exists, format!("there is another {} named {} already", kind.name(), layout::hex(&name))))
}
