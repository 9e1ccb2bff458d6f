//! What drives the real plakar, with our package and a simulated drive.

mod backing_up;
mod browsing;
mod checking;
mod configuring;
mod ending;
mod indexing;
mod maintaining;
mod restoring;
mod verifying;
mod world;

use support::{plakar, user};
