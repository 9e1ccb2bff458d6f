//! The scripts before and after an app's tasks, on its page.

use super::format;
use source_app::service::{HookStatus, HooksStatus};

/// What is shown of them.
pub struct HooksCard {
    /// Where they are written.
    pub file: String,
    /// Why the file cannot be used.
    pub fault: Option<String>,
    /// Each of them.
    pub hooks: Vec<HookRow>,
}

/// Scripts around tasks.
pub struct HookRow {
    /// The name.
    pub name: String,
    /// Around which tasks, in words.
    pub tasks: String,
    /// `before` or `after`, and the program.
    pub programs: Vec<(&'static str, String)>,
}

impl HooksCard {
    /// None if nothing runs around the app's tasks.
    pub fn of(status: HooksStatus) -> Option<Self> {
        let HooksStatus { file, fault, hooks, .. } = status;
        (fault.is_some() || !hooks.is_empty()).then(|| Self {
            file: file.display().to_string(),
            fault,
            hooks: hooks.into_iter().map(HookRow::of).collect(),
        })
    }
}

impl HookRow {
    fn of(hook: HookStatus) -> Self {
        let kinds: Vec<&str> = hook.tasks.iter().map(|kind| kind.as_str()).collect();
        let seconds = format::count(hook.timeout_seconds, "second", "seconds");
        let programs = [("before", hook.before), ("after", hook.after)];
        Self {
            name: hook.name,
            tasks: format!("around {}, at most {seconds} each", kinds.join(", ")),
            programs: programs
                .into_iter()
                .filter_map(|(moment, program)| Some((moment, program?)))
                .collect(),
        }
    }
}
