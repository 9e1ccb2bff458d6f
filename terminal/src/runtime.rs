//! Running a command to its end, or until a signal comes.

use std::future::Future;

use crate::exit::{Exit, Failure};
use crate::signals::{Signal, Signals};

/// Runs work to its end, or until a signal comes.
///
/// # Errors
/// That of the work, or the signal.
pub async fn or_signal<T, E: From<Failure>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut signals = Signals::listen().map_err(cannot_begin)?;
    until_signal(&mut signals, work).await
}

/// The same, with signals that somebody listens to afterwards too.
///
/// # Errors
/// As [`or_signal`].
pub async fn until_signal<T, E: From<Failure>>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        outcome = work => outcome,
        signal = signals.next() => Err(ended_by(signal).into()),
    }
}

/// What is said of work that a signal has ended.
#[must_use]
pub fn ended_by(signal: Signal) -> Failure {
    let message = format!("ended by {}; what was under way is not complete", signal.name());
    Failure::new(Exit::Signal(signal), message)
}

/// Runs asynchronous work on a runtime of its own.
///
/// # Errors
/// That of the work, or that no thread can be started.
pub fn on_runtime<T, E: From<Failure>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(cannot_begin)?;
    let outcome = runtime.block_on(work);
    // Dropping it would wait for every call that is still under way, however long the server takes.
    runtime.shutdown_background();
    outcome
}

/// What the system refuses before a command has begun.
#[must_use]
pub fn cannot_begin(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot begin: {error}"))
}
