//! Which folder a configuration is about: its own, one below it, or one that counts from the root.

use super::config::Settings;
use super::config_error::ConfigError;
use super::location_encoding::normalized;
use terminal::text;

impl Settings {
    /// The folder of a path below this one. It is taken as it is.
    ///
    /// # Errors
    /// If the path leads elsewhere.
    pub fn below(mut self, path: &str) -> Result<Self, ConfigError> {
        let path = checked(path)?;
        let join = |folder: &str| normalized(&format!("{folder}/{path}"));
        self.encoded = self.encoded.as_deref().map(join);
        let whole = join(&self.identity.root);
        self.move_to(&whole);
        Ok(self)
    }

    /// The folder of a path from the root of the remote, whatever the location is. It is taken as
    /// it is.
    ///
    /// # Errors
    /// If the path leads elsewhere.
    pub fn from_root(mut self, path: &str) -> Result<Self, ConfigError> {
        let path = normalized(checked(path)?);
        self.encoded = None;
        self.move_to(&path);
        Ok(self)
    }

    /// What is to be said of a location that can have come of another one than the user takes it
    /// for.
    pub fn location_note(&self) -> Option<String> {
        let (scheme, path) = self.location.split_once("://")?;
        let (host, rest) = path.split_once('/').filter(|(host, _)| !host.is_empty())?;
        let rest = normalized(rest);
        Some(text::line(&format!(
            "the location {scheme}://{path} is read as the folder {}; of {scheme}://{host} and @NAME:/{rest} Plakar makes the same: write {scheme}:///{host} with three slashes, and it is never taken for another",
            self.identity.root,
        )))
    }

    /// Whether it is known which folder the location means.
    pub fn is_resolved(&self) -> bool {
        self.encoded.is_none()
    }

    pub(super) fn move_to(&mut self, path: &str) {
        let Self { identity, remote, .. } = self;
        identity.root = format!("/{path}");
        remote.path =
            if identity.kind == "local" { identity.root.clone() } else { path.to_owned() };
        remote.name = format!("{}:{}", identity.kind, remote.path);
    }
}

fn checked(path: &str) -> Result<&str, ConfigError> {
    if path.split('/').any(|part| part == "..") || path.contains('\0') {
        let problem = "has a \"..\" in it, or a NUL byte: write the path of the folder itself";
        return Err(ConfigError::new(format!("the path {} {problem}", text::quoted(path))));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_location_that_plakar_may_have_made_is_told() {
        let note = |location: &str| {
            let config = [("location", location), ("username", "u"), ("password", "p")];
            let config: HashMap<String, String> =
                config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            Settings::parse(crate::connector::Role::Source, &config, "").unwrap().location_note()
        };
        for location in
            ["opendrive://", "opendrive:///", "opendrive:///a/b", "opendrive://Documents"]
        {
            assert_eq!(note(location), None, "{location}");
        }
        let told = "the location opendrive://a/b/c is read as the folder /a/b/c; of opendrive://a and @NAME:/b/c Plakar makes the same: \
            write opendrive:///a with three slashes, and it is never taken for another";
        assert_eq!(note("opendrive://a/b//c").unwrap(), told.replace("a/b/c is", "a/b//c is"));
        assert!(
            note("opendrive://Documents/")
                .unwrap()
                .contains("of opendrive://Documents and @NAME:/ Plakar makes the same")
        );
    }
}
