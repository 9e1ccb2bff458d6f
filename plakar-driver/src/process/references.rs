//! Secrets that Plakar's configuration only names: looked up for each job, and handed to plakar in a
//! configuration of its own that is in memory and goes with the job.
//!
//! Plakar itself knows no such thing for connectors. Of three ways to give it a secret, an argument is
//! kept in each snapshot, and not every connector reads variables; a folder for its configuration
//! it takes from everybody.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use futures::future::BoxFuture;
use serde_norway::Value;

use crate::error::{Error, Result};

/// What the value of a reference begins with in Plakar's configuration. No password does.
pub const REFERENCE: &str = "secret-reference:";

/// The variable by which a guard knows what it has to remove at its end.
pub(super) const REMOVED_AFTER: &str = "PLAKAR_GUARD_REMOVES";

/// The files of Plakar's configuration, and what their entries are below.
const FILES: [(&str, &str); 3] =
    [("sources.yml", "sources"), ("destinations.yml", "destinations"), ("stores.yml", "stores")];

/// Finds secrets by what they are called in the configuration.
pub trait SecretSource: Send + Sync {
    /// The secret; or one line that says why there is none, without any secret.
    fn secret<'a>(
        &'a self,
        reference: &'a str,
    ) -> BoxFuture<'a, std::result::Result<String, String>>;
}

/// A configuration with the secrets in it. It is removed when this is dropped, and by the guard.
pub(super) struct ResolvedConfiguration {
    pub(super) folder: tempfile::TempDir,
    /// What no line must show.
    pub(super) secrets: Vec<String>,
}

/// Looks up what a job with these arguments needs; nothing if its entries name no secrets, and then
/// it costs three short reads.
///
/// # Errors
/// A secret that is not there, as [`Error::Input`].
pub(super) async fn resolve(
    configuration: &Path,
    arguments: &[OsString],
    source: &dyn SecretSource,
) -> Result<Option<ResolvedConfiguration>> {
    let mut texts = Vec::new();
    for (file, _) in FILES {
        let text = match std::fs::read_to_string(configuration.join(file)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io("cannot read Plakar's configuration")(error)),
        };
        texts.push(text);
    }
    if !texts.iter().any(|text| text.contains(REFERENCE)) {
        return Ok(None);
    }
    let (mut secrets, mut files) = (Vec::new(), Vec::new());
    for ((file, section), text) in FILES.into_iter().zip(&texts) {
        if text.is_empty() {
            continue;
        }
        // Nothing of the file goes into the message: it holds secrets.
        let unread = || Error::Answer(format!("a {file} that is not valid YAML"));
        let mut all: Value = serde_norway::from_str(text).map_err(|_| unread())?;
        if let Some(Value::Mapping(entries)) = all.get_mut(section) {
            let names: Vec<Value> = entries.keys().cloned().collect();
            for name in names {
                let Some(Value::Mapping(options)) = entries.get_mut(&name) else { continue };
                let is_named =
                    |value: &Value| value.as_str().is_some_and(|text| text.starts_with(REFERENCE));
                if !options.values().any(is_named) {
                    continue;
                }
                // Another entry's secrets are none of this job's business.
                if !name.as_str().is_some_and(|name| names_entry(arguments, name)) {
                    entries.remove(&name);
                    continue;
                }
                for (key, value) in options.iter_mut() {
                    let Some(reference) =
                        value.as_str().and_then(|text| text.strip_prefix(REFERENCE))
                    else {
                        continue;
                    };
                    let of = (name.as_str().unwrap_or(""), key.as_str().unwrap_or(""));
                    let secret = looked_up(source, reference, of).await?;
                    secrets.push(secret.clone());
                    *value = Value::String(secret);
                }
            }
        }
        files.push((file, all));
    }
    if secrets.is_empty() {
        return Ok(None);
    }
    let folder = in_memory()?;
    for (file, all) in &files {
        let json = serde_json::to_string(all)
            .map_err(|error| Error::Answer(format!("{file}: {error}")))?;
        write_private(&folder.path().join(file), &as_yaml(&json))
            .map_err(Error::io("cannot write a configuration in memory"))?;
    }
    Ok(Some(ResolvedConfiguration { folder, secrets }))
}

/// Replaces the names of secrets in the options of an entry by the secrets, for a program that gets
/// these options and no configuration. Gives the secrets, which no line must show.
///
/// # Errors
/// A secret that is not there, as [`Error::Input`].
pub(super) async fn resolve_options(
    entry: &str,
    options: &mut BTreeMap<String, String>,
    source: &dyn SecretSource,
) -> Result<Vec<String>> {
    let mut secrets = Vec::new();
    for (key, value) in options.iter_mut() {
        let Some(reference) = value.strip_prefix(REFERENCE) else { continue };
        let secret = looked_up(source, reference, (entry, key.as_str())).await?;
        secrets.push(secret.clone());
        *value = secret;
    }
    Ok(secrets)
}

/// The secret that an option of an entry names.
async fn looked_up(
    source: &dyn SecretSource,
    reference: &str,
    (entry, key): (&str, &str),
) -> Result<String> {
    let found = source.secret(reference).await;
    found.map_err(|why| Error::Input(format!("the option \"{key}\" of {entry}: {why}")))
}

