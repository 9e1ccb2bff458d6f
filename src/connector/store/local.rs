//! What this machine keeps of a store: states on their way to it, and where it was seen.
//!
//! Plakar 1.1.4 merges a state into its local cache whether or not it could be put (`flushDeltaState` in kloset v1.1.3,
//! snapshot/builder.go). Its next backup then leaves out what that state tells of, and nobody but this user can read that
//! backup. So a state is on this disk before it is on its way, stays there if it does not arrive, and the next connection
//! puts it first. What Plakar puts is encrypted if the store is. The file has the number of packfiles that the same connection
//! has put (8 bytes, little-endian), their names (32 bytes each), and the state: it is put only where these are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::layout::{self, Kind, Mac};
use crate::connector::Identity;

/// The age up to which a state is put late. Plakar's maintenance lets packfiles that no state tells of be for seven days
/// (`defaultDuration` in plakar v1.1.4, subcommands/maintenance); a state that tells of packfiles which are gone does harm.
const MAX_PENDING_AGE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// The age from which on a file that is not complete is one that nobody will complete.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 1 << 20;

/// The file that has the places where a store was seen, one in each line.
const PLACES: &str = "places";

/// The folder of one store on this machine.
#[derive(Debug, Clone)]
pub(super) struct Local {
    folder: PathBuf,
    place: String,
}

/// A state that is not in the store yet, in a file that is locked. The file goes with this, unless it is to stay.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    file: File,
    stays: bool,
}

/// The usual folder: `plakar-opendrive/stores` where this system keeps the state of programs; `None` if the environment names no home.
pub fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        let home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(home)))
    };
    Some(base?.join("plakar-opendrive/stores"))
}

impl Local {
    /// What is kept below a folder of a store with a description at a place. Copies of a store have the same description.
    pub(super) fn new(folder: &Path, description: &[u8], identity: &Identity) -> Self {
        let Identity { origin, kind, root } = identity;
        Self { folder: folder.join(short(description)), place: format!("{root} on {kind} ({origin})") }
    }

    /// Takes note of the place. Gives the file with all places if the store was seen at others, and these.
    pub(super) fn seen(&self) -> io::Result<Option<(PathBuf, Vec<String>)>> {
        let path = self.folder.join(PLACES);
        let places = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let others: Vec<String> = places.lines().filter(|place| *place != self.place).map(str::to_owned).collect();
        if !places.lines().any(|place| place == self.place) {
            make_private(&self.folder)?;
            private().append(true).create(true).open(&path)?.write_all(format!("{}\n", self.place).as_bytes())?;
        }
        Ok((!others.is_empty()).then_some((path, others)))
    }

    /// Begins to keep a state that is to be put. Nobody else sees it before [`Pending::complete`].
    pub(super) fn keep(&self, kind: Kind, mac: &Mac, packfiles: &[Mac]) -> io::Result<Pending> {
        let folder = self.states();
        make_private(&folder)?;
        let path = folder.join(layout::temporary(&format!("{} {}", kind.folder(), layout::hex(mac))));
        let file = private().write(true).create_new(true).open(&path)?;
        lock(&file, true)?;
        let mut pending = Pending { path, file, stays: false };
        pending.write(&(packfiles.len() as u64).to_le_bytes())?;
        packfiles.iter().try_for_each(|packfile| pending.write(packfile))?;
        Ok(pending)
    }

    /// The states that were kept and that nobody is putting now, the oldest first.
    pub(super) fn pending(&self) -> io::Result<Vec<(Kind, Mac, Pending)>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.states()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let Some((kind, mac, complete)) = path.file_name().and_then(|name| named(name.to_str()?)) else { continue };
            let file = match private().read(true).open(&path) {
                // It has arrived meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            if !lock(&file, false)? {
                continue;
            }
            let modified = file.metadata()?.modified()?;
            // What is not complete goes after a while: whoever began it has ended, and its put with it.
            let abandoned = !complete && age(modified) > ABANDONED;
            let pending = Pending { path, file, stays: !abandoned };
            if complete {
                found.push((modified, kind, mac, pending));
            }
        }
        found.sort_by_key(|(modified, ..)| *modified);
        Ok(found.into_iter().map(|(_, kind, mac, pending)| (kind, mac, pending)).collect())
    }

    /// Where the states of this place are. Those of a copy of the store are others.
    fn states(&self) -> PathBuf {
        self.folder.join(short(self.place.as_bytes()))
    }
}

impl Pending {
    pub(super) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)
    }

    /// Makes it last, now that it is whole.
    pub(super) fn complete(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let complete = self.path.with_file_name(self.path.file_stem().unwrap_or_default());
        fs::rename(&self.path, &complete)?;
        self.path = complete;
        Ok(())
    }

    /// The packfiles that the state needs and that were put with it; to be asked before the bytes.
    pub(super) fn packfiles(&mut self) -> io::Result<Vec<Mac>> {
        let mut count = [0; 8];
        self.file.read_exact(&mut count)?;
        let mut packfiles = Vec::new();
        for _ in 0..u64::from_le_bytes(count) {
            let mut mac = Mac::default();
            self.file.read_exact(&mut mac)?;
            packfiles.push(mac);
        }
        Ok(packfiles)
    }

    /// The next bytes of the state; none at the end.
    pub(super) fn read(&mut self) -> io::Result<Bytes> {
        let mut buffer = BytesMut::zeroed(CHUNK);
        let read = self.file.read(&mut buffer)?;
        buffer.truncate(read);
        Ok(buffer.freeze())
    }

    /// When Plakar put it.
    pub(super) fn made(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }

    /// Whether it is too old to be put.
    pub(super) fn expired(&self) -> io::Result<bool> {
        Ok(age(self.made()?) > MAX_PENDING_AGE)
    }

    /// Leaves it for the next connection.
    pub(super) fn stay(&mut self) {
        self.stays = true;
    }

    /// Ends it: it has arrived.
    pub(super) fn arrived(mut self) {
        self.stays = false;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.stays {
            // What stays is put once more, and found to be there.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// What the name of a file says: the kind, the name of the state, and whether it is complete.
fn named(name: &str) -> Option<(Kind, Mac, bool)> {
    let (folder, rest) = name.split_once(' ')?;
    let kind = [Kind::State, Kind::EccState].into_iter().find(|kind| kind.folder() == folder)?;
    let (mac, random) = rest.split_once('.')?;
    Some((kind, layout::mac_from_hex(mac)?, !random.contains('.')))
}

/// Locks a file, and tells whether it could. Where files have no such locks it is ours: at worst a state is put twice.
#[cfg(unix)]
fn lock(file: &File, wait: bool) -> io::Result<bool> {
    use rustix::fs::FlockOperation;
    let operation = if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    match rustix::fs::flock(file, operation) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        outcome => outcome.map(|()| true).map_err(io::Error::from),
    }
}

#[cfg(not(unix))]
fn lock(_: &File, _: bool) -> io::Result<bool> {
    Ok(true)
}

/// A name for a folder, by the first 8 bytes of a hash.
fn short(of: &[u8]) -> String {
    layout::hex(&Sha256::digest(of).into())[..16].to_owned()
}

fn age(modified: SystemTime) -> Duration {
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options for a file that only its owner may read.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
