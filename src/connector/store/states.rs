//! Putting states: never in the place of another one, and not lost when the drive fails.

use std::collections::HashSet;
use std::io;
use std::sync::MutexGuard;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::catalog::Catalog;
use super::layout::{self, Kind, Mac};
use super::machine_folder::{MachineFolder, PendingState};
use super::spool::{Spool, descriptors};
use super::{Result, Store};
use crate::rclone::{Error, ErrorKind};

/// What to do when a state could not be put and is not on this machine's disk either.
const ADVICE: &str = "; Plakar's cache takes it for stored all the same: before the next backup remove it (the folder 2.0.0 in \
                      ~/.cache/plakar), or that backup will lack data";

/// What to do about a state that will never be in the store.
const REMOVE: &str = "remove Plakar's cache (the folder 2.0.0 in ~/.cache/plakar), then this file";

/// A state that comes in, and what this machine's disk has of it.
#[derive(Debug)]
pub(super) enum StateCopy {
    /// As much as has come.
    Kept(PendingState),
    /// Nothing: no folder is known.
    Nowhere,
    /// Nothing, for this reason.
    Failed(Error),
}

impl StateCopy {
    /// Takes bytes over.
    pub(super) async fn write(&mut self, chunk: Bytes) {
        *self = match std::mem::replace(self, Self::Nowhere) {
            Self::Kept(pending) => Self::with(pending, move |pending| pending.write(&chunk)).await,
            other => other,
        };
    }

    /// Makes it last, now that all has come.
    pub(super) async fn complete(self) -> Self {
        match self {
            Self::Kept(pending) => Self::with(pending, PendingState::complete).await,
            other => other,
        }
    }

    /// Ends it: nobody will miss it on this disk.
    pub(super) async fn remove(self) {
        let Self::Kept(pending) = self else { return };
        // Should that fail, it is put once more, and found to be there.
        drop(tokio::task::spawn_blocking(|| pending.remove()).await);
    }

    /// Does something with the file, which goes if that fails.
    async fn with(
        mut pending: PendingState,
        work: impl FnOnce(&mut PendingState) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let done = on_disk(move || match work(&mut pending) {
            Ok(()) => Ok(pending),
            Err(error) => {
                pending.remove();
                Err(error)
            }
        });
        done.await.map_or_else(Self::Failed, Self::Kept)
    }
}

/// How far back the time of a state may lie that is put late. What is a day old and not complete is
/// removed as a leftover.
const MAX_BACKDATING: Duration = Duration::from_secs(12 * 60 * 60);

impl Store {
    /// Keeps on this machine's disk what [`MachineFolder`] keeps, for the store with this description.
    pub(super) fn remember(&self, description: &[u8]) {
        let Some(folder) = &self.0.state_folder else { return };
        let local =
            self.0.local.get_or_init(|| MachineFolder::new(folder, description, self.identity()));
        match local.seen() {
            Ok(None) => {}
            Ok(Some((file, others))) => tracing::warn!(
                "this store was also seen at {}: Plakar keeps one cache for all copies of a store, and what is backed up to one can be \
                 unreadable for others; use each with a -cachedir of its own, or take the line of a place that is gone out of {}",
                others.join(" and at "),
                file.display()
            ),
            Err(error) => tracing::info!("the places of this store are not remembered: {error}"),
        }
    }

    /// The packfiles that this connection has put.
    pub(super) fn packfiles(&self) -> MutexGuard<'_, Vec<Mac>> {
        self.0.packfiles.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Puts the states that could not be put by earlier connections of this machine, or by this one;
    /// nothing else is put before.
    ///
    /// # Errors
    /// What the server says, or that they are too old, or that one is lost.
    pub(super) async fn settle(&self) -> Result<()> {
        // Once that is done it is held for a moment only, and puts go side by side.
        let mut settled = self.0.settled.lock().await;
        if let Some(error) = self.0.unsaved.get() {
            return Err(error.clone());
        }
        if !*settled {
            self.put_pending().await?;
            *settled = true;
        }
        Ok(())
    }

