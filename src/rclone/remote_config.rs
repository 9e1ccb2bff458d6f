//! How a remote is opened.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// How to open a remote: the section of an rclone configuration, and the base path.
///
/// Its `Debug` form shows the names of the options, never their values.
#[derive(Clone, Default, Serialize)]
pub struct RemoteConfig {
    /// What messages call the remote.
    pub name: String,
    /// The options by rclone's names, `type` included. A password is obscured as in
    /// `rclone config`, unless it is named in `plain`.
    #[serde(rename = "config")]
    pub options: BTreeMap<String, String>,
    /// The password options that are in plain text.
    pub plain: Vec<String>,
    /// The base path; empty for the root.
    pub path: String,
    /// How many downloads there may be at once, where the backend bounds them; 0 for its default.
    pub downloads: usize,
    /// Whether it is an error if a drive has the base twice, under one name. It costs a listing of
    /// the folders beside it.
    #[serde(rename = "certain")]
    pub unique_base: bool,
}

impl RemoteConfig {
    /// A configuration for a backend at a base path, to add options to.
    pub fn new(backend: &str, path: &str) -> Self {
        let options = BTreeMap::from([("type".to_owned(), backend.to_owned())]);
        Self { name: backend.to_owned(), options, path: path.to_owned(), ..Self::default() }
    }

    /// Adds an option.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a password in plain text.
    pub fn plain_password(mut self, name: &str, value: &str) -> Self {
        self.plain.push(name.to_owned());
        self.option(name, value)
    }
}

impl fmt::Debug for RemoteConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteConfig")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("options", &self.options.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let config = RemoteConfig::new("opendrive", "x")
            .option("username", "somebody")
            .plain_password("password", "hunter2");
        let shown = format!("{config:?}");
        assert!(
            shown.contains("password") && !shown.contains("hunter2") && !shown.contains("somebody"),
            "{shown}"
        );
    }
}
