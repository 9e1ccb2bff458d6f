//! The store: a Kloset repository on a remote.
//!
//! [`layout`] says what lies where, `catalog` knows what is there, [`cache`] answers the thousands
//! of small reads of packfiles, and `put` uploads.
//!
//! States and `CONFIG` appear under their names only when complete; an empty packfile or lock,
//! which is what an upload looks like while it goes on, is passed over. `machine_folder.rs` is what this
//! machine keeps of a store, `volume.rs` ends the run where the daily volume is used up. What
//! Plakar has sent is finished when Plakar goes, if a second does for it, else taken back; and
//! locks of ours that nobody deleted are deleted then.
//!
//! What a crash leaves: empty packfiles and locks under their names, and `.incomplete` and
//! `.partial` files. No listing counts them. A connection that has put or deleted something
//! removes, when Plakar closes it, those that its own listings have shown and that were last
//! modified more than 24 hours ago by the drive's clock. No upload of a packfile or state takes
//! that long, so another machine is never writing what is removed. Beside `CONFIG` only names of
//! exactly our pattern or rclone's go: the folder may be the user's.

pub mod cache;
mod catalog;
mod cold_states;
mod get;
mod given_up;
mod known_locks;
pub mod layout;
mod locks;
mod machine_folder;
mod put;
mod small;
mod spool;
mod state_version;
mod state_versions;
mod states;
mod volume;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::cache::BlockCache;
use self::catalog::Catalog;
use self::cold_states::ColdStates;
pub use self::get::{ByteRange, ResourceContent};
use self::given_up::GivenUp;
use self::known_locks::KnownLocks;
use self::layout::CONFIG;
pub use self::layout::{Kind, Mac, hex as mac_to_hex, mac_from_hex};
use self::machine_folder::MachineFolder;
pub use self::machine_folder::state_folder;
pub use self::put::PutWriter;
use self::small::contents;
use self::spool::{Budget, Spool};
pub use self::state_version::StateVersion;
use self::state_version::StateVersions;
pub use self::volume::end_runs_by;
use super::{Identity, OpenError, Settings, check_crypt_password, explain, open_remote};
use crate::rclone::{Error, ErrorKind, Object};

type Result<T, E = Error> = std::result::Result<T, E>;

/// How long requests that came just before the end of a connection have to be seen.
const LAST_REQUESTS: Duration = Duration::from_millis(50);

/// How long what was begun may still take at the end of a connection. Plakar waits for its puts, so
/// one that is under way then belongs to a Plakar that was killed: nothing will refer to it.
const GRACE: Duration = Duration::from_secs(1);

/// A store. Clones share it.
///
/// Nothing is asked of the remote before one of the calls needs it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    settings: Settings,
    catalog: OnceCell<Catalog>,
    cache: BlockCache,
    budget: Arc<Budget>,
    uploads: Semaphore,
    /// The puts and deletes that were begun: they are finished even if nobody waits for them.
    tasks: TaskTracker,
    /// Ends those that take too long at the end.
    hurry: CancellationToken,
    locks: Mutex<KnownLocks>,
    /// Whether this connection has put or deleted anything.
    wrote: AtomicBool,
    /// Whether a read was given up because the drive is away.
    given_up: GivenUp,
    /// Where what [`MachineFolder`] keeps is; `None` if nothing is kept.
    state_folder: Option<PathBuf>,
    /// What this machine keeps of the store, once that is open.
    local: std::sync::OnceLock<MachineFolder>,
    /// How the states are read.
    cold_states: ColdStates,
    state_versions: StateVersions,
    /// The packfiles that this connection has put.
    packfiles: Mutex<Vec<Mac>>,
    /// Whether the states that come before all else are in the store: those of earlier connections,
    /// and those of this one that could not be put.
    settled: tokio::sync::Mutex<bool>,
    /// Why nothing more is put, if a state is neither in the store nor on this machine.
    unsaved: std::sync::OnceLock<Error>,
    /// The process that started this one.
    parent: u32,
}

impl Store {
    /// A store at the place of a configuration, of which this machine keeps nothing.
    pub fn new(settings: Settings) -> Self {
        Self::with_state(settings, None, None)
    }

