//! `from-rclone`: takes a remote of rclone's configuration over into Plakar's.

use std::collections::HashMap;
use std::io::{IsTerminal, Read};

use super::place::from_json;
use super::plakar::{self, Handover};
use crate::connector::{RcloneConfig, Role, Settings};
use terminal::exit::{Exit, Failure};
use terminal::output::Output;
use terminal::text;

/// Give a section of `rclone config show`, read from standard input, to Plakar, or print what its import commands read
///
/// What a crypt or alias remote wraps comes along, and every value is kept as it is, which `plakar source import -rclone` does not do:
/// rclone config show | plakar-opendrive from-rclone secret --import source
#[derive(Debug, clap::Args)]
pub(super) struct FromRclone {
    /// The section
    section: String,
    /// What the source, destination or store is called [default: as the section]
    #[arg(long, value_parser = plakar::name)]
    name: Option<String>,
    /// The folder; without one all of the remote
    #[arg(long, default_value = "rclone://", value_name = "rclone:///FOLDER")]
    location: String,
    #[command(flatten)]
    handover: Handover,
}

impl FromRclone {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { section, name, location, handover } = self;
        if !location.starts_with("rclone://") {
            return Err(Failure::usage(format!("--location {} is none of a remote's: write rclone:///FOLDER", text::quoted(&location))));
        }
        // Whoever types it alone would see it hang.
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "rclone's configuration is read from standard input: rclone config show | plakar-opendrive from-rclone {section} --import source"
            )));
        }
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        let failed = |problem: String| Failure::new(Exit::Configuration, format!("standard input {problem}"));
        read.map_err(|error| failed(format!("cannot be read: {error}")))?;
        let config = if bytes.trim_ascii_start().starts_with(b"{") {
            // `rclone config dump`
            RcloneConfig(from_json(&bytes).map_err(|error| failed(format!("is no configuration: {error}")))?)
        } else {
            RcloneConfig::parse(&String::from_utf8(bytes).map_err(|_| failed("is no UTF-8 text".to_owned()))?)?
        };
        let mut keys = config.import(&section)?;
        keys.insert("location".to_owned(), location);
        let role = handover.import.map_or(Role::Source, plakar::Configured::role);
        Settings::parse(role, &keys.clone().into_iter().collect::<HashMap<_, _>>(), "")?;
        let name = match (name, handover.import) {
            (Some(name), _) => name,
            (None, None) => section,
            (None, Some(_)) => plakar::name(&section).map_err(|advice| {
                Failure::usage(format!("{} is no name for Plakar: give one by --name, {advice}", text::quoted(&section)))
            })?,
        };
        handover.put(&name, &keys, out)?;
        Ok(Exit::Done)
    }
}
