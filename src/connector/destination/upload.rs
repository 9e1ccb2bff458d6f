//! One file on its way to the remote.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use md5::{Digest, Md5};
use tokio::sync::mpsc;

use super::content_comparer::{ContentComparer, PassedBytes};
use super::context::RestoreContext;
use super::error::RestoreError;
use super::folder::{ExistingEntry, RestoreFolder};
use super::paths::{absolute, standard};
use crate::connector::paths::split;
use crate::connector::retry::{may_pass, upload_with_retries};
use crate::hex;
use crate::rclone::{Error, ErrorKind, Object, Remote, Writer};

/// Where a file goes.
pub(super) struct Upload {
    pub(super) folder: Arc<RestoreFolder>,
    /// Relative to the base; as the snapshot has it.
    pub(super) path: String,
    pub(super) size: Option<u64>,
    /// `None` if it is told later, by [`Upload::date`].
    pub(super) modified: Option<SystemTime>,
    /// Whether this restore has put a file there before: what the folder had is no longer what it
    /// has.
    pub(super) again: bool,
}

/// What the remote has after an upload: the new object, or `None` if it had the file already.
pub(super) type Stored = Option<Object>;

/// The same, with the time that the file has then, as far as it is known and was to be set.
type StoredAndDated = (Stored, Option<SystemTime>);

/// The bytes of a file.
pub(super) enum FileBody {
    /// All of them.
    Whole(Bytes),
    /// They are still coming.
    Stream(mpsc::Receiver<StreamPiece>),
}

/// A part of a stream. A stream that ends without its end was cut short.
pub(super) enum StreamPiece {
    Bytes(Bytes),
    End,
}

/// How an upload failed.
enum UploadError {
    /// The remote says why; other uploads may fail so too.
    Remote(Error),
    /// It is about this file alone.
    Other(RestoreError),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Remote(error)
    }
}

impl From<RestoreError> for UploadError {
    fn from(reason: RestoreError) -> Self {
        Self::Other(reason)
    }
}

impl Upload {
    /// Brings the file to the remote, unless it is there.
    pub(super) async fn run(
        &self,
        context: &RestoreContext,
        body: FileBody,
    ) -> Result<Stored, RestoreError> {
        let found = self.folder.ready().await.map_err(|refusal| refusal.at(&self.path))?;
        let existing = self.folder.find(&found, self.name())?;
        if existing.is_some_and(|existing| existing.object.is_none()) {
            return Err(RestoreError::NotAFile);
        }
        // The semaphore is never closed.
        let _permit = context.transfers.acquire().await;
        if let Some(reason) = context.give_up() {
            return Err(reason);
        }
        let remote = &context.destination.remote;
        let streamed = matches!(body, FileBody::Stream(_));
        let stored = match body {
            FileBody::Whole(bytes) => self.store_whole(remote, existing, bytes).await,
            FileBody::Stream(pieces) => self.store_stream(remote, existing, pieces).await,
        };
        match stored {
            Ok((stored, kept)) => {
                context.record_upload(None);
                context.folder_has_something(split(&self.path).0);
                context.summary().unchanged += u64::from(stored.is_none());
                context.summary().note_name(&self.path);
                self.note_time(context, kept);
                found.leftovers.tidy(&standard(self.name()), remote).await;
                Ok(stored)
            }
            Err(UploadError::Remote(error)) => {
                context.record_upload(Some(&error));
                Err(match RestoreError::from(error) {
                    // Each call was tried again, but the whole cannot be: its bytes came only once.
                    RestoreError::Remote(error) if streamed && may_pass(&error) => {
                        RestoreError::TooLargeToRetry(error)
                    }
                    reason => reason,
                })
            }
            Err(UploadError::Other(reason)) => Err(reason),
        }
    }

    async fn store_whole(
        &self,
        remote: &Remote,
        existing: Option<&ExistingEntry>,
        bytes: Bytes,
    ) -> Result<StoredAndDated, UploadError> {
        if let Some((existing, object)) = self.same_size(existing, Some(bytes.len() as u64))
            && is_same(remote, existing, object, &bytes).await
        {
            return Ok((None, self.keep(existing, object, remote).await?));
        }
        let upload = || async {
            let mut writer =
                remote.create(&standard(&self.path), Some(bytes.len() as u64), self.time()).await?;
            writer.write(bytes.clone()).await?;
            writer.commit().await.map(|entry| (entry.object, entry.modified))
        };
        Ok(upload_with_retries(&self.path, Duration::ZERO, upload).await?)
    }

    /// Uploads a file while its bytes come in. They come once only: so where a file of the same
    /// size is there, it is read along. As long as it is the same nothing is uploaded, and from the
    /// first difference on it gives what has passed by.
    async fn store_stream(
        &self,
        remote: &Remote,
        existing: Option<&ExistingEntry>,
        mut pieces: mpsc::Receiver<StreamPiece>,
    ) -> Result<StoredAndDated, UploadError> {
        let mut writer = None;
        let mut twin = match self.same_size(existing, self.size) {
            Some((existing, object)) => {
                Some((existing, object, ContentComparer::open(object).await?))
            }
            None => {
                writer = Some(remote.create(&standard(&self.path), self.size, self.time()).await?);
                None
            }
        };
        loop {
            let bytes = match pieces.recv().await {
                Some(StreamPiece::Bytes(bytes)) => bytes,
                Some(StreamPiece::End) => break,
                None => return Err(RestoreError::CutShort.into()),
            };
            if let Some((existing, object, mut comparer)) = twin.take() {
                if comparer.matches(&bytes).await {
                    twin = Some((existing, object, comparer));
                    continue;
                }
                writer = Some(self.catch_up(remote, object, comparer.same()).await?);
            }
            if let Some(writer) = &mut writer {
                writer.write(bytes).await?;
            }
        }
        if let Some((existing, object, _)) = twin {
            return Ok((None, self.keep(existing, object, remote).await?));
        }
        match writer {
            Some(writer) => {
                let entry = writer.commit().await?;
                Ok((entry.object, entry.modified))
            }
            None => Ok((None, None)),
        }
    }

