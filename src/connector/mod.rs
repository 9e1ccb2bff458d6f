//! What a backup means on a drive: source, destination and store.
//!
//! The connectors know remotes and nothing of gRPC; `plugin` speaks with Plakar for them.

pub mod config;
mod config_error;
pub mod destination;
mod location;
mod location_encoding;
mod open;
pub(crate) mod paths;
mod resolve;
mod retry;
mod role;
pub mod schema;
mod sections;
pub mod source;
pub mod store;
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
