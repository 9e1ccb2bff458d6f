//! A folder of packages with links to those of the user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder of data, as plakar's option for it names one, with links to the packages that the
/// user has installed.
///
/// # Errors
/// A folder cannot be read or made, or a link cannot be made.
pub(crate) fn link_packages(data: &Path) -> io::Result<()> {
    link_all(user_data().as_deref(), data)
}

/// Where plakar keeps the user's packages.
fn user_data() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let given = variable(if cfg!(windows) { "LocalAppData" } else { "XDG_DATA_HOME" });
    let home = || Some(PathBuf::from(variable("HOME")?).join(".local/share"));
    given.map(PathBuf::from).or_else(home).map(|data| data.join("plakar"))
}

/// Makes a folder of data with links to the packages of another one.
fn link_all(from: Option<&Path>, to: &Path) -> io::Result<()> {
    let plugins = to.join("plugins");
    fs::create_dir_all(&plugins)?;
    let Some(from) = from.map(|from| from.join("plugins")).filter(|from| from.is_dir()) else {
        return Ok(());
    };
    for version in fs::read_dir(fs::canonicalize(from)?)? {
        let version = version?;
        if !version.path().is_dir() {
            continue;
        }
        let made = plugins.join(version.file_name());
        fs::create_dir(&made)?;
        for package in fs::read_dir(version.path())? {
            let package = package?;
            if package.path().is_file() {
                link(&package.path(), &made.join(package.file_name()))?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plakar_removes_of_its_packages_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (user, own) = (folder.path().join("user"), folder.path().join("own"));
        let package = "plugins/v1.1.0/opendrive_v1.0.0_linux_amd64.ptar";
        fs::create_dir_all(user.join("plugins/v1.1.0")).unwrap();
        fs::write(user.join(package), "ptar").unwrap();
        link_all(Some(&user), &own).unwrap();
        assert_eq!(fs::read(own.join(package)).unwrap(), b"ptar");
        fs::remove_file(own.join(package)).unwrap();
        assert_eq!(fs::read(user.join(package)).unwrap(), b"ptar");
        // Nobody has installed any.
        let none = folder.path().join("none");
        link_all(Some(&folder.path().join("nobody")), &none).unwrap();
        assert_eq!(fs::read_dir(none.join("plugins")).unwrap().count(), 0);
    }
}
