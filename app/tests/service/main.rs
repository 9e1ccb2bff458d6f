//! What the service does with the real plakar, our package and a simulated drive.

mod serving;

#[path = "../../../console/tests/common/executable.rs"]
mod executable;
#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use executable::executable;
