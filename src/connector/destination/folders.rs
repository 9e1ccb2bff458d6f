//! The folders on the way to what is being restored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::watch;

use super::paths::standard;
use super::scene::Scene;
use super::{fold, join};
use crate::rclone::{Entry, Error, ErrorKind, Object, Remote};

/// Why nothing can be put in a folder.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// The topmost folder that is not there.
    folder: String,
    reason: String,
}

/// A folder: what is in it on the remote, once that is known, and what was put there in this restore.
pub(super) struct Folder {
    /// Relative to the base, "" for the base itself; as the snapshot has it.
    pub(super) path: String,
    folds: bool,
    /// What this restore has put there, by folded name.
    names: Mutex<HashMap<String, Name>>,
    found: watch::Sender<Option<Result<Arc<Found>, Arc<Refusal>>>>,
}

struct Name {
    name: String,
    /// `None` for a file. The folder is let go when the stream has passed it.
    folder: Option<Weak<Folder>>,
}

/// What there is to do for a folder that the stream names.
pub(super) enum Step {
    /// It comes up for the first time.
    Prepare,
    /// It was dealt with before, and what is in it is to be looked up again.
    Revisit,
}

/// What was in a folder before, by folded name.
#[derive(Debug, Default)]
pub(super) struct Found(HashMap<String, Vec<Existing>>);

/// An entry that was there before.
#[derive(Debug)]
pub(super) struct Existing {
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

impl Refusal {
    /// The reason for the folder itself or for something below it.
    pub(super) fn at(&self, path: &str) -> String {
        if self.folder == path {
            self.reason.clone()
        } else {
            format!("its folder {:?} is not there: {}", absolute(&self.folder), self.reason)
        }
    }
}

impl Folder {
    pub(super) fn new(path: String, remote: &Remote) -> Arc<Self> {
        let folds = remote.features().case_insensitive;
        Arc::new(Self { path, folds, names: Mutex::default(), found: watch::Sender::new(None) })
    }

    /// Takes a name for a file, also if it is that of a file of this restore already: true then.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    pub(super) fn claim_file_again(&self, name: &str) -> Result<bool, String> {
        let known = matches!(self.names().get(&self.key(name)), Some(Name { name: first, folder: None }) if first == name);
        if known { Ok(true) } else { self.claim_file(name).map(|()| false) }
    }

