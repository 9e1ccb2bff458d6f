//! End to end: the real Plakar on a simulated drive that fails, as a source, a destination and a store.
//!
//! "Nothing is lost" means: what comes back is the same, byte for byte. `--nocapture` shows the figures.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::drive_store::{Cost, DriveStore, make_files, tree};
use crate::common::place::noise;
use crate::common::plakar::Plakar;
use opendrive_sim::{CallRecord, Fault, TempLocation, What};

/// How long a new session may hold up the work. Measured by the simulator; it takes some milliseconds.
const RENEWAL: Duration = Duration::from_secs(2);

/// Files by their relative path.
type Files = BTreeMap<String, Vec<u8>>;

/// A drive that is a source, a destination and a store, all called `drive`; a store on the local disk, and files there.
struct World {
    drive: DriveStore,
    local: String,
    files: String,
}

impl World {
    /// With so many files of 20 kB on the local disk, to be restored or stored.
    fn new(count: usize) -> Self {
        let drive = DriveStore::new();
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
        let outcome = self.plakar().run_with_input(&[role, "import", "-overwrite"], config.to_string().as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    fn plakar(&self) -> &Plakar {
        &self.drive.plakar
    }

    /// Makes the local store, anew if it is there: the next backup of the source reads all files again.
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
        let files: Files = (0..count).map(|n| (format!("folder{}/file{n:03}", n / 50), noise(n as u64 + 1, 20_000))).collect();
        for (path, bytes) in &files {
            self.drive.simulator.drive().put_file(&format!("Documents/{path}"), bytes.clone(), 1_700_000_000);
        }
        files
    }

    /// Runs a command that must succeed, with faults each of which must strike, and prints what it took.
    fn with_faults(&self, plakar: &Plakar, name: &str, faults: Vec<Fault>, arguments: &[&str]) -> (String, Cost) {
        let simulator = &self.drive.simulator;
        simulator.set_faults(faults);
        simulator.reset_calls();
        let start = Instant::now();
        let text = plakar.ok(arguments);
        let cost = Cost { time: start.elapsed(), calls: simulator.calls() };
        assert_eq!(simulator.unused_faults(), [], "{name}: {:?}", cost.calls);
        simulator.set_faults(Vec::new());
        let failed: u64 = cost.calls.by_status.iter().filter(|(status, _)| !(200..300).contains(*status)).map(|(_, count)| count).sum();
        let (seconds, total, logins) = (cost.time.as_secs_f64(), cost.calls.total, cost.calls.of("session/login"));
        eprintln!("{name}: {seconds:.1} s, {total} calls, {failed} of them failed, {logins} logins");
        (text, cost)
    }

    /// Backs the drive up, which must be without errors, and gives the snapshot's id.
    fn back_up_source(&self, name: &str, faults: Vec<Fault>) -> (String, Cost) {
        let (text, cost) = self.with_faults(self.plakar(), name, faults, &["-quiet", "at", &self.local, "backup", "@drive"]);
        (snapshot(&text), cost)
    }

    /// Backs the files up to the store on the drive, which must be without errors.
    fn back_up_to_store(&self, name: &str, faults: Vec<Fault>) -> (String, Cost) {
        let (text, cost) = self.with_faults(self.plakar(), name, faults, &["-quiet", "at", "@drive", "backup", &self.files]);
        (snapshot(&text), cost)
    }

    /// Restores a snapshot of the files from the local store to the drive.
    fn restore(&self, name: &str, faults: Vec<Fault>, id: &str) -> Cost {
        let what = format!("{id}:{}", self.files);
        self.with_faults(self.plakar(), name, faults, &["at", &self.local, "restore", "-to", "@drive", &what]).1
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
        let found = drive.tree().into_iter().filter(|(path, entry)| path.starts_with("Restored/") && !entry.is_dir);
        let found: Vec<String> = found.map(|(path, _)| path["Restored/".len()..].to_owned()).collect();
        assert_eq!(found, expected.keys().cloned().collect::<Vec<_>>());
        for (path, bytes) in expected {
            assert!(drive.read_file(&format!("Restored/{path}")) == Some(bytes), "{path} differs");
        }
    }

    /// The store on the drive must be whole, a snapshot in it the files, and nothing half-written there.
    fn assert_stored(&self, id: &str) {
        self.check("check", vec![]);
        self.assert_comes_back("@drive", id, &self.files, &self.local_files());
        let tree = self.drive.simulator.drive().tree();
        let resource = |path: &str| path == "kloset/CONFIG" || path.rsplit('/').next().unwrap().len() == 64;
        let odd = tree.iter().filter(|(path, entry)| path.starts_with("kloset/") && !entry.is_dir && (entry.size == 0 || !resource(path)));
        assert_eq!(odd.collect::<Vec<_>>(), []);
        assert_eq!(self.drive.simulator.duplicate_folders().ever, 0);
    }

    /// The session ended once in the middle of what was just done: there must be one more login than usual,
    /// and soon. How soon is measured by the drive: from the first answer that the session has ended
    /// to the first call in the new one.
    fn assert_renewed_once(&self, name: &str, usual: &Cost, cost: &Cost) {
        assert_eq!(cost.calls.of("session/login"), usual.calls.of("session/login") + 1, "{name}");
        let log = self.drive.simulator.call_log();
        let refused: Vec<&CallRecord> = log.iter().filter(|call| call.status == 401).collect();
        let ended = refused.iter().map(|call| call.end).min().unwrap();
        let login = log.iter().find(|call| call.endpoint == "session/login" && call.start >= ended).unwrap();
        let resumed = log.iter().filter(|call| call.start >= login.end && call.status != 401).map(|call| call.start).min().unwrap();
        let delay = resumed - ended;
        let (now, before) = (cost.time.as_secs_f64(), usual.time.as_secs_f64());
        eprintln!(
            "{name}: {} calls found it ended, the work went on after {delay:.1?} ({now:.1} s in all, usually {before:.1} s)",
            refused.len()
        );
        assert!(delay < RENEWAL, "{name}: {delay:?}");
    }
}

/// The snapshot of a backup without errors.
fn snapshot(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("backup completed")).unwrap_or_else(|| panic!("no result: {text}"));
    assert!(line.contains("completed without errors"), "{text}");
    line.split(':').next().unwrap().to_owned()
}