    /// Begins an upload with the first bytes of the file that is there, which were found to be the
    /// `same` as those that came in.
    async fn catch_up(
        &self,
        remote: &Remote,
        object: &Object,
        same: PassedBytes,
    ) -> Result<Writer, UploadError> {
        let mut writer = remote.create(&standard(&self.path), self.size, self.time()).await?;
        let mut reader = object.read(0, Some(same.count())).await?;
        let mut again = PassedBytes::default();
        while let Some(bytes) = reader.chunk().await? {
            again.add(&bytes);
            writer.write(bytes).await?;
        }
        // Somebody may have overwritten it since it was compared, and for a part of a file the
        // remote has no hash to check it by.
        if !again.equals(same) {
            return Err(RestoreError::Changed.into());
        }
        Ok(writer)
    }

    fn same_size<'a>(
        &self,
        existing: Option<&'a ExistingEntry>,
        size: Option<u64>,
    ) -> Option<(&'a ExistingEntry, &'a Object)> {
        let existing = existing.filter(|existing| {
            size.is_some() && existing.size == size && !existing.unfinished && !self.again
        })?;
        Some((existing, existing.object.as_ref()?))
    }

    /// Leaves a file as it is but for its time; gives the one that it has then, as far as it is
    /// known.
    async fn keep(
        &self,
        existing: &ExistingEntry,
        object: &Object,
        remote: &Remote,
    ) -> Result<Option<SystemTime>, Error> {
        let Some(modified) = self.modified else { return Ok(None) };
        if existing.modified.is_some_and(|time| distance(time, modified) < precision(remote)) {
            return Ok(None);
        }
        set_time(object, modified).await
    }

    /// Takes note of a file that has another time than it was to have.
    fn note_time(&self, context: &RestoreContext, kept: Option<SystemTime>) {
        let Some((modified, kept)) = self.modified.zip(kept) else { return };
        // Backends round in their own ways.
        if is_another_time(precision(&context.destination.remote), kept, modified) {
            context.summary().dated_otherwise(&absolute(&self.path));
        }
    }

    /// Gives a file that is stored its time.
    pub(super) async fn date(
        mut self,
        context: &RestoreContext,
        stored: Stored,
        modified: SystemTime,
    ) -> Result<(), RestoreError> {
        self.modified = Some(modified);
        let kept = match &stored {
            Some(object) => set_time(object, modified).await,
            None => {
                let found = self.folder.ready().await.map_err(|refusal| refusal.at(&self.path))?;
                match self
                    .folder
                    .find(&found, self.name())?
                    .and_then(|existing| Some((existing, existing.object.as_ref()?)))
                {
                    Some((existing, object)) => {
                        self.keep(existing, object, &context.destination.remote).await
                    }
                    None => Ok(None),
                }
            }
        };
        self.note_time(context, kept.map_err(RestoreError::Remote)?);
        Ok(())
    }

    fn name(&self) -> &str {
        split(&self.path).1
    }

    /// The time to create it with.
    fn time(&self) -> SystemTime {
        self.modified.unwrap_or_else(SystemTime::now)
    }
}

/// Gives a file its time, where files can be given one; gives the one that it has then, as far as
/// it is known.
pub(super) async fn set_time(
    object: &Object,
    modified: SystemTime,
) -> Result<Option<SystemTime>, Error> {
    match object.set_modified(modified).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        outcome => outcome,
    }
}

/// How exact the times of a remote are.
fn precision(remote: &Remote) -> Duration {
    Duration::from_nanos(u64::try_from(remote.features().precision_ns).unwrap_or(1).max(1))
}

/// Whether a file has another time than it was to have, for which the remote's precision is no reason. A remote that keeps no times
/// at all has a precision of a hundred years (`ModTimeNotSupported` in rclone's fs/fs.go).
fn is_another_time(precision: Duration, kept: SystemTime, wanted: SystemTime) -> bool {
    const MAX_PRECISION: Duration = Duration::from_secs(86_400);
    const ROUNDING: Duration = Duration::from_secs(2);
    let precision = if precision > MAX_PRECISION { ROUNDING } else { precision.max(ROUNDING) };
    distance(kept, wanted) > precision
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

/// Whether a file on the remote has these bytes. One that cannot be read is not the same.
async fn is_same(
    remote: &Remote,
    existing: &ExistingEntry,
    object: &Object,
    bytes: &Bytes,
) -> bool {
    if let Some(hash) = &existing.hash
        && remote.features().hash == "md5"
    {
        return *hash == hex::encode(&Md5::digest(bytes));
    }
    match ContentComparer::open(object).await {
        Ok(mut comparer) => comparer.matches(bytes).await,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_that_keeps_no_times_is_no_excuse() {
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        let wanted = SystemTime::UNIX_EPOCH + 1_000 * day;
        for (precision, off, another) in [
            (second, 2 * second, false),
            (second, 3 * second, true),
            (60 * second, 59 * second, false),
            (36_500 * day, second, false),
            (36_500 * day, 100 * day, true),
        ] {
            assert_eq!(
                is_another_time(precision, wanted + off, wanted),
                another,
                "{precision:?} {off:?}"
            );
        }
    }
}
