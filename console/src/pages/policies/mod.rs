//! Policies: which apps they match, what those keep, and when something runs.

pub(super) mod contract;
mod draft;
pub(super) mod form;
pub(super) mod list;
mod matching;
