//! Scripts before and after tasks: `hooks.toml`, which its user writes. What runs them is
//! `service/task_hooks.rs`.
//!
//! Whoever may change the file runs what he likes with the rights of this program: so it is closed to
//! others, and no page and no route of the API writes it.

mod configuration;
mod hook;

pub use configuration::{HOOKS_FILE, HookConfiguration};
pub use hook::{Hook, HookMoment};
