//! The command that the exports run, and the files that they are.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Invalid;

/// Variables that a command may need to find the state and Plakar, and to reach the drive. No
/// others: a secret has no place here.
const VARIABLES: [&str; 17] = [
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PATH",
    "PLAKAR",
    "RCLONE_CA_CERT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Variables whose values are secrets.
const SECRETS: [&str; 1] = ["PLAKAR_PASSPHRASE"];

/// Where every system has its commands. A terminal's own PATH has more, which may be gone when
/// something starts by itself.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command that the exports run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The absolute path of `plakar-opendrive` where it will run.
    pub executable: PathBuf,
    /// What goes between `app run` and `--due NAME`, such as where the state is.
    #[serde(default)]
    pub options: Vec<String>,
    /// Where the state and Plakar are found, and the way to the drive: `HOME`, `PATH`, `PLAKAR`,
    /// `TZ`, `XDG_..._HOME`, those of a proxy and of certificates only.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Variables with secrets that it needs, if it needs any.
    #[serde(default)]
    pub secrets: Option<SecretsFile>,
}

/// A file that sets variables, `NAME='value'` in each line, which its user makes and nobody else
/// may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsFile {
    /// Its absolute path.
    pub path: String,
    /// What it has to set.
    pub names: Vec<String>,
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
        let executable = executable.into();
        Self { executable, options: Vec::new(), environment: Vec::new(), secrets: None }
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

    /// Where it finds Plakar, the state and the drive by the same variables as this process; but
    /// `PATH` has the system's folders only, and what holds a secret is named and left to a file.
    ///
    /// # Errors
    ///
    /// One of them is not UTF-8.
    pub fn in_this_environment(self) -> Result<Self, Invalid> {
        self.in_environment(|name| std::env::var_os(name))
    }

    fn in_environment(
        mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Invalid> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut names: Vec<String> = SECRETS
            .into_iter()
            .filter(|name| variable(name).is_some())
            .map(str::to_owned)
            .collect();
        for name in VARIABLES {
            let value = match name {
                // Schedules name their time zones themselves.
                "TZ" => None,
                "PATH" => Some(SYSTEM_PATH.into()),
                "PLAKAR" => variable(name).or_else(|| found_plakar(&variable("PATH")?)),
                name => variable(name),
            };
            let Some(value) = value else { continue };
            let value = utf8(&value)?;
            // The login of a proxy.
            if name.to_ascii_lowercase().ends_with("_proxy") && value.contains('@') {
                names.push(name.to_owned());
            } else {
                self.environment.push((name.to_owned(), value));
            }
        }
        if !names.is_empty() {
            let home = || Some(Path::new(&variable("HOME")?).join(".config"));
            let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
            let folder = folder.unwrap_or_else(|| "/etc".into());
            let path = utf8(folder.join("plakar-opendrive/environment").as_os_str())?;
            self.secrets = Some(SecretsFile { path, names });
        }
        Ok(self)
    }

    /// What whoever installs an export has to know of the secrets, in lines; none without.
    pub(super) fn about_secrets(&self) -> Result<Vec<String>, Invalid> {
        let Some(SecretsFile { path, names }) = &self.secrets else { return Ok(Vec::new()) };
        for text in names.iter().chain([path]) {
            if text.chars().any(char::is_control) {
                return Err(Invalid(format!(
                    "{text:?} holds a control character; write a name or a path"
                )));
            }
        }
        Ok(vec![format!(
            "Make the file {path}, which only you may read (mode 600), with a line NAME='value' for each of: {}",
            names.join(", ")
        )])
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

/// Where `plakar` is, by a PATH.
fn found_plakar(path: &OsStr) -> Option<OsString> {
    let all = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let plakar = all.map(|folder| folder.join("plakar")).find(|file| file.is_file())?;
    Some(plakar.into_os_string())
}

fn utf8(value: &OsStr) -> Result<String, Invalid> {
    value
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Invalid(format!("{value:?} is not valid UTF-8, and cannot be exported")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_exported_without_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let plakar = folder.path().join("plakar");
        std::fs::write(&plakar, "").unwrap();
        let path = format!("bin:/nowhere:{}", folder.path().display());
        let variables = [
            ("HOME", "/home/me"),
            ("PATH", path.as_str()),
            ("TZ", "Europe/Berlin"),
            ("PLAKAR_PASSPHRASE", "hush"),
            ("https_proxy", "http://me:hush@proxy.example:3128"),
            ("no_proxy", "localhost"),
            ("SSL_CERT_FILE", "/etc/own.pem"),
            ("EDITOR", "vi"),
        ];
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        let command = Command::new("/x").in_environment(variable).unwrap();
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            command.environment,
            [
                of("HOME", "/home/me"),
                of("PATH", SYSTEM_PATH),
                of("PLAKAR", plakar.to_str().unwrap()),
                of("SSL_CERT_FILE", "/etc/own.pem"),
                of("no_proxy", "localhost"),
            ]
        );
        command.environment().unwrap();
        let secrets = command.secrets.as_ref().unwrap();
        assert_eq!(secrets.path, "/home/me/.config/plakar-opendrive/environment");
        assert_eq!(secrets.names, ["PLAKAR_PASSPHRASE", "https_proxy"]);
        assert!(!format!("{command:?}").contains("hush"));
        let none = Command::new("/x").in_environment(|_| None).unwrap();
        assert_eq!((none.secrets.as_ref(), none.about_secrets().unwrap().len()), (None, 0));
    }
}
