//! Bodies of answers: small ones at once, downloads piece by piece without copies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

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
    /// Ends, and is counted, with the last piece.
    pub(crate) call: Option<InFlight>,
    pub(crate) breath: Option<Pin<Box<Sleep>>>,
}

impl ReplyBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>, call: Option<InFlight>) -> Self {
        Self::Whole { bytes: bytes.into(), call }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole { bytes, .. } if bytes.is_empty() => Poll::Ready(None),
            Self::Whole { bytes, call } => {
                // Counted before the client can have the answer, so that it finds its call in the counters.
                drop(call.take());
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Self::Endless { first, rest, .. } => {
                let bytes = if first.is_empty() { rest.clone() } else { std::mem::take(first) };
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Download(download) => download.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
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
        if self.cut == Some(self.position) {
            let breath = self.breath.get_or_insert_with(|| Box::pin(sleep(BREATH)));
            return Future::poll(breath.as_mut(), cx).map(|()| {
                drop(self.call.take());
                Some(Err(io::Error::other("cut by a fault")))
            });
        }
        let end = self.cut.unwrap_or(self.end);
        let count = PIECE.min(end - self.position);
        if count == 0 {
            return Poll::Ready(None);
        }
        let piece = self.content.read(self.position, count as usize).map(|bytes| self.corrupted(bytes));
        self.position += count;
        if let Some(call) = &mut self.call {
            call.sent(count);
        }
        if self.position == self.end {
            drop(self.call.take());
        }
        Poll::Ready(Some(piece))
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
