//! The source app: a resource that is backed up, and everything one does to it in one place.

pub mod plakar;
pub mod schedule;
pub mod service;
pub mod state;
pub mod web;
