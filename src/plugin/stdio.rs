//! Standard input and output as the one connection that Plakar speaks over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::held_pings::HeldPings;
use super::merged_output::MergedOutput;

/// The two directions, whatever they are made of.
type InputPipe = Box<dyn AsyncRead + Send + Unpin>;
type OutputPipe = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection to Plakar; says when it has ended. What is written goes out with the next read, which
/// HTTP/2 tries at each turn.
pub struct Connection {
    input: HeldPings<InputPipe>,
    output: MergedOutput<OutputPipe>,
    ended: watch::Sender<bool>,
}

/// Becomes ready when Plakar has closed its end or the connection is dropped.
#[derive(Clone)]
pub struct ConnectionEnd(watch::Receiver<bool>);

impl ConnectionEnd {
    /// Waits for the end.
    pub async fn wait(mut self) {
        // An error means that the connection is gone, which is the end as well.
        let _ = self.0.wait_for(|ended| *ended).await;
    }
}

impl Connection {
    /// Takes over standard input and output. From then on file descriptor 1 leads to standard
    /// error, so that no stray print, of Go's or of Rust's, can break the connection, and descriptor
    /// 0 to nothing.
    ///
    /// # Errors
    /// If the descriptors are closed.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn from_stdio() -> io::Result<(Self, ConnectionEnd)> {
        let (input, output) = streams()?;
        Ok(Self::new(input, output))
    }

    /// A connection over any two streams.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(input: InputPipe, output: OutputPipe) -> (Self, ConnectionEnd) {
        let (ended, watch) = watch::channel(false);
        let (input, output) = (HeldPings::new(input), MergedOutput::new(output));
        (Self { input, output, ended }, ConnectionEnd(watch))
    }

    /// Takes note of an output that is broken: nobody reads any more.
    fn noted<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(result, Poll::Ready(Err(_))) {
            self.ended.send_replace(true);
        }
        result
    }
}

#[cfg(unix)]
fn streams() -> io::Result<(InputPipe, OutputPipe)> {
    use std::os::fd::AsFd;
    use tokio::net::unix::pipe;

    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    // Before the pipe gets non-blocking: a descriptor 0 that is, Go takes into its own event loop
    // when it starts (os.NewFile), and from then on each message of Plakar's woke threads of Go's.
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    widen(&output);
    // Plakar gives pipes, which need no thread to wait on. Anything else (a socket, a terminal, a
    // file in a test) goes the slower way.
    let input: InputPipe = match pipe::Receiver::from_owned_fd(input.try_clone()?) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::fs::File::from_std(input.into())),
    };
    let output: OutputPipe = match pipe::Sender::from_owned_fd(output.try_clone()?) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::fs::File::from_std(output.into())),
    };
    Ok((input, output))
}

/// Lets a pipe hold more, so that a large file goes through it with fewer turns between Plakar and
/// us. A system that does not let us, or something else than a pipe, does as it is.
#[cfg(target_os = "linux")]
fn widen(output: &std::os::fd::OwnedFd) {
    const PIPE_BYTES: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(output, PIPE_BYTES);
}

#[cfg(all(unix, not(target_os = "linux")))]
fn widen(_: &std::os::fd::OwnedFd) {}

/// Windows has no wait for its anonymous pipes: threads of Tokio's wait.
#[cfg(windows)]
fn streams() -> io::Result<(InputPipe, OutputPipe)> {
    use std::os::windows::io::AsHandle;
    use tokio::fs::File;

    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((Box::new(File::from_std(input.into())), Box::new(File::from_std(output.into()))))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Where Plakar takes nothing now, its task is woken when it does.
        let sent = self.output.poll_send(context);
        let _ = self.noted(sent);
        let before = buffer.filled().len();
        let room = buffer.remaining() > 0;
        let result = self.input.poll_read(context, buffer);
        let over = match &result {
            Poll::Ready(Ok(())) => room && buffer.filled().len() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if over {
            self.ended.send_replace(true);
        }
        result
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = self.output.poll_take(context, bytes);
        self.noted(taken)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing to wait for: the task is woken by what it has written, and reads then.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.output.poll_shutdown(context);
        self.noted(outcome)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.ended.send_replace(true);
    }
}
