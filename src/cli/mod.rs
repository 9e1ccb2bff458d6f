//! The command line, for people and for Plakar.
//!
//! Standard output carries what a command gives, and that alone; all that is said along the way goes to standard error.

mod about;
mod app;
mod beside;
mod cat;
mod config;
mod console;
mod cp;
mod credentials;
mod exit;
mod from_rclone;
mod ls;
mod man;
mod output;
mod place;
mod plakar;
mod probe;
mod store;
mod test;
mod version;

use std::ffi::OsString;
use std::future::Future;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::plugin::{self, Connector, PluginApi, Signals, all_streams_closed, say};
use exit::{Exit, Failure};
use output::Output;

/// How long what is under way may take to clean up after a failure or a signal.
const FAREWELL: Duration = Duration::from_secs(3);

/// Backs OpenDrive, or any other rclone remote, up with Plakar, and looks at what is there
///
/// A REMOTE is opendrive://FOLDER, the account coming from the environment or a prompt, or @NAME[/FOLDER]: a source,
/// destination or store of Plakar's, or a section of the file that --config names. @NAME:/FOLDER counts from its root.
#[derive(Debug, Parser)]
#[command(name = "plakar-opendrive", version, subcommand_required = true, arg_required_else_help = true)]
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
    Probe(probe::ProbeArgs),
    Store(store::StoreArgs),
    App(app::App),
    Console(console::Console),
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
    let cli = match parse(std::env::args_os().collect(), version::print) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    log();
    match cli.command {
        Command::Importer(Served { plakar_api }) => plugin::run(Connector::Importer, plakar_api),
        Command::Storage(Served { plakar_api }) => plugin::run(Connector::Storage, plakar_api),
        Command::Exporter(Served { plakar_api }) => plugin::run(Connector::Exporter, plakar_api),
        Command::ForPeople(command) => conclude(for_people(*command)),
    }
}

/// The same for the executable of the source app. It has `app` and `console`, and nothing of rclone is linked into it.
#[must_use]
pub fn run_app() -> u8 {
    if let Some(status) = app::guard() {
        return status;
    }
    let version = |out: &mut Output| Ok(out.line(concat!("plakar-opendrive-app ", env!("CARGO_PKG_VERSION")))?);
    let cli = match parse(std::env::args_os().collect(), version) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    log();
    let mut out = Output::new();
    let exit = match cli.command {
        Command::ForPeople(command) => match *command {
            ForPeople::App(app) => app.run(&mut out),
            ForPeople::Console(console) => console.run(&mut out),
            _ => Err(Failure::usage("this executable has `app` and `console`: run plakar-opendrive for the rest")),
        },
        _ => Err(Failure::usage("this executable is not what Plakar starts: that is plakar-opendrive")),
    };
    conclude(exit.and_then(|exit| Ok(out.flush().map(|()| exit)?)))
}

fn log() {
    // Not by `EnvFilter`, whose patterns bring a regular expression engine of half a megabyte with them.
    let levels = std::env::var("PLAKAR_OPENDRIVE_LOG").ok().and_then(|levels| levels.parse::<Targets>().ok());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // They would go to where the event could not go, and panic.
        .log_internal_errors(false)
        .with_filter(levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN)));
    tracing_subscriber::registry().with(lines).init();
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
        ForPeople::Probe(probe) => probe.run(&mut out),
        ForPeople::Store(store) => store.run(&mut out),
        ForPeople::App(_) | ForPeople::Console(_) => beside::hand_over(),
        ForPeople::Completions { shell } => {
            let mut script = Vec::new();
            // Without what only Plakar starts.
            let mut command = ForPeople::augment_subcommands(clap::Command::new("plakar-opendrive").version(""));
            clap_complete::generate(shell, &mut command, "plakar-opendrive", &mut script);
            out.bytes(&script)?;
            Ok(Exit::Done)
        }
        ForPeople::Man => {
            out.bytes(&man::page(command_line())?)?;
            Ok(Exit::Done)
        }
    }?;
    out.flush()?;
    Ok(exit)
}

fn conclude(outcome: Result<Exit, Failure>) -> u8 {
    match outcome {
        Ok(exit) => exit.status(),
        Err(Failure { exit, message }) => {
            if let Some(message) = message {
                say(&message);
            }
            exit.status()
        }
    }
}

/// Understands the arguments; else the exit status, all being said.
fn parse(arguments: Vec<OsString>, version: impl FnOnce(&mut Output) -> Result<(), Failure>) -> Result<Cli, u8> {
    let long = arguments.iter().any(|argument| argument == "--version");
    let parsed = command_line().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayVersion if long => {
            let mut out = Output::new();
            conclude(version(&mut out).and_then(|()| Ok(out.flush()?)).map(|()| Exit::Done))
        }
        _ => {
            // Nobody may listen any more.
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(1)
        }
    })
}

/// The command line as it is parsed, documented and completed.
fn command_line() -> clap::Command {
    let mut statuses = String::from("Exit status:\n");
    for (status, meaning) in exit::TABLE {
        statuses += &format!("  {status:>3}  {meaning}\n");
    }
    Cli::command().after_help(statuses.trim_end().to_owned())
}

/// Runs what speaks with drives to its end, or until a signal comes. What was cut off is removed by then, as far as
/// a few seconds do for it.
fn drive<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    on_runtime(async {
        let outcome = or_signal(work).await;
        let _ = tokio::time::timeout(FAREWELL, all_streams_closed()).await;
        outcome
    })
}

/// Runs work to its end, or until a signal comes.
async fn or_signal<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut signals = Signals::listen().map_err(broken)?;
    until_signal(&mut signals, work).await
}

/// The same, with signals that somebody listens to afterwards too.
async fn until_signal<T>(signals: &mut Signals, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        signal = signals.next() => Err(Failure::new(
            Exit::Signal(signal),
            format!("ended by {}; what was under way is not complete", signal.name()),
        )),
    }
}

fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(broken)?;
    let outcome = runtime.block_on(work);
    // Dropping it would wait for every call that is still under way, however long the server takes.
    runtime.shutdown_background();
    outcome
}

fn broken(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot begin: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command_line().debug_assert();
    }
}
