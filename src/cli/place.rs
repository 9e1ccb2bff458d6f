//! How a remote is named on this command line.
//!
//! `opendrive://FOLDER` is a folder of the account in the environment; `@NAME` is a source,
//! destination or store of Plakar's, or a section of a file, `@NAME/FOLDER` a folder below it, and
//! `@NAME:/FOLDER` one of the whole drive, as in Plakar.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::credentials::{self, Credentials};
use super::drive::drive;
use super::plakar::{self, ConfigurationKind};
use crate::connector::{Role, Section, Sections, Settings, paths, resolve_location};
use terminal::exit::{Exit, Failure};
use terminal::text;

/// The options that only a store has, and that make no other place of it.
const STORE_ONLY_OPTIONS: [&str; 3] = ["passphrase", "passphrase_cmd", "cache_size"];

/// Maximum length of a configuration file, in bytes.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Where names are looked up.
#[derive(Debug, clap::Args)]
pub(super) struct LookupArgs {
    /// Look @NAME up in this file, not in Plakar: what `config` or `rclone config show` prints; `-`
    /// is standard input
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which @NAME of Plakar's is meant, where several have the name
    #[arg(long = "as", value_name = "KIND", conflicts_with = "config")]
    kind: Option<ConfigurationKind>,
}

/// What names were looked up in; asked for and read once.
pub(super) struct RemoteLookup {
    file: Option<(String, Sections)>,
    kind: Option<ConfigurationKind>,
    credentials: Option<Credentials>,
}

impl LookupArgs {
    /// Whether names are looked up in a file, not in Plakar.
    pub(super) fn is_a_file(&self) -> bool {
        self.config.is_some()
    }

    pub(super) fn read(&self) -> Result<RemoteLookup, Failure> {
        let file = match &self.config {
            Some(path) => Some(read_file(path)?),
            None => None,
        };
        Ok(RemoteLookup { file, kind: self.kind, credentials: None })
    }
}

/// Whether an argument of `cp` names a remote and no local path.
pub(super) fn is_remote(argument: &str) -> bool {
    argument.starts_with('@') || argument.contains("://")
}

impl RemoteLookup {
    /// Where a remote is and how to get there.
    pub(super) fn find(&mut self, remote: &str) -> Result<Settings, Failure> {
        if let Some(name) = remote.strip_prefix('@') {
            let (name, path) = name.split_at(name.find(['/', ':']).unwrap_or(name.len()));
            if name.is_empty() {
                return Err(Failure::usage(
                    "@ alone does not name a remote: write @NAME, for example @drive",
                ));
            }
            let found = match &self.file {
                Some((file, sections)) => {
                    let section = sections.0.get(name).ok_or_else(|| {
                        let names: Vec<&str> = sections.0.keys().map(String::as_str).collect();
                        Failure::new(
                            Exit::Configuration,
                            format!(
                                "{file} has no {}: it has {}",
                                text::quoted(name),
                                names.join(", ")
                            ),
                        )
                    })?;
                    // Without a location it is rclone's own form, which may need other sections.
                    settings(
                        if section.contains_key("location") {
                            section.clone()
                        } else {
                            sections.import(name)?
                        },
                        path,
                    )?
                }
                None => of_plakar(name, self.kind, path)?,
            };
            // What Plakar may have encoded is found out now: each command opens what is found in
            // its own way.
            return if found.is_resolved() {
                Ok(found)
            } else {
                drive(async { Ok(resolve_location(found).await?) })
            };
        }
        if remote.starts_with("opendrive://") {
            let Credentials { username, password } = match &self.credentials {
                Some(known) => known.clone(),
                None => self.credentials.insert(credentials::find(None, false)?).clone(),
            };
            let section =
                [("location", remote.to_owned()), ("username", username), ("password", password)];
            return settings(section.map(|(key, value)| (key.to_owned(), value)).into(), "");
        }
        let shown = text::quoted(remote);
        Err(Failure::usage(if remote.contains("://") {
            format!(
                "{shown} is not a location that this command knows: write opendrive://FOLDER, or @NAME for a remote that is configured"
            )
        } else {
            format!(
                "{shown} does not name a remote: write opendrive://FOLDER, or @NAME for a source, destination or store of Plakar's"
            )
        }))
    }
}

/// The folder that a path is in, and the last name of the path; `None` for the root.
pub(super) fn above(settings: &Settings) -> Option<(Settings, String)> {
    let mut folder = settings.clone();
    let (path, name) = paths::split(&settings.remote.path);
    if name.is_empty() {
        return None;
    }
    folder.identity.root = format!("/{}", path.trim_start_matches('/'));
    // A local remote is absolute.
    folder.remote.path = if settings.identity.kind == "local" {
        folder.identity.root.clone()
    } else {
        path.to_owned()
    };
    Some((folder, name.to_owned()))
}

/// Understands a section, with what follows its name: `/PATH` or `:PATH` below its location, or
/// `:/PATH` instead of that.
fn settings(mut section: Section, path: &str) -> Result<Settings, Failure> {
    for key in STORE_ONLY_OPTIONS {
        section.remove(key);
    }
    let config: HashMap<String, String> = section.into_iter().collect();
    let settings = Settings::parse(Role::Source, &config, &hostname())?;
    Ok(match path.strip_prefix(':') {
        Some(path) if path.starts_with('/') => settings.from_root(path)?,
        below => settings.below(below.unwrap_or(path))?,
    })
}

