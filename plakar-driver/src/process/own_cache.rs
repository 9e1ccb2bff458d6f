//! A cache for one job alone, and the process that keeps it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use plakar_cache::MIN_CHECK_SPACE_BYTES;
use plakar_cache::OwnFolders;

/// Timeout for the daemon of a job's own cache to start; it unpacks plakar's packages first.
const DAEMON_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the daemon waits for the next command: longer than any job. It is ended with the job.
const MAX_IDLE: &str = "8760h";

/// The variables that name the folder for temporary files.
pub(super) const TEMPORARY_FOLDER: &[&str] =
    if cfg!(windows) { &["TMP", "TEMP"] } else { &["TMPDIR"] };

/// How the name of a job's folder for temporary files begins; six letters follow.
pub(super) const JOB_FOLDER: &str = "pk-job";

/// A cache for one job, which is empty at first. Its daemon ends when this is dropped.
pub(super) struct OwnCache {
    folders: OwnFolders,
    daemon: Child,
}

impl OwnCache {
    /// Makes it, and starts its daemon. `spawn` starts a command in the process group of the job,
    /// and `interval` tells how long to wait before it is looked again.
    pub(super) fn start(
        program: &OsStr,
        parent: &Path,
        spawn: impl FnOnce(&mut Command) -> io::Result<Child>,
        interval: impl Fn(Instant) -> Duration,
    ) -> io::Result<Self> {
        let folders = OwnFolders::make(parent)?;
        let mut command = Command::new(program);
        command
            .args(folders.keeper(MAX_IDLE))
            .envs(TEMPORARY_FOLDER.iter().map(|variable| (variable, parent)));
        let (output, error) = folders.log()?;
        command.stdin(Stdio::null()).stdout(output).stderr(error);
        let mut own = Self { daemon: spawn(&mut command)?, folders };
        let started = Instant::now();
        while !own.folders.is_kept() {
            if started.elapsed() > DAEMON_TIMEOUT || own.daemon.try_wait()?.is_some() {
                return Err(own.folders.not_started("its cache daemon did not start"));
            }
            std::thread::sleep(interval(started));
        }
        Ok(own)
    }

    /// Whether its daemon has ended, before the job that needs it.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.daemon.try_wait(), Ok(None))
    }

    /// What plakar needs to use it.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        self.folders.arguments()
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
    let job = folder.join(format!("{JOB_FOLDER}XXXXXX"));
    OwnFolders::check(&job).err().map(|error| error.to_string())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_no_check_could_work_with_is_told() {
        let long = Path::new("/tmp").join("x".repeat(100));
        assert!(temporary_fault(&long).unwrap().contains("is too long"));
    }
}
