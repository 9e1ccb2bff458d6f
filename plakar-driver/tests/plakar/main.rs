//! What drives the real plakar, with our package and a simulated drive.

mod backing_up;
mod browsing;
mod configuring;
mod ending;
mod indexing;
mod restoring;
mod world;

#[path = "../../../console/tests/common/executable.rs"]
mod executable;
#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;

use executable::executable;