/// This machine's name, as Plakar hands it over.
fn hostname() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Asks Plakar for the source, destination or store of this name.
fn of_plakar(
    name: &str,
    wanted: Option<ConfigurationKind>,
    path: &str,
) -> Result<Settings, Failure> {
    let mut found: Option<(&str, Settings)> = None;
    for &kind in ConfigurationKind::value_variants()
        .iter()
        .filter(|kind| wanted.is_none_or(|wanted| wanted == **kind))
    {
        let Some(section) = plakar::show(kind, name)? else { continue };
        let (kind, settings) = (kind.name(), settings(section, path)?);
        match &found {
            None => found = Some((kind, settings)),
            Some((first, known))
                if known.remote.options != settings.remote.options
                    || known.remote.path != settings.remote.path =>
            {
                return Err(Failure::new(
                    Exit::Configuration,
                    format!(
                        "@{name} is a {first} and a {kind} of Plakar's, which differ: choose one by --as {first} or --as {kind}"
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    let missing = || match wanted.map(ConfigurationKind::name) {
        None => format!(
            "Plakar has no source, destination or store {}: `plakar source show` lists the sources",
            text::quoted(name)
        ),
        Some(kind) => format!(
            "Plakar has no {kind} {}: `plakar {kind} show` lists what there is",
            text::quoted(name)
        ),
    };
    found.map(|(_, settings)| settings).ok_or_else(|| Failure::new(Exit::Configuration, missing()))
}

/// A store of Plakar's by its name.
pub(super) fn store(name: &str) -> Result<Settings, Failure> {
    let section = plakar::show(ConfigurationKind::Store, name)?.ok_or_else(|| {
        let missing =
            format!("Plakar has no store {}: `plakar store show` lists them", text::quoted(name));
        Failure::new(Exit::Configuration, missing)
    })?;
    let config: HashMap<String, String> = section.into_iter().collect();
    Ok(Settings::parse(Role::Store, &config, &hostname())?)
}

fn read_file(path: &Path) -> Result<(String, Sections), Failure> {
    let (name, file) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), Ok(Box::new(std::io::stdin()) as Box<dyn Read>))
    } else {
        (format!("{path:?}"), std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>))
    };
    let sections = file
        .map_err(|error| unreadable(&name, &error))
        .and_then(|file| read_sections(file, &name))?;
    Ok((name, sections))
}

/// Reads a configuration in any of its forms; messages call its source by a name.
pub(super) fn read_sections(source: impl Read, name: &str) -> Result<Sections, Failure> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(name, &error))?;
    let failed = |problem: String| Failure::new(Exit::Configuration, format!("{name}: {problem}"));
    if bytes.len() as u64 > MAX_CONFIG_BYTES {
        return Err(failed(format!(
            "more than {MAX_CONFIG_BYTES} bytes, which is not a configuration"
        )));
    }
    Sections::read(&bytes).map_err(|error| failed(error.to_string()))
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("{name}: cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(pairs: &[(&str, &str)]) -> Section {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_path_goes_below_the_location() {
        let rclone = section(&[
            ("location", "rclone://"),
            ("rclone_type", "opendrive"),
            ("rclone_username", "u"),
        ]);
        let found = settings(rclone, "/Documents/a b").unwrap();
        assert_eq!(
            (found.remote.path.as_str(), found.identity.root.as_str()),
            ("Documents/a b", "/Documents/a b")
        );
        let (folder, name) = above(&found).unwrap();
        assert_eq!(
            (folder.remote.path.as_str(), folder.identity.root.as_str(), name.as_str()),
            ("Documents", "/Documents", "a b")
        );
        let (root, _) = above(&folder).unwrap();
        assert_eq!(
            (root.remote.path.as_str(), root.identity.root.as_str(), above(&root).is_none()),
            ("", "/", true)
        );

        let store = section(&[
            ("location", "rclone:///srv"),
            ("rclone_type", "local"),
            ("passphrase", "p"),
            ("cache_size", "8Mi"),
        ]);
        let (folder, name) = above(&settings(store, "/x").unwrap()).unwrap();
        assert_eq!((folder.remote.path.as_str(), name.as_str()), ("/srv", "x"));
        let (root, _) = above(&folder).unwrap();
        assert_eq!((root.remote.path.as_str(), above(&root).is_none()), ("/", true));
        assert!(
            settings(
                section(&[("location", "opendrive://a"), ("username", "u"), ("password", "p")]),
                "/../b"
            )
            .is_err()
        );
    }

    #[test]
    fn a_path_after_a_colon_is_as_in_plakar() {
        let at = |location: &str, path: &str| {
            let found = settings(
                section(&[
                    ("location", location),
                    ("rclone_type", "opendrive"),
                    ("rclone_username", "u"),
                ]),
                path,
            );
            found
                .map(|found| (found.remote.path, found.identity.root))
                .map_err(|failure| failure.message.unwrap_or_default())
        };
        let root = |root: &str| Ok((root.trim_start_matches('/').to_owned(), root.to_owned()));
        assert_eq!(at("rclone://Documents", ":/My Pictures"), root("/My Pictures"));
        assert_eq!(at("rclone://Documents", ":My Pictures/"), root("/Documents/My Pictures"));
        assert_eq!(at("rclone://Documents", ":/"), root("/"));
        assert_eq!(at("rclone://Documents", ":"), root("/Documents"));
        assert_eq!(at("rclone:///Documents", ":/a%20b"), root("/a%20b"));
        assert!(at("rclone://Documents", ":/../a").unwrap_err().contains("has a \"..\" in it"));
    }
}
