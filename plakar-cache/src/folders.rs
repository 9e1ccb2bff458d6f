//! The folders of a plakar that has a cache of its own.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use plakar_words::{CACHE_FOLDER, DATA_FOLDER, FOREGROUND, TEARDOWN};

use crate::packages::link_packages;
use crate::space::{check_space, disk_space};

/// Maximum length of the path of a socket, in bytes: macOS takes no more (Linux takes 107).
#[cfg(unix)]
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// Where plakar keeps what it knows of stores, in the folder that is given.
const CACHE: &str = "cache";

/// Where plakar finds its packages there.
const DATA: &str = "data";

/// Where the process that keeps a cache listens, in the folder of the cache.
const SOCKET: &str = "cached.sock";

/// A cache, which is empty at first, and links to the user's packages.
///
/// Each plakar that uses it wants a process that keeps it. The one that plakar starts itself is told
/// the cache and not the packages (plakar v1.1.4, cached.go), leaves plakar's process group and
/// outlives the command by five seconds: so whoever makes the folders starts one before, by
/// [`keeper`](Self::keeper), and ends it before the folders go.
#[derive(Debug)]
pub struct OwnFolders {
    cache: PathBuf,
    data: PathBuf,
}

impl OwnFolders {
    /// Makes them in a folder in that for temporary files.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), or something can't be made.
    pub fn make(parent: &Path) -> io::Result<Self> {
        Self::check(parent)?;
        let own = Self { cache: parent.join(CACHE), data: parent.join(DATA) };
        link_packages(&own.data)?;
        let cookies = own.cache.join("cookies/1.0.0");
        fs::create_dir_all(&cookies)?;
        // Without it plakar greets its new user, and would ask for news of itself in each new
        // cache.
        fs::write(cookies.join(".disabled-security-check"), "")?;
        Ok(own)
    }

    /// Whether they could be made in a folder in that for temporary files, which need not be there.
    ///
    /// # Errors
    /// Its path is too long, or too little is free: what to do is told.
    pub fn check(parent: &Path) -> io::Result<()> {
        check_socket(&parent.join(CACHE).join(SOCKET))?;
        let temporary = parent.parent().unwrap_or(parent);
        check_space(temporary, disk_space(temporary).map(|space| space.free))
    }

    /// What plakar is told before its command to use them.
    pub fn arguments(&self) -> [OsString; 4] {
        [CACHE_FOLDER.into(), (&self.cache).into(), DATA_FOLDER.into(), (&self.data).into()]
    }

    /// All that plakar is told to keep the cache, until it is killed or nobody has asked it for so
    /// long (`24h`).
    pub fn keeper(&self, idle: &str) -> Vec<OsString> {
        let command = ["cached", FOREGROUND, TEARDOWN, idle].map(OsString::from);
        self.arguments().into_iter().chain(command).collect()
    }

    /// Whether that process answers.
    #[cfg(unix)]
    pub fn is_kept(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.cache.join(SOCKET)).is_ok()
    }

    /// Whether that process answers.
    #[cfg(not(unix))]
    pub fn is_kept(&self) -> bool {
        self.cache.join(SOCKET).exists()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_for_temporary_files_that_is_too_long_is_told_with_what_to_do() {
        check_socket(Path::new("/tmp/pk-jobAbCdEf/cache/cached.sock")).unwrap();
        let long = Path::new("/tmp").join("x".repeat(100));
        let error = OwnFolders::check(&long.join("pk-jobAbCdEf")).unwrap_err().to_string();
        assert!(error.contains("is too long") && error.contains("set TMPDIR"), "{error}");
    }
}
