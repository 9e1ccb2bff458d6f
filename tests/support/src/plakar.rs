//! The real Plakar with our package.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub use crate::user::{Outcome, Plakar};
use crate::{executable, profile, root};

/// This machine as packages name it: `linux_amd64`.
pub fn platform() -> String {
    format!(
        "{}_{}",
        std::env::consts::OS,
        if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
    )
}

/// The Plakar that `make test` builds from tests/plakar.
pub fn plakar() -> PathBuf {
    let path = std::env::var_os("PLAKAR")
        .map_or_else(|| root().join("target/tools/plakar"), PathBuf::from);
    assert!(
        path.exists(),
        "the real Plakar is not at {}: run `make test`, or `make plakar` once",
        path.display()
    );
    path
}

impl Plakar {
    /// A new user with our package, and more environment, for example a simulator's.
    pub fn new(environment: &[(String, String)]) -> Self {
        Self::with_package(&plakar(), package(), environment)
    }

    /// Backs a source up, which must be without errors, and gives the id of the snapshot.
    pub fn backup(&self, store: &str, source: &str) -> String {
        let text = self.ok(&["-quiet", "at", store, "backup", source]);
        let line = text
            .lines()
            .find(|line| line.contains("backup completed"))
            .unwrap_or_else(|| panic!("no result: {text}"));
        assert!(line.contains("completed without errors"), "{line}");
        line.split(':').next().unwrap().to_owned()
    }
}

/// Our package, made once for each test program.
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        // Cargo's folder for what tests leave.
        let temporary = profile().with_file_name("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        let folder = tempfile::tempdir_in(temporary).unwrap().keep();
        let package = folder.join(format!("rclone_v0.0.1_{}.ptar", platform()));
        let made = Command::new(root().join("packaging/make-package"))
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

/// Runs our command line as a user of Plakar, which it asks for names.
pub fn own(user: &Plakar, arguments: &[&str]) -> std::process::Output {
    own_command(user, arguments).output().unwrap()
}

/// The same, ready to be started.
pub fn own_command(user: &Plakar, arguments: &[&str]) -> Command {
    let like = user.command(&[]);
    let environment = like.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut command = Command::new(executable());
    command
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("PLAKAR", plakar())
        .current_dir(user.home())
        .stdin(Stdio::null());
    command
}
