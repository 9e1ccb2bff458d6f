//! `config`: makes what Plakar's import commands read.

use serde::Deserialize;
use serde_json::json;

use super::credentials;
use super::drive::drive;
use super::plakar::{self, ImportArgs};
use super::remotes;
use crate::cli::failure::remote_failure;
use crate::connector::{Role, Settings, open_remote};
use crate::rclone::{ErrorKind, Rclone, Remote};
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, count, is_terminal};
use terminal::text;

/// Ask for the account, test it, and give it to Plakar, or print what `plakar
/// source|destination|store import` reads
///
/// The password is asked for without showing it, or read from standard input or the environment,
/// and passed on obscured, as in rclone's configuration. Nothing is passed on unless the login
/// works and the folder is there. To make the source @drive: plakar-opendrive config drive --import
/// source
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    /// What the source, destination or store is called
    #[arg(default_value = "opendrive", value_parser = plakar::name)]
    name: String,
    /// The account; asked for if it is neither here nor in the environment
    #[arg(long)]
    username: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// The folder of the drive; without one all of it
    #[arg(long, default_value = "opendrive://")]
    location: String,
    /// Make the folder if it is not there
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    import_args: ImportArgs,
}

impl ConfigArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if !self.location.starts_with("opendrive://") {
            return Err(Failure::usage(format!(
                "--location {} is not a location on OpenDrive: write opendrive://FOLDER",
                text::quoted(&self.location)
            )));
        }
        // Before anything is asked.
        self.import_args.check(&self.name)?;
        let account = credentials::find(self.username.clone(), self.password_stdin)?;
        let section = [
            ("location", &self.location),
            ("username", &account.username),
            ("password", &account.password),
        ];
        let section = section.map(|(key, value)| (key.to_owned(), value.clone())).into();
        let settings = Settings::parse(Role::Source, &section, "")?;
        let found = drive(async {
            let remote = open_remote(&settings).await?;
            self.look(&settings, &remote).await
        })?;
        say(&format!(
            "the login of {} works; {}: {found}",
            text::line(&account.username),
            text::line(&settings.identity.root)
        ));

        #[derive(Deserialize)]
        struct ObscureReply {
            obscured: String,
        }
        let reply: Result<ObscureReply, _> =
            Rclone::get().rpc_blocking("core/obscure", &json!({ "clear": account.password }));
        let reply = reply.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        // As `plakar source import -rclone` would make it.
        let section = [
            ("location", format!("rclone://{}", settings.identity.root)),
            ("rclone_type", "opendrive".to_owned()),
            ("rclone_username", account.username),
            ("rclone_password", reply.obscured),
        ];
        self.import_args.put(
            &self.name,
            &section.map(|(key, value)| (key.to_owned(), value)).into(),
            out,
        )?;
        if self.import_args.import.is_some() {
            remotes::say_missing();
        } else if is_terminal() {
            let name = &self.name;
            say(&format!(
                "nothing is kept yet: `plakar-opendrive config {name} --import source` makes the source @{name} of it (or destination, store)"
            ));
        }
        Ok(Exit::Done)
    }

    /// Tells what is in the folder, which is made if that is wanted.
    async fn look(&self, settings: &Settings, remote: &Remote) -> Result<String, Failure> {
        match remote.list("").await {
            Ok(entries) => {
                let folders = entries.iter().filter(|entry| entry.is_folder()).count() as u64;
                Ok(format!(
                    "{}, {}",
                    count(folders, "folder"),
                    count(entries.len() as u64 - folders, "file")
                ))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.create => {
                remote.make_folder("").await.map_err(|error| remote_failure(settings, &error))?;
                Ok("made, and empty".to_owned())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let Failure { exit, message } = remote_failure(settings, &error);
                Err(Failure::new(
                    exit,
                    format!(
                        "{}: write another --location, or add --create",
                        message.unwrap_or_default()
                    ),
                ))
            }
            Err(error) => Err(remote_failure(settings, &error)),
        }
    }
}
