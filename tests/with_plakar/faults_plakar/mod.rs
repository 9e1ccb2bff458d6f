//! End to end: the real Plakar on a simulated drive that fails, as a source, a destination and a
//! store.
//!
//! "Nothing is lost" means: what comes back is the same, byte for byte. `--nocapture` shows the
//! figures.

mod calls;
mod sessions;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use opendrive_sim::{CallRecord, Fault};
use support::drive_store::{Cost, DriveStore, make_files, tree};
use support::plakar::Plakar;
use support::{noise, wait_for};

/// Files by their relative path.
type Files = BTreeMap<String, Vec<u8>>;

/// A drive that is a source, a destination and a store, all called `drive`; a store on the local
/// disk, and files there.
struct World {
    drive: DriveStore,
    local: String,
    files: String,
}

impl World {
    /// With so many files of 20 kB on the local disk, to be restored or stored.
    fn new(count: usize) -> Self {
        let drive = DriveStore::new();
        // What the drive knows already would go there without a byte of it, past the faults.
        drive.simulator.change_behaviour(|behaviour| behaviour.upload_by_hash = false);
        let (local, folder) = (drive.plakar.path("local"), drive.plakar.home().join("files"));
        std::fs::create_dir(&folder).unwrap();
        make_files(&folder, count, 20_000);
        let world = Self { drive, local, files: folder.to_str().unwrap().to_owned() };
        world.make_local_store();
        world.configure("source", "opendrive://Documents");
        world.configure("destination", "opendrive://Restored");
        world
    }

