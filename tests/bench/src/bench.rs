//! The contestants, and how they are measured.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opendrive_sim::Simulator;
use support::memory::Watch;
use support::noise;
use support::user::Plakar;

use crate::figures::{Figures, Sample, Who};
use crate::packages;

/// The most that any plugin of ours may hold, in bytes.
pub const MEMORY: u64 = 160 << 20;

/// The simulator's default password as `rclone obscure` writes it.
pub const PASSWORD: &str = "9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8";

/// What is measured with.
#[derive(Debug, Clone, clap::Args)]
pub struct Tools {
    /// The real plakar
    #[arg(long, env = "PLAKAR", default_value = "target/tools/plakar")]
    pub plakar: PathBuf,
    /// The same with the engine that came after its release
    #[arg(long, env = "PLAKAR_KLOSET", default_value = "target/tools/plakar-kloset-1.1.4")]
    pub plakar_kloset: PathBuf,
    /// The real rclone
    #[arg(long, env = "RCLONE", default_value = "target/tools/rclone")]
    pub rclone: PathBuf,
    /// Our package
    #[arg(long, env = "PACKAGE")]
    pub package: PathBuf,
    /// Another package to compare with; for Plakar's own rclone integration the folder of its three
    /// executables will do
    #[arg(long, env = "PEER")]
    pub peer: Option<PathBuf>,
    /// The package of the release before, to compare with where the limits of the real drive are on
    #[arg(long, env = "BEFORE")]
    pub before: Option<PathBuf>,
    /// Times each thing is measured; the median counts
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Milliseconds that each call to the drive takes
    #[arg(long, value_delimiter = ',', default_value = "0,20,100")]
    pub latencies: Vec<u64>,
    /// The large cases too
    #[arg(long)]
    pub long: bool,
    /// A folder of 300,000 files, a million in 5,000 folders, and a store of 50,000 packfiles too
    #[arg(long)]
    pub scale: bool,
    /// Seconds that one command may take
    #[arg(long, default_value_t = 300)]
    pub limit: u64,
}

impl Tools {
    pub fn latencies(&self) -> impl Iterator<Item = Duration> + use<> {
        self.latencies.clone().into_iter().map(Duration::from_millis)
    }
}

/// A run of the benchmark.
pub struct Bench {
    pub tools: Tools,
    pub figures: Figures,
}

/// A user of Plakar with one of the packages.
pub struct Contestant {
    pub who: Who,
    pub user: Plakar,
    /// Whether it has failed, and is measured no more.
    pub out: bool,
}

/// One thing to measure.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub name: &'a str,
    pub latency: Duration,
    pub depth: Option<u32>,
    pub bytes: Option<u64>,
    pub wanted: Option<u64>,
}

impl<'a> Case<'a> {
    pub fn new(name: &'a str, latency: Duration) -> Self {
        Self { name, latency, depth: None, bytes: None, wanted: None }
    }

    /// With a floor: what the calls cost, and a round trip for each of so many levels.
    pub fn depth(self, depth: u32) -> Self {
        Self { depth: Some(depth), ..self }
    }

    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    pub fn wanted(self, files: u64) -> Self {
        Self { wanted: Some(files), ..self }
    }
}

impl Bench {
    pub fn rounds(&self) -> usize {
        self.tools.rounds
    }

    /// Plakar alone, in a home of its own.
    pub fn plakar_alone(&self) -> Contestant {
        Contestant {
            who: Who::Plakar,
            user: Plakar::with_package(&self.tools.plakar, &self.tools.package, &[]),
            out: false,
        }
    }

    /// The least that a plugin can be, as a source of so many files of so many bytes.
    pub fn bare_source(&self, files: u64, bytes: u64) -> Contestant {
        let contestant = self.bare();
        contestant.user.ok(&["source", "add", "drive", &format!("bare://{files}x{bytes}")]);
        contestant
    }

    /// The same, for stores; see [`Contestant::configure`].
    pub fn bare(&self) -> Contestant {
        let user = Plakar::without_package(&self.tools.plakar, &[]);
        let package = packages::bare(&user);
        user.install(package.as_ref());
        user.ok(&["store", "add", "drive", "bare:///"]);
        Contestant { who: Who::Bare, user, out: false }
    }

