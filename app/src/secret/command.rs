//! What a command prints.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How long a command may take: it may ask a server.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum of what is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The first line that a command prints, without a shell. It has no terminal to ask at.
pub(super) async fn first_line_of(words: &[String]) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child =
        command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let stdout = child.stdout.take();
    let work = async {
        let mut printed = Vec::new();
        if let Some(stdout) = stdout {
            let read = stdout.take(MAX_BYTES).read_to_end(&mut printed).await;
            read.map_err(|error| format!("{program} cannot be read: {error}"))?;
        }
        let status = child.wait().await;
        let status = status.map_err(|error| format!("{program} cannot be waited for: {error}"))?;
        if !status.success() {
            return Err(format!("{program} ended with {status}; run it by hand to see why"));
        }
        String::from_utf8(printed).map_err(|_| format!("{program} prints what is no text"))
    };
    let seconds = COMMAND_TIMEOUT.as_secs();
    tokio::time::timeout(COMMAND_TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(format!("{program} did not end within {seconds} s")))
}
