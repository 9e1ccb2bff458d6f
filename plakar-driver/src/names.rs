//! Names, ids and paths that are safe to hand to Plakar.

use std::fmt;

use super::{Error, Result};

/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 63;

/// The name of a configuration: `[a-z0-9][a-z0-9._-]{0,62}`. Plakar itself takes any, also "" and
/// "../x".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Whether a text is of the form.
    pub fn is_valid(name: &str) -> bool {
        let begins =
            name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
        let fine =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        begins && name.len() <= MAX_NAME_BYTES && name.bytes().all(fine)
    }

    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::Input`] for one that is not of the form.
    pub fn new(name: &str) -> Result<Self> {
        if Self::is_valid(name) {
            return Ok(Self(name.to_owned()));
        }
        let shown = file_name(name);
        Err(Error::Input(format!(
            "the name \"{shown}\" cannot be used: take small letters, digits, \".\", \"_\" and \"-\", a letter or digit first, {MAX_NAME_BYTES} at most"
        )))
    }

    /// As Plakar's command line refers to it.
    pub(crate) fn reference(&self) -> String {
        format!("@{}", self.0)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The id of a snapshot: 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(String);

impl SnapshotId {
    /// Checks an id.
    ///
    /// # Errors
    /// [`Error::Input`] for anything but 64 small hex digits.
    pub fn new(id: &str) -> Result<Self> {
        if id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(id.to_owned()));
        }
        Err(Error::Input(format!(
            "\"{}\" is not the id of a snapshot, which has 64 hex digits",
            file_name(id)
        )))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The eight digits that Plakar shows.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A path in a snapshot: absolute, without "." and "..", never with a trailing slash but the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotPath(String);

impl SnapshotPath {
    /// The root of a snapshot.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Checks a path; repeated slashes count as one.
    ///
    /// # Errors
    /// [`Error::Input`] for one that is relative, has ".", ".." or a NUL in it.
    pub fn new(path: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::Input(format!("the path \"{}\" {why}", file_name_keeping_slashes(path))))
        };
        if !path.starts_with('/') {
            return refuse("has to begin with \"/\"");
        }
        if path.contains('\0') {
            return refuse("has a NUL in it");
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return refuse("must not have \".\" or \"..\" in it");
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }

    /// The path of something in this folder.
    ///
    /// # Errors
    /// [`Error::Input`] for a name with a slash, ".", ".." or nothing.
    pub fn join(&self, name: &str) -> Result<Self> {
        if name.is_empty() || name.contains('/') {
            return Err(Error::Input(format!("\"{}\" is not a file name", file_name(name))));
        }
        Self::new(&format!("{}/{name}", self.0))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it lies below another, at any depth.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self != other && !self.relative_to(other).is_empty()
    }

    /// The folder that it is in; the root's is the root.
    pub fn parent(&self) -> Self {
        match self.0.rsplit_once('/') {
            Some(("", _)) | None => Self::root(),
            Some((parent, _)) => Self(parent.to_owned()),
        }
    }

    /// The way to it from a folder above it, without a slash before it; nothing if it is not below.
    pub(crate) fn relative_to(&self, folder: &Self) -> &str {
        let rest = if folder.0 == "/" {
            self.0.strip_prefix('/')
        } else {
            self.0.strip_prefix(&folder.0).and_then(|rest| rest.strip_prefix('/'))
        };
        rest.unwrap_or_default()
    }

    /// The same for the place of a folder on this machine; nothing if it is not below.
    pub fn below(&self, folder: &Self) -> &str {
        self.relative_to(folder)
    }

    /// The last part; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The last argument of Plakar's commands. It begins with hex digits, so that it is never a
    /// flag.
    pub(crate) fn of(&self, snapshot: &SnapshotId) -> String {
        format!("{snapshot}:{}", self.0)
    }
}

impl fmt::Display for SnapshotPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Characters that hide or reorder text: a name made of them looks like another one.
pub fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
}

fn file_name_keeping_slashes(name: &str) -> String {
    name.chars().map(|character| if deceives(character) { '_' } else { character }).collect()
}

/// A name from a snapshot, made fit for a message and for a file on the user's machine.
pub fn file_name(name: &str) -> String {
    let name: String = file_name_keeping_slashes(name).replace(['/', '\\'], "_");
    match name.as_str() {
        "" => "download".to_owned(),
        "." | ".." => "_".repeat(name.len()),
        _ => name,
    }
}

/// The value of a `Content-Disposition` header that saves under this name (RFC 6266 and RFC 8187).
pub fn attachment(name: &str) -> String {
    let name = file_name(name);
    let plain: String = name
        .chars()
        .map(|character| {
            if character.is_ascii() && !matches!(character, '"' | '\\' | '%' | ';') {
                character
            } else {
                '_'
            }
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent(&name, b"-._~"))
}

/// Percent-encodes all but letters, digits and `keep`.
pub fn percent(text: &str, keep: &[u8]) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_plakar_or_a_shell_could_misread_are_refused() {
        for good in ["a", "0", "drive.eu-1_x", &"x".repeat(63)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "-a", ".a", "_a", "@a", "A", "../x", "a/b", "a b", "a\n", "é", &"x".repeat(64)]
        {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_stay_in_the_snapshot() {
        for (given, kept) in [
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("/-rf", "/-rf"),
            ("/a\nb", "/a\nb"),
            ("/..a", "/..a"),
            ("/a:b", "/a:b"),
        ] {
            assert_eq!(SnapshotPath::new(given).unwrap().as_str(), kept);
        }
        for bad in ["", "a", "-rf", "/..", "/a/../b", "/a/..", "/./a", "/a\0b"] {
            assert!(SnapshotPath::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "..", ".", "a/b", "/"] {
            assert!(SnapshotPath::root().join(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_have_64_small_hex_digits() {
        assert!(SnapshotId::new(&"0a".repeat(32)).is_ok());
        for bad in [
            String::new(),
            "0a".repeat(31),
            "0A".repeat(32),
            "0a".repeat(33),
            format!("-{}", "a".repeat(63)),
        ] {
            assert!(SnapshotId::new(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_download_can_neither_deceive_nor_split_a_header() {
        let header = attachment("in\u{202e}gpj.exe\r\nX: \"y\"; 100%/..\\é");
        assert!(header.is_ascii() && !header.contains(['\r', '\n']), "{header}");
        assert_eq!(
            header,
            "attachment; filename=\"in_gpj.exe__X: _y__ 100__..__\"; \
             filename*=UTF-8''in_gpj.exe__X%3A%20%22y%22%3B%20100%25_.._%C3%A9"
        );
        assert_eq!(file_name(".."), "__");
        assert_eq!(file_name(""), "download");
    }
}
