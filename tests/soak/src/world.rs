//! The real Plakar on a simulated drive with faults: what it says is saved must be there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;
use opendrive_sim::{Options, Simulator};
use support::memory::Watch;
use support::user::{Outcome, Plakar};

use crate::faults::{Tally, plan};
use crate::tree::{Files, Tree, compare_drive, compare_local};

/// The most snapshots that are kept; the oldest are removed.
const KEPT: usize = 8;

/// How many rounds pass between two comparisons of everything.
const CHECKED: u64 = 6;

/// How long one command may take, and how long its plugins may outlive it.
const LIMIT: Duration = Duration::from_secs(300);
const FAREWELL: Duration = Duration::from_secs(25);

/// The most memory that a plugin may hold, in bytes; as in tests/bench.
const MEMORY: u64 = 160 << 20;

/// A snapshot that Plakar says is there.
struct Snapshot {
    store: String,
    id: String,
    files: Files,
    /// Files that the backup said it could not save.
    missing: Vec<String>,
}

/// A drive with a tree and a store on it, a user of Plakar, and the model of what must be there.
pub struct World {
    simulator: Simulator,
    user: Plakar,
    rng: Rng,
    tree: Tree,
    stores: [String; 2],
    kept: Vec<Snapshot>,
    pub report: Report,
}

/// What was done.
#[derive(Default)]
pub struct Report {
    rounds: u64,
    commands: u64,
    /// Commands that failed, or failed in part, and said so: at most some lines of each.
    said: Vec<String>,
    faults: Tally,
    calls: u64,
    verified: u64,
    peak: u64,
}

impl World {
    pub fn new(plakar: &Path, package: &Path, seed: u64) -> Self {
        let simulator =
            Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
        let user = Plakar::with_package(plakar, package, &simulator.env());
        let mut rng = Rng::with_seed(seed);
        let mut tree = Tree::new(simulator.drive(), "files");
        tree.change(&mut rng);
        let options = |location: &str| serde_json::json!({"location": location, "username": simulator.username(), "password": simulator.password()});
        for (kind, location) in [
            ("source", "opendrive://files"),
            ("store", "opendrive://kloset"),
            ("destination", "opendrive://restored"),
        ] {
            let config = serde_json::json!({"drive": options(location)}).to_string();
            let outcome = user.run_with_input(&[kind, "import", "-overwrite"], config.as_bytes());
            assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        }
        let stores = ["@drive".to_owned(), user.path("store")];
        for store in &stores {
            user.ok(&["at", store, "create", "-plaintext"]);
        }
        Self { simulator, user, rng, tree, stores, kept: Vec::new(), report: Report::default() }
    }

    /// Runs rounds for so long, then compares everything once more.
    pub fn run(&mut self, time: Duration) -> Result<(), String> {
        let watch = Watch::start(self.user.home());
        let start = Instant::now();
        let mut result = Ok(());
        while result.is_ok() && (start.elapsed() < time || self.report.rounds == 0) {
            result = self
                .round()
                .map_err(|problem| format!("in round {}: {problem}", self.report.rounds));
        }
        let result = result.and_then(|()| self.verify());
        self.report.peak = watch.peak().unwrap_or_default();
        result?;
        if self.report.peak == 0 && cfg!(target_os = "linux") {
            return Err("the memory of no plugin was read".into());
        }
        if self.report.peak > MEMORY {
            return Err(format!(
                "a plugin held {} MiB, {} are allowed",
                self.report.peak >> 20,
                MEMORY >> 20
            ));
        }
        Ok(())
    }

