//! Reading objects.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinHandle;

use super::client::{CancelOnDrop, blocking, raise_urgency};
use super::error::{Error, ErrorKind, Result};
use super::fast_reads;
use super::ffi::{self, Handle};
use super::object::{Object, release_dropped};
use super::remote::Remote;

/// How many bytes are asked of the bridge at a time.
pub const CHUNK_BYTES: usize = 1 << 20;

/// A remote that gives the beginning of a file in less time does not make anybody wait: no drive
/// answers as soon.
const FAST_READ: Duration = Duration::from_millis(2);

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
    stream: StreamHandle,
    /// How many bytes are still to come, if that is known.
    expected: Option<u64>,
    /// What `poll_read` got and did not give yet.
    rest: Bytes,
    pending: Option<JoinHandle<Result<ReadChunk>>>,
}

/// The first bytes of an object, on their way. Dropping it cancels what is in flight.
#[derive(Debug)]
pub struct Prefetch {
    coming: oneshot::Receiver<Result<(Bytes, Reader)>>,
    call: CancelOnDrop,
    /// Whether the remote bounds its downloads.
    bounded: bool,
}

/// What fetches the bytes of a [`Prefetch`].
#[derive(Debug)]
pub struct PrefetchJob {
    object: Arc<Object>,
    /// The number of the call.
    call: u64,
    length: usize,
    done: oneshot::Sender<Result<(Bytes, Reader)>>,
}

/// The handle of a reader or a writer, closed when dropped unless it is [`CLOSED`].
#[derive(Debug)]
pub(super) struct StreamHandle(pub(super) Handle);

/// No handle: the bridge counts from 1 (go/core/handles.go).
pub(super) const CLOSED: Handle = 0;

impl Reader {
    pub(super) fn new(remote: Remote, handle: Handle, expected: Option<u64>) -> Self {
        Self {
            _remote: remote,
            stream: StreamHandle(handle),
            expected,
            rest: Bytes::new(),
            pending: None,
        }
    }

    /// The next bytes, up to [`CHUNK_BYTES`] of them; fewer only before the end, `None` at the end.
    /// Not to be mixed with `AsyncRead` on one reader.
    ///
    /// # Errors
    /// What the server says; `Corrupt` at the end of a whole object that is not what was listed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if self.is_over() {
            return Ok(None);
        }
        let (handle, room) = (self.stream.0, self.room(CHUNK_BYTES));
        let chunk = blocking(move || fetch(handle, room)).await?;
        let bytes = self.took(chunk);
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Whether the end has been reached: nothing more will come.
    pub fn is_over(&self) -> bool {
        self.stream.0 == CLOSED
    }

    fn room(&self, max: usize) -> usize {
        room(self.expected, max)
    }

    fn took(&mut self, chunk: ReadChunk) -> Bytes {
        let ReadChunk { bytes, last } = chunk;
        self.passed(bytes.len());
        if last {
            self.stream.0 = CLOSED;
        }
        bytes
    }

    fn passed(&mut self, count: usize) {
        self.expected = self.expected.map(|expected| expected.saturating_sub(count as u64));
    }
}

/// How large a buffer is worth having: one byte more than what is to come, so that the end is
/// found, and checked, with the last bytes.
fn room(expected: Option<u64>, max: usize) -> usize {
    expected.map_or(max, |expected| {
        usize::try_from(expected).map_or(max, |expected| expected.saturating_add(1).min(max))
    })
}

impl Prefetch {
    pub(super) fn new(object: Arc<Object>, length: usize) -> (Self, PrefetchJob) {
        let (done, coming) = oneshot::channel();
        let call = CancelOnDrop::new();
        let bounded = object.remote().features().downloads > 0;
        let job = PrefetchJob { object, call: call.number, length, done };
        (Self { coming, call, bounded }, job)
    }

