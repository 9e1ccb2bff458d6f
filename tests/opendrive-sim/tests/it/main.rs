//! The simulator as a client sees it: through the proxy, TLS and HTTP.

mod access;
mod client;
mod control;
mod download;
mod drive;
mod faults;
mod folders;
mod limits;
mod program;
mod refusals;
mod slow;
mod upload;
mod upload_begin;