    async fn put_pending(&self) -> Result<()> {
        let Some(local) = self.0.local.get().cloned() else { return Ok(()) };
        let found = on_disk(move || local.pending()).await?;
        for (kind, mac, mut pending) in found.whole {
            self.put_late(kind, mac, &mut pending).await.map_err(|error| {
                let (kind, file) = (kind.name(), pending.path().display());
                Error::new(
                    error.kind(),
                    format!("a {kind} of an earlier backup is not in the store yet, and comes first ({file}): {error}"),
                )
            })?;
            pending.remove();
            tracing::warn!(
                "a {} of an earlier backup, which could not be put then, is in the store now",
                kind.name()
            );
        }
        match found.broken {
            Some(file) => Err(Error::new(
                ErrorKind::Other,
                format!(
                    "of a state of an earlier backup only a part has come, because the process that it was sent to was killed; if Plakar was \
                     not killed too, its cache takes that state for stored: nothing is put before you {REMOVE} ({})",
                    file.display()
                ),
            )),
            None => Ok(()),
        }
    }

    async fn put_late(&self, kind: Kind, mac: Mac, pending: &mut PendingState) -> Result<()> {
        let useless = |why: &str| Error::new(ErrorKind::Other, format!("{why}: {REMOVE}"));
        if pending.expired().map_err(disk)? {
            return Err(useless("it is too old, maintenance may have removed what it tells of"));
        }
        let needed = pending.packfiles().map_err(disk)?;
        if !needed.is_empty() {
            let there: HashSet<Mac> =
                self.ready().await?.list(Kind::Packfile).await?.0.into_iter().collect();
            if !needed.iter().all(|packfile| there.contains(packfile)) {
                return Err(useless("what it tells of was removed by maintenance"));
            }
        }
        // Plakar, here, has read it before all that others put meanwhile, and they read it in the
        // order of the times.
        let made = pending.made().map_err(disk)?;
        let oldest = SystemTime::now().checked_sub(MAX_BACKDATING).unwrap_or(made);
        let mut spool = Spool::made(&self.0.budget, made.max(oldest));
        loop {
            let chunk = pending.read().map_err(disk)?;
            if chunk.is_empty() {
                break;
            }
            spool.push(chunk).await?;
        }
        place_state(self.ready().await?, kind, mac, &spool).await
    }

    /// Begins to keep a state on this machine's disk, from its first byte on until it has arrived.
    pub(super) async fn keep_state(&self, kind: Kind, mac: Mac) -> StateCopy {
        let Some(local) = self.0.local.get().cloned() else { return StateCopy::Nowhere };
        let packfiles = self.packfiles().clone();
        on_disk(move || local.keep(kind, &mac, &packfiles))
            .await
            .map_or_else(StateCopy::Failed, StateCopy::Kept)
    }

    /// Puts a state, after those that come before it.
    pub(super) async fn put_state(
        &self,
        kind: Kind,
        mac: Mac,
        spool: &Spool,
        kept: StateCopy,
    ) -> Result<()> {
        // First: should this process be killed now, the next connection has all of it.
        let kept = kept.complete().await;
        let catalog = self.ready().await?;
        let placed = match self.settle().await {
            Ok(()) => place_state(catalog, kind, mac, spool).await,
            Err(error) => {
                // As for all that is put then. But where packfiles of this connection went before
                // that, Plakar's cache takes over what it tells of them, so it is kept.
                if self.packfiles().is_empty() || self.0.unsaved.get().is_some() {
                    kept.remove().await;
                    return Err(error);
                }
                Err(error)
            }
        };
        match placed {
            Ok(()) => {
                kept.remove().await;
                Ok(())
            }
            Err(error) => Err(self.not_put(&error, kept).await),
        }
    }

