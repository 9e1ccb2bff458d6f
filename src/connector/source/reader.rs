//! The bytes of a file, whether its beginning was fetched ahead or not.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::ending::Ending;
use crate::rclone::{Beginning, CHUNK, Error, Reader};

/// A file's beginning, and its share of the budget.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) beginning: Beginning,
    /// Whether it was likely to have changed, or else stood in the window.
    pub(super) likely: bool,
    pub(super) permit: OwnedSemaphorePermit,
}

/// The bytes of a file, fetched ahead or not.
#[derive(Debug)]
pub struct FileReader {
    stage: Stage,
    /// What an error may end.
    ending: Option<Arc<Ending>>,
    /// What others wait for who want to open a file.
    _turn: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
enum Stage {
    /// The beginning is on its way.
    Fetching(Fetch),
    /// The beginning is here, and how it goes on.
    Beginning(Bytes, Reader, OwnedSemaphorePermit),
    /// The bytes come from the remote.
    Reading(Reader),
    Ended,
}

impl FileReader {
    pub(super) fn fetching(fetch: Fetch) -> Self {
        Self { stage: Stage::Fetching(fetch), ending: None, _turn: None }
    }

    pub(super) fn reading(reader: Reader) -> Self {
        Self { stage: Stage::Reading(reader), ending: None, _turn: None }
    }

    pub(super) fn holding(self, turn: Option<OwnedSemaphorePermit>, ending: Arc<Ending>) -> Self {
        Self { _turn: turn, ending: Some(ending), ..self }
    }

    /// Whether the end has been reached: nothing more will come, no error either.
    pub fn is_over(&self) -> bool {
        match &self.stage {
            Stage::Fetching(_) => false,
            Stage::Beginning(bytes, reader, _) => bytes.is_empty() && reader.is_over(),
            Stage::Reading(reader) => reader.is_over(),
            Stage::Ended => true,
        }
    }

    /// The next bytes, at most 1 MiB; `None` at the end.
    ///
    /// # Errors
    /// What the remote says; `Corrupt` at the end of a file that is not what was listed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.next().await;
        if let (Err(error), Some(ending)) = (&chunk, &self.ending) {
            ending.note(error);
        }
        chunk
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // Taken out, so that a future that is dropped leaves an ended reader and not a torn one.
            match std::mem::replace(&mut self.stage, Stage::Ended) {
                Stage::Fetching(Fetch { beginning, permit, .. }) => {
                    let (bytes, reader) = beginning.take().await?;
                    self.stage = Stage::Beginning(bytes, reader, permit);
                }
                Stage::Beginning(bytes, reader, _) if bytes.is_empty() => self.stage = Stage::Reading(reader),
                Stage::Beginning(mut bytes, reader, permit) => {
                    let chunk = bytes.split_to(bytes.len().min(CHUNK));
                    self.stage = Stage::Beginning(bytes, reader, permit);
                    return Ok(Some(chunk));
                }
                Stage::Reading(mut reader) => {
                    let chunk = reader.chunk().await?;
                    if chunk.is_some() {
                        self.stage = Stage::Reading(reader);
                    }
                    return Ok(chunk);
                }
                Stage::Ended => return Ok(None),
            }
        }
    }
}
