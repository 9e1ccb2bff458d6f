//! Tells somebody: `notify.toml`, which its user writes, and what sends by it.
//!
//! Messages wait in the state until their receiver has taken them; each receiver is worked on by
//! itself, so that a dead or slow one holds up no other and no task.

mod command;
mod configuration;
mod dispatcher;
mod event;
mod http;
mod mail;
mod ntfy;
mod ping;
mod receiver;
mod webhook;

pub use configuration::{FILE, NotifyConfiguration};
pub use dispatcher::{DispatchSettings, Dispatcher};
pub use event::Event;
pub(crate) use event::host;
pub use ping::PingKind;
pub use receiver::{Receiver, ReceiverKind};
