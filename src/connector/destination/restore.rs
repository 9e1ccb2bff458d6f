//! The stream of a restore: what comes in goes to tasks.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::folders::{Folder, Step, absolute};
use super::paths::{contains, relative};
use super::scene::Scene;
use super::upload::{Body, Piece, Upload};
use super::{Destination, Item, Outcome, Record, Summary};
use crate::panics::caught;
use terminal::text;

/// Up to this many bytes a file is taken in whole, so that the stream goes on while it is uploaded.
const SMALL: u64 = 1 << 20;

/// How many bytes the files that are under way may hold here. What uploads keep of larger ones until the drive has it is bounded for itself
/// (go/drive/chunk.go).
const BUDGET: u64 = 32 << 20;

/// What is counted for a file beside its bytes.
const OVERHEAD: u64 = 8 << 10;

/// Pieces of a large file that wait for its upload.
pub(super) const PIECES: usize = 2;

/// How many folders may wait to be made or looked up.
const FOLDERS: usize = 256;

/// A restore under way. Dropping it ends what is under way; nothing half-written stays.
pub struct Restore<T> {
    scene: Arc<Scene>,
    outcomes: mpsc::Sender<Outcome<T>>,
    /// From the base down to the folder that the stream is in.
    way: Vec<Arc<Folder>>,
    tasks: JoinSet<()>,
    incoming: Option<Incoming<T>>,
    memory: Arc<Semaphore>,
    folders: Arc<Semaphore>,
}

/// The file whose bytes are coming in.
enum Incoming<T> {
    /// It is taken in whole.
    Whole { upload: Upload, ticket: T, bytes: Vec<u8>, count: u64, permit: OwnedSemaphorePermit },
    /// Its upload is under way. A receiver that is gone has said why already.
    Stream(mpsc::Sender<Piece>),
    /// It is not restored; its bytes are let go.
    Refused,
}

