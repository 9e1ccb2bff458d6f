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
    /// Why the spool does not have all of a state.
    unspooled: Option<Error>,
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
            unspooled: None,
            kept,
            first: Vec::new(),
        }
    }

    /// Takes bytes over.
    ///
    /// # Errors
    /// If they do not fit in memory and a temporary file cannot be written. Of a state that is said
    /// at the end: Plakar sends all of it and takes it for stored whatever is said (kloset v1.1.3,
    /// `flushDeltaState`), and this machine's disk may have room for it.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if let Some(kept) = &mut self.kept {
            let missing = HEADER_BYTES - self.first.len();
            self.first.extend_from_slice(&chunk[..missing.min(chunk.len())]);
            kept.write(chunk.clone()).await;
        }
        if self.unspooled.is_some() {
            return Ok(());
        }
        match self.spool.push(chunk).await {
            Err(error) if self.kept.is_some() => {
                self.unspooled = Some(error);
                Ok(())
            }
            pushed => pushed,
        }
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
        let Self { store, kind, mac, spool, unspooled, kept, first } = self;
        let kept = match (kept, unspooled) {
            (Some(kept), Some(error)) => {
                // Nothing may follow a state that is lost, now or later.
                if let Some(lost) = store.0.unsaved.get() {
                    kept.remove().await;
                    return Err(lost.clone());
                }
                return Err(store.not_put(&error, kept.complete().await).await);
            }
            (kept, _) => kept,
        };
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::connector::store::ResourceContent;
    use crate::connector::{Role, Settings};

    const NAME: Mac = [1; 32];

    /// A store that keeps states below a folder.
    async fn without_room(name: &str, folder: &Path) -> Store {
        let location = format!("rclone:///store-without-room/{name}");
        let config = [("location", location.as_str()), ("rclone_type", "memory")];
        let config = config.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = Settings::parse(Role::Store, &HashMap::from(config), "test-host").unwrap();
        let store = Store::with_state(settings, Some(folder.to_owned()), None);
        store.create(Bytes::from_static(b"description")).await.unwrap();
        store
    }

    #[tokio::test]
    async fn a_state_for_which_there_is_no_temporary_file_is_kept_and_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = without_room("one", folder.path()).await;

        let mut state = store.put(Kind::State, NAME).await.unwrap();
        state.write(Bytes::from_static(b"all ")).await.unwrap();
        state.spool = Spool::full(&store.0.budget);
        // Plakar sends it to the end.
        state.write(Bytes::from_static(b"of ")).await.unwrap();
        state.write(Bytes::from_static(b"it")).await.unwrap();
        let error = state.commit().await.unwrap_err().to_string();
        assert!(error.contains("set TMPDIR to a folder with room; it is kept in "), "{error}");
        assert_eq!(store.list(Kind::State).await.unwrap(), [] as [Mac; 0]);

        let mut packfile = store.put(Kind::Packfile, NAME).await.unwrap();
        packfile.write(Bytes::from_static(b"content")).await.unwrap();
        assert_eq!(packfile.commit().await.unwrap(), 7);
        assert_eq!(store.list(Kind::State).await.unwrap(), [NAME]);
        let content = store.get(Kind::State, &NAME, None).await.unwrap();
        let ResourceContent::Whole(bytes) = content else { panic!("a small state comes whole") };
        assert_eq!(bytes, "all of it");
    }

    /// Other files than that which names the places of a store.
    fn kept(folder: &Path) -> Vec<PathBuf> {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
        let files = files.into_iter().filter(|path| path.file_name().unwrap() != "places");
        files.chain(folders.iter().flat_map(|folder| kept(folder))).collect()
    }

    #[tokio::test]
    async fn a_state_for_which_there_is_no_temporary_file_does_not_follow_one_that_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = without_room("two", folder.path()).await;
        store.0.unsaved.set(Error::new(ErrorKind::Other, "one is lost")).unwrap();

        let mut state = store.put(Kind::State, NAME).await.unwrap();
        state.write(Bytes::from_static(b"all ")).await.unwrap();
        state.spool = Spool::full(&store.0.budget);
        state.write(Bytes::from_static(b"of it")).await.unwrap();
        assert_eq!(kept(folder.path()).len(), 1);
        let error = state.commit().await.unwrap_err().to_string();
        assert!(error.contains("one is lost") && !error.contains("is kept in"), "{error}");
        assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
    }
}
