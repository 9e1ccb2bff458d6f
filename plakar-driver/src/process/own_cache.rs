//! A cache for one job alone, and what plakar unpacks into it.
//!
//! Plakar unpacks each of its packages into a cache that is new. If that fails, for example because
//! nothing more fits on the disk, it removes the package as well, from the user's own folder (pkg
//! v1.1.0, flat.go, `reload`): so such a job gets a folder of packages of its own, with links in it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plakar_words::{CACHE_FOLDER, DATA_FOLDER, FOREGROUND, TEARDOWN};

use crate::disk_space::disk_space;

/// Timeout for the daemon of a job's own cache to start; it unpacks plakar's packages first.
const DAEMON_TIMEOUT: Duration = Duration::from_secs(120);

/// Maximum length of the path of a socket, in bytes: macOS takes no more (Linux takes 107).
#[cfg(unix)]
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// Minimum of free space for plakar's databases, which take 142 MiB for the smallest store, and for
/// its packages, in bytes.
pub const MIN_CHECK_SPACE_BYTES: u64 = 200 << 20;

/// The variables that name the folder for temporary files.
pub(super) const TEMPORARY_FOLDER: &[&str] =
    if cfg!(windows) { &["TMP", "TEMP"] } else { &["TMPDIR"] };

/// How the name of a job's folder for temporary files begins; six letters follow.
pub(super) const JOB_FOLDER: &str = "pk-job";

/// Where plakar's daemon listens, in the folder of its cache.
const SOCKET: &str = "cached.sock";

/// A cache for one job, which is empty at first. Its daemon ends when this is dropped.
pub(super) struct OwnCache {
    folder: PathBuf,
    /// Where plakar finds its packages.
    data: PathBuf,
    daemon: Child,
}

impl OwnCache {
    /// Makes it, and starts its daemon: the one that plakar starts itself leaves plakar's process
    /// group and outlives the job by five seconds. `spawn` starts a command in the process group of
    /// the job, and `interval` tells how long to wait before it is looked again.
    pub(super) fn start(
        program: &OsStr,
        parent: &Path,
        spawn: impl FnOnce(&mut Command) -> io::Result<Child>,
        interval: impl Fn(Instant) -> Duration,
    ) -> io::Result<Self> {
        let (folder, data) = (parent.join("cache"), parent.join("data"));
        check_socket(&folder.join(SOCKET))?;
        check_space(parent.parent().unwrap_or(parent), disk_space(parent).map(|space| space.free))?;
        link_packages(user_data().as_deref(), &data)?;
        let cookies = folder.join("cookies/1.0.0");
        fs::create_dir_all(&cookies)?;
        // Without it plakar greets its new user, and would ask for news of itself in each new
        // cache.
        fs::write(cookies.join(".disabled-security-check"), "")?;
        let mut command = Command::new(program);
        command
            .args(arguments(&folder, &data))
            .args(["cached", FOREGROUND, TEARDOWN, "24h"])
            .envs(TEMPORARY_FOLDER.iter().map(|variable| (variable, parent)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut own = Self { daemon: spawn(&mut command)?, folder, data };
        let started = Instant::now();
        while !own.is_ready() {
            if started.elapsed() > DAEMON_TIMEOUT || own.daemon.try_wait()?.is_some() {
                return Err(io::Error::other("its cache daemon did not start"));
            }
            std::thread::sleep(interval(started));
        }
        Ok(own)
    }

    /// What plakar needs to use it.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        arguments(&self.folder, &self.data)
    }

    #[cfg(unix)]
    fn is_ready(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.folder.join(SOCKET)).is_ok()
    }

    #[cfg(not(unix))]
    fn is_ready(&self) -> bool {
        self.folder.join(SOCKET).exists()
    }
}

