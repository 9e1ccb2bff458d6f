//! Reading objects.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::blocking;
use super::error::{Error, ErrorKind, Result};
use super::ffi::{self, Handle};
use super::remote::Remote;

/// How many bytes are asked of the bridge at a time.
pub const CHUNK: usize = 1 << 20;

/// A stream of an object's bytes. Dropping it cancels what is in flight.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use plakar_opendrive::rclone::{Remote, RemoteConfig};
/// use std::time::UNIX_EPOCH;
/// use tokio::io::AsyncReadExt;
///
/// # let remote = Remote::open(&RemoteConfig::new("memory", "doc-reader")).await?;
/// # let mut writer = remote.create("hello.txt", Some(5), UNIX_EPOCH).await?;
/// # writer.write(b"hello".as_slice()).await?;
/// # writer.commit().await?;
/// let entry = remote.stat("hello.txt").await?;
/// let mut reader = entry.object.unwrap().read(1, Some(3)).await?;
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await.unwrap();
/// assert_eq!(text, "ell");
/// # Ok::<(), plakar_opendrive::rclone::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Reader {
    /// Keeps the remote open for as long as it is read from.
    _remote: Remote,
    stream: Stream,
    /// How many bytes are still to come, if that is known.
    expected: Option<u64>,
    /// What `poll_read` got and did not give yet.
    rest: Bytes,
    pending: Option<JoinHandle<Result<Piece>>>,
}

/// The first bytes of an object, on their way. Dropping it cancels what is in flight.
#[derive(Debug)]
pub struct Beginning {
    reader: Reader,
    coming: oneshot::Receiver<Result<Piece>>,
}

/// What fetches the bytes of a [`Beginning`].
#[derive(Debug)]
pub struct BeginningJob {
    handle: Handle,
    room: usize,
    done: oneshot::Sender<Result<Piece>>,
}

/// The handle, closed when dropped unless it is [`CLOSED`].
#[derive(Debug)]
struct Stream(Handle);

/// No handle: the bridge counts from 1 (go/core/handles.go).
const CLOSED: Handle = 0;

impl Reader {
    pub(super) fn new(remote: Remote, handle: Handle, expected: Option<u64>) -> Self {
        Self { _remote: remote, stream: Stream(handle), expected, rest: Bytes::new(), pending: None }
    }

    /// The next bytes, up to [`CHUNK`] of them; fewer only before the end, `None` at the end. Not
    /// to be mixed with `AsyncRead` on one reader.
    ///
    /// # Errors
    /// What the server says; `Corrupt` at the end of a whole object that is not what was listed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if self.is_over() {
            return Ok(None);
        }
        let (handle, room) = (self.stream.0, self.room(CHUNK));
        let piece = blocking(move || fetch(handle, room)).await?;
        let bytes = self.took(piece);
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Whether the end has been reached: nothing more will come.
    pub fn is_over(&self) -> bool {
        self.stream.0 == CLOSED
    }

    pub(super) fn beginning(self, length: usize) -> (Beginning, BeginningJob) {
        let (done, coming) = oneshot::channel();
        let job = BeginningJob { handle: self.stream.0, room: self.room(length), done };
        (Beginning { reader: self, coming }, job)
    }

    /// Reads `length` bytes, in one go.
    pub(super) async fn exactly(self, length: usize) -> Result<Bytes> {
        let handle = self.stream.0;
        let bytes = blocking(move || {
            let mut buffer = BytesMut::zeroed(length);
            let mut count = 0;
            while count < length {
                match ffi::read(handle, &mut buffer[count..])? {
                    0 => return Err(Error::new(ErrorKind::Corrupt, format!("{count} bytes came, {length} were expected"))),
                    more => count += more,
                }
            }
            Ok(buffer.freeze())
        });
        // `self` lives until then: dropping it closes the handle.
        bytes.await
    }

    /// How large a buffer is worth having: one byte more than what is to come, so that the end is
    /// found, and checked, with the last bytes.
    fn room(&self, most: usize) -> usize {
        self.expected.map_or(most, |expected| usize::try_from(expected).map_or(most, |expected| expected.saturating_add(1).min(most)))
    }

    fn took(&mut self, piece: Piece) -> Bytes {
        let Piece { bytes, last } = piece;
        self.expected = self.expected.map(|expected| expected.saturating_sub(bytes.len() as u64));
        if last {
            self.stream.0 = CLOSED;
        }
        bytes
    }
}

impl Beginning {
    /// The bytes, and the reader for those that follow; it is over if there are none.
    ///
    /// # Errors
    /// As for [`Reader::chunk`].
    pub async fn take(mut self) -> Result<(Bytes, Reader)> {
        let outcome = (&mut self.coming).await;
        let piece = outcome.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "a bug: fetching the beginning of a file panicked")))?;
        Ok((self.reader.took(piece), self.reader))
    }
}

impl BeginningJob {
    /// Starts several, each on a thread of its own, at the price of waking one: that costs more
    /// than reading a small file.
    pub fn start(mut jobs: Vec<Self>) {
        let Some(first) = jobs.pop() else { return };
        tokio::task::spawn_blocking(move || {
            for job in jobs {
                tokio::task::spawn_blocking(move || job.run());
            }
            first.run();
        });
    }

    fn run(self) {
        // Nobody waits for it any more where the beginning was dropped; the handle is closed then.
        let _ = self.done.send(fetch(self.handle, self.room));
    }
}

/// What one call of the bridge's gave.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// Whether they are the last; the stream is closed then.
    last: bool,
}

fn fetch(handle: Handle, room: usize) -> Result<Piece> {
    let mut buffer = BytesMut::zeroed(room);
    let count = ffi::read(handle, &mut buffer)?;
    // Fewer than there was room for are the last ones. Closing here spares small files, of which there may be
    // many thousand, two more trips to another thread.
    let last = count < room;
    if last {
        // It is gone already where the reader was dropped meanwhile.
        let _ = ffi::close(handle);
    }
    let bytes = if count < room / 2 {
        // A short one must not hold on to a whole buffer.
        Bytes::copy_from_slice(&buffer[..count])
    } else {
        buffer.truncate(count);
        buffer.freeze()
    };
    Ok(Piece { bytes, last })
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() && !self.is_over() {
            let (handle, room) = (self.stream.0, self.room(CHUNK));
            let pending = self.pending.get_or_insert_with(|| tokio::task::spawn_blocking(move || fetch(handle, room)));
            let outcome = ready!(Pin::new(pending).poll(context));
            self.pending = None;
            let piece = outcome.unwrap_or_else(|error| Err(Error::new(ErrorKind::Cancelled, error.to_string())))?;
            self.rest = self.took(piece);
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let handle = self.0;
        if handle == CLOSED {
            return;
        }
        // Closing waits for a read in flight to notice; that is not for an async thread.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || ffi::close(handle))),
            Err(_) => drop(ffi::close(handle)),
        }
    }
}