    /// Takes a name for a file.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    pub(super) fn claim_file(&self, name: &str) -> Result<(), String> {
        let mut names = self.names();
        match names.get(&self.key(name)) {
            Some(first) => Err(self.collision(name, first)),
            None => {
                names.insert(self.key(name), Name { name: name.to_owned(), folder: None });
                Ok(())
            }
        }
    }

    /// Takes a name for a folder, or finds the folder that has it already.
    ///
    /// # Errors
    /// If something else of this restore has that name, as the remote sees it.
    fn claim_folder(&self, name: &str, remote: &Remote) -> Result<(Arc<Self>, Option<Step>), String> {
        let mut names = self.names();
        let step = match names.get(&self.key(name)) {
            None => Step::Prepare,
            Some(Name { name: first, folder: Some(folder) }) if first == name => match folder.upgrade() {
                Some(folder) => return Ok((folder, None)),
                None => Step::Revisit,
            },
            Some(first) => return Err(self.collision(name, first)),
        };
        let folder = Self::new(join(&self.path, name), remote);
        names.insert(self.key(name), Name { name: name.to_owned(), folder: Some(Arc::downgrade(&folder)) });
        Ok((folder, Some(step)))
    }

    /// The folder of a name in this one, and what there is to do for it, if anything. One whose name is taken is
    /// refused.
    pub(super) fn below(&self, name: &str, remote: &Remote) -> (Arc<Self>, Option<Step>) {
        match self.claim_folder(name, remote) {
            Ok(below) => below,
            Err(reason) => {
                let below = Self::new(join(&self.path, name), remote);
                below.refuse(reason);
                (below, None)
            }
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collision(&self, name: &str, first: &Name) -> String {
        let (here, there) = (absolute(&join(&self.path, name)), absolute(&join(&self.path, &first.name)));
        if first.name == name {
            return format!("the snapshot has two entries of this name: only the first, {there:?}, is restored");
        }
        if standard(name) == standard(&first.name) {
            return format!(
                "{here:?} and {there:?} are shown as one name here, because of a control character: only the first is restored"
            );
        }
        let how = difference(name, &first.name);
        format!("{here:?} and {there:?} differ {how} only, which is one name here: only the first is restored")
    }

    /// Tells everyone who waits what is in the folder.
    pub(super) fn is_ready(&self, found: Result<Arc<Found>, Arc<Refusal>>) {
        self.found.send_replace(Some(found));
    }

    /// Refuses the folder and all that is below it.
    pub(super) fn refuse(&self, reason: String) {
        self.is_ready(Err(Arc::new(Refusal { folder: self.path.clone(), reason })));
    }

    /// Waits until the folder is there.
    pub(super) async fn ready(&self) -> Result<Arc<Found>, Arc<Refusal>> {
        let mut found = self.found.subscribe();
        match found.wait_for(Option::is_some).await.map(|found| found.clone()) {
            Ok(Some(found)) => found,
            // The sender lives in `self`, and nothing sends `None`.
            _ => Err(Arc::new(Refusal { folder: self.path.clone(), reason: "a bug: it was never made".to_owned() })),
        }
    }

    /// Makes the folder, or looks what is in it if it is there; everyone who waits is told.
    pub(super) async fn prepare(&self, shared: &Scene, parent: Option<&Self>, step: &Step) {
        let found = match parent {
            None => Ok(Arc::default()),
            Some(parent) => parent.ready().await,
        };
        let found = match found {
            Ok(found) => found,
            Err(refusal) => return self.is_ready(Err(refusal)),
        };
        // Closed never, so the permit is there; without one it would only be less bounded.
        let _permit = shared.checkers.acquire().await;
        let outcome = match (parent, step) {
            (None, _) => self.prepare_base(shared).await,
            (Some(_), Step::Revisit) => self.revisit(shared).await,
            (Some(parent), _) => self.prepare_below(shared, parent, &found).await,
        };
        if outcome.is_ok() && matches!(step, Step::Prepare) {
            shared.summary().note_name(&self.path);
        }
        match outcome {
            Ok(found) => self.is_ready(Ok(Arc::new(found))),
            Err(reason) => self.refuse(reason),
        }
    }

    async fn prepare_base(&self, shared: &Scene) -> Result<Found, String> {
        let destination = &shared.destination;
        if let Some(entries) = destination.base().await.map_err(|error| error.message().to_owned())? {
            return Ok(self.found_in(shared, entries));
        }
        destination.remote.make_folder("").await.map_err(cannot_make)?;
        Ok(Found::default())
    }

    async fn prepare_below(&self, shared: &Scene, parent: &Self, found: &Found) -> Result<Found, String> {
        let name = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name);
        match parent.find(found, name)? {
            None => {
                shared.destination.remote.make_new_folder(&standard(&self.path)).await.map_err(cannot_make)?;
                Ok(Found::default())
            }
            Some(existing) if existing.object.is_some() => {
                Err("there is a file of this name, where the folder must be: move it and restore again".to_owned())
            }
            Some(_) => self.revisit(shared).await,
        }
    }

    async fn revisit(&self, shared: &Scene) -> Result<Found, String> {
        let remote = &shared.destination.remote;
        match remote.list(&standard(&self.path)).await {
            Ok(entries) => Ok(self.found_in(shared, entries)),
            // Where folders cannot be empty, one that was made without a file is not there.
            Err(error) if error.kind() == ErrorKind::NotFound && !remote.features().empty_folders => Ok(Found::default()),
            // Its own name was decrypted with the password.
            Err(error) if error.kind() == ErrorKind::Undecryptable => {
                shared.summary().undecryptable(&absolute(&self.path));
                Ok(Found::default())
            }
            Err(error) => Err(format!("the folder that is there cannot be listed: {}", error.message())),
        }
    }

    /// What there is of a name in a listing of this folder.
    ///
    /// # Errors
    /// If it is there in another form only, or twice: which of the two is meant nobody can tell.
    pub(super) fn find<'a>(&self, found: &'a Found, name: &str) -> Result<Option<&'a Existing>, String> {
        let Some(same) = found.0.get(&self.key(name)) else { return Ok(None) };
        match &same[..] {
            [existing] if existing.name != standard(name) => Err(format!(
                "{:?}, which differs {} only, is there already: rename one of them",
                absolute(&join(&self.path, &existing.name)),
                difference(name, &existing.name)
            )),
            [first, second, ..] => {
                let [first, second] = [first, second].map(|existing| self.described(existing));
                Err(format!("{first} and {second} are there already, side by side under one name: rename or remove one of them"))
            }
            same => Ok(same.first()),
        }
    }

    fn described(&self, existing: &Existing) -> String {
        let kind = if existing.object.is_some() { "file" } else { "folder" };
        format!("the {kind} {:?}", absolute(&join(&self.path, &existing.name)))
    }

    fn found_in(&self, shared: &Scene, entries: Vec<Entry>) -> Found {
        let mut found: HashMap<String, Vec<Existing>> = HashMap::new();
        for Entry { name, size, modified, hash, unfinished, undecryptable, object, .. } in entries {
            if undecryptable {
                shared.summary().undecryptable(&absolute(&join(&self.path, &name)));
                continue;
            }
            found.entry(self.key(&name)).or_default().push(Existing { name, size, modified, hash, unfinished, object });
        }
        Found(found)
    }

    fn key(&self, name: &str) -> String {
        let name = standard(name);
        if self.folds { fold(&name) } else { name.into_owned() }
    }
}

/// In what two names differ that have one key.
fn difference(one: &str, other: &str) -> &'static str {
    if one.to_lowercase() == other.to_lowercase() { "in case" } else { "in how accents are composed" }
}

fn cannot_make(error: Error) -> String {
    match error.kind() {
        ErrorKind::NameTooLong => "its name is too long for the destination: at most 255 bytes on OpenDrive".to_owned(),
        _ => format!("the folder cannot be made: {}", error.message()),
    }
}

/// A path relative to the base as the user knows it.
pub(super) fn absolute(path: &str) -> String {
    format!("/{path}")
}
