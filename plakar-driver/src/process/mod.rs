//! Running plakar: its argument list, its lines without secrets, and the guard that ends what it
//! started.

pub(crate) mod command;
pub(crate) mod group;
pub mod guard;
pub(crate) mod job;
pub(crate) mod job_end;
pub(crate) mod last_words;
pub(crate) mod lines;
pub(crate) mod own_cache;
pub(crate) mod references;
pub(crate) mod running;
pub(crate) mod spent;
pub(crate) mod vitals;
