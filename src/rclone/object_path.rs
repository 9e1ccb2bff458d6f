//! Paths of objects, of which there may be as many as a folder has files.

use std::fmt;
use std::sync::Arc;

/// The path of an object, relative to the remote's base. Objects of one listing share the folder's,
/// and a name of 64 hex digits, as a store's are, takes half as many bytes.
#[derive(Debug, Clone)]
pub(super) struct ObjectPath {
    folder: Arc<str>,
    name: ObjectName,
}

#[derive(Debug, Clone)]
enum ObjectName {
    Digits([u8; 32]),
    Text(Box<str>),
}

impl ObjectPath {
    /// Of a name in a folder, "" for the base.
    pub(super) fn new(folder: &Arc<str>, name: &str) -> Self {
        let digits = crate::hex::decode(name)
            .filter(|_| !name.bytes().any(|byte| byte.is_ascii_uppercase()))
            .map(ObjectName::Digits);
        let name = digits.unwrap_or_else(|| ObjectName::Text(name.into()));
        Self { folder: folder.clone(), name }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.folder.is_empty() {
            write!(formatter, "{}/", self.folder)?;
        }
        match &self.name {
            ObjectName::Digits(bytes) => formatter.write_str(&crate::hex::encode(bytes)),
            ObjectName::Text(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_it_was_made_of() {
        let digits = "0123456789abcdef".repeat(4);
        for name in
            ["", "a b", &digits, &digits.to_uppercase(), &digits[1..], &format!("{digits}0")]
        {
            assert_eq!(ObjectPath::new(&"".into(), name).to_string(), name);
            assert_eq!(ObjectPath::new(&"a/b".into(), name).to_string(), format!("a/b/{name}"));
        }
    }
}
