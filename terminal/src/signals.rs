//! Signals that ask the process to end.

use std::io;

/// Which signal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, as Ctrl-C sends it, to Plakar and its plugins alike.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Signal {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }

    /// The exit status by which shells tell that a signal ended a process: 128 and its number.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The signals that come from now on.
pub struct Signals(#[cfg(unix)] [(Signal, tokio::signal::unix::Signal); 3]);

impl Signals {
    /// Begins to receive them; they do not end the process any more.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self([
                (Signal::Interrupt, signal(SignalKind::interrupt())?),
                (Signal::Terminate, signal(SignalKind::terminate())?),
                (Signal::HangUp, signal(SignalKind::hangup())?),
            ]))
        }
        #[cfg(not(unix))]
        Ok(Self())
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        {
            let [first, second, third] = &mut self.0;
            tokio::select! {
                _ = first.1.recv() => first.0,
                _ = second.1.recv() => second.0,
                _ = third.1.recv() => third.0,
            }
        }
        #[cfg(not(unix))]
        {
            // Where there is no Ctrl-C, none comes.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Signal::Interrupt
        }
    }
}
