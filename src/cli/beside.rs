//! The executable of the source app, which lies beside this one: it has a web server and a database in it, and what Plakar
//! starts a hundred times a day is to stay small.

use std::path::Path;
use std::process::Command;

use super::exit::{Exit, Failure};

/// How both are called, perhaps with more behind it: the version, `.exe`.
const OURS: &str = "plakar-opendrive";
const ITS: &str = "plakar-opendrive-app";

/// Hands this process's command line over to it; on Unix this process becomes it.
pub(super) fn hand_over() -> Result<Exit, Failure> {
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let itself = std::env::current_exe().map_err(|error| failed(format!("cannot find this executable: {error}")))?;
    let name = itself.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{ITS}{}", name.strip_prefix(OURS).unwrap_or(std::env::consts::EXE_SUFFIX));
    let program = itself.with_file_name(&name);
    if !program.is_file() {
        let folder = itself.parent().unwrap_or(Path::new("/")).display();
        return Err(failed(format!(
            "`app` and `console` are in {name}, which is not in {folder}: copy it there from where `make build` put both"
        )));
    }
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    become_it(&mut command).map_err(|error| failed(format!("cannot start {}: {error}", program.display())))
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
