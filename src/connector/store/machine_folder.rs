//! What this machine keeps of a store: states on their way to it, where it was seen, and the newest
//! version of its states.
//!
//! Plakar 1.1.4 merges a state into its local cache whether or not it could be put
//! (`flushDeltaState` in kloset v1.1.3, snapshot/builder.go). Its next backup then leaves out what
//! that state tells of, and nobody but this user can read that backup. So a state is written to
//! this disk while it comes in, stays there if it does not arrive, and the next connection puts it
//! first. What Plakar puts is encrypted if the store is. The file has the number of packfiles that
//! the same connection has put (8 bytes, little-endian), their names (32 bytes each), and the
//! state: it is put only where these are.
//!
//! A process that is killed while a state comes in leaves the part that has come. Plakar, if it was
//! not killed too, takes that state for stored, or what it has read of it, and nobody can tell it
//! apart from one that was killed as well: so nothing is put until somebody has removed Plakar's
//! cache and that file.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::layout::{self, Kind, Mac};
use super::state_version::StateVersion;
use crate::connector::Identity;

/// The age up to which a state is put late. Plakar's maintenance lets packfiles that no state tells
/// of be for seven days (`defaultDuration` in plakar v1.1.4, subcommands/maintenance); a state that
/// tells of packfiles which are gone does harm.
const MAX_PENDING_AGE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// The age from which on a file that is not complete is one that nobody will complete, where that
/// is not known by its lock.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What the name of a file begins with that is not locked yet.
const NEW: &str = "new ";

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 1 << 20;

/// The file that has the newest version of the store's states.
const STATE_VERSION: &str = "state-version";

/// The file that has the places where a store was seen, one in each line.
const PLACES: &str = "places";

/// The folder of one store on this machine.
#[derive(Debug, Clone)]
pub(super) struct MachineFolder {
    folder: PathBuf,
    place: String,
    unanswered: Unanswered,
}

/// The files of states for which this connection has given no answer yet.
type Unanswered = Arc<Mutex<HashSet<PathBuf>>>;

/// A state that is not in the store yet, in a file that is locked as long as this lives.
#[derive(Debug)]
pub(super) struct PendingState {
    path: PathBuf,
    file: File,
    unanswered: Unanswered,
}

/// What earlier connections have left.
#[derive(Debug, Default)]
pub(super) struct LeftStates {
    /// States that can be put, the oldest first.
    pub(super) whole: Vec<(Kind, Mac, PendingState)>,
    /// The file of one of which only a part has come.
    pub(super) broken: Option<PathBuf>,
}

/// The usual folder: `plakar-opendrive/stores` where this system keeps the state of programs;
/// `None` if the environment names no home.
pub fn state_folder() -> Option<PathBuf> {
    let variable =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        let home =
            if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(home)))
    };
    Some(base?.join("plakar-opendrive/stores"))
}

impl MachineFolder {
    /// What is kept below a folder of a store with a description at a place. Copies of a store have
    /// the same description.
    pub(super) fn new(folder: &Path, description: &[u8], identity: &Identity) -> Self {
        let Identity { origin, kind, root } = identity;
        let place = format!("{root} on {kind} ({origin})");
        Self { folder: folder.join(short(description)), place, unanswered: Unanswered::default() }
    }

    /// Takes note of the place. Gives the file with all places if the store was seen at others, and
    /// these.
    pub(super) fn seen(&self) -> io::Result<Option<(PathBuf, Vec<String>)>> {
        let path = self.folder.join(PLACES);
        let places = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let others: Vec<String> =
            places.lines().filter(|place| *place != self.place).map(str::to_owned).collect();
        if !places.lines().any(|place| place == self.place) {
            make_private(&self.folder)?;
            private()
                .append(true)
                .create(true)
                .open(&path)?
                .write_all(format!("{}\n", self.place).as_bytes())?;
        }
        Ok((!others.is_empty()).then_some((path, others)))
    }

    /// The newest version of the store's states that was seen on this machine, if one was.
    pub(super) fn newest_state_version(&self) -> io::Result<Option<StateVersion>> {
        match fs::read_to_string(self.folder.join(STATE_VERSION)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(|text| StateVersion::parse(&text)),
        }
    }

    /// Takes note of the version of one of the store's states.
    pub(super) fn saw_state_version(&self, version: StateVersion) -> io::Result<()> {
        if self.newest_state_version()?.is_some_and(|newest| newest >= version) {
            return Ok(());
        }
        make_private(&self.folder)?;
        // Others may read it meanwhile.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(format!("{version}\n").as_bytes())?;
        file.persist(self.folder.join(STATE_VERSION))?;
        Ok(())
    }

    /// Begins to keep a state that is to be put. Nobody else puts it before [`PendingState::complete`].
    pub(super) fn keep(
        &self,
        kind: Kind,
        mac: &Mac,
        packfiles: &[Mac],
    ) -> io::Result<PendingState> {
        let folder = self.states();
        make_private(&folder)?;
        let name = layout::temporary(&format!("{} {}", kind.folder(), layout::hex(mac)));
        let made = folder.join(format!("{NEW}{name}"));
        let file = private().write(true).create_new(true).open(&made)?;
        lock(&file, true)?;
        // Under its name it is locked: else others would take it for one whose process is gone.
        let path = folder.join(name);
        fs::rename(made, &path)?;
        let mut pending = self.pending_in(path, file);
        pending.unanswered().insert(pending.path.clone());
        pending.write(&(packfiles.len() as u64).to_le_bytes())?;
        packfiles.iter().try_for_each(|packfile| pending.write(packfile))?;
        Ok(pending)
    }

