//! The executable as Plakar runs it: a child with gRPC over its standard input and output.

use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use plakar_opendrive::rclone::listen_to_children;
use support::{executable, within};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// How a process ended, and what it wrote to standard error.
pub type Ended = (ExitStatus, String);

/// No process stays so long when Plakar has gone, unless it hangs: it has three seconds for what
/// was under way, whatever the drive does.
const LEAVING: Duration = Duration::from_secs(30);

/// A running plugin; killed when dropped.
pub struct Plugin {
    /// Its process.
    pub child: Child,
    /// The connection, for any number of clients.
    pub channel: Channel,
    /// What it wrote to standard error.
    stderr: Arc<Mutex<String>>,
    /// Ends when all of it has been read.
    reading: JoinHandle<()>,
    /// What it keeps on this machine, instead of in the home of whoever tests.
    _state: TempDir,
}

impl Plugin {
    /// Starts it as a connector, with more environment.
    pub async fn start(connector: &str, environment: &[(String, String)]) -> Self {
        let mut command = Command::new(executable());
        command.arg(connector).envs(environment.iter().cloned());
        Self::spawn(command).await
    }

    /// The same of another executable.
    pub async fn start_program(program: &str, connector: &str) -> Self {
        let mut command = Command::new(program);
        command.arg(connector);
        Self::spawn(command).await
    }

    /// The same for Plakar 1.0.
    pub async fn start_v1_0(connector: &str, environment: &[(String, String)]) -> Self {
        let mut command = Command::new(executable());
        command.args([connector, "--plakar-api", "v1.0"]).envs(environment.iter().cloned());
        Self::spawn(command).await
    }

    /// The same within limits of the shell's, for example `ulimit -n 30`.
    pub async fn start_within(
        limits: &str,
        connector: &str,
        environment: &[(String, String)],
    ) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!("{limits}; exec \"$0\" \"$1\"");
        command.args(["-c", &script, &executable(), connector]).envs(environment.iter().cloned());
        Self::spawn(command).await
    }

    /// The same with a standard error that nobody reads: a pipe without a reader.
    pub async fn start_deaf(connector: &str, environment: &[(String, String)]) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(executable());
        command.arg(connector).envs(environment.iter().cloned());
        Self::spawn_with(command, writer.into()).await
    }

    async fn spawn(command: Command) -> Self {
        Self::spawn_with(command, Stdio::piped()).await
    }

    async fn spawn_with(mut command: Command, errors: Stdio) -> Self {
        let state = tempfile::tempdir().unwrap();
        command.env("XDG_STATE_HOME", state.path());
        listen_to_children().unwrap();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let pipe = child.stderr.take();
        let reading = tokio::spawn({
            let stderr = stderr.clone();
            async move {
                let Some(mut pipe) = pipe else { return };
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                    stderr.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            }
        });
        let pipes =
            Pipes { input: child.stdout.take().unwrap(), output: child.stdin.take().unwrap() };
        let mut pipes = Some(TokioIo::new(pipes));
        let connector = tower::service_fn(move |_| {
            let pipes =
                pipes.take().ok_or_else(|| std::io::Error::other("there is only one connection"));
            async { pipes }
        });
        // As in Go's gRPC, what one call has not read yet holds up none of the others.
        let endpoint =
            Endpoint::from_static("http://plugin").initial_connection_window_size(64 << 20);
        let channel = endpoint.connect_with_connector(connector).await.unwrap();
        Self { child, channel, stderr, reading, _state: state }
    }

    /// Closes the connection, as Plakar does when it ends, and waits for the process.
    pub async fn hang_up(self) -> Ended {
        let Self { child, channel, stderr, reading, _state } = self;
        drop(channel);
        Self::end(child, stderr, reading).await
    }

    /// Sends a signal (`TERM`, `INT`), the connection staying open, and waits for the process.
    pub async fn signal(self, name: &str) -> Ended {
        let Self { child, channel, stderr, reading, _state } = self;
        let process = child.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &process])
                .status()
                .await
                .unwrap()
                .success()
        );
        let end = Self::end(child, stderr, reading).await;
        drop(channel);
        end
    }

    async fn end(mut child: Child, stderr: Arc<Mutex<String>>, reading: JoinHandle<()>) -> Ended {
        let status = within(LEAVING, child.wait()).await.unwrap();
        // Its last words may be in the pipe still when it has ended.
        reading.await.unwrap();
        let stderr = stderr.lock().unwrap().clone();
        (status, stderr)
    }

    /// Peak resident memory in bytes. The number is this process's, because nobody has waited for
    /// it yet, and so is the memory: it was what it is when `spawn` came back.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

struct Pipes {
    input: ChildStdout,
    output: ChildStdin,
}

impl AsyncRead for Pipes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.output).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.output).poll_shutdown(context)
    }
}
