//! What the project's two command lines share.
//!
//! Standard output carries what a command gives, and that alone; all that is said along the way
//! goes to standard error.

#![deny(unsafe_code)]

pub mod ask;
pub mod command_line;
pub mod command_tree;
pub mod diagnostics;
pub mod exit;
pub mod manual;
pub mod output;
pub mod runtime;
pub mod signals;
pub mod text;
