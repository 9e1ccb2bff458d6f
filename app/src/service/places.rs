//! Where a store may be, as texts say it, and what it may be called.

use std::collections::BTreeMap;

use super::error::Result;
pub(super) use crate::model::without_password;
use plakar_driver::{Name, Options};

/// The path of a folder of this machine, if a location is that.
pub(super) fn local_folder(location: &str) -> Option<&str> {
    let path = location.strip_prefix("fs://").or_else(|| location.strip_prefix("fs:"));
    Some(path.unwrap_or(location)).filter(|path| path.starts_with('/'))
}

/// Whether two texts say the same place.
pub(super) fn same_place(a: &str, b: &str) -> bool {
    let plain = |text: &str| match (local_folder(text), text.split_once("://")) {
        (Some(path), _) => path.trim_end_matches('/').to_owned(),
        (None, Some((scheme, path))) => format!("{scheme}://{}", path.trim_matches('/')),
        (None, None) => text.to_owned(),
    };
    plain(a) == plain(b)
}

pub(super) fn is_place(text: &str) -> bool {
    text.starts_with('/') || text.contains("://")
}

/// A name that no store has.
pub(super) fn free_name(wanted: &str, all: &BTreeMap<String, Options>) -> Result<Name> {
    let wanted = plain_name(wanted);
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !all.contains_key(name));
    Ok(Name::new(&name.unwrap_or(wanted))?)
}

/// A text as a name of Plakar's.
pub(super) fn plain_name(text: &str) -> String {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let small = text.chars().map(|letter| letter.to_ascii_lowercase());
    let plain: String = small
        .map(|letter| if fits(letter) || "._-".contains(letter) { letter } else { '-' })
        .collect();
    let plain: String = plain.trim_start_matches(|letter| !fits(letter)).chars().take(50).collect();
    if plain.is_empty() { "store".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_again_however_it_is_written() {
        for (a, b) in [
            ("/srv/vault", "/srv/vault/"),
            ("/srv/vault", "fs:///srv/vault"),
            ("opendrive://Backups", "opendrive:///Backups/"),
        ] {
            assert!(same_place(a, b) && same_place(b, a), "{a} {b}");
        }
        for (a, b) in
            [("/srv/vault", "/srv/vault2"), ("opendrive://x", "rclone://x"), ("/x", "sftp://x")]
        {
            assert!(!same_place(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_new_store_gets_a_name_that_plakar_can_take_and_none_has() {
        let all = BTreeMap::from([("docs".to_owned(), Options::new())]);
        assert_eq!(free_name("docs", &all).unwrap().as_str(), "docs-2");
        assert_eq!(free_name("papers", &all).unwrap().as_str(), "papers");
        for (text, name) in [("My Vault", "my-vault"), ("..", "store"), ("-x", "x"), ("", "store")]
        {
            assert_eq!(plain_name(text), name);
        }
        assert!(Name::is_valid(&plain_name(&"é".repeat(200))));
    }
}
