//! What is to be uploaded is gathered first, because OpenDrive needs to know the number of bytes
//! beforehand.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::layout::{self, Mac};
use crate::connector::retry::upload_with_retries;
use crate::rclone::{CHUNK_BYTES, Entry, Error, ErrorKind, Object, Remote, Result};

/// Maximum number of bytes of all puts together that wait in memory. More go to a temporary file.
const MAX_SPOOLED_BYTES: usize = 32 << 20;

/// How long the first pause between two tries of an upload is.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The memory that all puts share.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// What a put has brought so far.
#[derive(Debug)]
pub(super) struct Spool {
    budget: Arc<Budget>,
    size: u64,
    /// The time that the upload gets; that at which it begins, if there is none.
    made: Option<SystemTime>,
    /// Bytes in memory, in order.
    chunks: Vec<Bytes>,
    /// How much of the budget they take.
    reserved: usize,
    /// The file that has all of them instead. It has no name, and goes with the process.
    file: Option<Arc<std::fs::File>>,
}

impl Spool {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            budget: budget.clone(),
            size: 0,
            made: None,
            chunks: Vec::new(),
            reserved: 0,
            file: None,
        }
    }

    /// For what was made at another time than now.
    pub(super) fn made(budget: &Arc<Budget>, made: SystemTime) -> Self {
        let mut spool = Self::new(budget);
        spool.made = Some(made);
        spool
    }

    /// One whose temporary file takes nothing, as on a full disk.
    #[cfg(test)]
    pub(super) fn full(budget: &Arc<Budget>) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut spool = Self::new(budget);
        // Open for reading only.
        spool.file = Some(Arc::new(std::fs::File::open(file.path()).unwrap()));
        spool
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes bytes over.
    pub(super) async fn push(&mut self, chunk: Bytes) -> Result<()> {
        self.size += chunk.len() as u64;
        if self.file.is_none() {
            let taken = self.budget.0.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
            self.reserved += chunk.len();
            self.chunks.push(chunk);
            if taken <= MAX_SPOOLED_BYTES {
                return Ok(());
            }
            let file = on_file(tempfile::tempfile).await?;
            self.file = Some(Arc::new(file));
            let chunks = std::mem::take(&mut self.chunks);
            let outcome = self.spill(chunks).await;
            self.release();
            return outcome;
        }
        self.spill(vec![chunk]).await
    }

    async fn spill(&self, chunks: Vec<Bytes>) -> Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        on_file(move || chunks.iter().try_for_each(|chunk| (&*file).write_all(chunk))).await
    }

    fn release(&mut self) {
        self.budget.0.fetch_sub(std::mem::take(&mut self.reserved), Ordering::Relaxed);
    }

    /// Uploads all of it to a path; what was there is replaced. While it is new an empty file may
    /// be seen there.
    ///
    /// # Errors
    /// What the server says. Nothing but what was there before is under the path then.
    pub(super) async fn upload(&self, remote: &Remote, path: &str) -> Result<Entry> {
        upload_with_retries(path, FIRST_PAUSE, || self.send(remote, path)).await
    }

    /// Puts all of it under a name that is free: there is nothing there before it is whole.
    ///
    /// # Errors
    /// `Exists` if something else is there, which stays; else what the server says. Only OpenDrive
    /// itself makes sure of that: elsewhere what comes between a look and the rename is replaced.
    pub(super) async fn place(&self, remote: &Remote, path: &str) -> Result<Entry> {
        let upload = || async { self.send(remote, &layout::temporary(path)).await };
        let entry = upload_with_retries(path, FIRST_PAUSE, upload).await?;
        let Some(object) = entry.object else {
            return Err(Error::new(ErrorKind::Other, "a bug: an upload that made a folder"));
        };
        let temporary = object.path();
        let renamed = match free(remote, path).await {
            Ok(()) => object.rename(path).await,
            Err(error) => Err(error),
        };
        if renamed.is_err()
            && let Ok(Entry { object: Some(object), .. }) = remote.stat(&temporary).await
        {
            // Best effort: a listing does not show it, and `Catalog::tidy` finds it later.
            drop(object.delete().await);
        }
        match renamed {
            // The answer to the first try may have been lost.
            Err(error) if matches!(error.kind(), ErrorKind::Exists | ErrorKind::NotFound) => {
                match remote.stat(path).await {
                    Ok(there) => match &there.object {
                        Some(object) if self.is_same(object).await? => Ok(there),
                        _ => Err(error),
                    },
                    Err(_) => Err(error),
                }
            }
            outcome => outcome,
        }
    }

    /// Whether an object has the same bytes.
    pub(super) async fn is_same(&self, object: &Object) -> Result<bool> {
        if object.size().is_some_and(|size| size != self.size) {
            return Ok(false);
        }
        let mut theirs = Sha256::new();
        let mut reader = object.read(0, None).await?;
        while let Some(chunk) = reader.chunk().await? {
            theirs.update(&chunk);
        }
        Ok(theirs.finalize() == self.hashed(Sha256::new()).await?)
    }

    /// A name for these bytes where another one is taken: always the same.
    pub(super) async fn name(&self, taken: &Mac) -> Result<Mac> {
        Ok(self.hashed(Sha256::new_with_prefix(taken)).await?.into())
    }

    async fn hashed(&self, mut hasher: Sha256) -> Result<sha2::digest::Output<Sha256>> {
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.try_next().await? {
            hasher.update(&chunk);
        }
        Ok(hasher.finalize())
    }

    /// The bytes in order, 1 MiB at most in each chunk that comes from the file.
    pub(super) fn chunks(&self) -> BoxStream<'_, Result<Bytes>> {
        let Some(file) = &self.file else {
            return stream::iter(self.chunks.iter().cloned().map(Ok)).boxed();
        };
        let read = move |at: u64| {
            let length =
                usize::try_from(self.size - at).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES));
            let file = file.clone();
            on_file(move || {
                let mut buffer = BytesMut::zeroed(length);
                // One reader at a time: an upload takes its chunks in order.
                (&*file).seek(SeekFrom::Start(at))?;
                (&*file).read_exact(&mut buffer)?;
                Ok(buffer.freeze())
            })
        };
        stream::iter((0..self.size).step_by(CHUNK_BYTES)).then(read).boxed()
    }

    async fn send(&self, remote: &Remote, path: &str) -> Result<Entry> {
        let mut writer =
            remote.create(path, Some(self.size), self.made.unwrap_or_else(SystemTime::now)).await?;
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.try_next().await? {
            writer.write(chunk).await?;
        }
        writer.commit().await
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.release();
    }
}

/// Makes sure that nothing is under a path to which something is renamed. OpenDrive refuses that by
/// itself; other remotes replace what is there, and what is known of it may be a minute old.
async fn free(remote: &Remote, path: &str) -> Result<()> {
    if remote.features().backend == "opendrive" {
        return Ok(());
    }
    match remote.stat(path).await {
        Ok(_) => {
            Err(Error::new(ErrorKind::Exists, "something of that name is there already").at(path))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Does something with the temporary file, on a thread that may wait.
async fn on_file<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
        let advice = descriptors(&error).unwrap_or("set TMPDIR to a folder with room");
        let folder = std::env::temp_dir();
        let message =
            format!("an upload does not fit in memory, and the temporary file for it in {} failed: {error}; {advice}", folder.display());
        Error::new(ErrorKind::Other, message)
    })
}

/// What to do if there are too many open files.
pub(super) fn descriptors(error: &io::Error) -> Option<&'static str> {
    // ENFILE and EMFILE.
    (cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)))
        .then_some("raise the limit (`ulimit -n`)")
}