    fn round(&mut self) -> Result<(), String> {
        self.report.rounds += 1;
        self.tree.change(&mut self.rng);
        let damaged = self.rng.choice(self.tree.files.keys()).map(|path| self.tree.on_drive(path));
        self.simulator.set_faults(plan(&mut self.rng, damaged.as_deref()));
        let local = self.rng.u32(..4) == 0;
        self.back_up(&self.stores[usize::from(local)].clone())?;
        match self.rng.u32(..10) {
            0..3 => self.restore_locally()?,
            3..6 => self.restore_to_drive()?,
            6..8 => drop(self.command(&["-quiet", "at", "@drive", "check"])?),
            8 => drop(self.command(&["at", "@drive", "maintenance"])?),
            _ => drop(self.command(&["at", "@drive", "ls"])?),
        }
        while self.kept.len() > KEPT {
            // It may or may not be there after a failure; nothing more is asked of it.
            let Snapshot { store, id, .. } = self.kept.remove(0);
            self.command(&["at", &store, "rm", "-apply", &id])?;
        }
        self.calm();
        if self.report.rounds.is_multiple_of(CHECKED) { self.verify() } else { Ok(()) }
    }

    fn back_up(&mut self, store: &str) -> Result<(), String> {
        let outcome = self.command(&["-quiet", "at", store, "backup", "-no-progress", "@drive"])?;
        let text = outcome.text();
        let result = text.lines().find_map(|line| line.split_once(": backup completed with"));
        let (Some(0), Some((id, result))) = (outcome.code, result) else {
            return if outcome.code == Some(0) {
                Err(format!("a backup without a result: {text}"))
            } else {
                Ok(())
            };
        };
        let files = self.tree.files.clone();
        let mut missing = Vec::new();
        if !result.starts_with("out errors") {
            missing = files.keys().filter(|path| names(&text, path)).cloned().collect();
            self.report.said.push(text.clone());
        }
        self.kept.push(Snapshot { store: store.to_owned(), id: id.to_owned(), files, missing });
        Ok(())
    }

    fn restore_locally(&mut self) -> Result<(), String> {
        let Some(index) = self.some_snapshot() else { return Ok(()) };
        let target = self.user.home().join("restored");
        let Snapshot { store, id, .. } = &self.kept[index];
        let (store, id) = (store.clone(), id.clone());
        let outcome =
            self.command(&["at", &store, "restore", "-to", target.to_str().unwrap(), &id])?;
        let Snapshot { files, missing, .. } = &self.kept[index];
        let mut missing = missing.clone();
        if outcome.code != Some(0) {
            missing = files.keys().cloned().collect();
        }
        let compared =
            if target.exists() { compare_local(&target, files, &missing) } else { Ok(0) };
        let _ = std::fs::remove_dir_all(&target);
        self.report.verified += compared.map_err(|problem| {
            format!("a restore of {id} from {store}: {problem}\n{}", outcome.text())
        })?;
        Ok(())
    }

    fn restore_to_drive(&mut self) -> Result<(), String> {
        let Some(index) = self.some_snapshot() else { return Ok(()) };
        let Snapshot { store, id, .. } = &self.kept[index];
        let (store, id) = (store.clone(), id.clone());
        let outcome = self.command(&["at", &store, "restore", "-to", "@drive", &id])?;
        self.calm();
        let Snapshot { files, missing, .. } = &self.kept[index];
        let mut missing = missing.clone();
        if outcome.code != Some(0) {
            missing = files.keys().cloned().collect();
        }
        let compared = compare_drive(self.simulator.drive(), "restored", files, &missing);
        self.report.verified += compared.map_err(|problem| {
            format!("a restore of {id} from {store}: {problem}\n{}", outcome.text())
        })?;
        self.audit()?;
        self.simulator.drive().remove("restored");
        Ok(())
    }

    fn some_snapshot(&mut self) -> Option<usize> {
        (!self.kept.is_empty()).then(|| self.rng.usize(..self.kept.len()))
    }

