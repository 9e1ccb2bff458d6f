//! What the service does with the real plakar, our package and a simulated drive.

mod adopting;
mod checking;
mod encrypting;
mod serving;
mod watching;

#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
