//! Plakar's own configuration: sources, destinations, stores, installed packages and their schemas.

mod entries;
pub mod packages;
mod ping;
pub mod schema;
pub(crate) mod store;

pub use entries::{Kind, Options};
