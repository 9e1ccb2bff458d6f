//! How an app's snapshots are told from others': by tags.

use crate::error::{Error, Result};
use crate::names::file_name;

/// Marks a snapshot as an app's: followed by the app's id.
pub(crate) const APP_TAG: &str = "app:";

/// Marks a data class, since plakar has no flag for its own field.
pub(crate) const CLASS_TAG: &str = "data-class:";

/// A text that plakar keeps as it is.
pub(crate) fn text<'a>(what: &str, value: &'a str) -> Result<&'a str> {
    if value.chars().any(char::is_control) {
        return Err(Error::Input(format!(
            "the {what} \"{}\" has a control character in it",
            file_name(value)
        )));
    }
    Ok(value)
}

/// A tag of plakar's ends at a comma.
pub(crate) fn tag<'a>(what: &str, value: &'a str) -> Result<&'a str> {
    if value.is_empty() || value.contains(',') {
        return Err(Error::Input(format!(
            "the {what} \"{value}\" can't be used: it must not be empty or have a comma in it"
        )));
    }
    text(what, value)
}
