//! The simulator as a client sees it: through the proxy, TLS and HTTP.

mod access;
mod client;
mod control;
mod download;
mod drive;
mod faults;
mod program;
mod upload;
