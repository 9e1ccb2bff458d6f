//! What drives the real plakar, with our package and a simulated drive, which is for Unix.
#![cfg(unix)]

mod backing_up;
mod browsing;
mod checking;
mod configuring;
mod ending;
mod indexing;
mod maintaining;
mod packaging;
mod programs;
mod pruning;
mod references;
mod restoring;
mod verifying;
mod words;
mod world;

use support::{plakar, user};
