//! The JSON API on a real socket, with the real plakar, held against docs/openapi.yaml.

mod client;
mod description;
mod downloads;
mod refusals;
mod walk;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

#[path = "../common/executable.rs"]
mod executable;
#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;

use executable::executable;
