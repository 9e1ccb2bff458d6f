//! The package that Plakar has, and the one that came with this program.

use chrono::Utc;
use serde::Serialize;

use super::error::{Error, Result};
use super::handle::Service;
use crate::model::FieldChange;
use crate::state::{ChangeAction, ChangeSubject};
use plakar_driver::{InstalledPackage, OWN_PACKAGE, OwnPackage};

/// The package that Plakar has, and the one that came with this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageStatus {
    /// Its name, as `plakar pkg list` shows it.
    pub name: &'static str,
    /// The version that Plakar has; none if it has none.
    pub installed: Option<String>,
    /// Whether it is the one that came with this program, by its version and its executable; none if
    /// that is not known.
    pub same: Option<bool>,
    /// The version that came with this program; none if none came.
    pub own: Option<String>,
    /// The command that adds that one, for a shell; none if none came.
    pub command: Option<String>,
    /// Why something of it is not known; empty if all is.
    pub fault: String,
}

impl PackageStatus {
    /// Whether Plakar has another one than came with this program.
    pub fn can_be_added(&self) -> bool {
        self.own.is_some() && self.same != Some(true)
    }
}

impl Service {
    /// Which package Plakar has, and which came with this program.
    pub async fn package_status(&self) -> PackageStatus {
        let (own, installed) = (self.plakar.own_package(), self.plakar.installed_package().await);
        let mut faults: Vec<String> = Vec::new();
        let own = own.unwrap_or_else(|error| {
            faults.push(error.to_string());
            None
        });
        let installed = installed.unwrap_or_else(|error| {
            faults.push(error.to_string());
            None
        });
        let (installed, same) = match installed {
            Some(InstalledPackage { version, same }) => {
                let is_other = own.as_ref().is_some_and(|own| own.version != version);
                (Some(version), if is_other { Some(false) } else { same })
            }
            None => (None, None),
        };
        let (own, command) = match own {
            Some(own) => (Some(own.version.clone()), Some(self.command(&own))),
            None => (None, None),
        };
        let fault = faults.join("; ");
        PackageStatus { name: OWN_PACKAGE, installed, same, own, command, fault }
    }

    /// What a shell adds it with.
    fn command(&self, own: &OwnPackage) -> String {
        let quoted = |path: &std::path::Path| {
            let text = path.to_string_lossy();
            shlex::try_quote(&text).map_or_else(|_| text.to_string(), |quoted| quoted.into_owned())
        };
        format!("PLAKAR={} {}", quoted(self.plakar.program()), quoted(&own.script))
    }

    /// Has Plakar take the package that came with this program, in place of the one that it has.
    /// Nothing comes from the network. No task begins meanwhile, and it is done also when nobody
    /// waits for it any more. Gives what was done, in one line.
    ///
    /// # Errors
    /// [`Error::Input`] if none came with this program; a task runs; Plakar refused, and has the one
    /// from before.
    pub async fn add_package(&self) -> Result<String> {
        let own = self.plakar.own_package()?.ok_or_else(|| {
            Error::Input(
                "no package came with this program, which was built and not installed: run `make install`, or `plakar pkg add FILE`".into(),
            )
        })?;
        self.to_the_end(|service| async move { service.add(own).await }).await
    }

    async fn add(&self, own: OwnPackage) -> Result<String> {
        let changing = self.state(|state| state.begin_package_change(Utc::now())).await?;
        let before = self.plakar.installed_package().await;
        let added = self.plakar.add_own_package(&own).await;
        // Its end is a write.
        let ended = tokio::task::spawn_blocking(move || drop(changing)).await;
        ended.map_err(|error| Error::Internal(error.to_string()))?;
        self.scheduler.wake();
        let added = added?;
        // Where it is not known what was there, it is not said that nothing was.
        let was_none = matches!(before, Ok(None));
        let action = if was_none { ChangeAction::Added } else { ChangeAction::Changed };
        let before = before.ok().flatten().map(|before| before.version);
        let field = FieldChange::new("version", before.as_deref(), Some(&own.version));
        let name = OWN_PACKAGE.to_owned();
        self.record(ChangeSubject::Package, action, name, vec![field]).await?;
        Ok(added)
    }
}
