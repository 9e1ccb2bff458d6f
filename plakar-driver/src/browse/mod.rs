//! What is in a store: restore points, folders and files, by `plakar ui` on loopback.

pub(crate) mod all_points;
pub(crate) mod api;
pub(crate) mod browser;
pub(crate) mod browsers;
pub(crate) mod catalogue;
pub(crate) mod download;
pub(crate) mod index;
pub(crate) mod index_builder;
pub(crate) mod index_files;
pub(crate) mod index_reader;
#[cfg(test)]
mod index_tests;
pub(crate) mod indexes;
pub(crate) mod listing;
pub(crate) mod points;
pub(crate) mod several;
mod zip;
