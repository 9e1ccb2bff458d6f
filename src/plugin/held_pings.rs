//! Measuring pings of gRPC's, answered a little later.
//!
//! Plakar's gRPC measures its line: with the first data after an answered ping it sends another one,
//! until it has reached its largest window (grpc-go v1.81.1, internal/transport/bdp_estimator.go),
//! which small files and small reads never do. So nearly every answer of ours brought a ping, and
//! woke both processes once more for nothing. The ping stays here for a while before HTTP/2 sees it,
//! and the next one comes only after its answer. What gRPC learns from it gets better by that: how
//! much has come in the meantime is no longer a matter of one frame. Any other ping passes at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a ping stays.
const HOLD: Duration = Duration::from_millis(10);

/// What an HTTP/2 connection begins with (RFC 9113, 3.4), in bytes.
const PREFACE_BYTES: usize = 24;

/// The header of a frame, in bytes (RFC 9113, 4.1).
const HEADER_BYTES: usize = 9;

/// The frame with which gRPC measures: a PING that is no answer, with a mark of grpc-go's.
const MEASURING_PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 2, 4, 16, 16, 9, 14, 7, 7];

/// An input of HTTP/2 frames that takes measuring pings out and gives them later.
pub(super) struct HeldPings<R> {
    input: R,
    place: Place,
    /// Whether a ping is here that was not given yet.
    held: bool,
    /// When it is to be given.
    due: Pin<Box<Sleep>>,
    /// How much of it has been given.
    given: usize,
}

/// Where in the frames the input is.
struct Place {
    /// Bytes that pass before the next header.
    passing: usize,
    /// The header that has begun, as far as it has come.
    header: [u8; HEADER_BYTES],
    length: usize,
}

impl<R: AsyncRead + Unpin> HeldPings<R> {
    /// Takes over an input at its beginning.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub(super) fn new(input: R) -> Self {
        let place = Place { passing: PREFACE_BYTES, header: [0; HEADER_BYTES], length: 0 };
        let due = Box::pin(tokio::time::sleep(HOLD));
        Self { input, place, held: false, due, given: 0 }
    }

    /// Reads as [`AsyncRead`] does.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.held && self.place.is_between_frames() && self.is_due(context) {
                self.give(buffer);
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.input).poll_read(context, buffer))?;
            let after = buffer.filled().len();
            // The end, or no room.
            if after == before {
                return Poll::Ready(Ok(()));
            }
            let left = self.look(&mut buffer.filled_mut()[before..]);
            buffer.set_filled(before + left);
            if left > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether the ping is to be given now; its task is woken when it is.
    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        self.given > 0 || self.due.as_mut().poll(context).is_ready()
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = &MEASURING_PING[self.given..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.given += count;
        if self.given == MEASURING_PING.len() {
            (self.held, self.given) = (false, 0);
        }
    }

    /// Looks through bytes that have come, and takes a measuring ping out if it is there as a whole;
    /// how many bytes are left. One that comes in parts passes, as does a second one.
    fn look(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut length) = (0, bytes.len());
        while at < length {
            if !self.held
                && self.place.is_between_frames()
                && bytes[at..length].starts_with(&MEASURING_PING)
            {
                bytes.copy_within(at + MEASURING_PING.len()..length, at);
                length -= MEASURING_PING.len();
                self.held = true;
                self.due.as_mut().reset(Instant::now() + HOLD);
                continue;
            }
            at += self.place.pass(&bytes[at..length]);
        }
        length
    }
}

impl Place {
    fn is_between_frames(&self) -> bool {
        self.passing == 0 && self.length == 0
    }

    /// Passes the rest of a frame, or its header; how many of the bytes that was.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        if self.passing > 0 {
            let count = self.passing.min(bytes.len());
            self.passing -= count;
            return count;
        }
        let count = (HEADER_BYTES - self.length).min(bytes.len());
        self.header[self.length..self.length + count].copy_from_slice(&bytes[..count]);
        self.length += count;
        if self.length == HEADER_BYTES {
            let [high, middle, low, ..] = self.header;
            self.passing = u32::from_be_bytes([0, high, middle, low]) as usize;
            self.length = 0;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use futures::future::poll_fn;
    use tokio::io::{AsyncWriteExt, DuplexStream};

    use super::*;

    const PREFACE: [u8; PREFACE_BYTES] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
    }

    /// The next bytes, at most so many; none within a short time is `None`.
    async fn read(input: &mut HeldPings<DuplexStream>, most: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; most];
        let mut buffer = ReadBuf::new(&mut bytes);
        let reading = poll_fn(|context| input.poll_read(context, &mut buffer));
        tokio::time::timeout(HOLD / 2, reading).await.ok()?.unwrap();
        Some(buffer.filled().to_vec())
    }

    #[tokio::test(start_paused = true)]
    async fn a_measuring_ping_comes_later_and_all_else_at_once() {
        let (mut line, input) = tokio::io::duplex(1 << 20);
        let mut input = HeldPings::new(input);
        let other = [frame(0, b"data"), frame(6, b"keepaliv")].concat();
        line.write_all(&[&PREFACE, &other[..], &MEASURING_PING, &other].concat()).await.unwrap();
        assert_eq!(read(&mut input, 1000).await.unwrap(), [&PREFACE, &other[..], &other].concat());
        assert_eq!(read(&mut input, 1000).await, None);
        // The second one passes while the first is here.
        line.write_all(&MEASURING_PING).await.unwrap();
        assert_eq!(read(&mut input, 1000).await.unwrap(), MEASURING_PING);
        tokio::time::sleep(HOLD).await;
        assert_eq!(read(&mut input, 1000).await.unwrap(), MEASURING_PING);
        assert_eq!(read(&mut input, 1000).await, None);
        // Nothing but it is no end.
        line.write_all(&MEASURING_PING).await.unwrap();
        assert_eq!(read(&mut input, 1000).await, None);
        drop(line);
        assert_eq!(read(&mut input, 1000).await.unwrap(), [0; 0]);
    }
}
