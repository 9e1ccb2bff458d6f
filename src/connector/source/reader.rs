//! The bytes of a file, whether its beginning was fetched ahead or not.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::fatal_error::FatalError;
use crate::rclone::{CHUNK_BYTES, Error, Prefetch, Reader};

/// A file's beginning, and its share of the budget.
#[derive(Debug)]
pub(super) struct FilePrefetch {
    pub(super) prefetch: Prefetch,
    /// Whether it was likely to have changed, or else stood in the window.
    pub(super) likely: bool,
    pub(super) permit: OwnedSemaphorePermit,
}

/// The bytes of a file, fetched ahead or not.
#[derive(Debug)]
pub struct FileReader {
    stage: ReadStage,
    /// What an error may end.
    fatal_error: Option<Arc<FatalError>>,
    /// What others wait for who want to open a file.
    _open_permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
enum ReadStage {
    /// The beginning is on its way.
    Fetching(FilePrefetch),
    /// The beginning is here, and how it goes on.
    Started(Bytes, Reader, OwnedSemaphorePermit),
    /// The bytes come from the remote.
    Reading(Reader),
    Ended,
}

impl FileReader {
    pub(super) fn fetching(prefetch: FilePrefetch) -> Self {
        Self { stage: ReadStage::Fetching(prefetch), fatal_error: None, _open_permit: None }
    }

    pub(super) fn reading(reader: Reader) -> Self {
        Self { stage: ReadStage::Reading(reader), fatal_error: None, _open_permit: None }
    }

    pub(super) fn with_run(
        self,
        open_permit: Option<OwnedSemaphorePermit>,
        fatal_error: Arc<FatalError>,
    ) -> Self {
        Self { _open_permit: open_permit, fatal_error: Some(fatal_error), ..self }
    }

    /// Whether the end has been reached: nothing more will come, no error either.
    pub fn is_over(&self) -> bool {
        match &self.stage {
            ReadStage::Fetching(_) => false,
            ReadStage::Started(bytes, reader, _) => bytes.is_empty() && reader.is_over(),
            ReadStage::Reading(reader) => reader.is_over(),
            ReadStage::Ended => true,
        }
    }

    /// The next bytes, at most 1 MiB; `None` at the end.
    ///
    /// # Errors
    /// What the remote says; `Corrupt` at the end of a file that is not what was listed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.next().await;
        if let (Err(error), Some(fatal_error)) = (&chunk, &self.fatal_error) {
            fatal_error.record(error);
        }
        chunk
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // Taken out, so that a future that is dropped leaves an ended reader and not a torn
            // one.
            match std::mem::replace(&mut self.stage, ReadStage::Ended) {
                ReadStage::Fetching(FilePrefetch { prefetch, permit, .. }) => {
                    let (bytes, reader) = prefetch.take().await?;
                    self.stage = ReadStage::Started(bytes, reader, permit);
                }
                ReadStage::Started(bytes, reader, _) if bytes.is_empty() => {
                    self.stage = ReadStage::Reading(reader)
                }
                ReadStage::Started(mut bytes, reader, permit) => {
                    let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
                    self.stage = ReadStage::Started(bytes, reader, permit);
                    return Ok(Some(chunk));
                }
                ReadStage::Reading(mut reader) => {
                    let chunk = reader.chunk().await?;
                    if chunk.is_some() {
                        self.stage = ReadStage::Reading(reader);
                    }
                    return Ok(chunk);
                }
                ReadStage::Ended => return Ok(None),
            }
        }
    }
}