impl Drop for OwnCache {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Why a check could not work with this folder for temporary files, and what to do: its path is too
/// long, or too little is free there; `None` if nothing is known against it.
pub fn temporary_fault(folder: &Path) -> Option<String> {
    let job = format!("{JOB_FOLDER}XXXXXX");
    let fits = check_socket(&folder.join(job).join("cache").join(SOCKET));
    let free = disk_space(folder).map(|space| space.free);
    fits.and_then(|()| check_space(folder, free)).err().map(|error| error.to_string())
}

fn arguments(cache: &Path, data: &Path) -> [OsString; 4] {
    [CACHE_FOLDER.into(), cache.into(), DATA_FOLDER.into(), data.into()]
}

#[cfg(unix)]
fn check_socket(path: &Path) -> io::Result<()> {
    if path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "the path {} is too long for a socket of Plakar's: set TMPDIR to a shorter folder, such as /tmp",
        path.display()
    )))
}

#[cfg(not(unix))]
fn check_socket(_: &Path) -> io::Result<()> {
    Ok(())
}

fn check_space(folder: &Path, free: Option<u64>) -> io::Result<()> {
    let Some(free) = free.filter(|free| *free < MIN_CHECK_SPACE_BYTES) else { return Ok(()) };
    Err(io::Error::other(format!(
        "the folder for temporary files {} has {} MiB left, and a check needs {} MiB or more: free some, or set TMPDIR to another folder",
        folder.display(),
        free >> 20,
        MIN_CHECK_SPACE_BYTES >> 20
    )))
}

/// Where plakar keeps the user's packages.
fn user_data() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let given = variable(if cfg!(windows) { "LocalAppData" } else { "XDG_DATA_HOME" });
    let home = || Some(PathBuf::from(variable("HOME")?).join(".local/share"));
    given.map(PathBuf::from).or_else(home).map(|data| data.join("plakar"))
}

/// Makes a folder of data with links to the packages of another one.
fn link_packages(from: Option<&Path>, to: &Path) -> io::Result<()> {
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_temporary_files_that_is_too_long_is_told_with_what_to_do() {
        check_socket(Path::new("/tmp/pk-jobAbCdEf/cache/cached.sock")).unwrap();
        let long = Path::new("/tmp").join("x".repeat(100)).join(SOCKET);
        let error = check_socket(&long).unwrap_err().to_string();
        assert!(error.contains("is too long") && error.contains("set TMPDIR"), "{error}");
    }

    #[test]
    fn a_folder_for_temporary_files_that_is_full_is_told_with_what_to_do() {
        let folder = Path::new("/tmp");
        check_space(folder, None).unwrap();
        check_space(folder, Some(MIN_CHECK_SPACE_BYTES)).unwrap();
        let error = check_space(folder, Some(12 << 20)).unwrap_err().to_string();
        let begins = "the folder for temporary files /tmp has 12 MiB left, and a check needs ";
        assert!(error.starts_with(begins) && error.contains("set TMPDIR"), "{error}");
        assert!(disk_space(folder).is_some());
        let long = Path::new("/tmp").join("x".repeat(100));
        assert!(temporary_fault(&long).unwrap().contains("is too long"));
    }

    #[test]
    fn what_plakar_removes_of_its_packages_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (user, own) = (folder.path().join("user"), folder.path().join("own"));
        let package = "plugins/v1.1.0/opendrive_v1.0.0_linux_amd64.ptar";
        fs::create_dir_all(user.join("plugins/v1.1.0")).unwrap();
        fs::write(user.join(package), "ptar").unwrap();
        link_packages(Some(&user), &own).unwrap();
        assert_eq!(fs::read(own.join(package)).unwrap(), b"ptar");
        fs::remove_file(own.join(package)).unwrap();
        assert_eq!(fs::read(user.join(package)).unwrap(), b"ptar");
        // Nobody has installed any.
        let none = folder.path().join("none");
        link_packages(Some(&folder.path().join("nobody")), &none).unwrap();
        assert_eq!(fs::read_dir(none.join("plugins")).unwrap().count(), 0);
    }
}
