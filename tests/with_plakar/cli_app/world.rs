//! A drive, a user with our package, and the commands of the user.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use serde_json::{Value, json};
use source_app::state::{AppKind, Owner, ScheduleSpec, State, TaskKind};
use support::{executable, wait_for};

use support::command::{Outcome, finish};
use support::plakar::{Plakar, plakar};
use support::planted::{ODD_NAMES, file_entry, listing, plant};

pub struct World {
    pub simulator: Simulator,
    /// All that any command printed.
    said: Mutex<String>,
    /// Last, so that what is left over is killed when all else is gone.
    pub user: Plakar,
}

impl World {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let mut environment = simulator.env();
        environment.push(("PLAKAR".to_owned(), plakar().to_str().unwrap().to_owned()));
        let user = Plakar::new(&environment);
        Self { simulator, said: Mutex::default(), user }
    }

    /// A command of ours.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let user = self.user.command(&[]);
        let mut command = Command::new(executable());
        command
            .args(arguments)
            .env_clear()
            .envs(user.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.user.home());
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
    }

    /// Runs `app` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, b"")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let outcome = finish(self.command(&[&["app"], arguments].concat()), input);
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push_str(&outcome.text());
        outcome
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.text());
        String::from_utf8(outcome.stdout).unwrap()
    }

    /// The same with --json: each line is an object.
    pub fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        lines(&self.ok(&[arguments, &["--json"]].concat()))
    }

    /// The same, of which there is one.
    pub fn row(&self, arguments: &[&str]) -> Value {
        let mut rows = self.rows(arguments);
        assert_eq!(rows.len(), 1, "{arguments:?}: {rows:?}");
        rows.remove(0)
    }

    /// Runs a command that must fail with this status and one line on standard error that holds a
    /// text.
    pub fn fails(&self, status: i32, arguments: &[&str], text: &str) {
        let outcome = self.run(arguments);
        let said: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(outcome.code, Some(status), "{arguments:?}: {}", outcome.text());
        assert!(
            said.len() == 1 && said[0].contains(text),
            "{arguments:?}: {said:?} has no {text:?}"
        );
        assert!(outcome.stdout.is_empty(), "{arguments:?}: {}", outcome.text());
    }

    /// Assigns an app on the drive, its password on standard input.
    pub fn assign(&self, name: &str, location: &str, more: &[&str]) -> Value {
        let location = format!("location={location}");
        let username = format!("username={}", self.simulator.username());
        let given = [
            "assign",
            name,
            "--resource",
            "my drive",
            "--class",
            "file-storage",
            "--option",
            &location,
            "--option",
            &username,
        ];
        let input = json!({ "password": self.simulator.password() }).to_string();
        let outcome = self.run_with_input(
            &[&given[..], &["--options-stdin", "--json"], more].concat(),
            input.as_bytes(),
        );
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        lines(std::str::from_utf8(&outcome.stdout).unwrap()).remove(0)
    }

    /// Assigns the source `drive`, which goes to ./store.
    pub fn source(&self) -> Value {
        self.assign(
            "drive",
            "opendrive://",
            &["--store", "./store", "--create-store", "--unencrypted"],
        )
    }

    /// Assigns a source that is a folder of this machine: it takes names that no drive takes.
    pub fn local(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.user.home().join(name);
        for (file, bytes) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let location = format!("location=rclone://{}", folder.display());
        let given =
            ["assign", name, "--resource", name, "--class", "file-storage", "--option", &location];
        self.ok(&[
            &given[..],
            &["--option", "rclone_type=local", "--store", "./store"],
            &["--create-store", "--unencrypted"],
        ]
        .concat());
        folder
    }

    /// Assigns the source `drive`, whose drive has odd names in it. Gives a folder of this machine
    /// that is its latest restore point: Plakar's own connector changes no name, and a store may
    /// hold whatever another machine put there.
    pub fn odd(&self) -> String {
        let drive = self.simulator.drive();
        drive.make_folder("odd");
        let file = drive.put_file("file", b"odd".to_vec(), 1);
        let files = ODD_NAMES.map(|name| file_entry(&file, name, b"odd")).to_vec();
        plant(&self.simulator, "odd", listing(Vec::new(), files));
        let app = self.source();
        self.ok(&["backup", "drive"]);
        let folder = self.user.path("odd");
        std::fs::create_dir(&folder).unwrap();
        ODD_NAMES
            .iter()
            .for_each(|name| std::fs::write(Path::new(&folder).join(name), "odd").unwrap());
        let tag = format!("app:{}", app["key"].as_str().unwrap());
        self.user.ok(&[
            "at",
            &self.user.path("store"),
            "backup",
            "-no-progress",
            "-tag",
            &tag,
            &folder,
        ]);
        folder
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        self.simulator.drive().put_file(path, bytes.to_vec(), 1_700_000_000);
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the state is, if nothing else is said.
    pub fn state_folder(&self) -> PathBuf {
        self.user.home().join(".local/state/plakar-opendrive")
    }

    /// Gives an app a schedule whose last run was missed a moment ago.
    pub fn due(&self, app: &str, kind: TaskKind) -> i64 {
        let state = State::open(&self.state_folder()).unwrap();
        let owner = Owner::App(state.app_named(AppKind::Source, app).unwrap().id);
        // Its time is a while ago whatever the clock says, and does not come again while the test
        // runs.
        let then = chrono::Utc::now() - chrono::TimeDelta::hours(2);
        let cron = format!("{} {} * * *", then.format("%-M"), then.format("%-H"));
        let spec = ScheduleSpec {
            owner,
            kind,
            cron,
            time_zone: "UTC".into(),
            enabled: true,
            catch_up: true,
            random_delay_minutes: 0,
        };
        state.add_schedule(&spec, then - chrono::TimeDelta::hours(1)).unwrap().id
    }

    /// The command lines of this user's processes, but Plakar's cache, which ends by itself.
    pub fn processes(&self) -> Vec<String> {
        let line = |process: &Path| std::fs::read(process.join("cmdline")).unwrap_or_default();
        let lines = self.user.processes();
        let lines =
            lines.iter().map(|process| String::from_utf8_lossy(&line(process)).replace('\0', " "));
        lines.filter(|line| !line.is_empty() && !line.contains(" cached")).collect()
    }

    /// Waits until no process of this user is left, and looks that none left anything in its folder
    /// for temporary files.
    pub fn quiet(&self) {
        until("processes are left", || self.processes().is_empty());
        let left: Vec<_> = std::fs::read_dir(self.user.path("tmp"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "left over: {left:?}");
    }
}

pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Waits for something that happens soon.
pub fn until(what: &str, done: impl Fn() -> bool) {
    wait_for(Duration::from_secs(60), what, || done().then_some(()));
}

/// All files below a folder.
pub fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(everything(&entry.path())),
            Ok(kind) if kind.is_file() => {
                found.push((entry.path(), std::fs::read(entry.path()).unwrap_or_default()))
            }
            _ => {}
        }
    }
    found
}
