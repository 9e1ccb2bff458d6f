//! The JSON API on a real socket, with the real plakar, held against docs/openapi.yaml.

mod adopting;
mod assigning;
mod changing;
mod checking;
mod client;
mod description;
mod downloads;
mod drilling;
mod options;
mod packaging;
mod pruning;
mod refusals;
mod resources;
mod restoring;
mod scheduling;
mod storing;
mod telling;
mod walk;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
