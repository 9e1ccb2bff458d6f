//! The processes of a test: the console, the driver of the browser, single commands.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::plakar::{Plakar, plakar};

/// A process that ends with the test.
pub struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // SIGTERM: the console ends what it started, and chromedriver its browser.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a command and gives the first line of its standard output that has this text in it.
pub fn started(mut command: Command, text: &str) -> (Ended, String) {
    let mut child = Ended(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains(text)));
    let line = line.unwrap_or_else(|| panic!("{command:?} said nothing of {text:?}"));
    // It must not write into a closed pipe later.
    std::thread::spawn(move || lines.for_each(drop));
    (child, line)
}

/// The executable, for this user.
pub fn command(user: &Plakar, environment: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(support::executable());
    let known = user.command(&[]);
    command.args(arguments).env_clear();
    command
        .envs(known.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .envs(environment.iter().cloned());
    command.env("PLAKAR", plakar()).current_dir(user.home());
    command
}

/// Starts the driver of the browser, and gives its address.
pub fn driver(user: &Plakar) -> (Ended, String) {
    let port = support::free_port();
    let program = std::env::var("CHROMEDRIVER");
    let mut command = Command::new(program.expect("CHROMEDRIVER: `make test-browser` names it"));
    command
        .arg(format!("--port={port}"))
        .env("HOME", user.home())
        .env("TMPDIR", user.path("tmp"))
        .stderr(Stdio::null());
    let (driver, _) = started(command, "was started successfully");
    (driver, format!("http://127.0.0.1:{port}"))
}
