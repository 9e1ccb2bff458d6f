//! One file on its way to the remote.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use md5::{Digest, Md5};
use tokio::sync::mpsc;

use super::folders::{Existing, Folder};
use super::paths::standard;
use super::scene::Scene;
use crate::rclone::{Error, ErrorKind, Object, Reader, Remote, Writer};

/// Why a file that is not complete is not restored.
pub(super) const CUT: &str = "the stream ended within the file";

/// How often a file that is at hand is uploaded when that fails in a way that may pass.
const TRIES: usize = 3;

/// Where a file goes.
pub(super) struct Upload {
    pub(super) folder: Arc<Folder>,
    /// Relative to the base; as the snapshot has it.
    pub(super) path: String,
    pub(super) size: Option<u64>,
    /// `None` if it is told later, by [`Upload::date`].
    pub(super) modified: Option<SystemTime>,
    /// Whether this restore has put a file there before: what the folder had is no longer what it has.
    pub(super) again: bool,
}

/// What the remote has after an upload: the new object, or `None` if it had the file already.
pub(super) type Stored = Option<Object>;

/// The same, with the time that the file has then, as far as it is known and was to be set.
type Dated = (Stored, Option<SystemTime>);

/// The bytes of a file.
pub(super) enum Body {
    /// All of them.
    Whole(Bytes),
    /// They are still coming.
    Stream(mpsc::Receiver<Piece>),
    /// Their number, which is not what was announced.
    Wrong(u64),
}

/// A part of a stream. A stream that ends without its end was cut short.
pub(super) enum Piece {
    Bytes(Bytes),
    End,
}

/// Why a file is not restored.
enum Failure {
    Remote(Error),
    /// Anything else, in words.
    Said(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Remote(error)
    }
}

impl Upload {
    /// Brings the file to the remote, unless it is there.
    pub(super) async fn run(&self, scene: &Scene, body: Body) -> Result<Stored, String> {
        let found = self.folder.ready().await.map_err(|refusal| refusal.at(&self.path))?;
        let existing = self.folder.find(&found, self.name())?;
        if existing.is_some_and(|existing| existing.object.is_none()) {
            return Err("there is a folder of this name, where the file must be: move it and restore again".to_owned());
        }
        // The semaphore is never closed.
        let _permit = scene.transfers.acquire().await;
        if let Some(reason) = scene.hopeless() {
            return Err(reason);
        }
        let remote = &scene.destination.remote;
        let streamed = matches!(body, Body::Stream(_));
        let stored = match body {
            Body::Whole(bytes) => self.store_whole(remote, existing, bytes).await,
            Body::Stream(pieces) => self.store_stream(remote, existing, pieces).await,
            Body::Wrong(count) => Err(self.wrong(count)),
        };
        match stored {
            Ok((stored, kept)) => {
                scene.learn(None);
                scene.summary().unchanged += u64::from(stored.is_none());
                scene.summary().note_name(&self.path);
                self.note(scene, kept);
                Ok(stored)
            }
            Err(Failure::Said(reason)) => Err(reason),
            Err(Failure::Remote(error)) => {
                scene.learn(Some(&error));
                Err(match error.kind() {
                    ErrorKind::NameTooLong => "its name is too long for the destination: at most 255 bytes on OpenDrive".to_owned(),
                    ErrorKind::NoSpace => format!("the destination is full: {}", error.message()),
                    // Each call was tried again, but the whole cannot be: its bytes came only once.
                    _ if streamed && may_pass(&error) => {
                        format!("{}; it is too large to be kept for another try: restore it again", error.message())
                    }
                    _ => error.message().to_owned(),
                })
            }
        }
    }

    async fn store_whole(&self, remote: &Remote, existing: Option<&Existing>, bytes: Bytes) -> Result<Dated, Failure> {
        if let Some((existing, object)) = self.same_size(existing, Some(bytes.len() as u64))
            && is_same(remote, existing, object, &bytes).await
        {
            return self.keep(existing, object, remote).await.map(|kept| (None, kept));
        }
        let mut tries = 1;
        loop {
            let stored = async {
                let mut writer = remote.create(&standard(&self.path), Some(bytes.len() as u64), self.time()).await?;
                writer.write(bytes.clone()).await?;
                writer.commit().await.map(|entry| (entry.object, entry.modified))
            };
            match stored.await {
                Err(error) if tries < TRIES && may_pass(&error) => tries += 1,
                stored => return Ok(stored?),
            }
        }
    }

    /// Uploads a file while its bytes come in. They come once only: so where a file of the same size
    /// is there, it is read along. As long as it is the same nothing is uploaded, and from the first
    /// difference on it gives what has passed by.
    async fn store_stream(
        &self,
        remote: &Remote,
        existing: Option<&Existing>,
        mut pieces: mpsc::Receiver<Piece>,
    ) -> Result<Dated, Failure> {
        let mut count = 0;
        let mut writer = None;
        let mut twin = match self.same_size(existing, self.size) {
            Some((existing, object)) => Some((existing, object, Along::open(object).await?)),
            None => {
                writer = Some(remote.create(&standard(&self.path), self.size, self.time()).await?);
                None
            }
        };
        loop {
            let bytes = match pieces.recv().await {
                Some(Piece::Bytes(bytes)) => bytes,
                Some(Piece::End) => break,
                None => return Err(Failure::Said(CUT.to_owned())),
            };
            count += bytes.len() as u64;
            if self.size.is_some_and(|size| count > size) {
                return Err(self.wrong(count));
            }
            if let Some((_, object, along)) = &mut twin {
                let before = count - bytes.len() as u64;
                if along.matches(&bytes).await {
                    continue;
                }
                writer = Some(self.catch_up(remote, object, before).await?);
                twin = None;
            }
            if let Some(writer) = &mut writer {
                writer.write(bytes).await?;
            }
        }
        if self.size.is_some_and(|size| count != size) {
            return Err(self.wrong(count));
        }
        if let Some((existing, object, _)) = twin {
            return self.keep(existing, object, remote).await.map(|kept| (None, kept));
        }
        match writer {
            Some(writer) => {
                let entry = writer.commit().await?;
                Ok((entry.object, entry.modified))
            }
            None => Ok((None, None)),
        }
    }

