//! What a backup means on a drive: source, destination and store.
//!
//! The connectors know remotes and nothing of gRPC; `plugin` speaks with Plakar for them.
//!
//! `config.rs` understands both forms of a configuration. Which configurations are good, and in
//! which words a bad one is refused, is said by the JSON schemas in packaging/schema/ alone;
//! `schema.rs` reads them, with the keywords that they use (a whole validator would add 6 MB).
//!
//! `sections.rs` reads configurations of several remotes, rclone's own among them. Plakar hands a
//! connector one section only, so `wrapped.rs` writes out what crypt, alias, union and combine wrap. `resolve.rs`
//! finds out what a location means of which Plakar has made a URL.

mod abandoned;
pub mod config;
mod config_error;
pub mod destination;
mod location;
mod location_encoding;
mod open;
pub(crate) mod paths;
mod remote_reference;
mod resolve;
mod retry;
mod role;
pub mod schema;
mod sections;
pub mod source;
pub mod store;
mod upstreams;
mod wrapped;

pub use config::{Identity, Settings};
pub use config_error::ConfigError;
pub use destination::Destination;
pub use open::OpenError;
pub(crate) use open::{MAX_PATH_BYTES, UNDECRYPTABLE, check_crypt_password, explain, open_remote};
pub use resolve::resolve_location;
pub use role::Role;
pub use schema::{Fault, check};
pub use sections::{Section, Sections};
pub use source::Source;
pub use store::Store;
pub(crate) use wrapped::backends;
