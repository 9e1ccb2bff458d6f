//! A command of this machine: an argument list without a shell, the event as JSON on its standard
//! input.

use std::process::Stdio;
use std::time::Duration;

use plakar_driver::KilledOnDrop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::event::Event;
use crate::model::plain_text;

/// Maximum of what a command says that is kept, in bytes.
const MAX_SAID_BYTES: u64 = 4096;

/// How long is waited for that when it has ended.
const SAID_TIMEOUT: Duration = Duration::from_secs(1);

/// A command.
#[derive(Clone, Debug)]
pub(super) struct CommandReceiver {
    pub(super) arguments: Vec<String>,
}

impl CommandReceiver {
    pub(super) fn program(&self) -> String {
        self.arguments.first().cloned().unwrap_or_default()
    }

    pub(super) async fn run(&self, event: &Event) -> Result<String, String> {
        let body = serde_json::to_vec(event).map_err(|error| error.to_string())?;
        let (program, arguments) = self.arguments.split_first().ok_or("it is empty")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // What a command has started ends, too, when it is left.
        let (group, mut child) = KilledOnDrop::spawn(&mut command)
            .map_err(|error| format!("it cannot be started: {error}"))?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command may end without reading it.
                let _ = stdin.write_all(&body).await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async {
            let mut said = Vec::new();
            if let Some(stderr) = stderr {
                let mut first = stderr.take(MAX_SAID_BYTES);
                let _ = first.read_to_end(&mut said).await;
                // What comes after that is read away, so that it does not wait.
                let _ = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
            }
            said
        };
        let read = tokio::spawn(read);
        let ((), status) = tokio::join!(write, child.wait());
        let status = status.map_err(|error| format!("it cannot be waited for: {error}"))?;
        group.release();
        // What it has left running may hold its end open.
        let said = tokio::time::timeout(SAID_TIMEOUT, read).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        if status.success() {
            return Ok("it ended with 0".into());
        }
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let how = status.code().map_or_else(
            || "it was ended by a signal".to_owned(),
            |code| format!("it ended with {code}"),
        );
        let said = if last.is_empty() { String::new() } else { format!(": {}", last.trim()) };
        Err(plain_text(&format!("{how}{said}"), 200))
    }
}
