//! Signals in a process with Go's runtime.

use std::io;

/// Installs Tokio's handler of the signal that tells of the end of a child, which Tokio does when
/// it has one that nobody waits for, and has it run where it harms no Go code. To be called before
/// children are started, on a runtime of Tokio's.
///
/// # Errors
/// The system does not let it be installed.
pub fn listen_to_children() -> io::Result<()> {
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?);
    rclone_sys::run_handlers_on_alternate_stacks()
}
