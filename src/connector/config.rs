//! What the user configured, in either of two forms.
//!
//! `rclone config show | plakar source import -rclone NAME` stores every key of the rclone section
//! with `rclone_` before it and the location `rclone://`, to which the user may add a path
//! (plakar v1.1.4, utils/config.go). The native form is a location `opendrive://[path]` with
//! `username` and `password`, the password in plain text.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;

use super::config_error::ConfigError;
use super::role::Role;
use super::schema::{Fault, check};
use super::{location_encoding, wrapped};
use crate::rclone::RemoteConfig;

/// What stands before rclone's own keys in the form that Plakar imports by `-rclone` (plakar
/// v1.1.4, utils/config.go).
pub(super) const RCLONE_PREFIX: &str = "rclone_";

/// Maximum number of bytes of packfiles that a store keeps in memory, unless it is told otherwise.
const DEFAULT_CACHE_BYTES: u64 = 64 << 20;

/// What tells one place from another. Plakar finds the parent of a snapshot by these three, so
/// they are the same on every run (kloset v1.1.3, snapshot/backup.go).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account, or the machine for a local remote.
    pub origin: String,
    /// The backend by rclone's name.
    pub kind: String,
    /// The base path, absolute.
    pub root: String,
}

impl Identity {
    /// The part of an absolute path below the base; `None` for the base and what is above or beside
    /// it.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.root.trim_end_matches('/'))?.strip_prefix('/')?;
        (!rest.is_empty()).then_some(rest)
    }
}

/// A configuration that was understood.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to open the remote.
    pub remote: RemoteConfig,
    /// Where it is.
    pub identity: Identity,
    /// How many files are moved at once.
    pub transfers: usize,
    /// How many folders are listed at once.
    pub checkers: usize,
    /// Whether a file counts as changed when its MD5 alone has changed; only a source has the
    /// option.
    pub checksum: bool,
    /// How many bytes of a store's packfiles are kept in memory; only a store has the option.
    pub cache_size: u64,
    /// How many calls may be made in a second, as rclone's `--tpslimit`; empty for no limit.
    pub tpslimit: String,
    /// How many bytes may be moved in a second, as rclone's `--bwlimit`; empty for no limit.
    pub bwlimit: String,
    /// As Plakar hands it over.
    pub(super) location: String,
    /// The path that Plakar may have encoded in the location, without a slash at its beginning;
    /// [`resolve_location`](super::resolve_location) finds out.
    pub(super) encoded: Option<String>,
    /// What the user writes before the backend's options.
    prefix: &'static str,
}

impl Settings {
    /// Understands a configuration as Plakar hands it over: the keys of the section in its
    /// sources.yml, destinations.yml or stores.yml and of `-o`. `hostname` names this machine.
    ///
    /// # Errors
    /// One line that names the key or the location, the problem and what to write instead. The
    /// backend's own options are checked when the remote is opened.
    pub fn parse(
        role: Role,
        config: &HashMap<String, String, RandomState>,
        hostname: &str,
    ) -> Result<Self, ConfigError> {
        check(role, config).map_err(|faults| {
            ConfigError::new(faults.first().map_or_else(String::new, Fault::to_string))
        })?;
        let (scheme, path) = config
            .get("location")
            .and_then(|location| location.split_once("://"))
            .unwrap_or_default();
        let encoded = location_encoding::percent_decoded(path)
            .map(|path| location_encoding::normalized(&path));
        let path = location_encoding::normalized(path);
        // What is known to be good needs no errors below: where the schemas and this disagree,
        // defaults hold.
        let mut options: HashMap<&str, &str> = config
            .iter()
            .filter(|(key, _)| *key != "location")
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        // Plakar's own, see plakar-store(1).
        options.remove("passphrase");
        options.remove("passphrase_cmd");
        let cache_size =
            options.remove("cache_size").and_then(parse_size).unwrap_or(DEFAULT_CACHE_BYTES);
        let checksum = options.remove("checksum") == Some("true");
        let mut count = |key, default| {
            options.remove(key).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
        };
        let transfers = count("transfers", if role == Role::Store { 8 } else { 16 });
        let checkers = count("checkers", 8);
        let downloads = count("downloads", 0);
        // rclone understands these when the remote is opened.
        let [tpslimit, bwlimit] =
            ["tpslimit", "bwlimit"].map(|key| options.remove(key).unwrap_or_default().to_owned());
        let (remote, prefix) = if scheme == "rclone" {
            (imported(role, &options)?, RCLONE_PREFIX)
        } else {
            (native(&options), "")
        };
        let cache_size = if role == Role::Store { cache_size } else { 0 };
        let identity = identify(&remote, &path, hostname);
        let path = if identity.kind == "local" { format!("/{path}") } else { path };
        let name = format!("{}:{path}", identity.kind);
        Ok(Self {
            // A store is known by its `CONFIG`: whether the folder is the right one shows.
            remote: RemoteConfig {
                name,
                path,
                downloads,
                unique_base: role != Role::Store,
                ..remote
            },
            identity,
            transfers,
            checkers,
            checksum,
            cache_size,
            tpslimit,
            bwlimit,
            location: config.get("location").cloned().unwrap_or_default(),
            encoded,
            prefix,
        })
    }

