//! What a command prints.

use std::process::Stdio;
use std::time::Duration;

use plakar_driver::KilledOnDrop;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How long a command may take: it may ask a server.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum of what is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The first line that a command prints, without a shell. It has no terminal to ask at. Where it takes
/// too long, it ends with all that it has started.
pub(super) async fn first_line_of(words: &[String]) -> Result<String, String> {
    first_line_within(COMMAND_TIMEOUT, words).await
}

async fn first_line_within(timeout: Duration, words: &[String]) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let (group, mut child) = KilledOnDrop::spawn(&mut command)
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let stdout = child.stdout.take();
    let work = async {
        let mut printed = Vec::new();
        if let Some(stdout) = stdout {
            let read = stdout.take(MAX_BYTES).read_to_end(&mut printed).await;
            read.map_err(|error| format!("{program} cannot be read: {error}"))?;
        }
        let status = child.wait().await;
        status
            .map(|status| (status, printed))
            .map_err(|error| format!("{program} cannot be waited for: {error}"))
    };
    let (status, printed) = tokio::time::timeout(timeout, work)
        .await
        .unwrap_or_else(|_| Err(format!("{program} did not end within {} s", timeout.as_secs())))?;
    // An agent that it has started for the next time may stay.
    group.release();
    if !status.success() {
        return Err(format!("{program} ended with {status}; run it by hand to see why"));
    }
    String::from_utf8(printed).map_err(|_| format!("{program} prints what is no text"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    async fn shell(timeout: Duration, script: &str) -> Result<String, String> {
        first_line_within(timeout, &["sh", "-c", script].map(String::from)).await
    }

    #[tokio::test]
    async fn what_a_command_has_started_ends_with_one_that_takes_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let number = folder.path().join("number");
        let script = format!("sleep 1000 & echo $! > '{}'; wait", number.display());
        // Long enough that the number is there.
        let said = shell(Duration::from_secs(2), &script).await.unwrap_err();
        assert_eq!(said, "sh did not end within 2 s");
        let number = std::fs::read_to_string(number).unwrap();
        let begun = Instant::now();
        while Path::new("/proc").join(number.trim()).join("exe").exists() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_a_command_has_started_outlives_one_that_ends_well() {
        let script = "sleep 1000 > /dev/null 2>&1 & echo $!";
        let number = shell(Duration::from_secs(60), script).await.unwrap();
        let process = Path::new("/proc").join(number.trim()).join("exe");
        assert!(process.exists());
        let ended = std::process::Command::new("kill").arg(number.trim()).status();
        assert!(ended.unwrap().success());
    }
}