    /// A store at the place of a configuration. States that cannot be put are kept below a folder
    /// of this machine, usually [`state_folder`], until a later connection puts them. It warns before
    /// states of the version that `puts` names, if that is known, shut out an older Plakar.
    pub fn with_state(
        settings: Settings,
        state_folder: Option<PathBuf>,
        puts: Option<StateVersion>,
    ) -> Self {
        let cache = BlockCache::new(settings.cache_size, settings.transfers);
        let uploads = Semaphore::new(settings.transfers);
        Self(Arc::new(Inner {
            settings,
            catalog: OnceCell::new(),
            cache,
            budget: Arc::default(),
            uploads,
            tasks: TaskTracker::new(),
            hurry: CancellationToken::new(),
            locks: Mutex::default(),
            wrote: AtomicBool::new(false),
            given_up: GivenUp::default(),
            state_folder,
            local: std::sync::OnceLock::new(),
            cold_states: ColdStates::default(),
            state_versions: StateVersions::new(puts),
            packfiles: Mutex::default(),
            settled: tokio::sync::Mutex::default(),
            unsaved: std::sync::OnceLock::new(),
            parent: parent().unwrap_or_default(),
        }))
    }

    /// Where this is.
    pub fn identity(&self) -> &Identity {
        &self.0.settings.identity
    }

