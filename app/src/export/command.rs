//! The command that the exports run, and the files that they are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Invalid;

/// Variables that a command may need to find the state and Plakar. No others: a secret has no place
/// here.
const VARIABLES: [&str; 8] = [
    "HOME",
    "PATH",
    "PLAKAR",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// The command that the exports run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The absolute path of `plakar-opendrive` where it will run.
    pub executable: PathBuf,
    /// What goes between `app run` and `--due NAME`, such as where the state is.
    #[serde(default)]
    pub options: Vec<String>,
    /// Where the state and Plakar are found: `HOME`, `PATH`, `PLAKAR`, `TZ` and `XDG_..._HOME`
    /// only.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// A file to be written, named as it should be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Command {
    /// A command without options in the usual environment.
    pub fn new(executable: impl Into<PathBuf>) -> Self {
        Self { executable: executable.into(), options: Vec::new(), environment: Vec::new() }
    }

    /// With the state in this directory, instead of its usual place.
    ///
    /// # Errors
    ///
    /// Its path is not UTF-8.
    pub fn on_state(mut self, directory: &Path) -> Result<Self, Invalid> {
        self.options = vec!["--state".to_owned(), utf8(directory.as_os_str())?];
        Ok(self)
    }

    /// Where it finds Plakar and the state by the same variables as this process.
    ///
    /// # Errors
    ///
    /// One of them is not UTF-8.
    pub fn in_this_environment(mut self) -> Result<Self, Invalid> {
        // Schedules name their time zones themselves.
        for name in VARIABLES.into_iter().filter(|name| *name != "TZ") {
            if let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) {
                self.environment.push((name.to_owned(), utf8(&value)?));
            }
        }
        Ok(self)
    }

    pub(super) fn path(&self) -> Result<&str, Invalid> {
        let wrong = || {
            Invalid(format!(
                "executable {}: write an absolute path without control characters",
                self.executable.display()
            ))
        };
        self.executable
            .to_str()
            .filter(|path| Path::new(path).is_absolute() && !path.chars().any(char::is_control))
            .ok_or_else(wrong)
    }

    pub(super) fn arguments<'a>(&'a self, app: &'a str) -> Result<Vec<&'a str>, Invalid> {
        let options = self.options.iter().map(String::as_str);
        let arguments: Vec<&str> =
            ["app", "run"].into_iter().chain(options).chain(["--due", app]).collect();
        match arguments.iter().find(|argument| argument.chars().any(char::is_control)) {
            Some(argument) => {
                Err(Invalid(format!("option {argument:?} holds a control character; leave it out")))
            }
            None => Ok(arguments),
        }
    }

    pub(super) fn environment(&self) -> Result<&[(String, String)], Invalid> {
        for (name, value) in &self.environment {
            if !VARIABLES.contains(&name.as_str()) {
                return Err(Invalid(format!(
                    "variable {name:?} is not exported; write one of: {}",
                    VARIABLES.join(", ")
                )));
            }
            if value.chars().any(char::is_control) {
                return Err(Invalid(format!(
                    "variable {name} holds a control character; write a path"
                )));
            }
        }
        Ok(&self.environment)
    }
}

fn utf8(value: &OsStr) -> Result<String, Invalid> {
    value
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Invalid(format!("{value:?} is not valid UTF-8, and cannot be exported")))
}
