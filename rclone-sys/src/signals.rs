//! Signal handlers that are not Go's, in a process with Go's runtime.

use std::io;

/// The standard signals; what comes after them is a program's own.
#[cfg(unix)]
const SIGNALS: std::ops::RangeInclusive<libc::c_int> = 1..=31;

/// Has the signal handlers that are installed now run on the alternate stack of the thread that
/// they interrupt, if it has one.
///
/// Go code runs on stacks of a few kilobytes, which lie side by side in Go's heap. A handler without
/// `SA_ONSTACK` that interrupts it writes below the end of such a stack, over what lies there; so
/// Go demands the flag of every handler (os/signal, "Non-Go programs that call Go code"), and each of
/// its threads has an alternate stack. signal-hook-registry 1.4.8, which Tokio uses, does not set
/// it. A handler stays as it was installed, so once for each is enough.
///
/// # Errors
/// The system does not let a handler be changed.
pub fn run_handlers_on_alternate_stacks() -> io::Result<()> {
    #[cfg(unix)]
    for signal in SIGNALS {
        // SAFETY: zeros are a valid `sigaction`: no handler, no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: `action` is written to and nothing is installed; a number that is no signal is an
        // error.
        if unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) } != 0 {
            continue;
        }
        let is_handled = ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction);
        if !is_handled || action.sa_flags & libc::SA_ONSTACK != 0 {
            continue;
        }
        action.sa_flags |= libc::SA_ONSTACK;
        // SAFETY: it is the action that the system has just told, with one flag more, which changes
        // on which stack the handler runs.
        if unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
