//! The folders of a plakar that has a cache of its own.

use std::ffi::OsString;
use std::fs::{self, File};
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

/// Where that process says why it does not start, in the same folder.
const LOG: &str = "keeper.log";

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
    /// Those of [`check`](Self::check), or something cannot be made.
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

    /// A file for all that it says, once for its standard output and once for its standard error:
    /// why it does not start Plakar 1.1.4 says on the first.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn log(&self) -> io::Result<(File, File)> {
        let file = File::create(self.cache.join(LOG))?;
        Ok((file.try_clone()?, file))
    }

    /// The error of a process that did not start: what is said of it, and the last line that it has
    /// said.
    pub fn not_started(&self, what: &str) -> io::Error {
        let said = fs::read(self.cache.join(LOG)).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        match said.trim().lines().next_back() {
            Some(reason) => io::Error::other(format!("{what}: {}", reason.trim())),
            None => io::Error::other(what.to_owned()),
        }
    }

    /// Whether that process answers.
    pub fn is_kept(&self) -> bool {
        self.hold().is_some()
    }

    /// Has that process stay, if it answers.
    #[cfg(unix)]
    pub fn hold(&self) -> Option<Hold> {
        let connection = std::os::unix::net::UnixStream::connect(self.cache.join(SOCKET)).ok()?;
        Some(Hold { _connection: connection })
    }

    /// Has that process stay, if it answers.
    #[cfg(not(unix))]
    pub fn hold(&self) -> Option<Hold> {
        self.cache.join(SOCKET).exists().then_some(Hold {})
    }
}

/// As long as this lasts, the process that keeps a cache does not leave because nobody asks it: to
/// Plakar 1.1.4 a connection is somebody who asks (`Watcher` in subcommands/cached). Only on Unix;
/// elsewhere it does nothing.
#[derive(Debug)]
pub struct Hold {
    #[cfg(unix)]
    _connection: std::os::unix::net::UnixStream,
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
    fn what_holds_a_process_is_one_connection_that_stays_open() {
        use std::io::Read as _;
        use std::time::Duration;
        let parent = tempfile::tempdir().unwrap();
        let own = OwnFolders { cache: parent.path().to_owned(), data: parent.path().to_owned() };
        assert!(own.hold().is_none() && !own.is_kept());
        let process = std::os::unix::net::UnixListener::bind(parent.path().join(SOCKET)).unwrap();
        let hold = own.hold().unwrap();
        let (mut connection, _) = process.accept().unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        connection.read(&mut [0]).unwrap_err();
        drop(hold);
        assert_eq!(connection.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn why_a_process_did_not_start_is_its_last_line() {
        use std::io::Write as _;
        let parent = tempfile::tempdir().unwrap();
        let own = OwnFolders { cache: parent.path().to_owned(), data: parent.path().to_owned() };
        assert_eq!(own.not_started("it did not").to_string(), "it did not");
        let (mut output, mut error) = own.log().unwrap();
        assert_eq!(own.not_started("it did not").to_string(), "it did not");
        error.write_all(b"a warning\n").unwrap();
        output.write_all(b"no room\n\n").unwrap();
        assert_eq!(own.not_started("it did not").to_string(), "it did not: no room");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_for_temporary_files_that_is_too_long_is_told_with_what_to_do() {
        check_socket(Path::new("/tmp/pk-jobAbCdEf/cache/cached.sock")).unwrap();
        let long = Path::new("/tmp").join("x".repeat(100));
        let error = OwnFolders::check(&long.join("pk-jobAbCdEf")).unwrap_err().to_string();
        assert!(error.contains("is too long") && error.contains("set TMPDIR"), "{error}");
    }
}