    /// Asks whether the remote lets us in; the store need not exist yet.
    ///
    /// # Errors
    /// One line that says what is wrong: the configuration, the login, or a base that is a file.
    pub async fn ping(&self) -> Result<(), OpenError> {
        match self.catalog().await?.remote().list("").await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(explain(&self.0.settings, &error))
            }
            _ => Ok(()),
        }
    }

    /// Makes a store with Plakar's description of it. That comes last, and all at once: a folder
    /// has the file `CONFIG` when it is a store.
    ///
    /// # Errors
    /// `Exists` if there is one already, else as for [`Store::ping`].
    pub async fn create(&self, config: Bytes) -> Result<(), OpenError> {
        let remote = self.catalog().await?.remote();
        let failed = |error: Error| explain(&self.0.settings, &error);
        match self.config_object().await {
            Ok(Some(object)) => {
                let (_, size) = object;
                let why = if size == Some(0) {
                    "a file CONFIG without a byte in it: remove it first"
                } else {
                    "a store already"
                };
                return Err(self.error(ErrorKind::Exists, why));
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                check_crypt_password(&self.0.settings, remote).await?;
                remote.make_folder("").await.map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        for kind in Kind::MAIN {
            remote.make_folder(kind.folder()).await.map_err(failed)?;
        }
        let mut spool = Spool::new(&self.0.budget);
        spool.push(config.clone()).await.map_err(failed)?;
        match spool.place(remote, CONFIG).await {
            Err(error) if error.kind() == ErrorKind::Exists => {
                Err(self.error(ErrorKind::Exists, "a store already"))
            }
            outcome => outcome.map(drop).map_err(failed),
        }?;
        self.remember(&config);
        Ok(())
    }

    /// Opens a store and gives Plakar's description of it. States that earlier connections of this
    /// machine could not put come first: if they cannot be put now either, what is there can be
    /// read, and puts fail.
    ///
    /// # Errors
    /// `NotFound` if there is no store, else as for [`Store::ping`].
    pub async fn open(&self) -> Result<Bytes, OpenError> {
        self.catalog().await?;
        let object = match self.config_object().await {
            Ok(Some((object, Some(1..) | None))) => object,
            Ok(_) => {
                return Err(
                    self.error(ErrorKind::NotFound, "no store: make one with `plakar at … create`")
                );
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(self.error(
                    ErrorKind::NotFound,
                    "no store, and no such folder: make one with `plakar at … create`",
                ));
            }
            Err(error) => return Err(explain(&self.0.settings, &error)),
        };
        let description =
            contents(&object).await.map_err(|error| explain(&self.0.settings, &error))?;
        self.remember(&description);
        if let Err(error) = self.settle().await {
            tracing::warn!("{error}");
        }
        Ok(description)
    }

    /// The bytes of the whole store, as far as listings tell.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub async fn size(&self) -> Result<u64> {
        let catalog = self.ready().await?;
        let mut size = 0;
        for kind in Kind::MAIN {
            size += catalog.size(kind).await?;
        }
        Ok(size)
    }

    /// Lists the resources of a kind, as they are now, the last that was put first.
    ///
    /// # Errors
    /// `NotFound` if the store is gone, or what the server says.
    pub async fn list(&self, kind: Kind) -> Result<Vec<Mac>> {
        let (macs, changed) = self.ready().await?.list(kind).await?;
        if kind == Kind::Packfile {
            changed.iter().for_each(|mac| self.0.cache.forget(mac));
        }
        if kind == Kind::Lock { self.readable_locks(macs).await } else { Ok(macs) }
    }

    /// Begins to receive a resource.
    ///
    /// # Errors
    /// If the remote cannot be opened.
    pub async fn put(&self, kind: Kind, mac: Mac) -> Result<PutWriter> {
        self.ready().await?;
        self.warn_of_newer_states(kind).await;
        Ok(PutWriter::new(self, kind, mac).await)
    }

    /// Deletes a resource; one that is gone already is deleted. Once it has begun it is carried
    /// through, whoever waits for it or not.
    ///
    /// # Errors
    /// What the server says.
    pub async fn delete(&self, kind: Kind, mac: &Mac) -> Result<()> {
        let (store, mac) = (self.clone(), *mac);
        self.carry_through(async move { store.remove(kind, &mac).await }).await
    }

    /// Ends what was begun when the connection has ended: puts and deletes are carried through if
    /// that is soon done and taken back otherwise; the locks that nobody deleted are deleted, which
    /// would keep others out for ten minutes. A state that is under way is kept for the next
    /// connection, unless whoever started this process is gone, and with it whoever may build on
    /// it.
    pub async fn finish(&self) {
        tokio::time::sleep(LAST_REQUESTS).await;
        self.0.tasks.close();
        if tokio::time::timeout(GRACE, self.0.tasks.wait()).await.is_err() {
            self.0.hurry.cancel();
            self.0.tasks.wait().await;
        }
        if let Some(local) = self.0.local.get().filter(|_| parent() != Some(self.0.parent)) {
            local.forget_unanswered();
        }
        let locks: Vec<Mac> = self.locks().own.drain().collect();
        let deletions = locks.iter().map(|mac| self.remove(Kind::Lock, mac));
        futures::future::join_all(deletions).await;
    }

    /// Removes what uploads left behind that were cut off more than a day ago, if this connection
    /// has written: whoever only reads may have no right to.
    pub async fn tidy(&self) {
        if let Some(catalog) = self.0.catalog.get().filter(|_| self.0.wrote.load(Ordering::Relaxed))
        {
            catalog.tidy().await;
        }
    }

    async fn remove(&self, kind: Kind, mac: &Mac) -> Result<()> {
        let catalog = self.ready().await?;
        let kept = match catalog.find(kind, mac).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        let outcome = match kept.object.delete().await {
            // Another machine was quicker, or the answer to the first try was lost.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        };
        catalog.forget(kind, mac);
        match kind {
            Kind::Packfile => self.0.cache.forget(mac),
            Kind::Lock if outcome.is_ok() => drop(self.locks().own.remove(mac)),
            _ => {}
        }
        outcome
    }

    /// The file `CONFIG`, if there is one, and its size.
    async fn config_object(&self) -> Result<Option<(Object, Option<u64>)>> {
        Ok(self.ready().await?.config().await?.and_then(|entry| Some((entry.object?, entry.size))))
    }

    async fn catalog(&self) -> Result<&Catalog, OpenError> {
        let open = || async {
            let remote = open_remote(&self.0.settings).await?;
            Ok(Catalog::new(remote, self.0.settings.checkers))
        };
        self.0.catalog.get_or_try_init(open).await
    }

    /// The catalog, for calls that Plakar makes when the store is open.
    async fn ready(&self) -> Result<&Catalog> {
        self.catalog().await.map_err(|error| match error {
            OpenError::Config(error) => Error::new(ErrorKind::Config, error.to_string()),
            OpenError::Remote { message, kind, .. } => Error::new(kind, message),
        })
    }

    async fn carry_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.0.wrote.store(true, Ordering::Relaxed);
        let hurry = self.0.hurry.clone();
        let work = async move { hurry.run_until_cancelled(work).await };
        match self.0.tasks.spawn(work).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(Error::new(ErrorKind::Cancelled, "the store was told to end")),
            Err(error) => Err(Error::new(ErrorKind::Other, format!("a bug: {error}"))),
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> OpenError {
        let Identity { origin, kind: backend, root } = self.identity();
        OpenError::Remote {
            message: format!("at {root} on {backend} ({origin}) there is {what}"),
            kind,
            temporary: false,
        }
    }
}

/// The number of the process that started this one, another one when that is gone; `None` where
/// that is not known.
fn parent() -> Option<u32> {
    #[cfg(unix)]
    let parent = Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    let parent = None;
    parent
}