    /// Our package, and the peer if there is one, each with a home of its own that leads to the
    /// simulator.
    pub fn contestants(&self, simulator: Option<&Simulator>) -> Vec<Contestant> {
        self.contestants_with(&simulator.map(Simulator::env).unwrap_or_default())
    }

    /// The same, with an environment.
    pub fn contestants_with(&self, environment: &[(String, String)]) -> Vec<Contestant> {
        let user = |package: &Path| Plakar::with_package(&self.tools.plakar, package, environment);
        let mut contestants =
            vec![Contestant { who: Who::Ours, user: user(&self.tools.package), out: false }];
        if let Some(peer) = &self.tools.peer {
            let user = Plakar::without_package(&self.tools.plakar, environment);
            user.install(packages::peer(&user, peer).as_ref());
            contestants.push(Contestant { who: Who::Peer, user, out: false });
        }
        contestants
    }

    /// The same as [`Bench::contestants`], and the release before if it is named.
    pub fn contestants_and_before(&self, simulator: Option<&Simulator>) -> Vec<Contestant> {
        let mut contestants = self.contestants(simulator);
        if let Some(before) = &self.tools.before {
            let user = Plakar::with_package(
                &self.tools.plakar,
                before,
                &simulator.map(Simulator::env).unwrap_or_default(),
            );
            contestants.push(Contestant { who: Who::Before, user, out: false });
        }
        contestants
    }

    /// Whether our package has a connector (`importer`, `exporter`, `storage`) yet; says so if not.
    pub fn has(&self, connector: &str) -> bool {
        let manifest = include_str!("../../../packaging/manifest.yaml");
        let has = manifest.lines().any(|line| line.trim() == format!("- type: {connector}"));
        if !has {
            eprintln!("bench: skipped, the package has no connector of type {connector}");
        }
        has
    }

    /// Runs a command of a contestant's and notes what it took. `None` if it failed: a failure of
    /// ours fails the run, the peer's takes it out of what is measured together.
    pub fn measure(
        &mut self,
        case: Case,
        contestant: &mut Contestant,
        simulator: Option<&Simulator>,
        arguments: &[&str],
    ) -> Option<String> {
        let who = contestant.who;
        self.measure_as(case, who, contestant, simulator, arguments)
    }

    /// The same, noted under another name: what Plakar does by itself in a contestant's home.
    pub fn measure_as(
        &mut self,
        case: Case,
        who: Who,
        contestant: &mut Contestant,
        simulator: Option<&Simulator>,
        arguments: &[&str],
    ) -> Option<String> {
        if contestant.out {
            return None;
        }
        settle(&contestant.user);
        if let Some(simulator) = simulator {
            simulator.reset_calls();
        }
        let watch = Watch::start(contestant.user.home());
        let start = Instant::now();
        let outcome =
            contestant.user.run_within(Duration::from_secs(self.tools.limit), arguments, b"");
        let time = start.elapsed();
        let sample = Sample::new(time, simulator.map(Simulator::calls), watch.usage());
        let problem = match outcome {
            Some(outcome) if outcome.code == Some(0) => {
                self.note(case, who, sample);
                return Some(String::from_utf8_lossy(&outcome.stdout).into_owned());
            }
            Some(outcome) => {
                let text = outcome.text();
                format!("failed: {}", text.lines().last().unwrap_or("no message"))
            }
            None => format!("did not end within {} s", self.tools.limit),
        };
        self.fail(case, who, contestant, &problem);
        None
    }

    /// Notes a sample.
    pub fn note(&mut self, case: Case, who: Who, sample: Sample) {
        if let Some(peak) =
            sample.peak.filter(|peak| *peak > MEMORY && matches!(who, Who::Ours | Who::Plugin))
        {
            let latency = case.latency.as_millis();
            self.figures.failures.push(format!(
                "{} at {latency} ms: peak {} MiB, at most {} allowed",
                case.name,
                peak >> 20,
                MEMORY >> 20
            ));
        }
        let row = self.figures.row(case.name, case.latency, who);
        (row.depth, row.bytes, row.wanted) = (case.depth, case.bytes, case.wanted);
        row.samples.push(sample);
        eprintln!("bench: {row}");
    }

