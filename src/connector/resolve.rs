//! Which folder a location means, by a look at the drive.
//!
//! Plakar 1.1 hands a location over as the user wrote it, unless a path was given by `@NAME:PATH`.
//! Then it takes the location for a URL, puts the path in, and percent-encodes the whole (plakar
//! v1.1.4, config/config.go, `applyRootOverride`): `@NAME:/My Pictures` arrives as
//! `rclone:///My%20Pictures`. A folder can have that name too, so the drive is looked at. Of
//! `opendrive://Documents` it takes `Documents` for a host, which stays: `@NAME:/Other` arrives as
//! `opendrive://Documents/Other`, like what somebody wrote. Plakar 1.0 has no such paths.

use std::collections::HashMap;

use super::config::Settings;
use super::config_error::ConfigError;
use super::open::{OpenError, explain};
use super::paths::join;
use crate::rclone::{Error, ErrorKind, Remote, RemoteConfig};
use terminal::text;

/// Finds out which folder a location of Plakar 1.1 means: as it is written, or decoded where Plakar
/// can have encoded it. Only then the remote is asked. What is there is meant; where nothing is,
/// what Plakar has encoded.
///
/// # Errors
/// If both are there, one line that names both and says how each is written; or as for any
/// connector.
pub async fn resolve_location(mut settings: Settings) -> Result<Settings, OpenError> {
    let Some(decoded) = settings.encoded.take() else { return Ok(settings) };
    let base = if settings.identity.kind == "local" { "/" } else { "" };
    let config =
        RemoteConfig { path: base.to_owned(), unique_base: false, ..settings.remote.clone() };
    let written = settings.identity.root.trim_start_matches('/').to_owned();
    let depths = async {
        let mut folders =
            ListedFolders { remote: Remote::open(&config).await?, known: HashMap::new() };
        Ok::<_, Error>((folders.depth(&written).await?, folders.depth(&decoded).await?))
    };
    let (literal, meant) = depths.await.map_err(|error| explain(&settings, &error))?;
    let same =
        written.split('/').zip(decoded.split('/')).take_while(|(one, other)| one == other).count();
    if literal == meant && literal > same {
        let [written, decoded] = [&written, &decoded].map(|path| format!("/{path}"));
        let (scheme, _) = settings.location.split_once("://").unwrap_or_default();
        return Err(OpenError::Config(ConfigError::new(format!(
            "the location {} can mean {written:?} or {decoded:?}, and both are there: for the first use @NAME:{written}, for the second set location={} in Plakar's configuration",
            text::quoted(&settings.location),
            text::quoted(&format!("{scheme}://{decoded}")),
        ))));
    }
    if meant >= literal {
        settings.move_to(&decoded);
    }
    Ok(settings)
}

/// The folders of a remote, each listed once.
struct ListedFolders {
    remote: Remote,
    known: HashMap<String, Vec<String>>,
}

impl ListedFolders {
    /// How many of the folders of a path are there, one in the other.
    async fn depth(&mut self, path: &str) -> Result<usize, Error> {
        let mut above = String::new();
        for (depth, name) in path.split('/').enumerate() {
            if !self.known.contains_key(&above) {
                let names = match self.remote.list(&above).await {
                    // The path may be that of a file.
                    Ok(entries) => entries.into_iter().map(|entry| entry.name).collect(),
                    Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                    Err(error) => return Err(error),
                };
                self.known.insert(above.clone(), names);
            }
            let key = |name: &str| {
                if self.remote.features().case_insensitive {
                    name.to_lowercase()
                } else {
                    name.to_owned()
                }
            };
            if !self
                .known
                .get(&above)
                .is_some_and(|names| names.iter().any(|there| key(there) == key(name)))
            {
                return Ok(depth);
            }
            above = join(&above, name);
        }
        Ok(path.split('/').count())
    }
}
