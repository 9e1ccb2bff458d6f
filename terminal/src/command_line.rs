//! From the arguments to a parsed command line, and from its outcome to an exit status.

use std::ffi::OsString;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use crate::diagnostics::say;
use crate::exit::{Exit, Failure, TABLE};
use crate::output::Output;

/// A command line as it is parsed and documented: its help ends with the exit statuses.
#[must_use]
pub fn with_exit_statuses(command: clap::Command) -> clap::Command {
    let mut statuses = String::from("Exit status:\n");
    for (status, meaning) in TABLE {
        statuses += &format!("  {status:>3}  {meaning}\n");
    }
    command.after_help(statuses.trim_end().to_owned())
}

/// Understands the arguments. `version` prints what `--version` is asked for.
///
/// # Errors
/// The exit status, all being said.
pub fn parse<C: FromArgMatches>(
    command: clap::Command,
    arguments: Vec<OsString>,
    version: impl FnOnce(&mut Output) -> Result<(), Failure>,
) -> Result<C, u8> {
    let long = arguments.iter().any(|argument| argument == "--version");
    let parsed =
        command.try_get_matches_from(arguments).and_then(|matches| C::from_arg_matches(&matches));
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

/// Says why a command failed, and gives its exit status.
pub fn conclude(outcome: Result<Exit, Failure>) -> u8 {
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
