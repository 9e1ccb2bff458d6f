//! Plakar's own configuration: sources, destinations, stores, installed packages and their schemas.

mod entries;
mod kinds;
pub(crate) mod location;
pub(crate) mod overlap;
pub mod packages;
mod ping;
pub mod schema;
mod shown;
pub(crate) mod store;
mod version;

pub use kinds::{Kind, Options, mask};
pub use shown::parse_shown;
