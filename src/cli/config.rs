//! `config`: makes what Plakar's import commands read.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, count, is_terminal};
use super::{credentials, drive};
use crate::connector::{Role, Settings, open_remote};
use crate::plugin::say;
use crate::rclone::{ErrorKind, Rclone, Remote};
use crate::text;

/// No name is longer, in bytes.
const LONGEST: usize = 63;

/// Ask for the account, test it, and print what `plakar source|destination|store import` reads
///
/// The password is asked for without showing it, or read from standard input or the environment, and printed obscured
/// as in rclone's configuration. Nothing is printed unless the login works and the folder is there. To make the source
/// @drive: plakar-opendrive config drive | plakar source import
#[derive(Debug, clap::Args)]
pub(super) struct Config {
    /// What the source, destination or store is called
    #[arg(default_value = "opendrive", value_parser = name)]
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
}

/// A section as `plakar source import -rclone` would make it: every value a string, which JSON keeps exactly.
#[derive(Serialize)]
struct Section {
    location: String,
    rclone_type: &'static str,
    rclone_username: String,
    rclone_password: String,
}

impl Config {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if !self.location.starts_with("opendrive://") {
            return Err(Failure::usage(format!(
                "--location {} is none of OpenDrive's: write opendrive://FOLDER",
                text::quoted(&self.location)
            )));
        }
        let account = credentials::find(self.username.clone(), self.password_stdin)?;
        let section = [("location", &self.location), ("username", &account.username), ("password", &account.password)];
        let section = section.map(|(key, value)| (key.to_owned(), value.clone())).into();
        let settings = Settings::parse(Role::Source, &section, "")?;
        let found = drive(async {
            let remote = open_remote(&settings).await?;
            self.look(&settings, &remote).await
        })?;
        say(&format!("the login of {} works; {}: {found}", text::line(&account.username), text::line(&settings.identity.root)));

        #[derive(Deserialize)]
        struct Answer {
            obscured: String,
        }
        let answer: Result<Answer, _> = Rclone::get().rpc_blocking("core/obscure", &json!({ "clear": account.password }));
        let answer = answer.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let section = Section {
            location: format!("rclone://{}", settings.identity.root),
            rclone_type: "opendrive",
            rclone_username: account.username,
            rclone_password: answer.obscured,
        };
        out.json(&json!({ self.name.as_str(): section }))?;
        if is_terminal() {
            let name = &self.name;
            say(&format!(
                "nothing is kept yet: `plakar-opendrive config {name} | plakar source import` makes the source @{name} of it (or destination, store)"
            ));
        }
        Ok(Exit::Done)
    }

    /// Tells what is in the folder, which is made if that is wanted.
    async fn look(&self, settings: &Settings, remote: &Remote) -> Result<String, Failure> {
        match remote.list("").await {
            Ok(entries) => {
                let folders = entries.iter().filter(|entry| entry.is_folder()).count() as u64;
                Ok(format!("{}, {}", count(folders, "folder"), count(entries.len() as u64 - folders, "file")))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.create => {
                remote.make_folder("").await.map_err(|error| Failure::remote(settings, &error))?;
                Ok("made, and empty".to_owned())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let Failure { exit, message } = Failure::remote(settings, &error);
                Err(Failure::new(exit, format!("{}: write another --location, or add --create", message.unwrap_or_default())))
            }
            Err(error) => Err(Failure::remote(settings, &error)),
        }
    }
}

/// Understands a name. Plakar itself takes any, and cannot be told some of them afterwards.
fn name(name: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.len() > LONGEST || !name.chars().all(fine) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!("write up to {LONGEST} letters, digits, dots, hyphens and underscores, the first a letter or a digit"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_are_such_as_plakar_can_be_told() {
        for good in ["drive", "Drive-2_x.y", "0"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in ["", "@drive", "-x", ".x", "a b", "a/b", "a\nb", "ü", &"x".repeat(64)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