    /// A message of the bridge's about options, with the names that the user writes.
    pub(super) fn prefixed(&self, message: &str) -> String {
        message.replacen("option \"", &format!("option \"{}", self.prefix), 1)
    }
}

/// The form that `plakar … import -rclone` makes.
fn imported(role: Role, options: &HashMap<&str, &str>) -> Result<RemoteConfig, ConfigError> {
    let named = options.iter().filter_map(|(key, value)| {
        Some((key.strip_prefix(RCLONE_PREFIX)?.to_owned(), (*value).to_owned()))
    });
    let kind = match role {
        Role::Source => "source",
        Role::Destination => "destination",
        Role::Store => "store",
    };
    let options = wrapped::expand(named.collect(), RCLONE_PREFIX, kind)?;
    Ok(RemoteConfig { options, ..RemoteConfig::default() })
}

/// The form that needs no rclone.
fn native(options: &HashMap<&str, &str>) -> RemoteConfig {
    options.iter().fold(RemoteConfig::new("opendrive", ""), |remote, (key, value)| {
        if *key == "password" {
            remote.plain_password(key, value)
        } else {
            remote.option(key, value)
        }
    })
}

fn identify(remote: &RemoteConfig, path: &str, hostname: &str) -> Identity {
    let kind = remote.options.get("type").cloned().unwrap_or_default();
    Identity {
        origin: wrapped::origin(&kind, &remote.options, hostname),
        root: format!("/{path}"),
        kind,
    }
}

