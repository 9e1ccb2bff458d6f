//! A plakar that runs, with its guard: waiting for its end, and ending it.

use std::time::Duration;

use tokio::process::{Child, ChildStdin};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::process::guard::TERMINATION_TIMEOUT;
use crate::process::lines::Redactor;
use crate::process::references::ResolvedConfiguration;

/// A job that runs. It ends when this is dropped.
pub(crate) struct Running {
    pub(super) child: Child,
    pub(super) lifeline: Option<ChildStdin>,
    pub(super) timeout: Duration,
    pub(super) deadline: Instant,
    pub(super) cancel: CancellationToken,
    /// Its own configuration, if that has secrets which the user's only names.
    pub(super) resolved: Option<ResolvedConfiguration>,
}

impl Running {
    /// Those secrets, which no line must show.
    pub(crate) fn secrets(&self) -> Redactor {
        Redactor::new(self.resolved.iter().flat_map(|resolved| resolved.secrets.iter().cloned()))
    }

    /// Waits until it has ended, also because it was cancelled or took too long: then how it was,
    /// not its code.
    pub(crate) async fn ended(&mut self) -> Result<i32> {
        let why = tokio::select! {
            status = self.child.wait() => return code(status),
            () = self.cancel.cancelled() => Error::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Error::TimedOut(self.timeout),
        };
        self.end().await;
        Err(why)
    }

    /// Ends it now.
    pub(crate) async fn end(&mut self) {
        self.lifeline = None;
        #[cfg(unix)]
        self.resume();
        // The guard does all of it within its own limits, if it is well.
        if tokio::time::timeout(TERMINATION_TIMEOUT + Duration::from_secs(15), self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }

    /// A guard that somebody stopped would not see that its lifeline is closed, and what is killed
    /// without it leaves plakar behind.
    #[cfg(unix)]
    fn resume(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        // It may have ended.
        id.map(|id| kill_process(id, Signal::CONT));
    }

    /// How it ended, if it has.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.code().unwrap_or(-1)),
            Err(_) => Some(-1),
        }
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        self.resume();
    }
}

fn code(status: std::io::Result<std::process::ExitStatus>) -> Result<i32> {
    status.map(|status| status.code().unwrap_or(-1)).map_err(Error::io("cannot wait for plakar"))
}
