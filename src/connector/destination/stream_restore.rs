//! A restore by one stream of entries: what comes in goes to tasks.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::context::RestoreContext;
use super::error::RestoreError;
use super::folder::RestoreFolder;
use super::folder_walk::FolderWalk;
use super::incoming::{IncomingFile, IncomingMemory};
use super::paths::{absolute, relative};
use super::upload::Upload;
use super::{Destination, Outcome, RestoreItem, RestoreRecord, RestoreSummary};
use crate::connector::paths::split;
use terminal::text;

/// Maximum number of folders that wait to be made or looked up.
const MAX_WAITING_FOLDERS: usize = 256;

/// A restore under way. Dropping it ends what is under way; nothing half-written stays.
pub struct StreamRestore<T> {
    context: Arc<RestoreContext>,
    outcomes: mpsc::Sender<Outcome<T>>,
    /// Holds the way to the folder that the stream is in.
    folders: FolderWalk,
    tasks: JoinSet<()>,
    /// `None` also for a file that is not restored: its bytes are let go.
    incoming: Option<StreamedFile<T>>,
    memory: IncomingMemory,
    preparing: Arc<Semaphore>,
}

/// The file whose bytes are coming in.
struct StreamedFile<T> {
    file: IncomingFile,
    path: String,
    ticket: T,
}

impl<T: Send + 'static> StreamRestore<T> {
    pub(super) fn new(destination: Arc<Destination>, outcomes: mpsc::Sender<Outcome<T>>) -> Self {
        let context = Arc::new(RestoreContext::new(destination));
        Self {
            folders: FolderWalk::new(context.clone(), 0),
            context,
            outcomes,
            tasks: JoinSet::new(),
            incoming: None,
            memory: IncomingMemory::new(),
            preparing: Arc::new(Semaphore::new(MAX_WAITING_FOLDERS)),
        }
    }

    /// Takes the next entry. A folder comes before what is in it. `ticket` comes back with the
    /// outcome; there is none for what a drive has no notion of.
    pub async fn entry(&mut self, record: RestoreRecord, ticket: T) {
        self.conclude(false);
        self.reap();
        if record.attributes {
            self.context.summary().leave_out(&record.path, super::LeftOut::Attributes);
        }
        if let RestoreItem::Other(kind) = record.item {
            self.context.summary().leave_out(&record.path, kind);
            return;
        }
        self.context.summary().entries += 1;
        if let Err((ticket, reason)) = self.begin(&record, ticket).await {
            self.context.report(&self.outcomes, &record.path, ticket, Err(reason)).await;
        }
    }

    async fn begin(&mut self, record: &RestoreRecord, ticket: T) -> Result<(), (T, RestoreError)> {
        let path = match relative(&record.path) {
            Ok(path) => path,
            Err(problem) => return Err((ticket, problem.into())),
        };
        match &record.item {
            RestoreItem::Folder => self.folder(path, ticket).await,
            RestoreItem::File { .. } if path.is_empty() => {
                return Err((ticket, RestoreError::BaseIsFile));
            }
            RestoreItem::File { size, modified } => {
                let (folder, name) = split(path);
                let folder = self.enter(folder).await;
                if let Err(reason) = folder.claim_file(name) {
                    return Err((ticket, reason));
                }
                let upload = Upload {
                    folder,
                    path: path.to_owned(),
                    size: *size,
                    modified: Some(*modified),
                    again: false,
                };
                let file = IncomingFile::begin(self.context.clone(), &self.memory, upload).await;
                self.incoming = Some(StreamedFile { file, path: absolute(path), ticket });
            }
            RestoreItem::Failed(reason) => {
                return Err((ticket, RestoreError::Record(text::line(reason))));
            }
            // The caller has dealt with it.
            RestoreItem::Other(_) => {}
        }
        Ok(())
    }

    /// Takes the next bytes of the file that came last.
    pub async fn chunk(&mut self, chunk: Bytes) {
        let Some(StreamedFile { file, .. }) = &mut self.incoming else { return };
        let Err(reason) = file.chunk(chunk).await else { return };
        if let Some(StreamedFile { path, ticket, .. }) = self.incoming.take() {
            self.context.report(&self.outcomes, &path, ticket, Err(reason)).await;
        }
    }

    /// Takes note that the file that came last is complete.
    pub async fn end_of_file(&mut self) {
        self.conclude(true);
    }

    /// Waits until everything that came in is dealt with. A file that is not complete by now is a
    /// failure.
    pub async fn finish(mut self) -> RestoreSummary {
        self.conclude(false);
        while let Some(task) = self.tasks.join_next().await {
            self.context.check(task);
        }
        self.context.take_summary()
    }

    /// Ends the file that came last, if there is one.
    fn conclude(&mut self, complete: bool) {
        let Some(StreamedFile { file, path, ticket }) = self.incoming.take() else { return };
        let (context, outcomes) = (self.context.clone(), self.outcomes.clone());
        self.tasks.spawn(async move {
            let uploaded = if complete { file.finish().await } else { file.cut_short().await };
            context.report(&outcomes, &path, ticket, uploaded.map(drop)).await;
        });
    }

    async fn folder(&mut self, path: &str, ticket: T) {
        let folder = self.enter(path).await;
        self.context.folder_comes(path);
        let (context, outcomes, path) =
            (self.context.clone(), self.outcomes.clone(), path.to_owned());
        self.tasks.spawn(async move {
            let result = folder.enter_ready(&context).await;
            context.report(&outcomes, &absolute(&path), ticket, result).await;
        });
    }

    /// Goes to a folder; what is not there yet of the way is made.
    async fn enter(&mut self, path: &str) -> Arc<RestoreFolder> {
        let (folder, preparations) = self.folders.enter(path);
        for preparation in preparations {
            // The semaphore is never closed. A folder waits only for one that came before it.
            let permit = self.preparing.clone().acquire_owned().await;
            let context = self.context.clone();
            self.tasks.spawn(async move {
                preparation.run(&context).await;
                drop(permit);
            });
        }
        folder
    }

    fn reap(&mut self) {
        while let Some(task) = self.tasks.try_join_next() {
            self.context.check(task);
        }
    }
}
