//! The console's pages of restore points, schedules and policies: behind its server, with the real
//! Plakar.

mod browsing;
mod console;
mod damaged;
mod documents;
mod everywhere;
mod large;
mod options;
mod policies;
mod pruning;
mod restoring_here;
mod schedules;
mod storing;
mod strangers;

#[path = "../web_pages/html.rs"]
#[allow(dead_code)]
mod html;
#[path = "../common/web.rs"]
mod web;
#[path = "../../../plakar-driver/tests/plakar/world.rs"]
#[allow(dead_code)]
mod world;

use support::{plakar, user};
