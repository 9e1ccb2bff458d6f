//! `plakar-opendrive from-rclone NAME`: what `plakar source|destination|store import` reads, from what
//! `rclone config show` prints.

use std::io::{IsTerminal, Read, Write, stdin, stdout};

use anyhow::{Context, ensure};
use plakar_opendrive::connector::RcloneConfig;

/// Reads rclone's configuration from standard input and writes a section as JSON to standard output,
/// with all that it needs. Gives the exit status: 0, or 1 after a line on standard error.
pub fn run(name: &str) -> u8 {
    match convert(name) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("plakar-opendrive: {error:#}");
            1
        }
    }
}

fn convert(name: &str) -> anyhow::Result<()> {
    // Whoever types it alone would see it hang.
    ensure!(
        !stdin().is_terminal(),
        "rclone's configuration is read from standard input: rclone config show | plakar-opendrive from-rclone {name} | plakar source import"
    );
    let mut text = String::new();
    stdin().read_to_string(&mut text).context("standard input")?;
    let section = RcloneConfig::parse(&text)?.import(name)?;
    // JSON is the form that Plakar reads without changing a value.
    let mut json = serde_json::to_string_pretty(&serde_json::json!({ name: section }))?;
    json.push('\n');
    stdout().write_all(json.as_bytes()).context("standard output")
}
