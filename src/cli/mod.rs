//! Commands for people.

pub mod from_rclone;
