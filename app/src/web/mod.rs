//! The console: the state, the scheduler and Plakar in a browser.

pub mod server;
