//! Folders of this machine, as they can be handed to plakar.

use std::path::{Component, Path};

use crate::error::{Error, Result};

/// The text of an absolute path without "..". `what` begins the message, such as `the folder`.
///
/// # Errors
/// [`Error::Input`] for any other path, one that is not text, or has a character in it that plakar
/// cannot take.
pub(crate) fn absolute_folder<'a>(what: &str, path: &'a Path, refused: &[char]) -> Result<&'a str> {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let text =
        path.to_str().filter(|text| path.is_absolute() && !climbs && !text.contains(refused));
    text.ok_or_else(|| {
        Error::Input(format!("{what} {} has to be an absolute path without \"..\"", path.display()))
    })
}

/// A folder to restore to, as plakar's connector `fs` takes it.
///
/// # Errors
/// [`Error::Input`] for a path that is not absolute, has ".." in it, or is not text.
pub fn restore_folder(path: &Path) -> Result<String> {
    absolute_folder("the folder", path, &['\0']).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_an_absolute_path_that_climbs_nowhere() {
        assert_eq!(restore_folder(Path::new("/a b/c\nd")).unwrap(), "/a b/c\nd");
        for bad in ["", "a", "./a", "../a", "/a/../b", "/a\0b"] {
            assert!(restore_folder(Path::new(bad)).is_err(), "{bad:?}");
        }
        let message = absolute_folder("the store's folder", Path::new("/a\nb"), &['\n'])
            .unwrap_err()
            .to_string();
        assert_eq!(message, "the store's folder /a\nb has to be an absolute path without \"..\"");
    }
}
