//! A restore by calls: one for each folder and file, many side by side, each answered when it is done.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::folders::{Folder, Step};
use super::paths::{relative, standard};
use super::restore::{PIECES, cost, memory};
use super::scene::Scene;
use super::upload::{Body, CUT, Piece, Stored, Upload, set_time};
use super::{Destination, LeftOut};
use crate::panics::caught;
use crate::rclone::{Entry, Object};

/// Folders that are known, and whose contents need not be looked up again.
const FOLDERS: usize = 256;

/// Files that are stored and wait to be given their time.
const UNDATED: usize = 1024;

/// A restore by calls under way.
pub struct Calls {
    scene: Arc<Scene>,
    base: OnceLock<Arc<Folder>>,
    /// The folders that were entered last, the last one at the end.
    folders: Mutex<VecDeque<Arc<Folder>>>,
    undated: Mutex<VecDeque<(Upload, Stored)>>,
    memory: Arc<Semaphore>,
}

/// A file whose bytes come in. Dropping it ends its upload; nothing half-written stays.
pub struct Receiving<'a> {
    calls: &'a Calls,
    upload: Arc<Upload>,
    count: u64,
    body: Incoming,
    _permit: Option<OwnedSemaphorePermit>,
}

enum Incoming {
    /// It is taken in whole.
    Whole(Vec<u8>),
    /// Its upload is under way.
    Stream(mpsc::Sender<Piece>, AbortOnDropHandle<Result<Stored, String>>),
}

impl Calls {
    pub(super) fn new(destination: Arc<Destination>) -> Self {
        let scene = Arc::new(Scene::new(destination));
        Self { scene, base: OnceLock::new(), folders: Mutex::default(), undated: Mutex::default(), memory: memory() }
    }

    /// Makes a folder and those that it is in, unless they are there.
    ///
    /// # Errors
    /// One line that says why it cannot be there.
    pub async fn folder(&self, path: &str) -> Result<(), String> {
        let path = relative(path)?;
        self.enter(path).ready().await.map(drop).map_err(|refusal| refusal.at(path))
    }

    /// Begins to receive a file of so many bytes; its time, if it is known already.
    ///
    /// # Errors
    /// One line that says why there can be no such file.
    pub async fn file(&self, path: &str, size: u64, modified: Option<SystemTime>) -> Result<Receiving<'_>, String> {
        let path = relative(path)?.to_owned();
        if path.is_empty() {
            return Err("a file where the folder restored to must be".to_owned());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let folder = self.enter(folder);
        let again = folder.claim_file_again(name)?;
        let (whole, cost) = cost(Some(size));
        // The semaphore is never closed.
        let permit = self.memory.clone().acquire_many_owned(cost).await.ok();
        let upload = Arc::new(Upload { folder, path, size: Some(size), modified, again });
        let body = if whole {
            Incoming::Whole(Vec::with_capacity(usize::try_from(size).unwrap_or(0)))
        } else {
            let (sender, pieces) = mpsc::channel(PIECES);
            let (scene, upload) = (self.scene.clone(), upload.clone());
            let run = async move { caught(upload.run(&scene, Body::Stream(pieces))).await.unwrap_or_else(Err) };
            Incoming::Stream(sender, AbortOnDropHandle::new(tokio::spawn(run)))
        };
        Ok(Receiving { calls: self, upload, count: 0, body, _permit: permit })
    }

    /// Gives a file the time it was modified last.
    ///
    /// # Errors
    /// One line that says why it has another one.
    pub async fn date(&self, path: &str, modified: SystemTime) -> Result<(), String> {
        let path = relative(path)?;
        let known = {
            let mut undated = lock(&self.undated);
            let place = undated.iter().position(|(upload, _)| upload.path == path);
            place.and_then(|place| undated.remove(place))
        };
        if let Some((upload, stored)) = known {
            return upload.date(&self.scene, stored, modified).await;
        }
        let (_, object) = self.look_up(path).await?;
        set_time(&object, modified).await.map(drop).map_err(|error| error.message().to_owned())
    }