/// Bytes, of a size as rclone writes it (`SizeSuffix` in fs/sizesuffix.go): KiB if it has no unit,
/// and units are powers of 1024 with or without an i.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) =
        text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('i')).unwrap_or(&unit) {
        "b" => 0,
        "" | "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * f64::from(1u32 << power)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let config =
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Settings::parse(Role::Source, &config, "host").map_err(|error| error.to_string())
    }

    #[test]
    fn both_forms_are_understood() {
        let imported = parse(&[
            ("location", "rclone:///Documents/"),
            ("rclone_type", "opendrive"),
            ("rclone_username", "me@example.com"),
            ("rclone_password", "obscured"),
        ])
        .unwrap();
        let native = parse(&[
            ("location", "opendrive://Documents"),
            ("username", "me@example.com"),
            ("password", "plain"),
        ])
        .unwrap();
        let expected = Identity {
            origin: "me@example.com".into(),
            kind: "opendrive".into(),
            root: "/Documents".into(),
        };
        assert_eq!(imported.identity, expected);
        assert_eq!(native.identity, expected);
        assert_eq!(native.remote.path, "Documents");
        assert_eq!(
            (&imported.remote.plain[..], &native.remote.plain[..]),
            (&[][..], &["password".to_owned()][..])
        );
    }

    #[test]
    fn only_what_is_below_the_base_is_below_it() {
        let below = |root: &str, path| {
            Identity { origin: String::new(), kind: String::new(), root: root.to_owned() }
                .below(path)
        };
        assert_eq!((below("/", "/a/b"), below("/a", "/a/b")), (Some("a/b"), Some("b")));
        assert_eq!(
            [below("/", "/"), below("/a", "/"), below("/a", "/a"), below("/a", "/ab")],
            [None; 4]
        );
    }

    #[test]
    fn a_local_remote_is_absolute_and_named_by_its_machine() {
        let settings =
            parse(&[("location", "rclone:///srv//data/./x"), ("rclone_type", "local")]).unwrap();
        assert_eq!(settings.remote.path, "/srv/data/x");
        assert_eq!(
            settings.identity,
            Identity { origin: "host".into(), kind: "local".into(), root: "/srv/data/x".into() }
        );
    }

    #[test]
    fn a_remote_in_a_remote_is_known_by_its_account_and_folder() {
        let keys = |remote: &'static str| {
            [("location", "rclone:///x"), ("rclone_type", "crypt"), ("rclone_remote", remote)]
        };
        let inline = ":alias,remote=':opendrive,username=me@example.com,password=secret:a':b";
        for (remote, origin) in [
            (inline, "me@example.com:a:b"),
            (":memory:b", "memory:b"),
            (":local:/srv", "host:/srv"),
            ("/srv", "/srv"),
        ] {
            assert_eq!(parse(&keys(remote)).unwrap().identity.origin, origin, "{remote}");
        }
    }

    #[test]
    fn a_store_has_a_cache_size_in_rclones_syntax() {
        let parse = |role, value: &str| {
            let pairs = [
                ("location", "rclone:///x"),
                ("rclone_type", "local"),
                ("passphrase", "p"),
                ("cache_size", value),
            ];
            let config =
                pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            Settings::parse(role, &config, "host")
                .map(|settings| settings.cache_size)
                .map_err(|error| error.to_string())
        };
        for (value, expected) in [
            ("64M", 64 << 20),
            ("64Mi", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("2048", 2 << 20),
            ("1048576b", 1 << 20),
        ] {
            assert_eq!(parse(Role::Store, value), Ok(expected), "{value}");
        }
        for value in
            ["", "64", "0", "-1M", "64X", "M", "1T", "inf", "1e9", "1023.9k", "65537M", "64.1G"]
        {
            let message = parse(Role::Store, value).expect_err(value);
            assert!(message.contains("write a size from 1Mi to 64Gi"), "{message}");
        }
        assert!(parse(Role::Source, "64M").unwrap_err().contains("unknown option"));
    }

    #[test]
    fn a_source_may_compare_checksums() {
        let parse = |role, value: Option<&str>| {
            let pairs = [("location", "rclone:///x"), ("rclone_type", "memory")]
                .into_iter()
                .chain(value.map(|value| ("checksum", value)));
            let config = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Settings::parse(role, &config, "host")
                .map(|settings| {
                    (settings.checksum, settings.remote.options.contains_key("checksum"))
                })
                .map_err(|error| error.to_string())
        };
        // It is no option of the backend.
        for (value, expected) in [(None, false), (Some("false"), false), (Some("true"), true)] {
            assert_eq!(parse(Role::Source, value), Ok((expected, false)), "{value:?}");
        }
        for value in ["", "yes", "1", "True", " true"] {
            let message = parse(Role::Source, Some(value)).expect_err(value);
            assert!(message.contains("write true or false"), "{message}");
        }
        for role in [Role::Destination, Role::Store] {
            let message = parse(role, Some("true")).expect_err("for a source only");
            assert!(message.contains("unknown option \"checksum\""), "{message}");
        }
    }

    #[test]
    fn bad_configurations_are_one_clear_line() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "there is no location"),
            (
                &[("location", "Documents")],
                "location \"Documents\" does not begin with opendrive:// or rclone://: write for example opendrive://Documents",
            ),
            (&[("location", "s3://x")], "does not begin with opendrive:// or rclone://"),
            (&[("location", "opendrive://a/../b")], "has a \"..\" in its path"),
            (&[("location", "opendrive://"), ("password", "x")], "option \"username\" is missing"),
            (&[("location", "opendrive://"), ("username", "x")], "option \"password\" is missing"),
            (
                &[("location", "opendrive://"), ("rclone_type", "x")],
                "does not go with a location opendrive://",
            ),
            (&[("location", "rclone://")], "option \"rclone_type\" is missing"),
            (
                &[("location", "rclone://"), ("rclone_type", "local"), ("colour", "red")],
                "unknown option \"colour\"",
            ),
            (
                &[("location", "rclone://"), ("rclone_type", "local"), ("transfers", "0")],
                "write a number from 1 to 64",
            ),
            (
                &[("location", "rclone://"), ("rclone_type", "local"), ("checkers", "many")],
                "write a number from 1 to 64",
            ),
        ];
        for (pairs, expected) in cases {
            let message = parse(pairs).expect_err(expected);
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
