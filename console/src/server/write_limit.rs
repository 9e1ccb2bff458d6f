//! An end for a peer that takes nothing of its answer: its connection would be held for ever, and with
//! a few hundred of them nobody else would come in.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream that fails when it could not pass a byte on for so long. Where nothing waits to be
/// written, as in a stream of news without any, no time counts.
pub(super) struct WriteLimit<T> {
    io: T,
    timeout: Duration,
    /// Since something waits to be written.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T> WriteLimit<T> {
    /// Of a stream whose own writes come to an end only when the peer, or the system for it, takes
    /// something: TLS goes around this, not into it.
    pub(super) fn new(io: T, timeout: Duration) -> Self {
        Self { io, timeout, waiting: None }
    }

    fn limited(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        let over = || Err(io::Error::new(ErrorKind::TimedOut, "the peer takes nothing"));
        waiting.as_mut().poll(context).map(|()| over())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteLimit<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteLimit<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.limited(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.limited(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_peer_that_takes_nothing_is_given_up() {
        let limit = Duration::from_secs(60);
        let (ours, mut peer) = tokio::io::duplex(10);
        let mut ours = WriteLimit::new(ours, limit);
        // A byte now and then is enough, and so is silence where there is nothing to take.
        let drip = async {
            for _ in 0..30 {
                sleep(limit / 2).await;
                peer.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(ours.write_all(&[0; 40]), drip);
        written.unwrap();
        sleep(limit * 10).await;
        // It has room for none.
        let full = ours.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(full.kind(), ErrorKind::TimedOut);
    }
}
