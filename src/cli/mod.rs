//! The command line, for people and for Plakar.
//!
//! Standard output carries what a command gives, and that alone; all that is said along the way
//! goes to standard error.
//!
//! One file for each command; `plakar.rs` asks Plakar what it keeps by a name, and gives it more;
//! `place.rs` knows how a remote is named. `cp` runs over `Source` and `Destination`, so that
//! retries, budgets and checks of names are theirs. `probe` asks OpenDrive one question after the
//! other, and removes its scratch folder whatever ends it. `app` and `console` are another
//! executable's, which gets their arguments unparsed.

mod about;
mod app;
mod cat;
mod config;
mod cp;
mod credentials;
mod drive;
mod failure;
mod from_rclone;
mod ls;
mod man;
mod place;
mod plakar;
mod probe;
mod remotes;
mod store;
mod test;
mod version;

use clap::{CommandFactory, Parser, Subcommand};
use terminal::command_line::{conclude, parse, with_exit_statuses};
use terminal::diagnostics::log;
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, unless_left};

use crate::plugin::{self, Connector, PluginApi};

/// Back up OpenDrive, or any other rclone remote, with Plakar, and look at what is on it
///
/// A REMOTE is opendrive://FOLDER, the account coming from the environment or a prompt, or
/// @NAME[/FOLDER]: a source, destination or store of Plakar's, or a section of the file that
/// --config names. @NAME:/FOLDER counts from its root.
#[derive(Debug, Parser)]
#[command(
    name = "plakar-opendrive",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    ForPeople(Box<ForPeople>),
    /// Serve Plakar as a source, over standard input and output
    #[command(hide = true)]
    Importer(Served),
    /// Serve Plakar as a store, over standard input and output
    #[command(hide = true)]
    Storage(Served),
    /// Serve Plakar as a destination, over standard input and output
    #[command(hide = true)]
    Exporter(Served),
}

#[derive(Debug, Subcommand)]
enum ForPeople {
    Config(config::ConfigArgs),
    FromRclone(from_rclone::FromRcloneArgs),
    Test(test::TestArgs),
    Ls(ls::LsArgs),
    Cat(cat::CatArgs),
    Cp(cp::CpArgs),
    About(about::AboutArgs),
    Remotes(remotes::RemotesArgs),
    Probe(probe::ProbeArgs),
    Store(store::StoreArgs),
    /// Assign source apps, then test, back up, browse, restore and schedule them
    App(app::HandedOver),
    /// Serve the console, a web page on what `app` works on, and run what its schedules make due
    Console(app::HandedOver),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

#[derive(Debug, clap::Args)]
struct Served {
    /// The plugin API of the Plakar that starts it
    #[arg(long, value_name = "VERSION", default_value = "v1.1")]
    plakar_api: PluginApi,
}

/// Runs the command that the process was started with, and gives its exit status.
#[must_use]
pub fn run() -> u8 {
    let cli: Cli = match parse(command_line(), std::env::args_os().collect(), version::print) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    log();
    match cli.command {
        Command::Importer(Served { plakar_api }) => plugin::run(Connector::Importer, plakar_api),
        Command::Storage(Served { plakar_api }) => plugin::run(Connector::Storage, plakar_api),
        Command::Exporter(Served { plakar_api }) => plugin::run(Connector::Exporter, plakar_api),
        Command::ForPeople(command) => {
            let ended = for_people(*command);
            plugin::say_spent();
            conclude(ended)
        }
    }
}

fn for_people(command: ForPeople) -> Result<Exit, Failure> {
    let mut out = Output::new();
    let exit = match command {
        ForPeople::Config(config) => config.run(&mut out),
        ForPeople::FromRclone(section) => section.run(&mut out),
        ForPeople::Test(test) => test.run(&mut out),
        ForPeople::Ls(ls) => ls.run(&mut out),
        ForPeople::Cat(cat) => cat.run(&mut out),
        ForPeople::Cp(cp) => cp.run(&mut out),
        ForPeople::About(about) => about.run(&mut out),
        ForPeople::Remotes(remotes) => remotes.run(&mut out),
        ForPeople::Probe(probe) => probe.run(&mut out),
        ForPeople::Store(store) => store.run(&mut out),
        ForPeople::App(_) | ForPeople::Console(_) => app::hand_over(),
        ForPeople::Completions { shell } => {
            // Without what only Plakar starts.
            let command =
                ForPeople::augment_subcommands(clap::Command::new("plakar-opendrive").version(""));
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut app::with_its_commands(command),
                "plakar-opendrive",
                &mut script,
            );
            out.bytes(&script)?;
            Ok(Exit::Done)
        }
        ForPeople::Man => {
            out.bytes(&man::page(command_line())?)?;
            Ok(Exit::Done)
        }
    }?;
    // Whoever reads may have enough: how the command ended is told all the same.
    unless_left(out.flush())?;
    Ok(exit)
}

/// The command line as it is parsed, documented and completed.
fn command_line() -> clap::Command {
    with_exit_statuses(Cli::command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command_line().debug_assert();
    }
}
