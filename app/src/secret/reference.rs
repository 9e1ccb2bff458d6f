//! Where a secret is, and what it is.

use std::fmt;
use std::path::PathBuf;

use super::command::first_line_of;
use super::private_file::{read_credential, read_private};
use super::vault::VaultPlace;

/// The variables of an environment.
pub type Variables<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// A secret as somebody wrote it: by where it is, or itself.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// The secret itself.
    Value(String),
    /// `file:/path`: the first line of a file that only its user may read.
    File(PathBuf),
    /// `env:NAME`: a variable of this process.
    Variable(String),
    /// `cmd:PROGRAM ARGUMENT…`: the first line that a command prints; without a shell.
    Command(Vec<String>),
    /// `credential:NAME`: what systemd hands over (`LoadCredential=`).
    Credential(String),
    /// `vault:MOUNT/PATH#FIELD`: a field of a secret in Vault.
    Vault(VaultPlace),
}

/// Without the secret.
impl fmt::Debug for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value(..)"),
            // Its arguments may be anything.
            Self::Command(_) => f.write_str("Command(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Variable(name) => f.debug_tuple("Variable").field(name).finish(),
            Self::Credential(name) => f.debug_tuple("Credential").field(name).finish(),
            Self::Vault(place) => f.debug_tuple("Vault").field(place).finish(),
        }
    }
}

impl SecretReference {
    /// Reads what somebody wrote.
    ///
    /// # Errors
    ///
    /// One line: what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((kind, place)) = text.split_once(':') else {
            return Ok(Self::Value(text.to_owned()));
        };
        let is_name = |name: &str, more: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte);
            !name.is_empty() && name.bytes().all(fits)
        };
        match kind {
            "file" => {
                let path = PathBuf::from(place);
                if !path.is_absolute() {
                    return Err("write file: with the whole path of a file, such as file:/etc/secret".into());
                }
                Ok(Self::File(path))
            }
            "env" if is_name(place, "_") => Ok(Self::Variable(place.to_owned())),
            "env" => Err("write env: with the name of a variable, such as env:DRIVE_PASSWORD".into()),
            "cmd" => match shlex::split(place).filter(|words| !words.is_empty()) {
                Some(words) => Ok(Self::Command(words)),
                None => Err("write cmd: with a program and its arguments, quoted as in a shell, such as cmd:pass show drive".into()),
            },
            "credential" if is_name(place, "._-") && !place.starts_with('.') => {
                Ok(Self::Credential(place.to_owned()))
            }
            "credential" => {
                Err("write credential: with a name of LoadCredential=, such as credential:drive".into())
            }
            "vault" => VaultPlace::parse(place).map(Self::Vault),
            _ => Ok(Self::Value(text.to_owned())),
        }
    }

    /// Whether it says where a secret is, and is none itself.
    pub fn is_elsewhere(&self) -> bool {
        !matches!(self, Self::Value(_))
    }

    /// The secret.
    ///
    /// # Errors
    ///
    /// One line: it is not there, open to others, or empty. No secret is in it.
    pub async fn resolve(&self) -> Result<String, String> {
        self.resolve_with(&|name| std::env::var(name).ok()).await
    }

    /// The same, with the variables of another environment.
    ///
    /// # Errors
    ///
    /// As [`SecretReference::resolve`].
    pub async fn resolve_with(&self, variable: Variables<'_>) -> Result<String, String> {
        let (text, place) = match self {
            Self::Value(value) => return Ok(value.clone()),
            Self::File(path) => (read_private(path)?, path.display().to_string()),
            Self::Variable(name) => {
                let value = variable(name).ok_or_else(|| {
                    format!("the variable {name} is not set, or is no text; set it where this program is started")
                })?;
                (value, format!("the variable {name}"))
            }
            Self::Command(words) => {
                (first_line_of(words).await?, format!("what {} prints", words[0]))
            }
            Self::Credential(name) => {
                (read_credential(name, variable)?, format!("the credential {name} of systemd"))
            }
            Self::Vault(place) => (place.read(variable).await?, place.to_string()),
        };
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(format!("the first line of {place} is empty; put the secret there"));
        }
        Ok(line.to_owned())
    }
}
