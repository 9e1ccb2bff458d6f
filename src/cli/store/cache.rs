//! The cache of a machine that sees a store for the first time.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use plakar_cache::OwnFolders;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use terminal::exit::{Exit, Failure};

/// Timeout for the process that keeps the cache to start; it unpacks Plakar's packages first.
const KEEPER_TIMEOUT: Duration = Duration::from_secs(120);

/// How often it is looked whether that process answers.
const KEEPER_INTERVAL: Duration = Duration::from_millis(10);

/// How long it waits for the next command, while somebody looks for a passphrase. If we are killed,
/// it ends so much later.
const MAX_IDLE: &str = "15m";

/// Where it says why it does not start.
const LOG: &str = "cached.log";

/// An empty cache, and the process that keeps it.
///
/// That process ends first, and then the folders go: one that found its packages gone would unpack
/// them anew, and remove the user's if that fails.
#[derive(Debug)]
pub(super) struct FreshCache {
    keeper: Child,
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
        let log = parent.path().join(LOG);
        let said = File::create(&log).map_err(|error| cannot_make(&error))?;
        let mut command = Command::new(crate::cli::plakar::program());
        command.args(folders.keeper(MAX_IDLE)).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        // Ctrl-C is not for it: without it, a command that goes on would start another one.
        #[cfg(unix)]
        command.process_group(0);
        let keeper = command.spawn().map_err(|error| cannot_start(&error))?;
        let mut cache = Self { keeper, folders, _parent: parent };
        let started = Instant::now();
        while !cache.folders.is_kept() {
            let ended = cache.keeper.try_wait().map_err(|error| cannot_make(&error))?.is_some();
            if ended || started.elapsed() > KEEPER_TIMEOUT {
                return Err(cannot_make(&io::Error::other(format!(
                    "its process did not start: {}",
                    last_line(&log)
                ))));
            }
            tokio::time::sleep(KEEPER_INTERVAL).await;
        }
        Ok(cache)
    }

    /// What Plakar is told to use it.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        self.folders.arguments()
    }
}

/// The last line of a file that is not blank.
fn last_line(file: &Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.trim().lines().next_back().unwrap_or_default().to_owned()
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