fn status(code: u16) -> What {
    What::Status { code, message: "Busy".into(), retry_after: None }
}

#[test]
fn downloads_that_are_cut_short_lose_nothing() {
    let world = World::new(60);
    let files = world.fill_source(200);
    let cut = |skip| Fault::new(What::CutBody { after: 7_000 }).endpoint("download/file").skip(skip);
    let (id, cost) = world.back_up_source("source, 5 of 200 downloads cut short", [3, 40, 90, 150, 190].map(cut).into());
    assert_eq!(cost.calls.of("download/file"), 205);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);

    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store", vec![]);
    world.check("check, 5 downloads cut short", [1, 2, 3, 4, 5].map(cut).into());
    world.drive.simulator.set_faults([0, 1, 3].map(cut).into());
    world.assert_comes_back("@drive", &id, &world.files, &world.local_files());
}

#[test]
fn damaged_downloads_lose_nothing() {
    let world = World::new(1);
    let files = world.fill_source(100);
    let damage = |skip| Fault::new(What::CorruptBody).endpoint("download/file").skip(skip).times(1);
    let (id, cost) = world.back_up_source("source, 4 of 100 downloads damaged", [3, 40, 60, 90].map(damage).into());
    assert_eq!(cost.calls.of("download/file"), 104);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
}

/// Ten times in a row: on one call, or on many that go on at once.
#[test]
fn a_busy_drive_loses_nothing() {
    let world = World::new(60);
    let files = world.fill_source(60);
    let ten = |endpoint: &str, skip| vec![Fault::new(status(503)).endpoint(endpoint).skip(skip).times(10)];
    let (id, _) = world.back_up_source("source, 10 x 503 on downloads", ten("download/file", 30));
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
    for endpoint in ["session/login", "folder/list"] {
        world.back_up_source(&format!("source, 10 x 503 on {endpoint}"), ten(endpoint, 0));
    }
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 10 x 503", ten("upload/upload_file_chunk", 20), &id);
    world.assert_restored();
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, 10 x 503", ten("upload/upload_file_chunk", 1));
    world.check("check, 10 x 503", ten("download/file", 2));
    world.assert_stored(&id);
}

#[test]
fn a_session_that_ends_in_the_middle_is_renewed_once() {
    let world = World::new(60);
    let files = world.fill_source(100);
    let ends = |endpoint: &str, skip| vec![Fault::new(What::ExpireSession).endpoint(endpoint).skip(skip)];

    let (_, usual) = world.back_up_source("source", vec![]);
    world.make_local_store();
    let (id, cost) = world.back_up_source("source, session ends", ends("download/file", 50));
    world.assert_renewed_once("source", &usual, &cost);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);

    let id = world.plakar().backup(&world.local, &world.files);
    let usual = world.restore("destination", vec![], &id);
    world.drive.simulator.drive().remove("Restored");
    let cost = world.restore("destination, session ends", ends("upload/upload_file_chunk", 30), &id);
    world.assert_renewed_once("destination", &usual, &cost);
    world.assert_restored();

    world.make_drive_store();
    world.plakar().backup("@drive", &world.files);
    make_files(Path::new(&world.files), 60, 20_100);
    let (_, usual) = world.back_up_to_store("store", vec![]);
    make_files(Path::new(&world.files), 60, 20_200);
    let (id, cost) = world.back_up_to_store("store, session ends", ends("upload/upload_file_chunk", 1));
    world.assert_renewed_once("store", &usual, &cost);

    let usual = world.check("check", vec![]);
    let cost = world.check("check, session ends", ends("download/file", 3));
    world.assert_renewed_once("check", &usual, &cost);
    world.assert_stored(&id);
}

