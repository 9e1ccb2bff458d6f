//! A restore by calls: one for each folder and file, many side by side, each answered when it is
//! done.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::context::RestoreContext;
use super::error::RestoreError;
use super::folder::RestoreFolder;
use super::folder_walk::FolderWalk;
use super::incoming::{IncomingFile, IncomingMemory};
use super::paths::{relative, standard};
use super::upload::{Stored, Upload, set_time};
use super::{Destination, LeftOut};
use crate::connector::paths::split;
use crate::rclone::{Entry, Object};

/// Maximum number of folders that are known, and whose contents need not be looked up again.
const MAX_HELD_FOLDERS: usize = 256;

/// Maximum number of files that are stored and wait to be given their time.
const MAX_UNDATED_FILES: usize = 1024;

/// A restore by calls under way.
pub struct CallRestore {
    context: Arc<RestoreContext>,
    folders: FolderWalk,
    undated: Mutex<VecDeque<(Upload, Stored)>>,
    memory: IncomingMemory,
}

/// A file whose bytes come in. Dropping it ends its upload; nothing half-written stays.
pub struct ReceivingFile<'a> {
    restore: &'a CallRestore,
    file: IncomingFile,
}

impl CallRestore {
    pub(super) fn new(destination: Arc<Destination>) -> Self {
        let context = Arc::new(RestoreContext::new(destination));
        let folders = FolderWalk::new(context.clone(), MAX_HELD_FOLDERS);
        Self { context, folders, undated: Mutex::default(), memory: IncomingMemory::new() }
    }

    /// Makes a folder and those that it is in, unless they are there.
    ///
    /// # Errors
    /// Why it cannot be there.
    pub async fn folder(&self, path: &str) -> Result<(), RestoreError> {
        let path = relative(path)?;
        let folder = self.enter(path);
        self.context.folder_comes(path);
        folder.enter_ready(&self.context).await
    }

    /// Begins to receive a file of so many bytes; its time, if it is known already.
    ///
    /// # Errors
    /// Why there can be no such file.
    pub async fn file(
        &self,
        path: &str,
        size: u64,
        modified: Option<SystemTime>,
    ) -> Result<ReceivingFile<'_>, RestoreError> {
        let path = relative(path)?;
        if path.is_empty() {
            return Err(RestoreError::BaseIsFile);
        }
        let (folder, name) = split(path);
        let folder = self.enter(folder);
        let again = folder.claim_file_again(name)?;
        let upload = Upload { folder, path: path.to_owned(), size: Some(size), modified, again };
        let file = IncomingFile::begin(self.context.clone(), &self.memory, upload).await;
        Ok(ReceivingFile { restore: self, file })
    }

    /// Gives a file the time it was modified last.
    ///
    /// # Errors
    /// Why it has another one.
    pub async fn date(&self, path: &str, modified: SystemTime) -> Result<(), RestoreError> {
        let path = relative(path)?;
        let known = {
            let mut undated = self.undated();
            let place = undated.iter().position(|(upload, _)| upload.path == path);
            place.and_then(|place| undated.remove(place))
        };
        if let Some((upload, stored)) = known {
            return upload.date(&self.context, stored, modified).await;
        }
        let (_, object) = self.look_up(path).await?;
        set_time(&object, modified).await.map(drop).map_err(RestoreError::Remote)
    }

    /// Makes a file that is a copy of another one of this restore, for a hard link.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), RestoreError> {
        let (entry, object) = self.look_up(relative(from)?).await?;
        let size = entry.size.ok_or(RestoreError::LinkTargetSize)?;
        let mut receiving = self.file(to, size, entry.modified).await?;
        let mut reader = object.read(0, None).await.map_err(RestoreError::LinkTarget)?;
        while let Some(chunk) = reader.chunk().await.map_err(RestoreError::LinkTarget)? {
            receiving.chunk(chunk).await?;
        }
        receiving.end().await
    }

    /// Takes note of something that the destination has no notion of.
    pub fn leave_out(&self, path: &str, kind: LeftOut) {
        self.context.summary().leave_out(path, kind);
    }

    /// What is to be said although it is no failure, one line each, since the last time.
    pub fn notes(&self) -> impl Iterator<Item = String> + use<> {
        self.context.take_summary().notes()
    }

    /// A file of this restore, found in the listing of its folder: a path may not be found for a
    /// while.
    async fn look_up(&self, path: &str) -> Result<(Entry, Object), RestoreError> {
        let (folder, name) = split(path);
        let entries = self
            .context
            .destination
            .remote
            .list(&standard(folder))
            .await
            .map_err(RestoreError::Remote)?;
        let found = entries
            .into_iter()
            .find(|entry| entry.name == standard(name) && entry.object.is_some());
        let mut entry = found.ok_or_else(|| RestoreError::NotFound(path.to_owned()))?;
        let object = entry.object.take().ok_or_else(|| RestoreError::NotFound(path.to_owned()))?;
        Ok((entry, object))
    }

    /// Goes to a folder; what is not there yet of the way is being made.
    fn enter(&self, path: &str) -> Arc<RestoreFolder> {
        let (folder, preparations) = self.folders.enter(path);
        for preparation in preparations {
            let context = self.context.clone();
            // In a task of its own: others wait for the folder too, whatever becomes of the call
            // that came first.
            tokio::spawn(async move { preparation.run(&context).await });
        }
        folder
    }

    fn add_undated(&self, upload: Upload, stored: Stored) {
        let mut undated = self.undated();
        if undated.len() >= MAX_UNDATED_FILES {
            undated.pop_front();
        }
        undated.push_back((upload, stored));
    }

    fn undated(&self) -> MutexGuard<'_, VecDeque<(Upload, Stored)>> {
        self.undated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReceivingFile<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Why the file is not restored; there is no need to go on then.
    pub async fn chunk(&mut self, chunk: Bytes) -> Result<(), RestoreError> {
        self.file.chunk(chunk).await
    }

    /// Takes note that all bytes have come, and waits until the file is on the remote, size and
    /// hash compared.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn end(self) -> Result<(), RestoreError> {
        let (upload, stored) = self.file.finish().await?;
        if upload.modified.is_none() {
            self.restore.add_undated(upload, stored);
        }
        Ok(())
    }
}
