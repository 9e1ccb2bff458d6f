//! The real Plakar, in a home of its own, with our package installed.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::plugin::executable;

/// No command of a test takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// The Plakar that `make test` builds from tests/plakar.
pub fn plakar() -> PathBuf {
    let path = std::env::var_os("PLAKAR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/plakar"), PathBuf::from);
    assert!(path.exists(), "the real Plakar is not at {}: run `make test`, or `make plakar` once", path.display());
    path
}

/// A user of Plakar: a home folder and an environment. Leaves no process behind.
pub struct Plakar {
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Outcome {
    /// Both outputs, for messages and for what Plakar prints on either.
    pub fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}

impl Plakar {
    /// A new user with our package, and more environment, for example a simulator's.
    pub fn new(environment: &[(String, String)]) -> Self {
        // Short, for the Unix socket that Plakar keeps in its cache folder.
        let home = tempfile::Builder::new().prefix("pk").tempdir_in("/tmp").unwrap();
        let cookies = home.path().join(".cache/plakar/cookies/1.0.0");
        std::fs::create_dir_all(home.path().join("tmp")).unwrap();
        std::fs::create_dir_all(&cookies).unwrap();
        // Without this Plakar asks the network for security news.
        std::fs::write(cookies.join(".disabled-security-check"), "").unwrap();
        let user = Self { home, environment: environment.to_vec() };
        user.ok(&["pkg", "add", package().to_str().unwrap()]);
        user
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the home folder, as text.
    pub fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// A command that is ready to be started; nothing of the environment of the test gets into it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(plakar());
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

    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut child = self.command(arguments).spawn().unwrap();
        // It may not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        let code = wait(&mut child, arguments).code();
        let stderr = String::from_utf8_lossy(&stderr.join().unwrap()).into_owned();
        Outcome { code, stdout: stdout.join().unwrap(), stderr }
    }

    /// Runs a command that must succeed, and gives what it printed on standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "plakar {arguments:?}: {}", outcome.text());
        String::from_utf8_lossy(&outcome.stdout).into_owned()
    }

    /// Backs a source up, which must be without errors, and gives the id of the snapshot.
    pub fn backup(&self, store: &str, source: &str) -> String {
        let text = self.ok(&["-quiet", "at", store, "backup", source]);
        let line = text.lines().find(|line| line.contains("backup completed")).unwrap_or_else(|| panic!("no result: {text}"));
        assert!(line.contains("completed without errors"), "{line}");
        line.split(':').next().unwrap().to_owned()
    }
}

impl Drop for Plakar {
    /// Ends what runs in this home: Plakar's cache process outlives its commands.
    fn drop(&mut self) {
        let mark = format!("HOME={}", self.home().display());
        let Ok(processes) = std::fs::read_dir("/proc") else { return };
        for process in processes.flatten() {
            let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                let _ = Command::new("kill").arg("-9").arg(process.file_name()).stderr(Stdio::null()).status();
            }
        }
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child, arguments: &[&str]) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > TIME_LIMIT {
            let _ = child.kill();
            panic!("plakar {arguments:?} did not end within {TIME_LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Our package, made once for each test program.
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        let (os, arch) = (std::env::consts::OS, if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
        let package = folder.join(format!("rclone_v0.0.1_{os}_{arch}.ptar"));
        let made = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/make-package"))
            .arg(executable())
            .arg("v0.0.1")
            .arg(package.file_name().unwrap())
            .env("PLAKAR", plakar())
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        package
    })
}
