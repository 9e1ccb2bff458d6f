//! `from-rclone`: makes what Plakar's import commands read of rclone's configuration.

use std::io::{IsTerminal, Read};

use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::connector::RcloneConfig;

/// Turn a section of `rclone config show`, read from standard input, into what Plakar's import commands read
///
/// What a crypt or alias remote wraps comes along, which `plakar source import -rclone` leaves out:
/// rclone config show | plakar-opendrive from-rclone secret | plakar source import
#[derive(Debug, clap::Args)]
pub(super) struct FromRclone {
    /// The section; it is also what the source, destination or store is called
    name: String,
}

impl FromRclone {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let name = &self.name;
        // Whoever types it alone would see it hang.
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "rclone's configuration is read from standard input: rclone config show | plakar-opendrive from-rclone {name} | plakar source import"
            )));
        }
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::new(Exit::Configuration, format!("standard input cannot be read: {error}")))?;
        // JSON is the form that Plakar reads without changing a value.
        out.json(&json!({ name.as_str(): RcloneConfig::parse(&text)?.import(name)? }))?;
        Ok(Exit::Done)
    }
}