    /// Begins an upload with the first bytes of the file that is there.
    async fn catch_up(&self, remote: &Remote, object: &Object, length: u64) -> Result<Writer, Failure> {
        let mut writer = remote.create(&standard(&self.path), self.size, self.time()).await?;
        let mut reader = object.read(0, Some(length)).await?;
        let mut count = 0;
        while let Some(bytes) = reader.chunk().await? {
            count += bytes.len() as u64;
            writer.write(bytes).await?;
        }
        if count != length {
            return Err(Failure::Said("the file that is there changed meanwhile: restore again".to_owned()));
        }
        Ok(writer)
    }

    fn same_size<'a>(&self, existing: Option<&'a Existing>, size: Option<u64>) -> Option<(&'a Existing, &'a Object)> {
        let existing = existing.filter(|existing| size.is_some() && existing.size == size && !existing.unfinished && !self.again)?;
        Some((existing, existing.object.as_ref()?))
    }

    /// Leaves a file as it is but for its time; gives the one that it has then, as far as it is known.
    async fn keep(&self, existing: &Existing, object: &Object, remote: &Remote) -> Result<Option<SystemTime>, Failure> {
        let Some(modified) = self.modified else { return Ok(None) };
        if existing.modified.is_some_and(|time| distance(time, modified) < precision(remote)) {
            return Ok(None);
        }
        Ok(set_time(object, modified).await?)
    }

    /// Takes note of a file that has another time than it was to have.
    fn note(&self, scene: &Scene, kept: Option<SystemTime>) {
        let Some((modified, kept)) = self.modified.zip(kept) else { return };
        // Backends round in their own ways.
        if distance(kept, modified) > precision(&scene.destination.remote).max(Duration::from_secs(2)) {
            scene.summary().dated_otherwise(&super::folders::absolute(&self.path));
        }
    }

    /// Gives a file that is stored its time.
    pub(super) async fn date(mut self, scene: &Scene, stored: Stored, modified: SystemTime) -> Result<(), String> {
        self.modified = Some(modified);
        let dated = match &stored {
            Some(object) => set_time(object, modified).await.map_err(Failure::Remote),
            None => {
                let found = self.folder.ready().await.map_err(|refusal| refusal.at(&self.path))?;
                match self.folder.find(&found, self.name())?.and_then(|existing| Some((existing, existing.object.as_ref()?))) {
                    Some((existing, object)) => self.keep(existing, object, &scene.destination.remote).await,
                    None => Ok(None),
                }
            }
        };
        dated.map(|kept| self.note(scene, kept)).map_err(|failure| match failure {
            Failure::Said(reason) => reason,
            Failure::Remote(error) => error.message().to_owned(),
        })
    }

    fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// The time to create it with.
    fn time(&self) -> SystemTime {
        self.modified.unwrap_or_else(SystemTime::now)
    }

    fn wrong(&self, count: u64) -> Failure {
        let size = self.size.unwrap_or_default();
        Failure::Said(format!("{count} bytes or more came, the snapshot says {size}"))
    }
}

/// Gives a file its time, where files can be given one; gives the one that it has then, as far as it is known.
pub(super) async fn set_time(object: &Object, modified: SystemTime) -> Result<Option<SystemTime>, Error> {
    match object.set_modified(modified).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        outcome => outcome,
    }
}

/// How exact the times of a remote are.
fn precision(remote: &Remote) -> Duration {
    Duration::from_nanos(u64::try_from(remote.features().precision_ns).unwrap_or(1).max(1))
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

/// Whether an upload may succeed when tried again. `Exists` is a creation whose answer was lost, `NotFound` the end
/// of an upload whose answer was.
fn may_pass(error: &Error) -> bool {
    error.is_temporary() || matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Exists | ErrorKind::NotFound)
}

/// Whether a file on the remote has these bytes. One that cannot be read is not the same.
async fn is_same(remote: &Remote, existing: &Existing, object: &Object, bytes: &Bytes) -> bool {
    if let Some(hash) = &existing.hash
        && remote.features().hash == "md5"
    {
        return *hash == hex(&Md5::digest(bytes));
    }
    match Along::open(object).await {
        Ok(mut along) => along.matches(bytes).await,
        Err(_) => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file on the remote that is read along with bytes that come in.
struct Along {
    reader: Reader,
    rest: Bytes,
}

impl Along {
    async fn open(object: &Object) -> Result<Self, Error> {
        Ok(Self { reader: object.read(0, None).await?, rest: Bytes::new() })
    }

    /// Whether these bytes come next in the file.
    async fn matches(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.rest.is_empty() {
                match self.reader.chunk().await {
                    Ok(Some(chunk)) => self.rest = chunk,
                    Ok(None) | Err(_) => return false,
                }
            }
            let count = bytes.len().min(self.rest.len());
            if bytes[..count] != self.rest[..count] {
                return false;
            }
            bytes = &bytes[count..];
            self.rest.advance(count);
        }
        true
    }
}