#[test]
fn a_drive_that_limits_the_rate_loses_nothing() {
    let world = World::new(60);
    let files = world.fill_source(100);
    let tenth = |seed| vec![Fault::new(status(429)).chance(0.1, seed)];
    let (id, _) = world.back_up_source("source, 429 on a tenth of the calls", tenth(1));
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 429 on a tenth of the calls", tenth(2), &id);
    world.assert_restored();
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, 429 on a tenth of the calls", tenth(3));
    world.check("check, 429 on a tenth of the calls", tenth(6));
    world.assert_stored(&id);
}

#[test]
fn names_that_lag_lose_and_double_nothing() {
    let world = World::new(60);
    let lagging = || vec![Fault::new(What::LagNames { seconds: 5.0 }).always()];
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, names lag 5 s", lagging(), &id);
    world.assert_restored();
    world.drive.simulator.set_faults(lagging());
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, names lag 5 s", lagging());
    world.assert_stored(&id);
}

/// Every kind of call that changes the drive, once broken off before it and twice after it was done; with
/// names that lag, so that what was done cannot be looked up by its name.
#[test]
fn broken_connections_lose_and_double_nothing() {
    let world = World::new(60);
    let broken = |what: &What, endpoint: &str, skip| Fault::new(what.clone()).endpoint(endpoint).skip(skip);
    world.drive.simulator.change_behaviour(|behaviour| behaviour.temp_location = TempLocation::AtOpen);
    let uploads = ["create_file", "open_file_upload", "upload_file_chunk", "close_file_upload"].map(|call| format!("upload/{call}"));
    let lagging = Fault::new(What::LagNames { seconds: 5.0 }).always();

    let mut faults = vec![lagging.clone(), Fault::new(What::LoseAnswer).endpoint("folder/create").times(2)];
    for endpoint in &uploads {
        faults.extend([(What::Reset, 5), (What::LoseAnswer, 15), (What::LoseAnswer, 30)].map(|(what, skip)| broken(&what, endpoint, skip)));
    }
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 14 broken connections", faults, &id);
    world.assert_restored();

    world.make_drive_store();
    let mut faults = vec![lagging, broken(&What::LoseAnswer, "file/rename", 0)];
    for endpoint in &uploads {
        faults.extend([(What::Reset, 0), (What::LoseAnswer, 1), (What::LoseAnswer, 2)].map(|(what, skip)| broken(&what, endpoint, skip)));
    }
    let (id, _) = world.back_up_to_store("store, 13 broken connections", faults);
    world.assert_stored(&id);
}

/// The password was changed meanwhile: the session has ended, and the new login is refused.
#[test]
fn a_refused_renewal_is_one_login_and_one_clear_line() {
    let world = World::new(60);
    world.fill_source(60);
    let files = format!("{}:{}", world.plakar().backup(&world.local, &world.files), world.files);
    world.make_drive_store();
    // With the logins that Plakar's processes make at their start.
    let cases: [(&str, &str, u64, &[&str]); 3] = [
        ("source", "download/file", 1, &["at", &world.local, "backup", "@drive"]),
        ("destination", "upload/upload_file_chunk", 2, &["at", &world.local, "restore", "-to", "@drive", &files]),
        ("store", "upload/upload_file_chunk", 2, &["at", "@drive", "backup", &world.files]),
    ];
    let simulator = &world.drive.simulator;
    for (name, endpoint, logins, arguments) in cases {
        let refusal = What::Status { code: 401, message: "Invalid username or password".into(), retry_after: None };
        simulator.set_faults(vec![
            Fault::new(What::ExpireSession).endpoint(endpoint).skip(1),
            Fault::new(refusal).endpoint("session/login").skip(logins).always(),
        ]);
        simulator.reset_calls();
        let outcome = world.plakar().run(arguments);
        let (text, calls) = (outcome.text(), simulator.calls());
        let refused = calls.by_status[&401];
        eprintln!(
            "{name}, renewal refused: {} logins, {refused} of {} calls refused, exit {:?}",
            calls.of("session/login"),
            calls.total,
            outcome.code
        );
        assert_eq!(simulator.unused_faults(), [], "{name}");
        assert!(text.contains("the session has ended, and a new login was refused"), "{name}: {text}");
        assert_eq!(calls.of("session/login"), logins + 1, "{name}");
        // Those that were on their way, and the login.
        assert!(refused < 40, "{name}: {calls:?}");
        // A backup goes on without the files that cannot be read, and says so.
        assert!(outcome.code != Some(0) || text.contains("completed with"), "{name}: {text}");
    }
}
