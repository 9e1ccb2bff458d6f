//! `console unit`: what starts the console with the machine.

use std::path::{Path, PathBuf};

use source_app::export::{Command, Systemd, console_unit};
use source_app::service;

use crate::console_options::ConsoleOptions;
use crate::failure::Failure;
use terminal::exit::Exit;
use terminal::output::Output;

/// Print a unit of systemd that runs the console, with the options that follow
///
/// A console that starts by itself has no terminal for its first address, so it wants a password.
/// Nothing secret is in the unit.
#[derive(Debug, clap::Args)]
pub(crate) struct Unit {
    /// A unit for the system, run as this user; without it one for `systemctl --user`
    #[arg(long, value_name = "USER")]
    system_user: Option<String>,
    /// The path of plakar-opendrive on the machine where it will run [default: this executable]
    #[arg(long, value_name = "PATH")]
    executable: Option<PathBuf>,
    #[command(flatten)]
    options: ConsoleOptions,
}

impl Unit {
    pub(crate) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let executable = match self.executable {
            Some(executable) => executable,
            None => std::env::current_exe().map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot find this executable: {error}"))
            })?,
        };
        let refused = |error| Failure::from(service::Error::from(error));
        let command = Command::new(executable).in_this_environment().map_err(refused)?;
        let options = self.options.arguments()?;
        let systemd = Systemd { user: self.system_user };
        let unit = console_unit(&command, &options, &systemd).map_err(refused)?;
        out.bytes(unit.text.as_bytes())?;
        Ok(Exit::Done)
    }
}

impl ConsoleOptions {
    /// The same options for a console that starts elsewhere: with whole paths.
    fn arguments(&self) -> Result<Vec<String>, Failure> {
        if self.password_file.is_none() {
            return Err(Failure::usage(
                "a console that starts by itself has no terminal for its first address: give --password-file, with what `plakar-opendrive console password` prints",
            ));
        }
        let mut arguments = vec!["--listen".to_owned(), self.listen.to_string()];
        let files = [
            ("--tls-certificate", &self.tls_certificate),
            ("--tls-key", &self.tls_key),
            ("--password-file", &self.password_file),
            ("--state", &self.state),
        ];
        for (option, path) in files {
            let Some(path) = path else { continue };
            arguments.extend([option.to_owned(), whole(option, path)?]);
        }
        for name in &self.name {
            arguments.extend(["--name".to_owned(), name.clone()]);
        }
        if self.open_metrics {
            arguments.push("--open-metrics".to_owned());
        }
        if self.no_scheduler {
            arguments.push("--no-scheduler".to_owned());
        }
        Ok(arguments)
    }
}

fn whole(option: &str, path: &Path) -> Result<String, Failure> {
    let wrong = |error: String| Failure::usage(format!("{option}: {error}: write another path"));
    let path = std::path::absolute(path).map_err(|error| wrong(error.to_string()))?;
    let text = path.to_str().ok_or_else(|| wrong("the path is not UTF-8".into()))?;
    Ok(text.to_owned())
}
