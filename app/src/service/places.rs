//! Where a store may be, as texts say it, and what it may be called.

use std::collections::BTreeMap;

use super::error::Result;
pub(super) use crate::model::without_password;
use plakar_driver::{Name, Options};
pub(super) use plakar_driver::{local_folder, same_place};

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