/// Whether a job is about an entry: `name`, `@name`, `@name:/path`, `-to=@name`.
fn names_entry(arguments: &[OsString], name: &str) -> bool {
    arguments.iter().filter_map(|argument| argument.to_str()).any(|argument| {
        let option = argument.strip_prefix('-').and_then(|option| option.split_once('='));
        let argument = match option {
            Some((_, value)) if value.starts_with('@') => value,
            _ => argument,
        };
        let rest = argument.strip_prefix('@').unwrap_or(argument).strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

/// A folder for nobody else, on a file system that is memory: nothing of it is ever on a disk, unless
/// the system swaps.
#[cfg(target_os = "linux")]
fn in_memory() -> Result<tempfile::TempDir> {
    use std::path::PathBuf;

    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    let is_memory = |folder: &PathBuf| {
        let found = rustix::fs::statfs(folder).map(|found| found.f_type as u64);
        found.is_ok_and(|kind| [TMPFS, RAMFS].contains(&(kind & 0xffff_ffff)))
    };
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let places = runtime.into_iter().chain(["/dev/shm".into(), "/run".into()]);
    let make = |place: PathBuf| {
        let mut builder = tempfile::Builder::new();
        builder.prefix("plakar-configuration").tempdir_in(place).ok()
    };
    places.filter(is_memory).find_map(make).ok_or_else(|| {
        Error::Input(
            "there is no file system in memory for secrets that are named: mount a tmpfs at /dev/shm".into(),
        )
    })
}

#[cfg(not(target_os = "linux"))]
fn in_memory() -> Result<tempfile::TempDir> {
    Err(Error::Input(
        "secrets that are named need a file system in memory, which this program knows on Linux only: write the secret itself".into(),
    ))
}

/// Plakar reads JSON as YAML, which takes more characters than JSON for the end of a line, or for
/// nothing.
pub(crate) fn as_yaml(json: &str) -> String {
    let escape = |letter: char| match letter {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
            format!("\\u{:04x}", u32::from(letter))
        }
        letter => letter.to_string(),
    };
    json.chars().map(escape).collect()
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl SecretSource for Fixed {
        fn secret<'a>(
            &'a self,
            reference: &'a str,
        ) -> BoxFuture<'a, std::result::Result<String, String>> {
            Box::pin(async move {
                match reference {
                    "file:/a" => Ok("0123: \"#\n\u{2028}".into()),
                    _ => Err(format!("{reference} is not there")),
                }
            })
        }
    }

    async fn resolved(text: &str, arguments: &[&str]) -> Result<Option<(String, Vec<String>)>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sources.yml"), text).unwrap();
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let made = resolve(folder.path(), &arguments, &Fixed).await?;
        Ok(made.map(|made| {
            let path = made.folder.path().to_owned();
            let text = std::fs::read_to_string(path.join("sources.yml")).unwrap();
            let secrets = made.secrets.clone();
            drop(made);
            assert!(!path.exists());
            (text, secrets)
        }))
    }

    #[tokio::test]
    async fn only_the_secrets_of_a_jobs_own_entries_are_looked_up() {
        let text = "version: v1.0.0\nsources:\n  a:\n    location: x://\n    password: secret-reference:file:/a\n  \
             b:\n    password: secret-reference:file:/b\n  c:\n    password: \"007\"\n";
        assert_eq!(resolved(text, &["at", "@store", "backup", "@c"]).await.unwrap(), None);
        let (made, secrets) = resolved(text, &["backup", "@a"]).await.unwrap().unwrap();
        assert_eq!(secrets, ["0123: \"#\n\u{2028}"]);
        let read: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(read["sources"]["a"]["password"], "0123: \"#\n\u{2028}");
        assert_eq!(read["sources"]["c"]["password"], "007");
        assert_eq!(read["version"], "v1.0.0");
        assert!(read["sources"]["b"].is_null() && made.is_ascii(), "{made}");
        let error = resolved(text, &["source", "ping", "b"]).await.unwrap_err().to_string();
        assert!(error.contains("the option \"password\" of b: file:/b is not there"), "{error}");
        assert_eq!(resolved("sources:\n  a:\n    password: x\n", &["@a"]).await.unwrap(), None);
        let error = resolved("secret-reference:\n- }", &["@a"]).await.unwrap_err().to_string();
        assert!(error.contains("sources.yml that is not valid YAML"), "{error}");
    }

    #[tokio::test]
    async fn options_for_another_program_have_the_secrets_themselves() {
        let named = "secret-reference:file:/a".to_owned();
        let mut options =
            BTreeMap::from([("location".into(), "x://".into()), ("password".into(), named)]);
        let secrets = resolve_options("a", &mut options, &Fixed).await.unwrap();
        assert_eq!(secrets, ["0123: \"#\n\u{2028}"]);
        assert_eq!(options["password"], secrets[0]);
        assert_eq!(options["location"], "x://");
        let absent = "secret-reference:file:/b".to_owned();
        let mut options = BTreeMap::from([("password".into(), absent)]);
        let error = resolve_options("b", &mut options, &Fixed).await.unwrap_err().to_string();
        assert!(error.contains("the option \"password\" of b: file:/b is not there"), "{error}");
    }

    #[test]
    fn a_job_is_about_what_its_arguments_name() {
        let of = |argument: &str| names_entry(&[argument.into()], "drive");
        assert!(of("drive") && of("@drive") && of("@drive:/a") && of("@drive/a"));
        assert!(of("-to=@drive") && !of("-to=@drive2") && !of("-to=drive"));
        assert!(!of("@drive2") && !of("drives") && !of("-name=drive") && !of("@my"));
    }
}
