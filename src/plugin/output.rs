//! What is written to Plakar.
//!
//! HTTP/2 frames are written one by one (h2 flushes after every piece of data), and each write wakes
//! Plakar. Small ones are gathered here and go out together when everything else that is ready has
//! run: the beginning of an answer, a small file and the end of the answer in one write.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;

/// How many bytes are gathered; a larger piece goes out without being copied.
const GATHERED: usize = 64 << 10;

/// Gathers small writes; a task of its own writes them out.
pub(super) struct Output(Arc<Mutex<State>>);

struct State {
    pipe: Box<dyn AsyncWrite + Send + Unpin>,
    gathered: BytesMut,
    /// The task that writes out what is gathered.
    flusher: Option<Waker>,
    /// Whoever waits until there is room.
    writer: Option<Waker>,
    /// Why nothing can be written any more.
    failed: Option<io::ErrorKind>,
    dropped: bool,
}

impl Output {
    /// `on_failure` is called once if a write fails.
    pub(super) fn new(pipe: Box<dyn AsyncWrite + Send + Unpin>, on_failure: impl FnOnce() + Send + 'static) -> Self {
        let state = State { pipe, gathered: BytesMut::new(), flusher: None, writer: None, failed: None, dropped: false };
        let shared = Arc::new(Mutex::new(state));
        let flusher = shared.clone();
        tokio::spawn(async move {
            if std::future::poll_fn(|context| lock(&flusher).flush_until_dropped(context)).await.is_err() {
                on_failure();
            }
        });
        Self(shared)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl State {
    /// Writes out all that is gathered.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        while !self.gathered.is_empty() {
            match ready!(Pin::new(&mut self.pipe).poll_write(context, &self.gathered)) {
                Ok(0) => return self.fail(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.gathered.advance(count),
                Err(error) => return self.fail(error),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn fail<T>(&mut self, error: io::Error) -> Poll<io::Result<T>> {
        self.failed = Some(error.kind());
        self.gathered.clear();
        Poll::Ready(Err(error))
    }

    fn flush_until_dropped(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Also while it waits for the pipe: a writer that asks the pipe after it takes its place there.
        self.flusher = Some(context.waker().clone());
        let outcome = ready!(self.drain(context));
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        if outcome.is_ok() && !self.dropped { Poll::Pending } else { Poll::Ready(outcome) }
    }

    /// Remembers a writer that must wait. The pipe wakes only the last one that asked, and the flusher
    /// may ask after the writer: h2 writes again in the same turn, and that may be gathered.
    fn waiting<T>(&mut self, context: &Context<'_>, outcome: Poll<T>) -> Poll<T> {
        if outcome.is_pending() {
            self.writer = Some(context.waker().clone());
        }
        outcome
    }

    fn make_room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.drain(context);
        self.waiting(context, outcome)
    }

    fn write(&mut self, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        if self.failed.is_none() && self.gathered.len() + length <= GATHERED {
            pieces.iter().for_each(|piece| self.gathered.extend_from_slice(piece));
            if let Some(flusher) = self.flusher.take() {
                flusher.wake();
            }
            return Poll::Ready(Ok(length));
        }
        ready!(self.make_room(context))?;
        let outcome = Pin::new(&mut self.pipe).poll_write_vectored(context, pieces);
        self.waiting(context, outcome)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.0).write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        lock(&self.0).write(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does not wait: what is gathered goes out as soon as nothing else is ready to run.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(lock(&self.0).failed.map_or(Ok(()), |kind| Err(kind.into())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        ready!(state.make_room(context))?;
        Pin::new(&mut state.pipe).poll_shutdown(context)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.dropped = true;
        if let Some(flusher) = state.flusher.take() {
            flusher.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Remembers how long each write was.
    struct Writes(Arc<Mutex<Vec<usize>>>);

    impl AsyncWrite for Writes {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.0.lock().unwrap().push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn small_pieces_go_out_together() {
        let writes = Arc::new(Mutex::new(Vec::new()));
        let mut output = Output::new(Box::new(Writes(writes.clone())), || ());
        for piece in [9, 4000, 1] {
            output.write_all(&vec![0; piece]).await.unwrap();
            output.flush().await.unwrap();
        }
        assert!(writes.lock().unwrap().is_empty());
        tokio::task::yield_now().await;
        assert_eq!(*writes.lock().unwrap(), [4010]);
        output.write_all(&[0; 5]).await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(*writes.lock().unwrap(), [4010, 5]);
    }

    #[tokio::test]
    async fn a_failed_write_is_told_once_and_ends_everything() {
        let (near, far) = tokio::io::duplex(16);
        let (sender, failed) = tokio::sync::oneshot::channel();
        let mut output = Output::new(Box::new(near), || sender.send(()).unwrap());
        drop(far);
        output.write_all(&[0; 100]).await.unwrap();
        failed.await.unwrap();
        assert!(output.write_all(&[0; 100]).await.is_err());
        assert!(output.write_all(&[0; GATHERED + 1]).await.is_err());
        assert!(output.flush().await.is_err());
    }

    /// A writer that was told to wait is woken, also when it has gathered something since.
    #[tokio::test]
    async fn who_waits_is_woken_whoever_asked_last() {
        let (near, mut far) = tokio::io::duplex(10);
        let mut output = Output::new(Box::new(near), || ());
        let large = vec![1; GATHERED + 1];
        let waiting = futures::future::poll_fn(|context| {
            // All that fits is gone: this one waits, and in the same turn a small one is gathered.
            while Pin::new(&mut output).poll_write(context, &large).is_ready() {}
            assert!(Pin::new(&mut output).poll_write(context, b"small").is_ready());
            Poll::Ready(context.waker().clone())
        });
        let (woken, mut wakes) = tokio::sync::mpsc::unbounded_channel();
        struct Told(tokio::sync::mpsc::UnboundedSender<()>);
        impl std::task::Wake for Told {
            fn wake(self: Arc<Self>) {
                let _ = self.0.send(());
            }
        }
        let waker = Waker::from(Arc::new(Told(woken)));
        assert!(std::pin::pin!(waiting).poll(&mut Context::from_waker(&waker)).is_ready());
        // The flusher asks the pipe now, in place of the writer.
        tokio::task::yield_now().await;
        let mut read = [0; 64];
        let reading = async { while far.read(&mut read).await.unwrap() > 0 {} };
        tokio::select! {
            () = reading => unreachable!("nobody closes it"),
            told = tokio::time::timeout(Duration::from_secs(10), wakes.recv()) => assert!(told.is_ok(), "never woken"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the sizes, and however narrow the pipe: all arrives, in order, also what was
        /// written last before the end.
        #[test]
        fn everything_arrives_in_order(
            pieces in proptest::collection::vec(prop_oneof![1usize..100, 4000usize..200_000], 1..30),
            narrow in 1usize..100_000,
            shutdown: bool,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (sent, received) = runtime.block_on(async {
                let (near, mut far) = tokio::io::duplex(narrow);
                let reader = tokio::spawn(async move {
                    let mut received = Vec::new();
                    far.read_to_end(&mut received).await.unwrap();
                    received
                });
                let mut output = Output::new(Box::new(near), || ());
                let mut sent = Vec::new();
                for (index, length) in pieces.into_iter().enumerate() {
                    let piece = vec![index as u8; length];
                    output.write_all(&piece).await.unwrap();
                    sent.extend(piece);
                }
                if shutdown {
                    output.shutdown().await.unwrap();
                }
                drop(output);
                (sent, tokio::time::timeout(Duration::from_secs(20), reader).await.unwrap().unwrap())
            });
            prop_assert!(sent == received);
        }
    }
}
