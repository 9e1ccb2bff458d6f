//! Secrets that somebody names instead of writing them down: Plakar's configuration keeps the name,
//! and each job gets the secret, in memory.

use futures::future::BoxFuture;

use super::error::{Error, Result};
use crate::secret::SecretReference;
use plakar_driver::schema::{Fault, Schema, is_secret};
use plakar_driver::{Options, REFERENCE, SecretSource};

/// What names a secret that only this machine's own user may set.
const COMMAND: &str = "cmd:";

/// Finds them by what they are called.
pub(super) struct NamedSecrets;

impl SecretSource for NamedSecrets {
    fn secret<'a>(
        &'a self,
        reference: &'a str,
    ) -> BoxFuture<'a, std::result::Result<String, String>> {
        Box::pin(async move { SecretReference::parse(reference)?.resolve().await })
    }
}

/// Options as Plakar's configuration keeps them: of a secret that is named, the name.
///
/// # Errors
/// A name that is none, by its key.
pub(super) fn named(options: &Options, schema: Option<&Schema>) -> Result<Options> {
    let mut named = options.clone();
    let mut faults = Vec::new();
    for (key, value) in &mut named {
        let secret = schema.map_or_else(|| is_secret(key), |schema| schema.is_secret(key));
        if !secret || value.starts_with(REFERENCE) {
            continue;
        }
        match SecretReference::parse(value) {
            Ok(reference) if reference.is_elsewhere() => *value = format!("{REFERENCE}{value}"),
            Ok(_) => {}
            Err(why) => {
                let message = format!("option \"{key}\": {why}");
                faults.push(Fault { key: Some(key.clone()), message });
            }
        }
    }
    if faults.is_empty() { Ok(named) } else { Err(Error::Faults(faults)) }
}

/// For options that come over the network: a command runs as this program's user, so it is set on the
/// machine itself. It is `passphrase_cmd`, which Plakar runs, one that a backend of rclone runs, or ours.
///
/// # Errors
/// One of them is a command, and not among those that are `kept`, by its key.
pub(super) fn refuse_commands(options: &Options, kept: &Options) -> Result<()> {
    let is_command = |key: &str, value: &str| {
        let value = value.strip_prefix(REFERENCE).unwrap_or(value).trim_start();
        value.starts_with(COMMAND)
            || (!value.is_empty()
                && (key == "ssh" || key.ends_with("_cmd") || key.ends_with("_command")))
    };
    let new = options.iter().filter(|(key, value)| kept.get(*key) != Some(value));
    let commands = new.filter(|(key, value)| is_command(key, value)).map(|(key, _)| Fault {
        key: Some(key.clone()),
        message: format!(
            "option \"{key}\": a command is not set from the console; write it on the machine, with `plakar-opendrive app edit`"
        ),
    });
    let faults: Vec<Fault> = commands.collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults(faults)) }
}

/// The secret that an option has, or names.
///
/// # Errors
/// There is none.
pub(super) async fn secret_of(value: &str) -> Result<String> {
    match value.strip_prefix(REFERENCE) {
        None => Ok(value.to_owned()),
        Some(reference) => NamedSecrets.secret(reference).await.map_err(Error::Input),
    }
}

/// What a secret is named by, of an option that has only the name.
pub(super) fn name_of(value: &str) -> Option<String> {
    value.strip_prefix(REFERENCE).map(str::to_owned)
}

/// Whether a text names a secret, such as `file:/etc/secret`, and is none itself.
pub fn names_secret(text: &str) -> bool {
    SecretReference::parse(text).is_ok_and(|reference| reference.is_elsewhere())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_named() {
        let options = Options::from([
            ("location".into(), "file:/a".into()),
            ("password".into(), "file:/a".into()),
            ("passphrase".into(), "hunter2: env".into()),
        ]);
        let kept = named(&options, None).unwrap();
        assert_eq!(kept["location"], "file:/a");
        assert_eq!(kept["password"], "secret-reference:file:/a");
        assert_eq!(kept["passphrase"], "hunter2: env");
        assert_eq!(named(&kept, None).unwrap(), kept);
        assert_eq!(name_of(&kept["password"]).unwrap(), "file:/a");
        let wrong = Options::from([("password".into(), "vault:secret".into())]);
        let error = named(&wrong, None).unwrap_err().to_string();
        assert!(error.starts_with("option \"password\": write vault: with the mount"), "{error}");
    }

    #[test]
    fn a_command_does_not_come_over_the_network() {
        let kept = Options::from([("passphrase_cmd".into(), "cat /a".into())]);
        for (key, bad) in [
            ("password", "cmd:id"),
            ("password", " cmd:id"),
            ("password", "secret-reference:cmd:id"),
            ("location", "secret-reference:cmd:id"),
            ("passphrase_cmd", "id"),
            ("bearer_token_command", "id"),
            ("ssh", "id"),
        ] {
            let options = Options::from([(key.into(), bad.into())]);
            let error = refuse_commands(&options, &kept).unwrap_err().to_string();
            assert!(
                error.contains(key) && error.contains("a command is not set from the console"),
                "{error}"
            );
        }
        refuse_commands(&kept, &kept).unwrap();
        for (key, good) in [("password", "file:/a"), ("passphrase_cmd", "")] {
            refuse_commands(&Options::from([(key.into(), good.into())]), &kept).unwrap();
        }
    }
}