    /// Makes a file that is a copy of another one of this restore, for a hard link.
    ///
    /// # Errors
    /// One line that says why there is none.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), String> {
        let (entry, object) = self.look_up(relative(from)?).await?;
        let size = entry.size.ok_or("the file that it is a hard link to has no known size")?;
        let mut receiving = self.file(to, size, entry.modified).await?;
        let failed = |error: crate::rclone::Error| format!("the file that it is a hard link to cannot be read: {}", error.message());
        let mut reader = object.read(0, None).await.map_err(failed)?;
        while let Some(chunk) = reader.chunk().await.map_err(failed)? {
            receiving.chunk(chunk).await?;
        }
        receiving.end().await
    }

    /// Takes note of something that the destination has no notion of.
    pub fn leave_out(&self, path: &str, kind: LeftOut) {
        self.scene.summary().leave_out(path, kind);
    }

    /// What is to be said although it is no failure, one line each, since the last time.
    pub fn notes(&self) -> impl Iterator<Item = String> + use<> {
        std::mem::take(&mut *self.scene.summary()).notes()
    }

    /// A file of this restore, found in the listing of its folder: a path may not be found for a while.
    async fn look_up(&self, path: &str) -> Result<(Entry, Object), String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let entries = self.scene.destination.remote.list(&standard(folder)).await.map_err(|error| error.message().to_owned())?;
        let entry = entries.into_iter().find(|entry| entry.name == standard(name) && entry.object.is_some());
        let mut entry = entry.ok_or_else(|| format!("there is no file {path:?}"))?;
        let object = entry.object.take().ok_or("a bug: a file without an object")?;
        Ok((entry, object))
    }

    /// Goes to a folder; what is not there yet of the way is being made.
    fn enter(&self, path: &str) -> Arc<Folder> {
        let remote = &self.scene.destination.remote;
        let base = self.base.get_or_init(|| {
            let base = Folder::new(String::new(), remote);
            self.prepare(base.clone(), None, Step::Prepare);
            base
        });
        let mut way = vec![base.clone()];
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let folder = way[way.len() - 1].clone();
            let (below, step) = folder.below(name, remote);
            if let Some(step) = step {
                self.prepare(below.clone(), Some(folder), step);
            }
            way.push(below);
        }
        let mut folders = lock(&self.folders);
        for folder in &way[1..] {
            folders.retain(|known| !Arc::ptr_eq(known, folder));
            folders.push_back(folder.clone());
        }
        let surplus = folders.len().saturating_sub(FOLDERS);
        folders.drain(..surplus);
        way.swap_remove(way.len() - 1)
    }

    /// In a task of its own: others wait for the folder too, whatever becomes of the call that came first.
    fn prepare(&self, folder: Arc<Folder>, parent: Option<Arc<Folder>>, step: Step) {
        let scene = self.scene.clone();
        tokio::spawn(async move {
            if let Err(bug) = caught(folder.prepare(&scene, parent.as_deref(), &step)).await {
                folder.refuse(bug);
            }
        });
    }

    fn stored(&self, upload: Upload, stored: Stored) {
        let mut undated = lock(&self.undated);
        if undated.len() >= UNDATED {
            undated.pop_front();
        }
        undated.push_back((upload, stored));
    }
}

impl Receiving<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// One line that says why the file is not restored; there is no need to go on then.
    pub async fn chunk(&mut self, chunk: Bytes) -> Result<(), String> {
        self.count += chunk.len() as u64;
        match &mut self.body {
            Incoming::Whole(bytes) => {
                if self.upload.size.is_some_and(|size| self.count > size) {
                    return Err(self.wrong());
                }
                // Copied, because a chunk may hold on to a buffer that is much larger.
                bytes.extend_from_slice(&chunk);
            }
            Incoming::Stream(sender, task) => {
                if sender.send(Piece::Bytes(chunk)).await.is_err() {
                    return Err(outcome(task).await.err().unwrap_or_else(|| CUT.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Takes note that all bytes have come, and waits until the file is on the remote, size and hash compared.
    ///
    /// # Errors
    /// One line that says why it is not.
    pub async fn end(self) -> Result<(), String> {
        // Whoever sends could not read the rest: a stream that ends is all it can say.
        if self.upload.size.is_some_and(|size| self.count != size) {
            return Err(self.wrong());
        }
        let stored = match self.body {
            Incoming::Whole(bytes) => caught(self.upload.run(&self.calls.scene, Body::Whole(bytes.into()))).await.unwrap_or_else(Err)?,
            Incoming::Stream(sender, mut task) => {
                let _ = sender.send(Piece::End).await;
                outcome(&mut task).await?
            }
        };
        if let Some(upload) = Arc::into_inner(self.upload).filter(|upload| upload.modified.is_none()) {
            self.calls.stored(upload, stored);
        }
        Ok(())
    }

    fn wrong(&self) -> String {
        format!("{} bytes came, the snapshot says {}", self.count, self.upload.size.unwrap_or_default())
    }
}

async fn outcome(task: &mut AbortOnDropHandle<Result<Stored, String>>) -> Result<Stored, String> {
    task.await.unwrap_or_else(|error| Err(format!("a bug: {error}")))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
