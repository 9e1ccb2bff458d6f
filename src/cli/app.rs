//! The executable of the source app, which lies beside this one: it has a web server and a database
//! in it, and what Plakar starts a hundred times a day is to stay small.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use terminal::command_tree::CommandTree;
use terminal::exit::{Exit, Failure};

/// How both are called, perhaps with more behind it: the version, `.exe`.
const OURS: &str = "plakar-opendrive";
const ITS: &str = "plakar-opendrive-app";

/// What follows `app` and `console`: the other executable understands it, its `--help` too.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct HandedOver {
    /// A command of its own and its options; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    _arguments: Vec<OsString>,
}

/// Hands this process's command line over to it; on Unix this process becomes it.
pub(super) fn hand_over() -> Result<Exit, Failure> {
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let program =
        beside().map_err(|error| failed(format!("cannot find this executable: {error}")))?;
    if !program.is_file() {
        let folder = program.parent().unwrap_or(Path::new("/")).display();
        let name = program.file_name().unwrap_or_default().display();
        return Err(failed(format!(
            "`app` and `console` are in {name}, which is not in {folder}: copy it there from where `make build` put both"
        )));
    }
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    become_it(&mut command)
        .map_err(|error| failed(format!("cannot start {}: {error}", program.display())))
}

/// The command line with what the other executable has below `app` and `console`, if it is there.
pub(super) fn with_its_commands(command: clap::Command) -> clap::Command {
    let printed = beside()
        .and_then(|program| Command::new(program).arg("commands").stderr(Stdio::null()).output());
    let tree = printed.ok().and_then(|printed| serde_json::from_slice(&printed.stdout).ok());
    let Some(tree) = tree else { return command };
    CommandTree::subcommands(tree)
        .filter(|below| matches!(below.name(), "app" | "console"))
        .map(CommandTree::command)
        .fold(command, |command, below| {
            let name = below.get_name().to_owned();
            command.mut_subcommand(name, |_| below)
        })
}

/// Where it is, if it is there: with this executable, under the name that goes with this one's.
fn beside() -> std::io::Result<PathBuf> {
    let itself = std::env::current_exe()?;
    let name = itself.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{ITS}{}", name.strip_prefix(OURS).unwrap_or(std::env::consts::EXE_SUFFIX));
    Ok(itself.with_file_name(name))
}

#[cfg(unix)]
fn become_it(command: &mut Command) -> std::io::Result<Exit> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> std::io::Result<Exit> {
    let code = command.status()?.code().unwrap_or(1);
    // It has said all there is to say.
    std::process::exit(code)
}
