//! The console's pages, behind its server: what is shown, that every page is sound HTML, and that
//! nothing hostile gets through.

mod adopting;
mod assigning;
mod changing;
mod console;
mod covering;
mod drilling;
mod hostile;
mod html;
mod looking;
mod machine;
mod options;
mod protecting;
mod running;
mod saving;
mod scene;
mod showing;
mod telling;

#[path = "../common/web.rs"]
mod web;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
