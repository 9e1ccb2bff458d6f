//! Configurations, locations and sizes.

use std::collections::HashMap;

use bolero::TypeGenerator;
use plakar_opendrive::connector::{Role, Settings};
use support::planted::assert_plain;

use crate::fuzz;

#[derive(Debug, TypeGenerator)]
enum Key {
    Known(u8),
    Imported(u8),
    Any(String),
}

#[derive(Debug, TypeGenerator)]
enum Value {
    Location { scheme: u8, path: String },
    Known(u8),
    Any(String),
}

const KEYS: [&str; 11] = [
    "location",
    "username",
    "password",
    "transfers",
    "checkers",
    "cache_size",
    "passphrase",
    "checksum",
    "type",
    "rclone_type",
    "rclone_remote",
];

const VALUES: [&str; 10] = [
    "",
    "opendrive",
    "local",
    "memory",
    "1",
    "65",
    "64Mi",
    "opendrive://x/../y",
    "rclone:///a//./b/",
    "s3://x",
];

const SCHEMES: [&str; 4] = ["opendrive://", "rclone://", "", "\u{1b}://"];

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Known(index) => KEYS[usize::from(*index) % KEYS.len()].to_owned(),
            Self::Imported(index) => format!("rclone_{}", KEYS[usize::from(*index) % KEYS.len()]),
            Self::Any(text) => text.clone(),
        }
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Location { scheme, path } => {
                format!("{}{path}", SCHEMES[usize::from(*scheme) % SCHEMES.len()])
            }
            Self::Known(index) => VALUES[usize::from(*index) % VALUES.len()].to_owned(),
            Self::Any(text) => text.clone(),
        }
    }
}

const ROLES: [Role; 3] = [Role::Source, Role::Destination, Role::Store];

/// What holds for every configuration, understood or not.
fn check_settings(role: Role, config: &HashMap<String, String>) {
    let settings = match Settings::parse(role, config, "here") {
        Ok(settings) => settings,
        Err(error) => return assert_plain(&error.to_string()),
    };
    let root = &settings.identity.root;
    assert!(
        root == "/" || root[1..].split('/').all(|part| !["", ".", ".."].contains(&part)),
        "{root:?}"
    );
    assert!(root.starts_with('/') && !root.contains('\0'), "{root:?}");
    assert_eq!(settings.remote.path.trim_start_matches('/'), &root[1..]);
    assert!((1..=64).contains(&settings.transfers) && (1..=64).contains(&settings.checkers));
    assert_eq!(role == Role::Store, settings.cache_size > 0);
    assert!(settings.cache_size == 0 || (1 << 20..=1 << 36).contains(&settings.cache_size));
    assert!(settings.remote.options.contains_key("type"));
}

#[test]
fn configurations() {
    fuzz::<(u8, Option<Value>, Vec<(Key, Value)>)>("configurations", |(role, location, pairs)| {
        let mut config: HashMap<String, String> =
            pairs.iter().map(|(key, value)| (key.text(), value.text())).collect();
        if let Some(location) = location {
            config.insert("location".into(), location.text());
        }
        check_settings(ROLES[usize::from(*role) % 3], &config);
    });
}

#[test]
fn locations() {
    fuzz::<(u8, Vec<(u8, String)>)>("locations", |(scheme, parts)| {
        let parts: Vec<String> = parts
            .iter()
            .map(|(kind, text)| {
                if kind % 4 == 0 {
                    ["", ".", "..", "/"][usize::from(kind / 64)].to_owned()
                } else {
                    text.clone()
                }
            })
            .collect();
        let location =
            format!("{}{}", SCHEMES[usize::from(*scheme) % SCHEMES.len()], parts.join("/"));
        let mut config: HashMap<String, String> = [("username", "u"), ("password", "p")]
            .map(|(key, value)| (key.into(), value.into()))
            .into();
        config.insert("location".into(), location.clone());
        check_settings(Role::Source, &config);
        let config = HashMap::from([
            ("location".into(), location.clone()),
            ("rclone_type".into(), "local".into()),
        ]);
        check_settings(Role::Store, &config);
        // A location is understood if and only if its path leads nowhere else.
        if let Some(path) = location.strip_prefix("rclone://") {
            let good = !path.contains('\0') && !path.split('/').any(|part| part == "..");
            assert_eq!(Settings::parse(Role::Store, &config, "here").is_ok(), good, "{location:?}");
        }
    });
}

/// A size as rclone's documentation says it, in whole numbers; `None` if it is none from 1 Mi to 64
/// Gi.
fn size(text: &str) -> Option<u64> {
    let lower = text.trim().to_lowercase();
    let unit_at = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(unit_at);
    let power = match unit {
        "b" | "bi" | "bib" => 0,
        "" | "k" | "ki" | "kib" | "i" | "ib" => 10,
        "m" | "mi" | "mib" => 20,
        "g" | "gi" | "gib" => 30,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() + fraction.len() == 0 || fraction.len() > 12 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let parts = 10_u128.pow(fraction.len() as u32);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scaled = whole.checked_mul(parts)?.checked_add(fraction)?.checked_mul(1 << power)?;
    let fits = scaled >= parts << 20 && scaled <= parts << 36;
    fits.then(|| u64::try_from(scaled / parts).unwrap())
}

#[test]
fn sizes() {
    const LETTERS: [char; 24] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.', 'k', 'K', 'm', 'M', 'g', 'G', 'i',
        'b', 'B', ' ', '-', 'e', 'é',
    ];
    fuzz::<(u32, u8, Vec<u8>)>("sizes", |(number, unit, letters)| {
        const UNITS: [&str; 12] =
            ["", "b", "k", "M", "Mi", "MiB", "G", "Gi", "gib", "mb", "T", "i"];
        let made_up: String = letters
            .iter()
            .take(14)
            .map(|letter| LETTERS[usize::from(*letter) % LETTERS.len()])
            .collect();
        for text in [
            made_up,
            format!("{}{}", number, UNITS[usize::from(*unit) % 12]),
            format!("{}.{}{}", number % 70, number % 1000, UNITS[usize::from(*unit) % 12]),
        ] {
            let config =
                [("location", "rclone://x"), ("rclone_type", "local"), ("cache_size", &text)];
            let config: HashMap<String, String> =
                config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            check_settings(Role::Store, &config);
            let fraction = text
                .rsplit_once('.')
                .map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
            if fraction <= 6 {
                let parsed = Settings::parse(Role::Store, &config, "")
                    .ok()
                    .map(|settings| settings.cache_size);
                assert_eq!(parsed, size(&text), "{text:?}");
            }
        }
    });
}
