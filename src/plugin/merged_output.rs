//! Small writes that go out together.
//!
//! h2 writes after each frame with data (`FramedWrite::has_capacity`), so that an answer of Plakar's
//! store would be two writes at least, and each of them wakes Plakar. Here they wait until whoever
//! writes has nothing more to do for now: a turn of the event loop, in which answers to other
//! requests are added. Only then one write takes all of them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;

/// Maximum number of bytes that wait, a few frames of the size that Plakar takes (16 KiB, the least
/// that HTTP/2 has): copying those costs less than a call of the system for each.
const MAX_WAITING_BYTES: usize = 64 << 10;

/// An output that takes small writes at once. They go out when [`MergedOutput::poll_send`] is
/// called, or when they are too many.
pub(super) struct MergedOutput<W> {
    output: W,
    waiting: BytesMut,
}

impl<W: AsyncWrite + Unpin> MergedOutput<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output, waiting: BytesMut::with_capacity(MAX_WAITING_BYTES) }
    }

    /// Takes bytes; wakes the task, which then has to call [`MergedOutput::poll_send`].
    pub(super) fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.waiting.len() + total <= MAX_WAITING_BYTES {
            if self.waiting.is_empty() && total > 0 {
                context.waker().wake_by_ref();
            }
            for slice in slices {
                self.waiting.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(total));
        }
        while !self.waiting.is_empty() {
            let before = self.waiting.len();
            let mut all = Vec::with_capacity(slices.len() + 1);
            all.push(IoSlice::new(&self.waiting));
            all.extend(slices.iter().map(|slice| IoSlice::new(slice)));
            let count = ready!(Pin::new(&mut self.output).poll_write_vectored(context, &all))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.went(count.min(before));
            if count > before {
                return Poll::Ready(Ok(count - before));
            }
        }
        Pin::new(&mut self.output).poll_write_vectored(context, slices)
    }

    /// Sends what waits.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(Pin::new(&mut self.output).poll_write(context, &self.waiting))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.went(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the output, after all that waits.
    pub(super) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.output).poll_shutdown(context)
    }

    /// So many bytes are out.
    fn went(&mut self, count: usize) {
        if count == self.waiting.len() {
            // Keeps the memory, where advancing would move on in it and then take more.
            self.waiting.clear();
        } else {
            self.waiting.advance(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt;
    use futures::future::poll_fn;

    use super::*;

    /// Keeps what each write brought, and takes only so many bytes of each.
    #[derive(Clone, Default)]
    struct Writes {
        taken: Arc<Mutex<Vec<Vec<u8>>>>,
        most: Option<usize>,
        full: Arc<Mutex<bool>>,
    }

    impl AsyncWrite for Writes {
        fn poll_write(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            if *self.full.lock().unwrap() {
                return Poll::Pending;
            }
            let all = slices.iter().flat_map(|slice| slice.iter().copied());
            let bytes: Vec<u8> = all.take(self.most.unwrap_or(usize::MAX)).collect();
            let count = bytes.len();
            self.taken.lock().unwrap().push(bytes);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn take(output: &mut MergedOutput<Writes>, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = poll_fn(|context| output.poll_take(context, &[IoSlice::new(rest)])).await;
            rest = &rest[count.unwrap()..];
        }
    }

    #[tokio::test]
    async fn small_writes_go_out_as_one() {
        let writes = Writes::default();
        let mut output = MergedOutput::new(writes.clone());
        for part in ["headers ", "data ", "trailers"] {
            take(&mut output, part.as_bytes()).await;
        }
        assert!(writes.taken.lock().unwrap().is_empty());
        poll_fn(|context| output.poll_send(context)).await.unwrap();
        assert_eq!(*writes.taken.lock().unwrap(), [b"headers data trailers"]);
        poll_fn(|context| output.poll_send(context)).await.unwrap();
        assert_eq!(writes.taken.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn whatever_the_output_takes_at_a_time_all_bytes_come_once_and_in_order() {
        for most in [7, 1000, MAX_WAITING_BYTES, MAX_WAITING_BYTES + 1, usize::MAX] {
            let writes = Writes { most: Some(most), ..Writes::default() };
            let mut output = MergedOutput::new(writes.clone());
            let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
            let (mut rest, mut length) = (bytes.as_slice(), 1);
            while !rest.is_empty() {
                let (part, after) = rest.split_at(length.min(rest.len()));
                take(&mut output, part).await;
                (rest, length) = (after, length * 3 % 100_003);
            }
            poll_fn(|context| output.poll_shutdown(context)).await.unwrap();
            assert!(writes.taken.lock().unwrap().concat() == bytes, "{most} at a time");
        }
    }

    #[tokio::test]
    async fn an_output_that_is_full_takes_no_more_than_what_may_wait() {
        let writes = Writes::default();
        *writes.full.lock().unwrap() = true;
        let mut output = MergedOutput::new(writes.clone());
        let mut taken = 0;
        let part = [0; 1000];
        while let Some(count) =
            poll_fn(|context| output.poll_take(context, &[IoSlice::new(&part)])).now_or_never()
        {
            taken += count.unwrap();
        }
        assert!(taken <= MAX_WAITING_BYTES && taken > MAX_WAITING_BYTES - part.len(), "{taken}");
        *writes.full.lock().unwrap() = false;
        poll_fn(|context| output.poll_send(context)).await.unwrap();
        assert_eq!(writes.taken.lock().unwrap().concat().len(), taken);
    }
}
