//! A file whose bytes come in.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::context::RestoreContext;
use super::error::RestoreError;
use super::upload::{FileBody, Stored, StreamPiece, Upload};
use crate::panics::caught;

/// Maximum length of a file that is taken in whole, in bytes: whoever sends goes on while it is
/// uploaded.
const MAX_WHOLE_BYTES: u64 = 1 << 20;

/// Maximum number of bytes that the files under way hold here. What uploads keep of larger ones
/// until the drive has it is bounded for itself (go/drive/chunk.go).
const MAX_INCOMING_BYTES: u64 = 32 << 20;

/// What is counted for a file beside its bytes.
const OVERHEAD_BYTES: u64 = 8 << 10;

/// Maximum number of pieces of a large file that wait for its upload.
const MAX_WAITING_PIECES: usize = 2;

/// The memory that all files under way share.
pub(super) struct IncomingMemory(Arc<Semaphore>);

/// A file whose bytes come in. A small one is taken in whole and uploaded when it is complete, a
/// larger one while it comes in. Dropping it ends its upload; nothing half-written stays.
pub(super) struct IncomingFile {
    context: Arc<RestoreContext>,
    size: Option<u64>,
    /// How many bytes have come.
    count: u64,
    /// All of them, until the upload begins.
    bytes: Vec<u8>,
    /// `None` once it has begun.
    pending: Option<PendingUpload>,
    stream: Option<UploadStream>,
}

struct PendingUpload {
    upload: Upload,
    permit: Option<OwnedSemaphorePermit>,
}

/// An upload that goes on while bytes come in.
struct UploadStream {
    pieces: mpsc::Sender<StreamPiece>,
    task: AbortOnDropHandle<UploadOutcome>,
}

/// What was uploaded and what the remote has of it.
type UploadOutcome = Result<(Upload, Stored), RestoreError>;

impl IncomingMemory {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new((MAX_INCOMING_BYTES >> 10) as usize)))
    }

    /// Waits until there is room for a file.
    async fn acquire(&self, size: Option<u64>) -> Option<OwnedSemaphorePermit> {
        let bytes = match size {
            // Here and in rclone.
            Some(size) if is_whole(Some(size)) => 2 * size,
            _ => (MAX_WAITING_PIECES as u64 + 2) * MAX_WHOLE_BYTES,
        };
        // Bounded by the budget, which fits.
        let kib = (bytes + OVERHEAD_BYTES).min(MAX_INCOMING_BYTES).div_ceil(1 << 10) as u32;
        // The semaphore is never closed.
        self.0.clone().acquire_many_owned(kib).await.ok()
    }
}

/// Whether a file of a size is taken in whole, as far as is known.
fn is_whole(size: Option<u64>) -> bool {
    size.is_none_or(|size| size <= MAX_WHOLE_BYTES)
}

impl IncomingFile {
    /// Begins to receive a file, when there is room for it.
    pub(super) async fn begin(
        context: Arc<RestoreContext>,
        memory: &IncomingMemory,
        upload: Upload,
    ) -> Self {
        let permit = memory.acquire(upload.size).await;
        let size = upload.size;
        let pending = Some(PendingUpload { upload, permit });
        let mut file = Self { context, size, count: 0, bytes: Vec::new(), pending, stream: None };
        if is_whole(size) {
            // Bounded by what is taken in whole.
            file.bytes.reserve_exact(size.unwrap_or(0) as usize);
        } else {
            file.begin_stream();
        }
        file
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Why the file is not restored; there is no need to go on then.
    pub(super) async fn chunk(&mut self, chunk: Bytes) -> Result<(), RestoreError> {
        self.count += chunk.len() as u64;
        if let Some(expected) = self.size.filter(|size| self.count > *size) {
            return Err(RestoreError::TooLong { came: self.count, expected });
        }
        if self.stream.is_none() {
            if self.count <= MAX_WHOLE_BYTES {
                // Copied, because a chunk may hold on to a buffer that is much larger.
                self.bytes.extend_from_slice(&chunk);
                return Ok(());
            }
            self.begin_stream();
            let first = std::mem::take(&mut self.bytes);
            self.send(first.into()).await?;
        }
        self.send(chunk).await
    }

    /// Takes note that all bytes have come, and waits until the file is on the remote, size and
    /// hash compared.
    pub(super) async fn finish(self) -> UploadOutcome {
        // Whoever sends could not read the rest: that the bytes end is all it can say.
        if let Some(expected) = self.size.filter(|size| self.count != *size) {
            return Err(RestoreError::TooShort { came: self.count, expected });
        }
        match (self.stream, self.pending) {
            (Some(UploadStream { pieces, task }), _) => {
                // A receiver that is gone has said why already.
                let _ = pieces.send(StreamPiece::End).await;
                ended(task).await
            }
            (None, Some(pending)) => {
                pending.run(&self.context, FileBody::Whole(self.bytes.into())).await
            }
            (None, None) => Err(RestoreError::Bug("a bug: a file without an upload".to_owned())),
        }
    }

    /// Takes note that no more bytes come, although it is not complete.
    pub(super) async fn cut_short(self) -> UploadOutcome {
        match self.stream {
            Some(UploadStream { pieces, task }) => {
                // The upload sees that, and may have failed before.
                drop(pieces);
                ended(task).await
            }
            None => Err(RestoreError::CutShort),
        }
    }

    fn begin_stream(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let (pieces, incoming) = mpsc::channel(MAX_WAITING_PIECES);
        let context = self.context.clone();
        let run = async move { pending.run(&context, FileBody::Stream(incoming)).await };
        self.stream =
            Some(UploadStream { pieces, task: AbortOnDropHandle::new(tokio::spawn(run)) });
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), RestoreError> {
        let Some(UploadStream { pieces, task }) = &mut self.stream else {
            return Err(RestoreError::CutShort);
        };
        if pieces.send(StreamPiece::Bytes(bytes)).await.is_ok() {
            return Ok(());
        }
        Err(ended(task).await.err().unwrap_or(RestoreError::CutShort))
    }
}

impl PendingUpload {
    async fn run(self, context: &RestoreContext, body: FileBody) -> UploadOutcome {
        let Self { upload, permit } = self;
        let stored = caught(upload.run(context, body))
            .await
            .unwrap_or_else(|bug| Err(RestoreError::Bug(bug)));
        drop(permit);
        stored.map(|stored| (upload, stored))
    }
}

async fn ended(
    task: impl Future<Output = Result<UploadOutcome, tokio::task::JoinError>>,
) -> UploadOutcome {
    task.await.unwrap_or_else(|error| Err(RestoreError::Bug(format!("a bug: {error}"))))
}
