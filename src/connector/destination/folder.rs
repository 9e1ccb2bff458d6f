//! A folder that something is restored to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::watch;

use super::context::RestoreContext;
use super::error::RestoreError;
use super::fold;
use super::leftovers::Leftovers;
use super::paths::{absolute, standard};
use crate::connector::paths::{join, split};
use crate::rclone::{Entry, Error, ErrorKind, Object, Remote};

/// Why nothing can be put in a folder.
#[derive(Debug, Clone)]
pub(super) struct FolderRefusal {
    /// The topmost folder that is not there.
    folder: String,
    reason: RestoreError,
}

/// A folder: what is in it on the remote, once that is known, and what was put there in this
/// restore.
pub(super) struct RestoreFolder {
    /// Relative to the base, "" for the base itself; as the snapshot has it.
    pub(super) path: String,
    folds: bool,
    /// What this restore has put there, by folded name.
    names: Mutex<HashMap<String, ClaimedName>>,
    state: watch::Sender<Option<Result<Arc<FolderListing>, Arc<FolderRefusal>>>>,
}

struct ClaimedName {
    name: String,
    /// `None` for a file. The folder is let go when the stream has passed it.
    folder: Option<Weak<RestoreFolder>>,
}

/// What there is to do for a folder that is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrepareKind {
    /// It comes up for the first time.
    First,
    /// It was dealt with before, and what is in it is to be looked up again.
    Revisit,
}

/// What was in a folder before.
#[derive(Debug, Default)]
pub(super) struct FolderListing {
    /// By folded name.
    entries: HashMap<String, Vec<ExistingEntry>>,
    /// What uploads have left behind.
    pub(super) leftovers: Leftovers,
}

/// An entry that was there before.
#[derive(Debug)]
pub(super) struct ExistingEntry {
    /// As the remote shows it.
    name: String,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<SystemTime>,
    pub(super) hash: Option<String>,
    /// Whether it is what is left of an upload, which is replaced.
    pub(super) unfinished: bool,
    /// `None` for a folder.
    pub(super) object: Option<Object>,
}

impl FolderRefusal {
    /// The reason for the folder itself or for something below it.
    pub(super) fn at(&self, path: &str) -> RestoreError {
        if self.folder == path {
            return self.reason.clone();
        }
        RestoreError::ParentMissing {
            folder: absolute(&self.folder),
            reason: Arc::new(self.reason.clone()),
        }
    }
}

impl RestoreFolder {
    pub(super) fn new(path: String, remote: &Remote) -> Arc<Self> {
        let folds = remote.features().case_insensitive;
        Arc::new(Self { path, folds, names: Mutex::default(), state: watch::Sender::new(None) })
    }