    /// The states that were kept and that nobody is putting now.
    pub(super) fn pending(&self) -> io::Result<LeftStates> {
        let mut left = LeftStates::default();
        let entries = match fs::read_dir(self.states()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(left),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(NEW)
                && fs::metadata(&path)
                    .and_then(|file| file.modified())
                    .is_ok_and(|made| age(made) > ABANDONED)
            {
                // Its process ended before a byte of the state was taken.
                drop(fs::remove_file(&path));
            }
            if named(name).is_none() {
                continue;
            }
            let file = match private().read(true).open(&path) {
                // It has arrived meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            self.claim(path, file, &mut left)?;
        }
        left.whole.sort_by_cached_key(|(.., pending)| pending.made().ok());
        Ok(left)
    }

    /// Takes note of a file that was opened at a path, unless somebody has it in hand. Whoever had
    /// it until now may have ended it since: it is complete then, under another name, or has
    /// arrived and is removed.
    fn claim(&self, mut path: PathBuf, file: File, left: &mut LeftStates) -> io::Result<()> {
        if !lock(&file, false)? {
            return Ok(());
        }
        // Names are drawn, so what has one is no other file.
        if !path.try_exists()? {
            path = path.with_file_name(path.file_stem().unwrap_or_default());
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((kind, mac, complete)) = named(name) else { return Ok(()) };
        if !path.try_exists()? {
            return Ok(());
        }
        if complete {
            left.whole.push((kind, mac, self.pending_in(path, file)));
        } else if cfg!(unix) || age(file.metadata()?.modified()?) > ABANDONED {
            // Without locks only its age tells that nobody goes on with it.
            left.broken = left.broken.take().or(Some(path));
        }
        Ok(())
    }

    /// Removes the states for which no answer was given: nobody who lives waits for one.
    pub(super) fn forget_unanswered(&self) {
        for path in lock_of(&self.unanswered).drain() {
            drop(fs::remove_file(path));
        }
    }

    fn pending_in(&self, path: PathBuf, file: File) -> PendingState {
        PendingState { path, file, unanswered: self.unanswered.clone() }
    }

    /// Where the states of this place are. Those of a copy of the store are others.
    fn states(&self) -> PathBuf {
        self.folder.join(short(self.place.as_bytes()))
    }
}

impl PendingState {
    pub(super) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)
    }

    /// Makes it last, now that it is whole.
    pub(super) fn complete(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let complete = self.path.with_file_name(self.path.file_stem().unwrap_or_default());
        fs::rename(&self.path, &complete)?;
        let mut unanswered = lock_of(&self.unanswered);
        unanswered.remove(&self.path);
        unanswered.insert(complete.clone());
        drop(unanswered);
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

    /// Leaves it for the next connection: it was answered with an error.
    pub(super) fn leave(self) {
        self.unanswered().remove(&self.path);
    }

    /// Ends it: it has arrived, or cannot be kept.
    pub(super) fn remove(self) {
        self.unanswered().remove(&self.path);
        // What stays is put once more, and found to be there.
        drop(fs::remove_file(&self.path));
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn unanswered(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        lock_of(&self.unanswered)
    }
}

fn lock_of(unanswered: &Unanswered) -> MutexGuard<'_, HashSet<PathBuf>> {
    // No code that can panic runs under this lock.
    unanswered.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What the name of a file says: the kind, the name of the state, and whether it is complete.
fn named(name: &str) -> Option<(Kind, Mac, bool)> {
    let (folder, rest) = name.split_once(' ')?;
    let kind = [Kind::State, Kind::EccState].into_iter().find(|kind| kind.folder() == folder)?;
    let (mac, random) = rest.split_once('.')?;
    Some((kind, layout::mac_from_hex(mac)?, !random.contains('.')))
}

/// Locks a file, and tells whether it could. Where files have no such locks it is ours: at worst a
/// state is put twice.
#[cfg(unix)]
fn lock(file: &File, wait: bool) -> io::Result<bool> {
    use rustix::fs::FlockOperation;
    let operation =
        if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_ends_while_it_is_looked_at_is_not_one_in_part() {
        let home = tempfile::tempdir().unwrap();
        let identity = Identity { origin: "me".into(), kind: "opendrive".into(), root: "/".into() };
        let folder = MachineFolder::new(home.path(), b"description", &identity);
        for arrives in [true, false] {
            let mut pending = folder.keep(Kind::State, &Mac::default(), &[]).unwrap();
            // Another connection has read the folder and opened the file by now.
            let path = pending.path().to_owned();
            let file = File::open(&path).unwrap();
            pending.complete().unwrap();
            if arrives {
                pending.remove()
            } else {
                pending.leave()
            }
            let mut left = LeftStates::default();
            folder.claim(path, file, &mut left).unwrap();
            assert_eq!((left.whole.is_empty(), left.broken.is_none()), (arrives, true));
            assert!(left.whole.iter().all(|(.., found)| found.path().exists()), "{left:?}");
        }
    }
}
