//! Telling somebody: real receivers on loopback, which are there, dead, slow or in a bad mood.

#[path = "../common/mod.rs"]
mod common;

mod configuring;
mod http_server;
mod mailing;
mod pinging;
mod site;
mod smtp_server;
mod telling;
