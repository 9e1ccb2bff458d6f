//! What the service does with the real plakar, our package and a simulated drive.

mod adopting;
mod alarming;
mod breaking_off;
mod checking;
mod comparing;
mod copying;
mod covering;
mod drilling;
mod encrypting;
mod hooking;
mod importing;
mod leaving;
mod making;
mod naming;
mod opening;
mod options;
mod searching;
mod serving;
mod spending;
mod watching;

#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