    /// Without faults: restores every snapshot that must be there, checks the stores, and looks at
    /// the drive.
    fn verify(&mut self) -> Result<(), String> {
        self.calm();
        self.audit()?;
        for index in 0..self.kept.len() {
            let Snapshot { store, id, files, missing } = &self.kept[index];
            let target = self.user.home().join("verified");
            let (outcome, compared) = {
                let outcome =
                    self.user.run(&["at", store, "restore", "-to", target.to_str().unwrap(), id]);
                (outcome, compare_local(&target, files, missing))
            };
            let _ = std::fs::remove_dir_all(&target);
            let lost = |problem: String| {
                format!("LOST: snapshot {id} in {store}: {problem}\n{}", outcome.text())
            };
            if outcome.code != Some(0) {
                return Err(lost("it cannot be restored".into()));
            }
            self.report.verified += compared.map_err(lost)?;
        }
        for store in &self.stores {
            let outcome = self.user.run(&["-quiet", "at", store, "check"]);
            if outcome.code != Some(0) || outcome.text().contains("KO") {
                return Err(format!("check of {store} is not clean: {}", outcome.text()));
            }
        }
        self.calm();
        self.audit()
    }

    /// Looks at the drive from its own side, when nobody uses it.
    fn audit(&self) -> Result<(), String> {
        let drive = self.simulator.drive();
        if self.simulator.duplicate_folders().ever > 0 {
            return Err(format!("{:?}", self.simulator.duplicate_folders()));
        }
        compare_drive(drive, "files", &self.tree.files, &[])
            .map_err(|problem| format!("the source was touched: {problem}"))?;
        let resource =
            |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        for (path, entry) in drive.tree() {
            let fine = match path.split('/').collect::<Vec<_>>()[..] {
                ["files" | "restored", ..]
                | ["kloset"]
                | ["kloset", "packfiles" | "states" | "locks"] => true,
                ["kloset", "CONFIG"] => entry.size > 0,
                ["kloset", "packfiles" | "states", name] => resource(name) && entry.size > 0,
                _ => false,
            };
            if !fine {
                return Err(format!("left behind on the drive: {path:?}, {} bytes", entry.size));
            }
        }
        Ok(())
    }

    /// Runs a command of the user's, which may fail if it says so.
    fn command(&mut self, arguments: &[&str]) -> Result<Outcome, String> {
        self.report.commands += 1;
        let outcome = self
            .user
            .run_within(LIMIT, arguments, b"")
            .ok_or_else(|| format!("plakar {arguments:?} hangs"))?;
        let text = outcome.text();
        if outcome.code != Some(0) {
            if text.trim().is_empty() {
                return Err(format!(
                    "plakar {arguments:?} failed without a word, {:?}",
                    outcome.code
                ));
            }
            self.report.said.push(format!("plakar {arguments:?}: {text}"));
        }
        if text.contains("panic") || text.contains("a bug:") {
            return Err(format!("plakar {arguments:?}: {text}"));
        }
        self.wait_for_plugins().map(|()| outcome)
    }

    /// Waits until no plugin is left of a command.
    fn wait_for_plugins(&self) -> Result<(), String> {
        let start = Instant::now();
        let is_plugin = |process: &PathBuf| {
            std::fs::read_to_string(process.join("comm"))
                .is_ok_and(|name| name.starts_with("plakar-open"))
        };
        while let Some(plugin) = self.user.processes().into_iter().find(is_plugin) {
            if start.elapsed() > FAREWELL {
                return Err(format!("{} is left behind", plugin.display()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends the faults.
    fn calm(&mut self) {
        self.report.faults.end(&self.simulator);
        self.report.calls += self.simulator.calls().total;
        self.simulator.reset_calls();
    }
}

/// Whether Plakar's output says that a file, or a folder that it is in, failed.
fn names(text: &str, path: &str) -> bool {
    let mut path = format!("/files/{path}");
    loop {
        if text.contains(&format!("{path}: ")) {
            return true;
        }
        match path.rfind('/') {
            Some(end) if end > 0 => path.truncate(end),
            _ => return false,
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, commands, said, faults, calls, verified, peak } = self;
        for text in said {
            writeln!(
                f,
                "  said: {}",
                text.trim().chars().take(600).collect::<String>().replace('\n', "\n        ")
            )?;
        }
        write!(
            f,
            "Plakar: {rounds} rounds, {commands} commands, {} of which failed in whole or in part and said so; {calls} calls, {faults}; \
             {:.1} MB compared, 0 lost; peak of a plugin {} MiB",
            said.len(),
            *verified as f64 / 1e6,
            peak >> 20
        )
    }
}
