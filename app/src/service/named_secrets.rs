//! Secrets that somebody names instead of writing them down: Plakar's configuration keeps the name,
//! and each job gets the secret, in memory.

use futures::future::BoxFuture;

use super::error::{Error, Result};
use crate::secret::SecretReference;
use plakar_driver::schema::{Fault, Schema, is_secret};
use plakar_driver::{Options, REFERENCE, SecretSource};

/// What names a secret that only this machine's own user may set.
const COMMAND: &str = "cmd:";

/// What stands in a key before the option of a remote, of one that it wraps, and before a global one.
/// An upstream has a number.
const PREFIXES: [&str; 4] = ["rclone_", "remote_", "override.", "global."];

/// The options of rclone 1.76 that are a program to run and do not end in `_command` (backend/sftp,
/// fs/config.go, lib/transform).
const PROGRAMS: [&str; 3] = ["ssh", "metadata_mapper", "name_transform"];

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
/// machine itself. It is `passphrase_cmd`, which Plakar runs, one that rclone runs for a remote or for
/// one that it wraps, or ours.
///
/// # Errors
/// One of them is a command, and not among those that are `kept`, by its key.
pub(super) fn refuse_commands(options: &Options, kept: &Options) -> Result<()> {
    let is_command = |key: &str, value: &str| {
        let value = value.strip_prefix(REFERENCE).unwrap_or(value).trim_start();
        value.starts_with(COMMAND)
            || (!value.is_empty() && is_program(key))
            || (!is_secret(key) && sets_program(value))
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

/// Whether the option of this key is a program to run.
fn is_program(key: &str) -> bool {
    let mut name = key;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(*prefix)) {
        name = rest;
    }
    match of_upstream(name) {
        Some(rest) => is_program(rest),
        None => PROGRAMS.contains(&name) || name.ends_with("_cmd") || name.ends_with("_command"),
    }
}

/// `ssh` of `upstream2_ssh`.
fn of_upstream(name: &str) -> Option<&str> {
    let (number, rest) = name.strip_prefix("upstream")?.split_once('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(rest)
}

/// Whether a remote that is written out in a value sets such an option, as `:sftp,ssh=id:` does. In
/// rclone each option follows a comma (fs/fspath/path.go), and the quotes around a remote in another
/// one change neither it nor its key: so none is overlooked.
fn sets_program(value: &str) -> bool {
    let mut options = value.split(',').skip(1).filter_map(|option| option.split_once('='));
    options.any(|(key, _)| is_program(key))
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
            ("rclone_ssh", "id"),
            ("rclone_remote_ssh", "id"),
            ("rclone_remote_remote_bearer_token_command", "id"),
            ("rclone_upstream2_ssh", "id"),
            ("rclone_upstream12_remote_upstream1_ssh", "id"),
            ("rclone_override.metadata_mapper", "id"),
            ("rclone_remote", ":sftp,host=example.com,ssh=id:/srv"),
            ("rclone_remote", ":webdav,bearer_token_command='id -u':"),
            ("rclone_remote", ":local,global.metadata_mapper=id:/srv"),
            ("rclone_remote", ":crypt,remote=':alias,remote='':sftp,ssh=id:'':':"),
            ("rclone_remote_remote", ":sftp,ssh=\"id -u\":"),
            ("rclone_remote_type", "sftp,ssh=id"),
            ("rclone_upstreams", "a=drive:x \"b=:sftp,ssh=\"\"id -u\"\":\""),
        ] {
            let options = Options::from([(key.into(), bad.into())]);
            let error = refuse_commands(&options, &kept).unwrap_err().to_string();
            assert!(
                error.contains(key) && error.contains("a command is not set from the console"),
                "{error}"
            );
        }
        refuse_commands(&kept, &kept).unwrap();
        for (key, good) in [
            ("password", "file:/a"),
            ("password", "a,ssh=id"),
            ("passphrase_cmd", ""),
            ("rclone_host", "ssh"),
            ("rclone_remote_sshd", "id"),
            ("rclone_remote", ":sftp,host=example.com,key_file='/a,b':/srv, ssh"),
            ("rclone_upstreams", "a=:s3,provider=AWS:bucket b=drive:x"),
        ] {
            refuse_commands(&Options::from([(key.into(), good.into())]), &kept).unwrap();
        }
    }
}