impl<T: Send + 'static> Restore<T> {
    pub(super) fn new(destination: Arc<Destination>, outcomes: mpsc::Sender<Outcome<T>>) -> Self {
        Self {
            scene: Arc::new(Scene::new(destination)),
            outcomes,
            way: Vec::new(),
            tasks: JoinSet::new(),
            incoming: None,
            memory: memory(),
            folders: Arc::new(Semaphore::new(FOLDERS)),
        }
    }

    /// Takes the next entry. A folder comes before what is in it. `ticket` comes back with the
    /// outcome; there is none for what a drive has no notion of.
    pub async fn entry(&mut self, record: Record, ticket: T) {
        self.cut_short().await;
        self.reap();
        if record.attributes {
            self.scene.summary().leave_out(&record.path, super::LeftOut::Attributes);
        }
        if let Item::Other(kind) = record.item {
            self.scene.summary().leave_out(&record.path, kind);
            return;
        }
        self.scene.summary().entries += 1;
        let is_file = matches!(record.item, Item::File { .. });
        let refused = match self.begin(&record, ticket).await {
            Ok(()) => return,
            Err(refused) => refused,
        };
        let (ticket, reason) = refused;
        if is_file {
            self.incoming = Some(Incoming::Refused);
        }
        self.scene.tell(&self.outcomes, &record.path, ticket, Err(reason)).await;
    }

    async fn begin(&mut self, record: &Record, ticket: T) -> Result<(), (T, String)> {
        let path = match relative(&record.path) {
            Ok(path) => path,
            Err(reason) => return Err((ticket, reason)),
        };
        match &record.item {
            Item::Folder => self.folder(path, ticket).await,
            Item::File { .. } if path.is_empty() => return Err((ticket, "a file where the folder restored to must be".to_owned())),
            Item::File { size, modified } => {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
                let folder = self.enter(folder).await;
                if let Err(reason) = folder.claim_file(name) {
                    return Err((ticket, reason));
                }
                let upload = Upload { folder, path: path.to_owned(), size: *size, modified: Some(*modified), again: false };
                self.file(upload, ticket).await;
            }
            Item::Failed(reason) => return Err((ticket, text::line(reason))),
            // The caller has dealt with it.
            Item::Other(_) => {}
        }
        Ok(())
    }

    /// Takes the next bytes of the file that came last.
    pub async fn chunk(&mut self, chunk: Bytes) {
        match &mut self.incoming {
            Some(Incoming::Whole { upload, bytes, count, .. }) => {
                *count += chunk.len() as u64;
                // More than was announced is let go, and an error at the end.
                if *count <= upload.size.unwrap_or(SMALL) {
                    // Copied, because a chunk may hold on to a buffer that is much larger.
                    bytes.extend_from_slice(&chunk);
                    return;
                }
                if upload.size.is_some() {
                    return;
                }
                let Some(Incoming::Whole { upload, ticket, bytes, permit, .. }) = self.incoming.take() else { return };
                let sender = self.stream(upload, ticket, permit);
                let _ = sender.send(Piece::Bytes(bytes.into())).await;
                let _ = sender.send(Piece::Bytes(chunk)).await;
                self.incoming = Some(Incoming::Stream(sender));
            }
            Some(Incoming::Stream(sender)) => drop(sender.send(Piece::Bytes(chunk)).await),
            Some(Incoming::Refused) | None => {}
        }
    }

    /// Takes note that the file that came last is complete.
    pub async fn end_of_file(&mut self) {
        match self.incoming.take() {
            Some(Incoming::Whole { upload, ticket, bytes, count, permit }) => {
                let body = match upload.size {
                    Some(size) if size != count => Body::Wrong(count),
                    _ => Body::Whole(bytes.into()),
                };
                self.spawn(upload, body, ticket, permit);
            }
            Some(Incoming::Stream(sender)) => drop(sender.send(Piece::End).await),
            Some(Incoming::Refused) | None => {}
        }
    }

    /// Waits until everything that came in is dealt with. A file that is not complete by now is a
    /// failure.
    pub async fn finish(mut self) -> Summary {
        self.cut_short().await;
        while let Some(task) = self.tasks.join_next().await {
            self.scene.check(task);
        }
        std::mem::take(&mut *self.scene.summary())
    }

    /// Deals with a file that is not complete.
    async fn cut_short(&mut self) {
        // A stream that is dropped without an end tells its upload.
        if let Some(Incoming::Whole { upload, ticket, .. }) = self.incoming.take() {
            self.scene.tell(&self.outcomes, &absolute(&upload.path), ticket, Err(super::upload::CUT.to_owned())).await;
        }
    }

    async fn folder(&mut self, path: &str, ticket: T) {
        let folder = self.enter(path).await;
        let (scene, outcomes, path) = (self.scene.clone(), self.outcomes.clone(), path.to_owned());
        self.tasks.spawn(async move {
            let result = folder.ready().await.map(drop).map_err(|refusal| refusal.at(&path));
            scene.tell(&outcomes, &absolute(&path), ticket, result).await;
        });
    }

    /// Goes to a folder; what is not there yet of the way is made.
    async fn enter(&mut self, path: &str) -> Arc<Folder> {
        while self.way.last().is_some_and(|folder| !contains(&folder.path, path)) {
            self.way.pop();
        }
        let remote = &self.scene.destination.remote;
        let mut folder = match self.way.last() {
            Some(folder) => folder.clone(),
            None => {
                let base = Folder::new(String::new(), remote);
                self.way.push(base.clone());
                self.prepare(base.clone(), None, Step::Prepare).await;
                base
            }
        };
        while folder.path != path {
            let from = if folder.path.is_empty() { 0 } else { folder.path.len() + 1 };
            let name = path[from..].split('/').next().unwrap_or_default();
            let remote = &self.scene.destination.remote;
            let (below, step) = folder.below(name, remote);
            if let Some(step) = step {
                self.prepare(below.clone(), Some(folder), step).await;
            }
            self.way.push(below.clone());
            folder = below;
        }
        folder
    }

    async fn prepare(&mut self, folder: Arc<Folder>, parent: Option<Arc<Folder>>, step: Step) {
        // The semaphore is never closed. A folder waits only for one that came before it.
        let permit = self.folders.clone().acquire_owned().await;
        let scene = self.scene.clone();
        self.tasks.spawn(async move {
            if let Err(bug) = caught(folder.prepare(&scene, parent.as_deref(), &step)).await {
                folder.refuse(bug);
            }
            drop(permit);
        });
    }

    async fn file(&mut self, upload: Upload, ticket: T) {
        let (whole, cost) = cost(upload.size);
        let Ok(permit) = self.memory.clone().acquire_many_owned(cost).await else { return };
        self.incoming = Some(if whole {
            let bytes = Vec::with_capacity(upload.size.unwrap_or(0) as usize);
            Incoming::Whole { upload, ticket, bytes, count: 0, permit }
        } else {
            Incoming::Stream(self.stream(upload, ticket, permit))
        });
    }

    fn stream(&mut self, upload: Upload, ticket: T, permit: OwnedSemaphorePermit) -> mpsc::Sender<Piece> {
        let (sender, pieces) = mpsc::channel(PIECES);
        self.spawn(upload, Body::Stream(pieces), ticket, permit);
        sender
    }

    fn spawn(&mut self, upload: Upload, body: Body, ticket: T, permit: OwnedSemaphorePermit) {
        let (scene, outcomes) = (self.scene.clone(), self.outcomes.clone());
        self.tasks.spawn(async move {
            let result = caught(upload.run(&scene, body)).await.unwrap_or_else(Err).map(drop);
            drop(permit);
            scene.tell(&outcomes, &absolute(&upload.path), ticket, result).await;
        });
    }

    fn reap(&mut self) {
        while let Some(task) = self.tasks.try_join_next() {
            self.scene.check(task);
        }
    }
}

/// The memory that all files under way share, in the units of [`cost`].
pub(super) fn memory() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((BUDGET >> 10) as usize))
}

/// Whether a file of a size is taken in whole, and what it costs in memory, in KiB.
pub(super) fn cost(size: Option<u64>) -> (bool, u32) {
    let whole = size.is_none_or(|size| size <= SMALL);
    let bytes = match size {
        // Here and in rclone.
        Some(size) if whole => 2 * size,
        _ => (PIECES as u64 + 2) * SMALL,
    };
    // Bounded by the budget, which fits.
    (whole, (bytes + OVERHEAD).min(BUDGET).div_ceil(1 << 10) as u32)
}
