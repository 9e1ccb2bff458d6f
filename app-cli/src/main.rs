//! The executable of the source app: `plakar-opendrive app` and `plakar-opendrive console` start
//! it.
//!
//! Nothing of rclone is linked into it, and no web server into what Plakar starts a hundred times a
//! day.

mod app;
mod console;
mod console_options;
mod console_unit;
mod failure;
mod opened;

use clap::{CommandFactory, Parser, Subcommand};
use terminal::command_line::{conclude, parse, with_exit_statuses};
use terminal::command_tree::CommandTree;
use terminal::exit::Exit;
use terminal::manual;
use terminal::output::{Output, unless_left};

use failure::Failure;

/// Variables that change what a command does.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PLAKAR", "The program that is driven; plakar from PATH if it is not set."),
    (
        "XDG_STATE_HOME",
        "Where apps, tasks and schedules are kept, in a folder plakar-opendrive; ~/.local/state if it is not set.",
    ),
    ("NO_COLOR", "No colours, whatever its value."),
];

/// What people do first.
const EXAMPLES: [(&str, &str); 2] = [
    (
        "plakar-opendrive app assign drive --option location=opendrive://Documents --store ./store --create-store",
        "Make a folder of the drive a source, and ask for the rest: its login, and a passphrase for the store.",
    ),
    ("plakar-opendrive console", "Back it up, browse and restore it in a browser."),
];

/// Back up sources with Plakar, and browse, restore and schedule them
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
    App(Box<app::AppCommand>),
    Console(Box<console::Console>),
    /// Print these commands as JSON, for completions
    #[command(hide = true)]
    Commands,
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

fn main() {
    let status = opened::guard().unwrap_or_else(run);
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(status.into())
}

fn run() -> u8 {
    let version = |out: &mut Output| {
        Ok(out.line(concat!("plakar-opendrive-app ", env!("CARGO_PKG_VERSION")))?)
    };
    let cli: Cli = match parse(command_line(), std::env::args_os().collect(), version) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    terminal::diagnostics::log();
    let mut out = Output::new();
    let exit = match cli.command {
        Command::App(app) => app.run(&mut out),
        Command::Console(console) => console.run(&mut out),
        Command::Commands => print(&mut out, |out| out.json(&CommandTree::of(&command_line()))),
        Command::Man => print(&mut out, |out| {
            let extras = manual::Extras {
                environment: &ENVIRONMENT,
                examples: &EXAMPLES,
                see_also: &["plakar-opendrive", "plakar"],
            };
            out.bytes(&manual::page(command_line().name("plakar-opendrive-app"), &extras)?)
        }),
    };
    // Whoever reads may have enough: how the command ended is told all the same.
    let told = exit.and_then(|exit| Ok(unless_left(out.flush()).map(|()| exit)?));
    conclude(told.map_err(Into::into))
}

fn print(
    out: &mut Output,
    printed: impl FnOnce(&mut Output) -> std::io::Result<()>,
) -> Result<Exit, Failure> {
    printed(out)?;
    Ok(Exit::Done)
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

    #[test]
    fn no_list_is_shorter_than_it_was_asked_for() {
        for list in ["tasks", "changes"] {
            let asked = |limit| {
                Cli::try_parse_from(["plakar-opendrive", "app", list, "--limit", limit]).is_ok()
            };
            assert!(asked("1") && asked("500"), "{list}");
            assert!(!asked("0") && !asked("501") && !asked("10000"), "{list}");
        }
    }
}
