//! How an app's snapshots are told from others': by tags.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::names::file_name;

/// Marks a snapshot as an app's: followed by the app's id.
pub(crate) const APP_TAG: &str = "app:";

/// Marks a data class, since plakar has no flag for its own field.
pub(crate) const CLASS_TAG: &str = "data-class:";

/// Tells what of its source a snapshot was made of, if not all.
const SCOPE_TAG: &str = "options:";

/// What of its source a snapshot is made of. It travels with the snapshot, as a tag of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupScope {
    /// What is left out, each as a line of a `.gitignore`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The folders below the source's location that are taken; none for all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
}

impl BackupScope {
    /// The folder below the source's location that all of its folders are in, or that is the only
    /// one: by that the root of the snapshot is deeper than the location.
    pub fn common_folder(&self) -> String {
        let parts = |folder: &str| -> Vec<String> {
            folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let mut folders = self.folders.iter().map(|folder| parts(folder));
        let first = folders.next().unwrap_or_default();
        let common = folders.fold(first, |common, folder| {
            let same = common.iter().zip(&folder).take_while(|(one, other)| one == other).count();
            common[..same].to_vec()
        });
        common.join("/")
    }

    /// Where the location of the source lies in the paths of a snapshot with this root, name by
    /// name.
    pub fn location<'a>(&self, root: &'a str) -> Vec<&'a str> {
        let names = |path: &'a str| path.split('/').filter(|name| !name.is_empty());
        let deeper = self.common_folder().split('/').filter(|name| !name.is_empty()).count();
        let above = names(root).count().saturating_sub(deeper);
        names(root).take(above).collect()
    }

    /// The tag; none of a snapshot of all there is.
    pub(crate) fn tag(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let text = serde_json::to_string(self).unwrap_or_default();
        // A tag ends at a comma.
        Some(format!("{SCOPE_TAG}{}", text.replace('%', "%25").replace(',', "%2C")))
    }

    /// What the tags of a snapshot tell.
    pub(crate) fn of(tags: &[String]) -> Self {
        let told = tags.iter().find_map(|tag| tag.strip_prefix(SCOPE_TAG));
        let text = told.unwrap_or_default().replace("%2C", ",").replace("%25", "%");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// Whether a tag is one of those by which the app itself knows its snapshots: no label.
pub fn is_own_tag(tag: &str) -> bool {
    [APP_TAG, CLASS_TAG, SCOPE_TAG].iter().any(|prefix| tag.starts_with(prefix))
}

/// A label is a tag that is none of the app's own.
pub(crate) fn label(value: &str) -> Result<&str> {
    if is_own_tag(value) {
        return Err(Error::Input(format!(
            "the label \"{value}\" cannot be used: what begins with {APP_TAG}, {CLASS_TAG} or {SCOPE_TAG} is the app's own"
        )));
    }
    tag("label", value)
}

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
            "the {what} \"{value}\" cannot be used: it must not be empty or have a comma in it"
        )));
    }
    text(what, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_snapshot_is_made_of_comes_back_from_its_tag() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        for (ignore, folders, common) in [
            (&["*.tmp", "a,b %2C 100%25", "\"x\"\\ "][..], &["A/x", "A/y z"][..], "A"),
            (&[], &["Photos"], "Photos"),
            (&["!a"], &[], ""),
            (&[], &["A", "AB"], ""),
        ] {
            let scope = BackupScope { ignore: list(ignore), folders: list(folders) };
            let tag = scope.tag().unwrap();
            assert!(!tag.contains(',') && is_own_tag(&tag), "{tag}");
            assert_eq!(BackupScope::of(&["x".into(), tag]), scope);
            assert_eq!(scope.common_folder(), common);
        }
        assert_eq!(BackupScope::default().tag(), None);
        assert_eq!(BackupScope::of(&["options:{".into()]), BackupScope::default());
    }
}
