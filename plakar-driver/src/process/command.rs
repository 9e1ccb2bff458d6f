//! The real plakar, and what it runs with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::references::{self, SecretSource};
use crate::process::vitals::Vitals;

/// Timeout of what may take any time: as good as none.
pub(crate) const NO_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Timeout of what only reads or writes plakar's own configuration.
pub(crate) const CONFIGURATION_TIMEOUT: Duration = Duration::from_secs(60);

/// The real plakar, and what it runs with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Plakar(pub(super) Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) program: PathBuf,
    pub(super) guard: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
    /// A folder for its configuration, if it is not the user's own.
    pub(super) configuration: Option<PathBuf>,
    /// Where its jobs are made known.
    pub(super) vitals: Option<Vitals>,
    /// What finds secrets that the configuration only names.
    pub(super) secrets: Option<Arc<dyn SecretSource>>,
}

/// Without the environment: it may hold passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("program", &self.program)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

impl Plakar {
    /// The plakar of this process's environment: the variable `PLAKAR`, or the first in `PATH`.
    ///
    /// `guard` is the command that runs [`guard::run`](crate::process::guard::run) with the
    /// arguments that follow.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn find(guard: Vec<OsString>) -> Result<Self> {
        let program = std::env::var_os("PLAKAR")
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| "plakar".into());
        Self::new(Path::new(&program), guard, std::env::vars_os().collect())
    }

    /// This plakar, with this whole environment.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn new(
        program: &Path,
        guard: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self> {
        let missing = || Error::NotInstalled(program.to_owned());
        let program = if program.components().count() > 1 {
            std::path::absolute(program).ok().filter(|path| path.is_file()).ok_or_else(missing)?
        } else {
            let path = environment
                .iter()
                .find(|(name, _)| is_variable(name, "PATH"))
                .map(|(_, value)| value.as_os_str());
            let named = |folder: PathBuf| {
                folder.join(format!("{}{}", program.display(), std::env::consts::EXE_SUFFIX))
            };
            std::env::split_paths(path.unwrap_or_default())
                .map(named)
                .find(|path| path.is_file())
                .ok_or_else(missing)?
        };
        Ok(Self(Arc::new(Settings {
            program,
            guard,
            environment,
            configuration: None,
            vitals: None,
            secrets: None,
        })))
    }

    /// The same plakar with a configuration in this folder, which knows nothing of the user's: for
    /// what is tried before it is kept.
    #[must_use]
    pub fn apart(&self, folder: &Path) -> Self {
        let configuration = Some(folder.to_owned());
        Self(Arc::new(Settings { configuration, ..(*self.0).clone() }))
    }

    /// The same, with jobs whose configuration may name secrets: they are found here.
    #[must_use]
    pub fn with_secrets(&self, secrets: Arc<dyn SecretSource>) -> Self {
        Self(Arc::new(Settings { secrets: Some(secrets), ..(*self.0).clone() }))
    }

    /// Replaces what only names a secret in an entry's options by the secret, as its jobs have it.
    /// Gives the secrets, which no line must show.
    ///
    /// # Errors
    /// A secret that is not there, as [`Error::Input`].
    pub(crate) async fn look_up_secrets(
        &self,
        entry: &str,
        options: &mut BTreeMap<String, String>,
    ) -> Result<Vec<String>> {
        match &self.0.secrets {
            Some(source) => references::resolve_options(entry, options, &**source).await,
            None => Ok(Vec::new()),
        }
    }

    /// Whether its environment has a passphrase for stores that have none in the configuration.
    pub fn has_passphrase_variable(&self) -> bool {
        self.variable("PLAKAR_PASSPHRASE").is_some()
    }

    /// The same, with jobs whose processes are seen there.
    pub fn watched(&self, vitals: &Vitals) -> Self {
        Self(Arc::new(Settings { vitals: Some(vitals.clone()), ..(*self.0).clone() }))
    }

    /// Where it is.
    pub fn program(&self) -> &Path {
        &self.0.program
    }

    /// Another program in the same environment, under the same guard.
    pub(crate) fn with_program(&self, program: &Path) -> Self {
        let (program, configuration) = (program.to_owned(), None);
        Self(Arc::new(Settings { program, configuration, ..(*self.0).clone() }))
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        let given = self.0.environment.iter().rev().find(|(given, _)| is_variable(given, name));
        given.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// All variables that it runs with.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.environment.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// A folder of plakar's (plakar v1.1.4, utils/utils.go). On Windows all are one.
    fn folder(&self, variable: &str, below_home: &str) -> Result<PathBuf> {
        let (variable, home, below_home) = if cfg!(windows) {
            ("LocalAppData", "USERPROFILE", "AppData/Local")
        } else {
            (variable, "HOME", below_home)
        };
        let given = self.variable(variable).map(PathBuf::from);
        let below_home = || self.variable(home).map(|home| Path::new(home).join(below_home));
        let folder = given.or_else(below_home).ok_or_else(|| {
            Error::Input(format!(
                "the variable {home} is missing: plakar keeps its configuration there"
            ))
        })?;
        Ok(folder.join("plakar"))
    }

    /// Where plakar keeps sources, destinations and stores.
    pub(crate) fn configuration_folder(&self) -> Result<PathBuf> {
        match &self.0.configuration {
            Some(folder) => Ok(folder.clone()),
            None => self.folder("XDG_CONFIG_HOME", ".config"),
        }
    }

    /// Where plakar keeps its caches and unpacks its packages.
    ///
    /// # Errors
    /// The variable HOME is missing.
    pub fn cache_folder(&self) -> Result<PathBuf> {
        self.folder("XDG_CACHE_HOME", ".cache")
    }

    /// Where its temporary files are.
    pub fn temporary_folder(&self) -> PathBuf {
        self.variable("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
    }
}

/// Whether this is the name of a variable, whose case does not count on Windows.
fn is_variable(name: &OsStr, wanted: &str) -> bool {
    if cfg!(windows) { name.eq_ignore_ascii_case(wanted) } else { name == wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_a_plakar_has_no_password_in_it() {
        let environment = vec![("PLAKAR_PASSPHRASE".into(), "hunter2".into())];
        let plakar =
            Plakar::new(&std::env::current_exe().unwrap(), vec!["guard".into()], environment)
                .unwrap();
        let printed = format!("{plakar:?}");
        assert!(printed.contains("guard") && !printed.contains("hunter2"), "{printed}");
    }
}