    /// Notes that a contestant cannot go on.
    pub fn fail(&mut self, case: Case, who: Who, contestant: &mut Contestant, problem: &str) {
        contestant.out = true;
        let row = self.figures.row(case.name, case.latency, who);
        row.skipped = Some(problem.to_owned());
        eprintln!("bench: {row}");
        if !matches!(contestant.who, Who::Peer | Who::Before) {
            self.figures.failures.push(format!(
                "{} at {} ms: {problem}",
                case.name,
                case.latency.as_millis()
            ));
        }
    }
}

impl Contestant {
    /// Configures the simulated drive as `plakar KIND import -rclone` does, with a base path; or a
    /// folder of the user's for a bare store, which knows no drive.
    pub fn configure(&self, kind: &str, base: &str) {
        if self.who == Who::Bare {
            let location = format!("location=bare://{}", self.user.path(base));
            self.user.ok(&[kind, "set", "drive", &location]);
            return;
        }
        self.import(
            kind,
            &format!("type = opendrive\nusername = user@example.com\npassword = {PASSWORD}"),
            base,
        );
    }

    /// Configures a local folder the same way.
    pub fn configure_local(&self, kind: &str, folder: &Path) {
        self.import(kind, "type = local", folder.to_str().unwrap());
    }

    fn import(&self, kind: &str, options: &str, base: &str) {
        let outcome = self.user.run_with_input(
            &[kind, "import", "-overwrite", "-rclone", "drive"],
            format!("[drive]\n{options}\n").as_bytes(),
        );
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        self.user.ok(&[
            kind,
            "set",
            "drive",
            &format!("location=rclone:///{}", base.trim_start_matches('/')),
        ]);
    }

    /// Makes a store on the local disk, and gives its place.
    pub fn local_store(&self, name: &str) -> String {
        let store = self.user.path(name);
        self.user.ok(&["at", &store, "create", "-plaintext"]);
        store
    }

    pub fn remove(&self, name: &str) {
        // What is left of it goes with the home.
        let _ = std::fs::remove_dir_all(self.user.path(name));
    }
}

/// Waits for Plakar's cache process to leave, some seconds after the command before: it would do
/// part of the work of the next one, which a user's daily command does not find done.
fn settle(user: &Plakar) {
    let start = Instant::now();
    while !user.processes().is_empty() && start.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first word of the last line that says that a backup was completed: the snapshot's id.
pub fn completed(text: &str) -> Option<String> {
    let line = text.lines().rev().find(|line| line.contains("completed without errors"))?;
    Some(line.split(':').next()?.to_owned())
}

/// Puts files of one size on a drive, evenly in folders.
pub fn seed_drive(simulator: &Simulator, files: u64, size: usize, folders: u64) {
    for n in 0..files {
        simulator.drive().put_file(&drive_path(n, folders), noise(n, size), 1_700_000_000);
    }
}

/// Where [`seed_drive`] puts a file.
pub fn drive_path(number: u64, folders: u64) -> String {
    format!("folder{:03}/file{number:06}", number % folders)
}

/// Makes a tree of files of one size on the local disk, a hundred in each folder.
pub fn make_files(folder: &Path, count: u64, size: usize) {
    make_files_of(folder, count, size, 0);
}

/// The same with content of their own for each first seed.
pub fn make_files_of(folder: &Path, count: u64, size: usize, first_seed: u64) {
    for number in 0..count {
        let path = folder.join(format!("folder{:03}/file{number:05}.dat", number / 100));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, noise(first_seed + number + 1, size)).unwrap();
    }
}

/// Reads a pipe to its end, each byte copied once as any reader does; gives their number.
pub fn drain(pipe: &mut impl Read) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        match pipe.read(&mut buffer).unwrap() {
            0 => return total,
            count => total += count as u64,
        }
    }
}
