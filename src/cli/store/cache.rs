//! The cache of a machine that sees a store for the first time.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use plakar_cache::{Hold, OwnFolders};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::rclone::listen_to_children;
use terminal::exit::{Exit, Failure};

/// Timeout for the process that keeps the cache to start; it unpacks Plakar's packages first.
const KEEPER_TIMEOUT: Duration = Duration::from_secs(120);

/// How often it is looked whether that process answers.
const KEEPER_INTERVAL: Duration = Duration::from_millis(10);

/// How long it stays after the last connection to it has ended. Ours lasts as long as the command, so
/// only if we are killed it ends so much later; where it cannot be held, it also is how long somebody
/// may look for a passphrase.
const MAX_IDLE: &str = "15m";

/// How long a process that was killed may take to end, and how often it is looked whether it has.
const MAX_END: Duration = Duration::from_secs(1);
const END_INTERVAL: Duration = Duration::from_millis(5);

/// An empty cache, and the process that keeps it.
///
/// That process ends first, and then the folders go: one that found its packages gone would unpack
/// them anew, and remove the user's if that fails.
#[derive(Debug)]
pub(super) struct FreshCache {
    /// Has it stay, as soon as it is there: a store of many restore points is read for longer than it
    /// would wait.
    hold: Option<Hold>,
    keeper: Mutex<Child>,
    folders: OwnFolders,
    _parent: TempDir,
}

impl FreshCache {
    pub(super) async fn start() -> Result<Self, Failure> {
        let parent = tempfile::tempdir().map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("a temporary folder for Plakar's cache cannot be made: {error}; set TMPDIR to a folder with room"),
            )
        })?;
        let folders = OwnFolders::make(parent.path()).map_err(|error| cannot_make(&error))?;
        let (output, error) = folders.log().map_err(|error| cannot_make(&error))?;
        let mut command = Command::new(crate::cli::plakar::program());
        command.args(folders.keeper(MAX_IDLE)).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(output).stderr(error);
        // Ctrl-C is not for it: without it, a command that goes on would start another one.
        #[cfg(unix)]
        command.process_group(0);
        listen_to_children().map_err(|error| cannot_start(&error))?;
        let keeper = command.spawn().map_err(|error| cannot_start(&error))?;
        let mut cache = Self { hold: None, keeper: Mutex::new(keeper), folders, _parent: parent };
        let started = Instant::now();
        loop {
            cache.hold = cache.folders.hold();
            if cache.hold.is_some() {
                return Ok(cache);
            }
            if cache.has_ended() || started.elapsed() > KEEPER_TIMEOUT {
                return Err(cannot_make(&cache.folders.not_started("its process did not start")));
            }
            tokio::time::sleep(KEEPER_INTERVAL).await;
        }
    }

    /// Whether it was lost: the process that keeps it has ended before the command that needs it. Where
    /// it cannot be held, it may leave by itself in a long command, and nobody can tell.
    pub(super) fn is_lost(&self) -> bool {
        cfg!(unix) && self.has_ended()
    }

    fn has_ended(&self) -> bool {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(keeper.try_wait(), Ok(None))
    }

    /// What Plakar is told to use it.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        self.folders.arguments()
    }
}

impl Drop for FreshCache {
    fn drop(&mut self) {
        self.hold = None;
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself.
        let _ = keeper.start_kill();
        // What it writes while its folder is removed would stay.
        let killed = std::time::Instant::now();
        while matches!(keeper.try_wait(), Ok(None)) && killed.elapsed() < MAX_END {
            std::thread::sleep(END_INTERVAL);
        }
    }
}

fn cannot_make(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("a new cache for Plakar cannot be made: {error}"))
}

/// Plakar itself is not there.
pub(super) fn cannot_start(error: &io::Error) -> Failure {
    let plakar = crate::cli::plakar::program();
    Failure::new(
        Exit::Configuration,
        format!("{} cannot be started ({error}): set PLAKAR to where it is", plakar.display()),
    )
}
