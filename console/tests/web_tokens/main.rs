//! Programs that bring a token, and monitors.

#[path = "../common/web.rs"]
mod web;

mod console;
mod metrics;
mod probes;
mod tokens;

use console::Console;
