//! What is run before and after tasks.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::state::TaskKind;

/// On which side of a task something is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookMoment {
    /// Before anything is read.
    Before,
    /// When it is over, however it ended.
    After,
}

impl HookMoment {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// Commands around tasks.
#[derive(Clone)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Around tasks of these apps; of all if there are none.
    pub apps: Vec<String>,
    /// Around tasks of these kinds.
    pub tasks: Vec<TaskKind>,
    /// How long each command may take.
    pub timeout: Duration,
    /// An absolute path and arguments; at least one of both is there.
    pub(super) before: Option<Vec<String>>,
    pub(super) after: Option<Vec<String>>,
}

/// Without the arguments: they may be secrets.
impl fmt::Debug for Hook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hook")
            .field("name", &self.name)
            .field("before", &self.program(HookMoment::Before))
            .field("after", &self.program(HookMoment::After))
            .finish_non_exhaustive()
    }
}

impl Hook {
    /// The program and its arguments, if there is one at this moment.
    pub fn command(&self, moment: HookMoment) -> Option<(&Path, &[String])> {
        let command = match moment {
            HookMoment::Before => &self.before,
            HookMoment::After => &self.after,
        };
        let (program, arguments) = command.as_ref()?.split_first()?;
        Some((Path::new(program), arguments))
    }

    /// The program alone: its arguments may be secrets.
    pub fn program(&self, moment: HookMoment) -> Option<&str> {
        self.command(moment)?.0.to_str()
    }

    /// Whether it is around tasks of this app.
    pub fn is_of(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|one| one == app)
    }

    /// Whether it is around tasks of this kind of this app.
    pub fn is_around(&self, app: &str, kind: TaskKind) -> bool {
        self.is_of(app) && self.tasks.contains(&kind)
    }
}