    /// Takes a name for a file, also if it is that of a file of this restore already: true then.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    pub(super) fn claim_file_again(&self, name: &str) -> Result<bool, RestoreError> {
        let known = matches!(self.names().get(&self.key(name)), Some(ClaimedName { name: first, folder: None }) if first == name);
        if known { Ok(true) } else { self.claim_file(name).map(|()| false) }
    }

    /// Takes a name for a file.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    pub(super) fn claim_file(&self, name: &str) -> Result<(), RestoreError> {
        let mut names = self.names();
        match names.get(&self.key(name)) {
            Some(first) => Err(self.collision(name, first)),
            None => {
                names.insert(self.key(name), ClaimedName { name: name.to_owned(), folder: None });
                Ok(())
            }
        }
    }

    /// Takes a name for a folder, or finds the folder that has it already.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    fn claim_folder(
        &self,
        name: &str,
        remote: &Remote,
    ) -> Result<(Arc<Self>, Option<PrepareKind>), RestoreError> {
        let mut names = self.names();
        let kind = match names.get(&self.key(name)) {
            None => PrepareKind::First,
            Some(ClaimedName { name: first, folder: Some(folder) }) if first == name => {
                match folder.upgrade() {
                    Some(folder) => return Ok((folder, None)),
                    None => PrepareKind::Revisit,
                }
            }
            Some(first) => return Err(self.collision(name, first)),
        };
        let folder = Self::new(join(&self.path, name), remote);
        names.insert(
            self.key(name),
            ClaimedName { name: name.to_owned(), folder: Some(Arc::downgrade(&folder)) },
        );
        Ok((folder, Some(kind)))
    }

    /// The folder of a name in this one, and what there is to do for it, if anything. One whose
    /// name is taken is refused.
    pub(super) fn below(&self, name: &str, remote: &Remote) -> (Arc<Self>, Option<PrepareKind>) {
        match self.claim_folder(name, remote) {
            Ok(below) => below,
            Err(reason) => {
                let below = Self::new(join(&self.path, name), remote);
                below.refuse(reason);
                (below, None)
            }
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, ClaimedName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collision(&self, name: &str, first: &ClaimedName) -> RestoreError {
        let (here, there) =
            (absolute(&join(&self.path, name)), absolute(&join(&self.path, &first.name)));
        if first.name == name {
            return RestoreError::NameTaken(format!(
                "the snapshot has two entries of this name: only the first, {there:?}, is restored"
            ));
        }
        if standard(name) == standard(&first.name) {
            return RestoreError::NameTaken(format!(
                "{here:?} and {there:?} are shown as one name here, because of a control character: only the first is restored"
            ));
        }
        let how = difference(name, &first.name);
        RestoreError::NameTaken(format!(
            "{here:?} and {there:?} differ {how} only, which is one name here: only the first is restored"
        ))
    }

    /// Tells everyone who waits what is in the folder.
    fn set_state(&self, state: Result<Arc<FolderListing>, Arc<FolderRefusal>>) {
        self.state.send_replace(Some(state));
    }

    /// Refuses the folder and all that is below it.
    pub(super) fn refuse(&self, reason: RestoreError) {
        self.set_state(Err(Arc::new(FolderRefusal { folder: self.path.clone(), reason })));
    }

    /// Waits until the folder is there.
    pub(super) async fn ready(&self) -> Result<Arc<FolderListing>, Arc<FolderRefusal>> {
        let mut state = self.state.subscribe();
        match state.wait_for(Option::is_some).await.map(|state| state.clone()) {
            Ok(Some(state)) => state,
            // The sender lives in `self`, and nothing sends `None`.
            _ => Err(Arc::new(FolderRefusal {
                folder: self.path.clone(),
                reason: RestoreError::Bug("a bug: it was never made".to_owned()),
            })),
        }
    }

    /// The same for a folder that is restored itself: one that has something already is not hollow.
    pub(super) async fn enter_ready(&self, context: &RestoreContext) -> Result<(), RestoreError> {
        let found = self.ready().await.map_err(|refusal| refusal.at(&self.path))?;
        if !found.entries.is_empty() || !found.leftovers.is_empty() {
            context.folder_has_something(&self.path);
        }
        Ok(())
    }

    /// Makes the folder, or looks what is in it if it is there; everyone who waits is told.
    pub(super) async fn prepare(
        &self,
        context: &RestoreContext,
        parent: Option<&Self>,
        kind: PrepareKind,
    ) {
        let found = match parent {
            None => Ok(Arc::default()),
            Some(parent) => parent.ready().await,
        };
        let found = match found {
            Ok(found) => found,
            Err(refusal) => return self.set_state(Err(refusal)),
        };
        // Closed never, so the permit is there; without one it would only be less bounded.
        let _permit = context.checkers.acquire().await;
        let outcome = match (parent, kind) {
            (None, _) => self.prepare_base(context).await,
            (Some(_), PrepareKind::Revisit) => self.revisit(context).await,
            (Some(parent), PrepareKind::First) => self.prepare_below(context, parent, &found).await,
        };
        if outcome.is_ok() && kind == PrepareKind::First {
            context.summary().note_name(&self.path);
        }
        match outcome {
            Ok(found) => self.set_state(Ok(Arc::new(found))),
            Err(reason) => self.refuse(reason),
        }
    }

    async fn prepare_base(&self, context: &RestoreContext) -> Result<FolderListing, RestoreError> {
        let destination = &context.destination;
        if let Some(entries) = destination.base().await.map_err(RestoreError::Remote)? {
            return Ok(self.found_in(context, entries));
        }
        destination.remote.make_folder("").await.map_err(cannot_make)?;
        Ok(FolderListing::default())
    }

    async fn prepare_below(
        &self,
        context: &RestoreContext,
        parent: &Self,
        found: &FolderListing,
    ) -> Result<FolderListing, RestoreError> {
        let (_, name) = split(&self.path);
        match parent.find(found, name)? {
            None => {
                context
                    .destination
                    .remote
                    .make_new_folder(&standard(&self.path))
                    .await
                    .map_err(cannot_make)?;
                Ok(FolderListing::default())
            }
            Some(existing) if existing.object.is_some() => Err(RestoreError::NotAFolder),
            Some(_) => self.revisit(context).await,
        }
    }

    async fn revisit(&self, context: &RestoreContext) -> Result<FolderListing, RestoreError> {
        let remote = &context.destination.remote;
        match remote.list(&standard(&self.path)).await {
            Ok(entries) => Ok(self.found_in(context, entries)),
            // Where folders cannot be empty, one that was made without a file is not there.
            Err(error)
                if error.kind() == ErrorKind::NotFound && !remote.features().empty_folders =>
            {
                Ok(FolderListing::default())
            }
            // Its own name was decrypted with the password.
            Err(error) if error.kind() == ErrorKind::Undecryptable => {
                context.summary().undecryptable(&absolute(&self.path));
                Ok(FolderListing::default())
            }
            Err(error) => Err(RestoreError::ListFolder(error)),
        }
    }

    /// What there is of a name in a listing of this folder.
    ///
    /// # Errors
    /// If it is there in another form only, or twice: which of the two is meant nobody can tell.
    pub(super) fn find<'a>(
        &self,
        found: &'a FolderListing,
        name: &str,
    ) -> Result<Option<&'a ExistingEntry>, RestoreError> {
        let Some(same) = found.entries.get(&self.key(name)) else { return Ok(None) };
        match &same[..] {
            [existing] if existing.name != standard(name) => Err(RestoreError::Ambiguous(format!(
                "{:?}, which differs {} only, is there already: rename one of them",
                absolute(&join(&self.path, &existing.name)),
                difference(name, &existing.name)
            ))),
            [first, second, ..] => {
                let [first, second] = [first, second].map(|existing| self.described(existing));
                Err(RestoreError::Ambiguous(format!(
                    "{first} and {second} are there already, side by side under one name: rename or remove one of them"
                )))
            }
            same => Ok(same.first()),
        }
    }

    fn described(&self, existing: &ExistingEntry) -> String {
        let kind = if existing.object.is_some() { "file" } else { "folder" };
        format!("the {kind} {:?}", absolute(&join(&self.path, &existing.name)))
    }

    fn found_in(&self, context: &RestoreContext, entries: Vec<Entry>) -> FolderListing {
        let mut found = FolderListing::default();
        for entry in entries {
            let Entry { name, size, modified, hash, unfinished, undecryptable, .. } = entry;
            if undecryptable {
                context.summary().undecryptable(&absolute(&join(&self.path, &name)));
                continue;
            }
            let object = match (entry.partial_of, modified, entry.object) {
                (Some(name), Some(modified), Some(object)) => {
                    found.leftovers.add(name, modified, object);
                    continue;
                }
                (_, _, object) => object,
            };
            found.entries.entry(self.key(&name)).or_default().push(ExistingEntry {
                name,
                size,
                modified,
                hash,
                unfinished,
                object,
            });
        }
        found
    }

    fn key(&self, name: &str) -> String {
        let name = standard(name);
        if self.folds { fold(&name) } else { name.into_owned() }
    }
}

/// In what two names differ that have one key.
fn difference(one: &str, other: &str) -> &'static str {
    if one.to_lowercase() == other.to_lowercase() {
        "in case"
    } else {
        "in how accents are composed"
    }
}

fn cannot_make(error: Error) -> RestoreError {
    match error.kind() {
        ErrorKind::NameTooLong => RestoreError::NameTooLong,
        _ => RestoreError::MakeFolder(error),
    }
}