    fn configure(&self, role: &str, location: &str) {
        let simulator = &self.drive.simulator;
        let config = serde_json::json!({"drive": {
            "location": location, "username": simulator.username(), "password": simulator.password(),
        }});
        let outcome = self
            .plakar()
            .run_with_input(&[role, "import", "-overwrite"], config.to_string().as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    fn plakar(&self) -> &Plakar {
        &self.drive.plakar
    }

    /// Makes the local store, anew if it is there: the next backup of the source reads all files
    /// again.
    fn make_local_store(&self) {
        let _ = std::fs::remove_dir_all(&self.local);
        self.plakar().ok(&["at", &self.local, "create", "-plaintext"]);
    }

    fn make_drive_store(&self) {
        self.plakar().ok(&["at", "@drive", "create", "-plaintext"]);
    }

    fn local_files(&self) -> Files {
        tree(Path::new(&self.files))
    }

    /// Puts so many files on the drive, to be backed up.
    fn fill_source(&self, count: usize) -> Files {
        let files: Files = (0..count)
            .map(|n| (format!("folder{}/file{n:03}", n / 50), noise(n as u64 + 1, 20_000)))
            .collect();
        for (path, bytes) in &files {
            self.drive.simulator.drive().put_file(
                &format!("Documents/{path}"),
                bytes.clone(),
                1_700_000_000,
            );
        }
        files
    }

    /// Runs a command that must succeed, with faults each of which must strike, and prints what it
    /// took.
    fn with_faults(
        &self,
        plakar: &Plakar,
        name: &str,
        faults: Vec<Fault>,
        arguments: &[&str],
    ) -> (String, Cost) {
        let simulator = &self.drive.simulator;
        simulator.set_faults(faults);
        simulator.reset_calls();
        let start = Instant::now();
        let text = plakar.ok(arguments);
        let cost = Cost { time: start.elapsed(), calls: simulator.calls() };
        assert_eq!(simulator.unused_faults(), [], "{name}: {:?}", cost.calls);
        simulator.set_faults(Vec::new());
        let failed: u64 = cost
            .calls
            .by_status
            .iter()
            .filter(|(status, _)| !(200..300).contains(*status))
            .map(|(_, count)| count)
            .sum();
        let (seconds, total, logins) =
            (cost.time.as_secs_f64(), cost.calls.total, cost.calls.of("session/login"));
        eprintln!(
            "{name}: {seconds:.1} s, {total} calls, {failed} of them failed, {logins} logins"
        );
        (text, cost)
    }

    /// Backs the drive up, which must be without errors, and gives the snapshot's id.
    fn back_up_source(&self, name: &str, faults: Vec<Fault>) -> (String, Cost) {
        let (text, cost) = self.with_faults(
            self.plakar(),
            name,
            faults,
            &["-quiet", "at", &self.local, "backup", "@drive"],
        );
        (snapshot(&text), cost)
    }

    /// Backs the files up to the store on the drive, which must be without errors.
    fn back_up_to_store(&self, name: &str, faults: Vec<Fault>) -> (String, Cost) {
        let (text, cost) = self.with_faults(
            self.plakar(),
            name,
            faults,
            &["-quiet", "at", "@drive", "backup", &self.files],
        );
        (snapshot(&text), cost)
    }

    /// Restores a snapshot of the files from the local store to the drive.
    fn restore(&self, name: &str, faults: Vec<Fault>, id: &str) -> Cost {
        let what = format!("{id}:{}", self.files);
        self.with_faults(
            self.plakar(),
            name,
            faults,
            &["at", &self.local, "restore", "-to", "@drive", &what],
        )
        .1
    }

    /// Has Plakar's cache process stay as long as what is given. It would leave five seconds after the
    /// last command, and on a busy machine in the middle of one; that which comes then logs in
    /// anew. To Plakar 1.1.4 a connection is somebody who asks (`Watcher` in subcommands/cached).
    fn hold_cache(&self) -> UnixStream {
        let socket = self.plakar().home().join(".cache/plakar/cached.sock");
        wait_for(Duration::from_secs(60), "the cache process stays", || {
            self.plakar().ok(&["at", "@drive", "ls"]);
            UnixStream::connect(&socket).ok()
        })
    }

    /// Checks the store on the drive. Plakar remembers what it has checked: somebody else does it.
    fn check(&self, name: &str, faults: Vec<Fault>) -> Cost {
        let other = Plakar::new(&self.drive.simulator.env());
        self.drive.configure(&other, serde_json::json!({}));
        self.with_faults(&other, name, faults, &["at", "@drive", "check"]).1
    }

    /// What a snapshot has below a path must be these files.
    fn assert_comes_back(&self, store: &str, id: &str, path: &str, files: &Files) {
        let target = self.plakar().path(&format!("restored-{id}"));
        self.plakar().ok(&["at", store, "restore", "-to", &target, &format!("{id}:{path}")]);
        assert!(tree(Path::new(&target)) == *files, "{path} of {id} differs");
    }

    /// What was restored to the drive must be the files: all of them, once, and nothing else.
    fn assert_restored(&self) {
        let drive = self.drive.simulator.drive();
        assert_eq!(self.drive.simulator.duplicate_folders().ever, 0);
        let expected = self.local_files();
        let found = drive
            .tree()
            .into_iter()
            .filter(|(path, entry)| path.starts_with("Restored/") && !entry.is_dir);
        let found: Vec<String> =
            found.map(|(path, _)| path["Restored/".len()..].to_owned()).collect();
        assert_eq!(found, expected.keys().cloned().collect::<Vec<_>>());
        for (path, bytes) in expected {
            assert!(drive.read_file(&format!("Restored/{path}")) == Some(bytes), "{path} differs");
        }
    }

    /// The store on the drive must be whole, a snapshot in it the files, and nothing half-written
    /// there.
    fn assert_stored(&self, id: &str) {
        self.check("check", vec![]);
        self.assert_comes_back("@drive", id, &self.files, &self.local_files());
        let tree = self.drive.simulator.drive().tree();
        let resource =
            |path: &str| path == "kloset/CONFIG" || path.rsplit('/').next().unwrap().len() == 64;
        let odd = tree.iter().filter(|(path, entry)| {
            path.starts_with("kloset/") && !entry.is_dir && (entry.size == 0 || !resource(path))
        });
        assert_eq!(odd.collect::<Vec<_>>(), []);
        assert_eq!(self.drive.simulator.duplicate_folders().ever, 0);
    }

    /// The session ended once in the middle of what was just done: there must be one more login
    /// than usual, and no calls in the session that has ended but those that were on their way.
    fn assert_renewed_once(&self, name: &str, usual: &Cost, cost: &Cost) {
        assert_eq!(cost.calls.of("session/login"), usual.calls.of("session/login") + 1, "{name}");
        let log = self.drive.simulator.call_log();
        let refused: Vec<&CallRecord> = log.iter().filter(|call| call.status == 401).collect();
        let ended = refused.iter().map(|call| call.end).min().unwrap();
        let login = log
            .iter()
            .find(|call| call.endpoint == "session/login" && call.start >= ended)
            .unwrap();
        let resumed = log
            .iter()
            .filter(|call| call.start >= login.end && call.status != 401)
            .map(|call| call.start)
            .min()
            .unwrap();
        let delay = resumed - ended;
        let (now, before) = (cost.time.as_secs_f64(), usual.time.as_secs_f64());
        eprintln!(
            "{name}: {} calls found it ended, the work went on after {delay:.1?} ({now:.1} s in all, usually {before:.1} s)",
            refused.len()
        );
        assert!(refused.len() < 40, "{name}: {}", refused.len());
    }
}

/// The snapshot of a backup without errors.
fn snapshot(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.contains("backup completed"))
        .unwrap_or_else(|| panic!("no result: {text}"));
    assert!(line.contains("completed without errors"), "{text}");
    line.split(':').next().unwrap().to_owned()
}