    /// Takes note of a state that could not be put, and gives what is said of it. Plakar takes it
    /// for stored, and `sync` goes on with the next snapshot (plakar v1.1.4): so this connection puts
    /// nothing else either before that state is in the store, and nothing at all if it is lost.
    pub(super) async fn not_put(&self, error: &Error, kept: StateCopy) -> Error {
        let note = match kept {
            StateCopy::Kept(pending) => {
                let path = pending.path().display().to_string();
                // While it is in hand nobody finds it, so both become known at once.
                let mut settled = self.0.settled.lock().await;
                pending.leave();
                *settled = false;
                return Error::new(
                    error.kind(),
                    format!(
                        "{error}; it is kept in {path}, and is put first at the next connection of this user"
                    ),
                );
            }
            StateCopy::Nowhere => String::new(),
            StateCopy::Failed(reason) => {
                format!("; it could not be kept on this machine either: {reason}")
            }
        };
        let error = Error::new(error.kind(), format!("{error}{note}{ADVICE}"));
        let refusal = format!(
            "nothing more is put, because a state that comes before is not in the store: {error}"
        );
        // Only the first one counts.
        let _ = self.0.unsaved.set(Error::new(error.kind(), refusal));
        error
    }

    /// Gives a state a name that its content decides, and its position if there is one, beside all
    /// that are there, and gives the name. The higher the position, the nearer it is to the front
    /// of a list of those that were put at the same time. Plakar reads every state that is listed,
    /// whatever its name; nothing else changes.
    ///
    /// # Errors
    /// `NotFound`, or what the server says; it has its old name then.
    pub async fn rename_state(&self, mac: &Mac, position: Option<u64>) -> Result<Mac> {
        let catalog = self.ready().await?;
        // In the older layout it is in a folder of its own.
        let path = catalog.find(Kind::State, mac).await?.object.path();
        let Some(object) = catalog.remote().stat(&path).await?.object else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no state {}", layout::hex(mac)),
            ));
        };
        let mut spool = Spool::new(&self.0.budget);
        let mut reader = object.read(0, None).await?;
        while let Some(chunk) = reader.chunk().await? {
            spool.push(chunk).await?;
        }
        let mut name = spool.name(mac).await?;
        if let (Some(position), Some(front)) = (position, name.first_chunk_mut()) {
            *front = (u64::MAX - position).to_be_bytes();
        }
        object.rename(&Kind::State.path(&name)).await?;
        catalog.forget(Kind::State, mac);
        // It is done, whatever the listing says; without one the next use of the states makes it.
        catalog.outdate(Kind::State);
        let _ = catalog.list(Kind::State).await;
        Ok(name)
    }
}

/// Does something with files, on a thread that may wait.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(disk)
}

fn disk(error: io::Error) -> Error {
    let advice =
        descriptors(&error).unwrap_or("set XDG_STATE_HOME to a folder with room of your own");
    Error::new(
        ErrorKind::Other,
        format!(
            "the folder for states that are on their way to the store failed: {error}; {advice}"
        ),
    )
}

/// Puts a state, which others read as soon as it is there, whole or not at all, and never in the
/// place of another one.
///
/// Plakar names the state that a `sync` writes after the snapshot that it copies. When that
/// snapshot was removed on this store and is copied again, there is a state of that name, from
/// which others descend: each state names its parent. Replaced, it would be its own ancestor, and a
/// Plakar that has no cache yet passes over such a circle without a word (`TopoSort` in kloset
/// v1.1.3), and over all the content that the state told of. Plakar reads every state that is
/// listed, whatever its name, so the new one is kept under a name of its own: that of its content,
/// so that the same put made twice is one state.
async fn place_state(catalog: &Catalog, kind: Kind, mac: Mac, spool: &Spool) -> Result<()> {
    let mut name = mac;
    for try_other in [true, false] {
        match catalog.present(kind, &name).await? {
            Some(kept) if spool.is_same(&kept.object).await? => return Ok(()),
            Some(_) if try_other => {
                tracing::info!(
                    "a {} named {} is there with other content: both are kept",
                    kind.name(),
                    layout::hex(&mac)
                );
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
    Err(Error::new(
        ErrorKind::Exists,
        format!("there is another {} named {} already", kind.name(), layout::hex(&name)),
    ))
}