    /// The bytes, and the reader for those that follow; it is over if there are none.
    ///
    /// # Errors
    /// As for [`Reader::chunk`].
    pub async fn take(mut self) -> Result<(Bytes, Reader)> {
        let outcome = match self.coming.try_recv() {
            Err(TryRecvError::Empty) => {
                // It was read ahead; now somebody waits for it.
                if self.bounded {
                    raise_urgency(self.call.number);
                }
                (&mut self.coming).await.ok()
            }
            outcome => outcome.ok(),
        };
        self.call.disarm();
        outcome.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Other, "a bug: fetching the beginning of a file panicked"))
        })
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        // A job that is done needs no cancelling, one that has not begun finds nobody who waits.
        self.coming.close();
        if self.coming.try_recv().is_ok() {
            self.call.disarm();
        }
    }
}

impl PrefetchJob {
    /// Starts several side by side, at the price of waking one thread; one after another where they
    /// take less time than waking a thread for each, as on a local disk.
    pub fn start(jobs: Vec<Self>) {
        if jobs.is_empty() {
            return;
        }
        let is_fast = jobs.iter().all(Self::is_fast);
        let jobs = if is_fast { fast_reads::start(jobs).err() } else { Some(jobs) };
        let Some(jobs) = jobs else { return };
        tokio::task::spawn_blocking(move || {
            let mut jobs = jobs.into_iter();
            let Some(first) = jobs.next() else { return };
            for other in jobs {
                tokio::task::spawn_blocking(move || other.run());
            }
            first.run();
            release_dropped();
        });
    }

    /// Whether its remote does not make anybody wait, by the last read.
    pub(super) fn is_fast(&self) -> bool {
        self.object.remote().is_fast()
    }

    pub(super) fn run(self) {
        let Self { object, call, length, done } = self;
        // The prefetch was dropped.
        if done.is_closed() {
            return;
        }
        let start = Instant::now();
        let outcome = begin(&object, call, length);
        object.remote().set_fast(start.elapsed() < FAST_READ);
        // Where nobody waits for it any more, it is closed.
        let _ = done.send(outcome);
    }
}

fn begin(object: &Object, call: u64, length: usize) -> Result<(Bytes, Reader)> {
    let mut buffer = BytesMut::zeroed(room(object.size(), length));
    let (count, rest) =
        ffi::begin(object.handle(), call, &mut buffer).map_err(|error| error.at(&object.path()))?;
    let mut reader = object.reader(rest);
    reader.passed(count);
    Ok((cut(buffer, count), reader))
}

/// What one call of the bridge's gave.
#[derive(Debug)]
struct ReadChunk {
    bytes: Bytes,
    /// Whether they are the last; the stream is closed then.
    last: bool,
}

fn fetch(handle: Handle, room: usize) -> Result<ReadChunk> {
    let mut buffer = BytesMut::zeroed(room);
    let count = ffi::read(handle, &mut buffer)?;
    // Fewer than there was room for are the last ones. Closing here spares small files, of which
    // there may be many thousand, two more trips to another thread.
    let last = count < room;
    if last {
        // It is gone already where the reader was dropped meanwhile.
        let _ = ffi::close(handle);
    }
    Ok(ReadChunk { bytes: cut(buffer, count), last })
}

/// The first bytes of a buffer.
fn cut(mut buffer: BytesMut, count: usize) -> Bytes {
    if count < buffer.len() / 2 {
        // A short one must not hold on to a whole buffer.
        return Bytes::copy_from_slice(&buffer[..count]);
    }
    buffer.truncate(count);
    buffer.freeze()
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() && !self.is_over() {
            let (handle, room) = (self.stream.0, self.room(CHUNK_BYTES));
            let pending = self
                .pending
                .get_or_insert_with(|| tokio::task::spawn_blocking(move || fetch(handle, room)));
            let outcome = ready!(Pin::new(pending).poll(context));
            self.pending = None;
            let chunk = outcome
                .unwrap_or_else(|error| Err(Error::new(ErrorKind::Cancelled, error.to_string())))?;
            self.rest = self.took(chunk);
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let handle = self.0;
        if handle == CLOSED {
            return;
        }
        // Closing waits for what is in flight to notice; that is not for an async thread.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || ffi::close(handle))),
            Err(_) => drop(ffi::close(handle)),
        }
    }
}
