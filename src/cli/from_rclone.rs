//! `from-rclone`: takes a remote of rclone's configuration over into Plakar's.

use std::collections::HashMap;
use std::io::IsTerminal;

use super::place::read_sections;
use super::plakar::{self, ImportArgs};
use super::remotes;
use crate::connector::{Role, Settings};
use terminal::exit::{Exit, Failure};
use terminal::output::Output;
use terminal::text;

/// Give a section of `rclone config show`, read from standard input, to Plakar, or print what its
/// import commands read
///
/// What a crypt or alias remote wraps comes along, and every value is kept as it is, which `plakar
/// source import -rclone` does not do: rclone config show | plakar-opendrive from-rclone secret
/// --import source
#[derive(Debug, clap::Args)]
pub(super) struct FromRcloneArgs {
    /// The section
    section: String,
    /// What the source, destination or store is called [default: as the section]
    #[arg(long, value_parser = plakar::name)]
    name: Option<String>,
    /// The folder; without one all of the remote
    #[arg(long, default_value = "rclone://", value_name = "rclone:///FOLDER")]
    location: String,
    #[command(flatten)]
    import_args: ImportArgs,
}

impl FromRcloneArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { section, name, location, import_args } = self;
        if !location.starts_with("rclone://") {
            return Err(Failure::usage(format!(
                "--location {} is not a location of a remote: write rclone:///FOLDER",
                text::quoted(&location)
            )));
        }
        // Whoever types it alone would see it hang.
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "rclone's configuration is read from standard input: rclone config show | plakar-opendrive from-rclone {section} --import source"
            )));
        }
        let config = read_sections(std::io::stdin(), "standard input")?;
        let mut keys = config.import(&section)?;
        keys.insert("location".to_owned(), location);
        let role = import_args.import.map_or(Role::Source, plakar::ConfigurationKind::role);
        Settings::parse(role, &keys.clone().into_iter().collect::<HashMap<_, _>>(), "")?;
        let name = match (name, import_args.import) {
            (Some(name), _) => name,
            (None, None) => section,
            (None, Some(_)) => plakar::name(&section).map_err(|advice| {
                Failure::usage(format!(
                    "{} is not a valid name for Plakar: give one by --name, {advice}",
                    text::quoted(&section)
                ))
            })?,
        };
        import_args.put(&name, &keys, out)?;
        if import_args.import.is_some() {
            remotes::say_missing();
        }
        Ok(Exit::Done)
    }
}
