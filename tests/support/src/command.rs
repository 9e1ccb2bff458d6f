//! Our executable as a command that a person runs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use opendrive_sim::Simulator;

use crate::executable;
pub use crate::user::Outcome;
use crate::user::{drain, wait};

/// No command of a test takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// A person who has an account on a simulated drive.
pub struct Person<'a> {
    /// The drive that the account is on.
    pub simulator: &'a Simulator,
    /// Where commands run; nothing else of the machine is theirs.
    pub home: &'a Path,
}

impl Person<'_> {
    /// A command that is ready to be started, with the account in the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home)
            .env("TERM", "xterm")
            .env("PLAKAR_OPENDRIVE_USERNAME", self.simulator.username())
            .env("PLAKAR_OPENDRIVE_PASSWORD", self.simulator.password())
            .envs(self.simulator.env())
            .current_dir(self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        finish(self.command(arguments), b"")
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.text());
        String::from_utf8(outcome.stdout).unwrap()
    }

    /// Runs a command that must fail with this status and one line on standard error that holds a
    /// text.
    pub fn fails(&self, status: i32, arguments: &[&str], text: &str) {
        let outcome = self.run(arguments);
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(outcome.code, Some(status), "{arguments:?}: {}", outcome.text());
        assert!(
            lines.len() == 1 && lines[0].contains(text),
            "{arguments:?}: {lines:?} has no {text:?}"
        );
        assert!(outcome.stdout.is_empty(), "{arguments:?}: {}", outcome.text());
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command, input: &[u8]) -> Outcome {
    let mut child = command.spawn().unwrap();
    // It may not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let status = wait(&mut child, TIME_LIMIT)
        .unwrap_or_else(|| panic!("{command:?} did not end within {TIME_LIMIT:?}"));
    let stderr = String::from_utf8_lossy(&stderr.join().unwrap()).into_owned();
    Outcome { code: status.code(), stdout: stdout.join().unwrap(), stderr }
}
