//! Lines on standard error.

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Says a line to the user; unlike `eprintln!` it does not panic where nobody listens any more.
pub fn say(line: &str) {
    use std::io::Write;
    // In one go: other processes write to the same pipe.
    let _ = std::io::stderr().write_all(format!("plakar-opendrive: {line}\n").as_bytes());
}

/// Begins to log to standard error: warnings and errors, or what the variable
/// `PLAKAR_OPENDRIVE_LOG` names.
pub fn log() {
    // Not by `EnvFilter`, whose patterns bring a regular expression engine of half a megabyte with
    // them.
    let levels = std::env::var("PLAKAR_OPENDRIVE_LOG")
        .ok()
        .and_then(|levels| levels.parse::<Targets>().ok());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // They would go to where the event could not go, and panic.
        .log_internal_errors(false)
        .with_filter(levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN)));
    tracing_subscriber::registry().with(lines).init();
}
