//! A user of the real Plakar, in a home of its own.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// No command of a test takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// A user of Plakar: a home folder and an environment. Leaves no process behind.
pub struct Plakar {
    program: PathBuf,
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, with what is not UTF-8 replaced.
    pub stderr: String,
}

impl Outcome {
    /// Both outputs, for messages and for what Plakar prints on either.
    pub fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}

impl Plakar {
    /// A new user with a package, and more environment, for example a simulator's.
    pub fn with_package(program: &Path, package: &Path, environment: &[(String, String)]) -> Self {
        let user = Self::without_package(program, environment);
        user.install(package);
        user
    }

    /// Has Plakar install a package.
    pub fn install(&self, package: &Path) {
        let outcome = self.run(&["pkg", "add", package.to_str().unwrap()]);
        // Plakar 1.1.4 may panic as it ends, when all is done: what still tells of an unpacked file
        // finds nobody who listens.
        if outcome.stderr.contains("panic: send on closed channel") {
            let file = package.file_name().unwrap().to_str().unwrap();
            let name = file.split('_').next().unwrap();
            let listed = self.ok(&["pkg", "list"]);
            assert!(listed.contains(&format!("{name}@")), "{listed}{}", outcome.text());
        } else {
            assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        }
    }

    /// A new user of a program, which is a shell for one who types commands.
    pub fn without_package(program: &Path, environment: &[(String, String)]) -> Self {
        // Short, for the Unix socket that Plakar keeps in its cache folder.
        let home = tempfile::Builder::new().prefix("pk").tempdir_in("/tmp").unwrap();
        let cookies = home.path().join(".cache/plakar/cookies/1.0.0");
        std::fs::create_dir_all(home.path().join("tmp")).unwrap();
        std::fs::create_dir_all(&cookies).unwrap();
        // Without this Plakar asks the network for security news.
        std::fs::write(cookies.join(".disabled-security-check"), "").unwrap();
        Self { program: program.to_owned(), home, environment: environment.to_vec() }
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the home folder, as text.
    pub fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// A command that is ready to be started; nothing of the environment of the test gets into it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home())
            .env("TMPDIR", self.path("tmp"))
            .env("TERM", "dumb")
            .envs(self.environment.iter().cloned())
            .current_dir(self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, b"")
    }

    /// The same with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let outcome = self.run_within(TIME_LIMIT, arguments, input);
        outcome.unwrap_or_else(|| panic!("plakar {arguments:?} did not end within {TIME_LIMIT:?}"))
    }

    /// Runs a command for at most so long; `None` if it had to be killed.
    pub fn run_within(&self, limit: Duration, arguments: &[&str], input: &[u8]) -> Option<Outcome> {
        let mut child = self.command(arguments).spawn().unwrap();
        // It may not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        let status = wait(&mut child, limit);
        if status.is_none() {
            // Its plugins too, which hold the pipes.
            self.kill_all();
        }
        let stderr = String::from_utf8_lossy(&stderr.join().unwrap()).into_owned();
        Some(Outcome { code: status?.code(), stdout: stdout.join().unwrap(), stderr })
    }

    /// Runs a command that must succeed, and gives what it printed on standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "plakar {arguments:?}: {}", outcome.text());
        String::from_utf8_lossy(&outcome.stdout).into_owned()
    }

    /// The processes that run in this home: commands, their plugins, and Plakar's cache process,
    /// which outlives them.
    pub fn processes(&self) -> Vec<PathBuf> {
        let mark = format!("HOME={}", self.home().display());
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let is_ours = |process: &PathBuf| {
            let environment = std::fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        processes.flatten().map(|process| process.path()).filter(is_ours).collect()
    }

    fn kill_all(&self) {
        for process in self.processes() {
            let _ = Command::new("kill")
                .arg("-9")
                .args(process.file_name())
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Plakar {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Reads a pipe to its end, on a thread, so that whoever writes to it never waits.
pub fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// A standard output whose reader has left, as `head` does when it has enough.
pub fn nobody_reads() -> std::io::PipeWriter {
    let (_, writer) = std::io::pipe().unwrap();
    writer
}

/// Waits for a process; one that has not ended within the limit is killed, and `None`.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
