//! The package for Plakar that came with this program: what it is, and putting it into Plakar.
//!
//! It is not a file but what one is made of, in `share/plakar-opendrive` beside `bin`, with the
//! script `add-to-plakar` that has Plakar make it and take it. Nothing comes from the network.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::program::ProgramJob;
use crate::configuration::packages;
use crate::error::{Error, Result};
use crate::process::command::Plakar;

/// Names the folder, if it is not beside this program.
const VARIABLE: &str = "PLAKAR_OPENDRIVE_SHARE";

/// The name of the package, as Plakar lists it.
pub const OWN_PACKAGE: &str = "rclone";

/// The executable in a package that is unpacked.
const EXECUTABLE: &str = "plakar-opendrive";

/// The script that adds the package.
const SCRIPT: &str = "add-to-plakar";

/// Timeout of making the package and adding it: some seconds on a fast disk.
const ADD_TIMEOUT: Duration = Duration::from_secs(300);

/// What came with this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPackage {
    /// Its version, as Plakar writes it: `v0.1.0`.
    pub version: String,
    /// The script that has Plakar make it and take it.
    pub script: PathBuf,
}

/// What Plakar has of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its version.
    pub version: String,
    /// Whether its executable is the one beside this program, byte by byte; `None` if there is none
    /// to compare with.
    pub same: Option<bool>,
}

impl Plakar {
    /// The package that came with this program: as the variable says, or `share/plakar-opendrive`
    /// beside `bin`. None came with a program that was built and not installed.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub fn own_package(&self) -> Result<Option<OwnPackage>> {
        let given = self.variable(VARIABLE).map(PathBuf::from);
        let beside = || {
            let program = std::env::current_exe().ok()?;
            Some(program.parent()?.parent()?.join("share/plakar-opendrive"))
        };
        let Some(folder) = given.clone().or_else(beside) else { return Ok(None) };
        let (about, script) = (folder.join("package/about"), folder.join(SCRIPT));
        let shown = about.display();
        let text = match std::fs::read_to_string(&about) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
                return Ok(None);
            }
            Err(error) => return Err(Error::Io(format!("cannot read {shown}"), error)),
        };
        let version = text.lines().find_map(|line| line.strip_prefix("version="));
        let version = version.map(str::trim).filter(|version| version.starts_with('v'));
        let version =
            version.ok_or_else(|| Error::Answer(format!("{shown} does not say a version")))?;
        if !script.is_file() {
            return Err(Error::NotFound(script.display().to_string()));
        }
        Ok(Some(OwnPackage { version: version.to_owned(), script }))
    }

    /// What Plakar has of the package, if it has it.
    ///
    /// # Errors
    /// Plakar cannot be run, or a package cannot be read.
    pub async fn installed_package(&self) -> Result<Option<InstalledPackage>> {
        let installed = packages::installed(self).await?;
        let Some(found) = installed.into_iter().find(|one| one.name == OWN_PACKAGE) else {
            return Ok(None);
        };
        let folder = packages::unpacked_folder(self, &found.name, &found.version)?;
        let name = format!("{EXECUTABLE}{}", std::env::consts::EXE_SUFFIX);
        let (theirs, ours) = (folder.join(name), self.connector_program());
        let compared = tokio::task::spawn_blocking(move || {
            let ours = ours.ok()?;
            Some(digest(&theirs).ok()? == digest(&ours).ok()?)
        });
        let same = compared.await.map_err(|error| Error::Answer(error.to_string()))?;
        Ok(Some(InstalledPackage { version: found.version, same }))
    }

    /// Has Plakar make the package and take it, in place of one of the same name; configurations
    /// stay. Gives what the script says of it, in one line.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason. The package that was there before is back then, or the
    /// reason says how to get it back.
    pub async fn add_own_package(&self, own: &OwnPackage) -> Result<String> {
        own.only_by_its_owner()?;
        let plakar = self.program().to_str().ok_or_else(|| {
            Error::Input("the path of plakar is not UTF-8: name another one in PLAKAR".into())
        })?;
        let variables = [("PLAKAR", plakar.to_owned())];
        let job = ProgramJob {
            program: &own.script,
            arguments: &[],
            variables: &variables,
            timeout: ADD_TIMEOUT,
            entries: &[],
            store: None,
        };
        let mut result = String::new();
        let mut said = |line: &str| {
            if let Some(told) = line.strip_prefix("Plakar: ") {
                told.clone_into(&mut result);
            }
        };
        // It is never left half-way: who asked for it may be gone meanwhile.
        self.run_program(&job, &mut said, &CancellationToken::new()).await?;
        Ok(result)
    }
}

impl OwnPackage {
    /// # Errors
    /// [`Error::Input`] if somebody else than the user or root could have written what is run.
    #[cfg(unix)]
    fn only_by_its_owner(&self) -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        let folder = self.script.parent().unwrap_or(&self.script);
        let package = folder.join("package");
        for place in [&self.script, folder, &folder.join("create-package"), &package] {
            let shown = place.display();
            let found = std::fs::metadata(place)
                .map_err(|error| Error::Io(format!("cannot read {shown}"), error))?;
            if found.uid() != 0 && found.uid() != rustix::process::geteuid().as_raw() {
                return Err(Error::Input(format!(
                    "{shown} belongs to another user: install the package again as yourself or as root"
                )));
            }
            if found.mode() & 0o022 != 0 {
                return Err(Error::Input(format!(
                    "{shown} may be written by others (mode {:o}); run: chmod go-w {shown}",
                    found.mode() & 0o777
                )));
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn only_by_its_owner(&self) -> Result<()> {
        Ok(())
    }
}

fn digest(file: &Path) -> std::io::Result<[u8; 32]> {
    let (mut digest, mut file) = (Sha256::new(), std::fs::File::open(file)?);
    let mut part = vec![0; 256 << 10];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(digest.finalize().into()),
            length => digest.update(&part[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plakar(share: &Path) -> Plakar {
        let environment = vec![(VARIABLE.into(), share.into())];
        Plakar::new(&std::env::current_exe().unwrap(), vec!["guard".into()], environment).unwrap()
    }

    #[test]
    fn what_came_with_the_program_is_read_and_half_of_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let plakar = plakar(folder.path());
        let said = || plakar.own_package().unwrap_err().to_string();
        assert!(said().contains("package/about"), "{}", said());
        let about = folder.path().join("package/about");
        std::fs::create_dir(about.parent().unwrap()).unwrap();
        std::fs::write(&about, "platform=linux_amd64\n").unwrap();
        assert!(said().contains("does not say a version"), "{}", said());
        std::fs::write(&about, "version=v0.7.0\nplatform=linux_amd64\napi=v1.1\n").unwrap();
        assert!(said().contains(SCRIPT), "{}", said());
        let script = folder.path().join(SCRIPT);
        std::fs::write(&script, "").unwrap();
        let own = plakar.own_package().unwrap().unwrap();
        assert_eq!(own, OwnPackage { version: "v0.7.0".into(), script });
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |mode| {
                std::fs::set_permissions(&own.script, std::fs::Permissions::from_mode(mode))
                    .unwrap();
                own.only_by_its_owner().map_err(|error| error.to_string())
            };
            std::fs::write(folder.path().join("create-package"), "").unwrap();
            assert!(mode(0o775).unwrap_err().contains("chmod go-w"));
            mode(0o755).unwrap();
        }
    }
}
