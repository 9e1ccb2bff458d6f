//! The paths of records.

use std::borrow::Cow;

use super::error::PathError;
use crate::connector::MAX_PATH_BYTES;

/// Whether a path is that of a folder or below it.
pub(super) fn contains(folder: &str, path: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of a record relative to the base.
pub(super) fn relative(path: &str) -> Result<&str, PathError> {
    let path = path.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
    if path.is_empty() {
        return Ok(path);
    }
    // Each folder on the way is made, and each has a path of its own.
    if path.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong(path.len()));
    }
    for name in path.split('/') {
        match name {
            "" => return Err(PathError::EmptyName),
            "." | ".." => return Err(PathError::LeadsElsewhere(name.to_owned())),
            _ if name.contains('\0') => return Err(PathError::NulByte),
            _ => {}
        }
    }
    Ok(path)
}

/// A path relative to the base as the user knows it.
pub(super) fn absolute(path: &str) -> String {
    format!("/{path}")
}

/// A path as listings show it: control characters are look-alikes there, as in rclone's standard
/// encoding (lib/encoder). Handed over as they are, they would be stored all the same, and never be
/// found again in a listing.
pub(super) fn standard(path: &str) -> Cow<'_, str> {
    if !path.contains(|c: char| c.is_ascii_control()) {
        return path.into();
    }
    let shown = |c: char| match c {
        '\x7f' => '\u{2421}',
        c if c.is_ascii_control() => char::from_u32(0x2400 + c as u32).unwrap_or(c),
        c => c,
    };
    path.chars().map(shown).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_look_alikes() {
        assert_eq!(standard("a b/ü"), "a b/ü");
        assert_eq!(standard("a\nb\x1f\x7f"), "a␊b␟␡");
    }

    #[test]
    fn paths_stay_below_the_base() {
        assert_eq!((relative("/"), relative("/a/b c")), (Ok(""), Ok("a/b c")));
        for path in ["", "a", "//a", "/a//b", "/a/", "/..", "/a/../b", "/./a", "/a\0b"] {
            assert!(relative(path).is_err(), "{path:?}");
        }
        assert!(
            relative(&"/a".repeat(MAX_PATH_BYTES / 2)).is_ok()
                && relative(&"/a".repeat(MAX_PATH_BYTES / 2 + 1)).is_err()
        );
    }

    #[test]
    fn a_folder_contains_what_is_below_it_only() {
        assert!(contains("", "a") && contains("a", "a") && contains("a", "a/b"));
        assert!(!contains("a", "ab") && !contains("a/b", "a"));
    }
}
