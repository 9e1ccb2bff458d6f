//! The console's pages, behind its server: what is shown, that every page is sound HTML, and that nothing hostile gets through.

mod assigning;
mod console;
mod hostile;
mod html;
mod running;
mod scene;
mod showing;

#[path = "../common/executable.rs"]
mod executable;
#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;
#[path = "../common/web.rs"]
mod web;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use executable::executable;
