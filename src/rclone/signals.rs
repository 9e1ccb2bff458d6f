//! Signals in a process with Go's runtime.

use std::io;

/// Has each signal handler that is installed by now run where it harms no Go code. `Rclone::get`
/// does that when it starts rclone; whoever installs one later asks for it again.
///
/// # Errors
/// The system does not let a handler be changed.
pub fn settle_signal_handlers() -> io::Result<()> {
    rclone_sys::run_handlers_on_alternate_stacks()
}

/// Installs Tokio's handler of the signal that tells of the end of a child, which Tokio does when
/// it has one that nobody waits for, and settles it. To be called before children are started, on a
/// runtime of Tokio's.
///
/// # Errors
/// The system does not let it be installed.
pub fn listen_to_children() -> io::Result<()> {
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?);
    settle_signal_handlers()
}
