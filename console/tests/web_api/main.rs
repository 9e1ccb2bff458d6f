//! The JSON API on a real socket, with the real plakar, held against docs/openapi.yaml.

mod adopting;
mod client;
mod description;
mod downloads;
mod refusals;
mod scheduling;
mod walk;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
