//! Which folder a location means.
//!
//! Plakar 1.1 hands a location over as the user wrote it, unless a path was given by `@NAME:PATH`. Then it takes the location
//! for a URL, puts the path in, and percent-encodes the whole (plakar v1.1.4, config/config.go, `applyRootOverride`):
//! `@NAME:/My Pictures` arrives as `rclone:///My%20Pictures`. A folder can have that name too, so the drive is looked at.
//! Of `opendrive://Documents` it takes `Documents` for a host, which stays: `@NAME:/Other` arrives as
//! `opendrive://Documents/Other`, like what somebody wrote. Plakar 1.0 has no such paths.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::paths::join;
use super::{ConfigError, OpenError, Settings, explain};
use crate::rclone::{Error, ErrorKind, Remote, RemoteConfig};
use terminal::text;

/// What Go's `net/url` encodes in a path.
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// What it encodes in a host, which a location with two slashes begins with.
const ENCODED_IN_HOST: &AsciiSet = &ENCODED_IN_PATH
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'[')
    .remove(b']')
    .remove(b'<')
    .remove(b'>')
    .remove(b'"');

/// The path of a location without what means nothing in it.
pub(super) fn normalized(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The path that Plakar has encoded, if it can have encoded this one; `None` also if encoding changes nothing.
pub(super) fn percent_decoded(path: &str) -> Option<String> {
    let host = if path.starts_with('/') { 0 } else { path.find('/').unwrap_or(path.len()) };
    let (host, below) = path.split_at(host);
    let decode = |text, encoded| {
        let decoded = percent_decode_str(text).decode_utf8().ok()?;
        // Only what is encoded as Go does it is Plakar's.
        (utf8_percent_encode(&decoded, encoded).to_string() == text).then_some(decoded)
    };
    let decoded = decode(host, ENCODED_IN_HOST)?.into_owned() + &decode(below, ENCODED_IN_PATH)?;
    (decoded != path && !decoded.contains('\0')).then_some(decoded)
}

impl Settings {
    /// The folder of a path below this one. It is taken as it is.
    ///
    /// # Errors
    /// If the path leads elsewhere.
    pub fn below(mut self, path: &str) -> Result<Self, ConfigError> {
        let path = checked(path)?;
        let join = |folder: &str| normalized(&format!("{folder}/{path}"));
        self.encoded = self.encoded.as_deref().map(join);
        let whole = join(&self.identity.root);
        self.move_to(&whole);
        Ok(self)
    }

    /// The folder of a path from the root of the remote, whatever the location is. It is taken as it is.
    ///
    /// # Errors
    /// If the path leads elsewhere.
    pub fn from_root(mut self, path: &str) -> Result<Self, ConfigError> {
        let path = normalized(checked(path)?);
        self.encoded = None;
        self.move_to(&path);
        Ok(self)
    }

    /// What is to be said of a location that can have come of another one than the user takes it for.
    pub fn location_note(&self) -> Option<String> {
        let (scheme, path) = self.location.split_once("://")?;
        let (host, rest) = path.split_once('/').filter(|(host, _)| !host.is_empty())?;
        let rest = normalized(rest);
        Some(text::line(&format!(
            "the location {scheme}://{path} is read as the folder {}; of {scheme}://{host} and @NAME:/{rest} Plakar makes the same: write {scheme}:///{host} with three slashes, and it is never taken for another",
            self.identity.root,
        )))
    }

    /// Whether it is known which folder the location means.
    pub fn is_resolved(&self) -> bool {
        self.encoded.is_none()
    }

    fn move_to(&mut self, path: &str) {
        let Self { identity, remote, .. } = self;
        identity.root = format!("/{path}");
        remote.path = if identity.kind == "local" { identity.root.clone() } else { path.to_owned() };
        remote.name = format!("{}:{}", identity.kind, remote.path);
    }
}

fn checked(path: &str) -> Result<&str, ConfigError> {
    if path.split('/').any(|part| part == "..") || path.contains('\0') {
        let problem = "has a \"..\" in it, or a NUL byte: write the path of the folder itself";
        return Err(ConfigError::new(format!("the path {} {problem}", text::quoted(path))));
    }
    Ok(path)
}

/// Finds out which folder a location of Plakar 1.1 means: as it is written, or decoded where Plakar can have encoded it. Only
/// then the remote is asked. What is there is meant; where nothing is, what Plakar has encoded.
///
/// # Errors
/// If both are there, one line that names both and says how each is written; or as for any connector.
pub async fn resolve_location(mut settings: Settings) -> Result<Settings, OpenError> {
    let Some(decoded) = settings.encoded.take() else { return Ok(settings) };
    let base = if settings.identity.kind == "local" { "/" } else { "" };
    let config = RemoteConfig { path: base.to_owned(), unique_base: false, ..settings.remote.clone() };
    let written = settings.identity.root.trim_start_matches('/').to_owned();
    let depths = async {
        let mut folders = ListedFolders { remote: Remote::open(&config).await?, known: HashMap::new() };
        Ok::<_, Error>((folders.depth(&written).await?, folders.depth(&decoded).await?))
    };
    let (literal, meant) = depths.await.map_err(|error| explain(&settings, &error))?;
    let same = written.split('/').zip(decoded.split('/')).take_while(|(one, other)| one == other).count();
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
            let key = |name: &str| if self.remote.features().case_insensitive { name.to_lowercase() } else { name.to_owned() };
            if !self.known.get(&above).is_some_and(|names| names.iter().any(|there| key(there) == key(name))) {
                return Ok(depth);
            }
            above = join(&above, name);
        }
        Ok(path.split('/').count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_plakar_can_have_encoded_is_decoded() {
        for (path, expected) in [
            ("/My%20Pictures", "/My Pictures"),
            ("My/a%20b", "My/a b"),
            ("/It%27s%20%28new%29%21", "/It's (new)!"),
            ("/100%25%20sure%3F%23", "/100% sure?#"),
            ("/caf%C3%A9", "/café"),
            ("/a%2520b", "/a%20b"),
            ("/line%0Abreak", "/line\nbreak"),
            ("Really!(it)/a%20b", "Really!(it)/a b"),
            ("/%E2%80%9B", "/‛"),
        ] {
            assert_eq!(percent_decoded(path).as_deref(), Some(expected), "{path}");
        }
        for path in [
            "",
            "/",
            "/Documents/a",
            "/My Pictures",
            "/a%20b c",
            "/a%2fb",
            "/a%2Fb",
            "/a%C3b",
            "/caf%c3%a9",
            "/100%",
            "/100%2",
            "/%zz",
            "/a%41",
            "/%2E%2E",
            "/a%00b",
            "/é%20b",
            "/it's%20new",
            "/new!/a%20b",
            "/a%+1",
            "/%é",
            "/a?b%20c",
        ] {
            assert_eq!(percent_decoded(path), None, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_plakar_encodes_is_decoded(path in "/[^\0]{0,20}") {
            let sent = utf8_percent_encode(&path, ENCODED_IN_PATH).to_string();
            assert_eq!(percent_decoded(&sent), (sent != path).then_some(path));
        }

        #[test]
        fn anything_may_be_a_location(path in "[%0-9A-Fa-c/é ‛]{0,20}") {
            if let Some(folder) = percent_decoded(&path) {
                let host = path.find('/').unwrap_or(path.len());
                assert!(utf8_percent_encode(&folder, ENCODED_IN_PATH).to_string() == path || host > 0, "{path:?} {folder:?}");
            }
        }
    }

    #[test]
    fn a_location_that_plakar_may_have_made_is_told() {
        let note = |location: &str| {
            let config = [("location", location), ("username", "u"), ("password", "p")];
            let config: HashMap<String, String> = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            Settings::parse(crate::connector::Role::Source, &config, "").unwrap().location_note()
        };
        for location in ["opendrive://", "opendrive:///", "opendrive:///a/b", "opendrive://Documents"] {
            assert_eq!(note(location), None, "{location}");
        }
        let told = "the location opendrive://a/b/c is read as the folder /a/b/c; of opendrive://a and @NAME:/b/c Plakar makes the same: \
            write opendrive:///a with three slashes, and it is never taken for another";
        assert_eq!(note("opendrive://a/b//c").unwrap(), told.replace("a/b/c is", "a/b//c is"));
        assert!(note("opendrive://Documents/").unwrap().contains("of opendrive://Documents and @NAME:/ Plakar makes the same"));
    }
}
