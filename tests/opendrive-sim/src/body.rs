//! Bodies of answers: small ones at once, downloads piece by piece without copies.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep_until};

use crate::calls::InFlight;
use crate::content::Content;

/// How much a download hands to the connection at a time.
const PIECE: u64 = 256 << 10;

/// How long a download that is to be cut waits before it breaks, so that what went before arrives.
const BREATH: Duration = Duration::from_millis(20);

pub(crate) enum ReplyBody {
    Whole {
        bytes: Bytes,
        call: Option<InFlight>,
    },
    /// The first bytes, then the rest again and again.
    Endless {
        first: Bytes,
        rest: Bytes,
        _call: InFlight,
    },
    Download(Box<Download>),
}

pub(crate) struct Download {
    pub(crate) content: Content,
    pub(crate) position: u64,
    pub(crate) end: u64,
    /// Where the connection breaks instead of going on.
    pub(crate) cut: Option<u64>,
    /// Which byte is flipped.
    pub(crate) corrupt: Option<u64>,
    /// Where it stops, and for how long; for ever when that is absent.
    pub(crate) stall: Option<(u64, Option<Duration>)>,
    /// How fast it comes.
    pub(crate) pacing: Option<Pacing>,
    /// Counts the bytes of the daily volume.
    pub(crate) volume: Arc<AtomicU64>,
    /// Ends, and is counted, with the last piece.
    pub(crate) call: Option<InFlight>,
    /// What is waited for, if anything.
    pub(crate) pause: Option<Pin<Box<Sleep>>>,
}

/// The speed of a download, and when its next piece is due.
pub(crate) struct Pacing {
    bytes_per_second: u64,
    due: Instant,
}

impl Pacing {
    /// How often a piece comes.
    const TICK: u64 = 50;

    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, due: Instant::now() }
    }

    fn piece(&self) -> u64 {
        (self.bytes_per_second * Self::TICK / 1000).max(1)
    }

    /// When so many more bytes have come. Time in which nobody took what was there is lost.
    fn advance(&mut self, bytes: u64) -> Instant {
        let tick = Duration::from_millis(Self::TICK);
        let earliest = Instant::now().checked_sub(tick).unwrap_or(self.due);
        self.due = self.due.max(earliest)
            + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        self.due
    }
}

impl ReplyBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>, mut call: Option<InFlight>) -> Self {
        let bytes = bytes.into();
        if let Some(call) = &mut call {
            call.answered(bytes.len());
        }
        Self::Whole { bytes, call }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole { bytes, .. } if bytes.is_empty() => Poll::Ready(None),
            Self::Whole { bytes, call } => {
                // Counted before the client can have the answer, so that it finds its call in the
                // counters.
                drop(call.take());
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Self::Endless { first, rest, .. } => {
                let bytes = if first.is_empty() { rest.clone() } else { std::mem::take(first) };
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Download(download) => {
                download.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { bytes, .. } => bytes.is_empty(),
            Self::Endless { .. } => false,
            Self::Download(download) => download.position == download.end,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Self::Endless { .. } => SizeHint::default(),
            Self::Download(download) => SizeHint::with_exact(download.end - download.position),
        }
    }
}

impl Download {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(pause) = &mut self.pause {
            ready!(Future::poll(pause.as_mut(), cx));
            self.pause = None;
        } else if let Some(wait) = self.wait() {
            let Some(time) = wait else { return Poll::Pending };
            self.pause = Some(Box::pin(sleep_until(time.into())));
            return self.poll_piece(cx);
        }
        if self.cut == Some(self.position) {
            drop(self.call.take());
            return Poll::Ready(Some(Err(io::Error::other("cut by a fault"))));
        }
        let count = self.next_piece();
        if count == 0 {
            return Poll::Ready(None);
        }
        let piece =
            self.content.read(self.position, count as usize).map(|bytes| self.corrupted(bytes));
        self.position += count;
        self.volume.fetch_add(count, Ordering::Relaxed);
        if let Some(call) = &mut self.call {
            call.sent(count);
        }
        if self.position == self.end {
            drop(self.call.take());
        }
        Poll::Ready(Some(piece))
    }

    /// How many bytes come next; none at the end.
    fn next_piece(&self) -> u64 {
        let stall = self.stall.map(|(at, _)| at).filter(|&at| at > self.position);
        let end = [self.cut, stall].into_iter().flatten().fold(self.end, u64::min);
        let piece = self.pacing.as_ref().map_or(PIECE, |pacing| PIECE.min(pacing.piece()));
        piece.min(end - self.position)
    }

    /// What is waited for before the next piece: `Some(None)` is for ever.
    fn wait(&mut self) -> Option<Option<Instant>> {
        if let Some((at, time)) = self.stall
            && at == self.position
        {
            // For a while once, for ever again and again.
            self.stall = self.stall.filter(|_| time.is_none());
            return Some(time.map(|time| Instant::now() + time));
        }
        if self.cut == Some(self.position) {
            return Some(Some(Instant::now() + BREATH));
        }
        let count = self.next_piece();
        Some(Some(self.pacing.as_mut().filter(|_| count > 0)?.advance(count)))
    }

    fn corrupted(&self, bytes: Bytes) -> Bytes {
        match self.corrupt.and_then(|at| at.checked_sub(self.position)) {
            Some(at) if at < bytes.len() as u64 => {
                let mut changed = bytes.to_vec();
                changed[at as usize] ^= 0xff;
                changed.into()
            }
            _ => bytes,
        }
    }
}
