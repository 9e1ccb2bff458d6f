//! What drives the real plakar, with our package and a simulated drive.

mod backing_up;
mod browsing;
mod configuring;
mod ending;
mod indexing;
mod restoring;
mod serving;
mod world;

use support::{plakar, user};
