//! Configurations of several remotes: rclone's own, and what `plakar-opendrive config` and `plakar
//! … show -json` print.

use std::collections::BTreeMap;

use super::ConfigError;
use super::config::RCLONE_PREFIX;
use super::wrapped;

/// What rclone's encrypted configuration file begins with (fs/config/crypt.go in rclone).
const ENCRYPTED_HEADER: &str = "RCLONE_ENCRYPT_V";

/// What rclone shows of a password where it is asked for one remote (printRemoteOptions in
/// fs/config/ui.go in rclone).
const MASKED_VALUE: &str = "*** ENCRYPTED ***";

/// The options of a remote, a source, a destination or a store.
pub type Section = BTreeMap<String, String>;

/// The sections of a configuration, by name. It has no `Debug` form, which would show passwords.
pub struct Sections(pub BTreeMap<String, Section>);

impl Sections {
    /// Reads a configuration in any of its forms: JSON, else as [`Sections::parse_rclone`] does.
    ///
    /// # Errors
    /// One line, without the text of the configuration, if it is none, is encrypted, or has no
    /// section.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        let sections = if bytes.trim_ascii_start().starts_with(b"{") {
            Self::parse_json(bytes)?
        } else {
            Self::parse_rclone(
                std::str::from_utf8(bytes).map_err(|_| ConfigError::new("not UTF-8 text"))?,
            )?
        };
        if sections.0.is_empty() {
            let advice = "give what `plakar-opendrive config` or `rclone config show` prints";
            return Err(ConfigError::new(format!("there is no remote in it: {advice}")));
        }
        Ok(sections)
    }

    /// Reads one object of sections, as `rclone config dump` prints it, or several one after
    /// another, as `plakar source show -json` does.
    ///
    /// # Errors
    /// One line that tells where it is something else, without the text.
    pub fn parse_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut sections = BTreeMap::new();
        let documents = serde_json::Deserializer::from_slice(bytes);
        for document in
            documents.into_iter::<BTreeMap<String, BTreeMap<String, serde_json::Value>>>()
        {
            // The text of the error tells a line and a column, and of a value its type alone.
            let document = document.map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ConfigError::new(format!(
                    "not a configuration: line {line}, column {column}: not an object of sections"
                ))
            })?;
            for (name, section) in document {
                let text = |value: serde_json::Value| match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                sections.insert(
                    name,
                    section.into_iter().map(|(key, value)| (key, text(value))).collect(),
                );
            }
        }
        Ok(Self(sections))
    }

    /// Reads what `rclone config show` prints, by the rules of rclone's reader (goconfig v1.0.0,
    /// read.go): what stands behind `=` is the value, with `#` and `;` in it.
    ///
    /// # Errors
    /// One line, without the text of the configuration, if it is encrypted or no configuration.
    pub fn parse_rclone(text: &str) -> Result<Self, ConfigError> {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let mut section = None;
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.starts_with(ENCRYPTED_HEADER) {
                return Err(ConfigError::new(
                    "the rclone configuration is encrypted: give what `rclone config show` prints, which asks for its password",
                ));
            }
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = Some(sections.entry(name.trim().to_owned()).or_default());
            } else if let (Some(section), Some((key, value))) =
                (&mut section, line.split_once(['=', ':']))
            {
                section.insert(key.trim().to_owned(), unquoted(value.trim()).to_owned());
            } else {
                // Not the line itself: it may be a secret.
                return Err(ConfigError::new(format!(
                    "line {} of the rclone configuration is neither a [section] nor a key = value in one: give what `rclone config show` prints",
                    number + 1
                )));
            }
        }
        Ok(Self(sections))
    }

    /// What Plakar is to keep for a section of rclone's: its options as `-rclone` would write them,
    /// those of what it wraps with them, and the location.
    ///
    /// # Errors
    /// One line that names the section that is missing, has no type, or comes to itself in a
    /// circle.
    pub fn import(&self, name: &str) -> Result<Section, ConfigError> {
        let mut keys = BTreeMap::from([("location".to_owned(), "rclone://".to_owned())]);
        self.add(name, RCLONE_PREFIX, &mut Vec::new(), &mut keys)?;
        Ok(keys)
    }

    /// Adds the options of a section, and of those that it needs. `trail` is what needs it.
    fn add(
        &self,
        name: &str,
        prefix: &str,
        trail: &mut Vec<String>,
        keys: &mut Section,
    ) -> Result<(), ConfigError> {
        let circle = trail.iter().any(|above| above == name);
        trail.push(name.to_owned());
        if circle {
            return Err(ConfigError::new(format!(
                "the rclone configuration goes in a circle: [{}]",
                trail.join("] needs [")
            )));
        }
        let Some(section) = self.0.get(name) else {
            let needed_by = trail.len().checked_sub(2).map(|above| trail[above].as_str());
            return Err(self.missing(name, needed_by));
        };
        if section.get("type").is_none_or(String::is_empty) {
            return Err(ConfigError::new(format!(
                "section [{name}] of the rclone configuration has no type"
            )));
        }
        if let Some((key, _)) = section.iter().find(|(_, value)| *value == MASKED_VALUE) {
            return Err(ConfigError::new(format!(
                "{key} of section [{name}] is {MASKED_VALUE}, which `rclone config show {name}` prints in the place of a password: leave the name out, `rclone config show` prints it"
            )));
        }
        keys.extend(
            section
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| (format!("{prefix}{key}"), value.clone())),
        );
        for (below, needed) in wrapped::needs(section) {
            self.add(&needed, &format!("{prefix}{below}"), trail, keys)?;
        }
        trail.pop();
        Ok(())
    }

    fn missing(&self, name: &str, needed_by: Option<&str>) -> ConfigError {
        let by = needed_by.map(|by| format!(", which [{by}] needs")).unwrap_or_default();
        let there: Vec<String> = self.0.keys().map(|name| format!("[{name}]")).collect();
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
        ConfigError::new(format!(
            "there is no section [{name}] in the rclone configuration{by}; it has {there}"
        ))
    }
}

/// A value without the quotes that rclone's reader takes off.
fn unquoted(value: &str) -> &str {
    for quote in ["`", "\"\"\""] {
        if let Some(inner) =
            value.strip_prefix(quote).and_then(|rest| rest.rfind(quote).map(|end| &rest[..end]))
        {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(text: &str, name: &str) -> Result<Vec<String>, String> {
        let keys = Sections::parse_rclone(text)
            .and_then(|config| config.import(name))
            .map_err(|error| error.to_string())?;
        Ok(keys.into_iter().map(|(key, value)| format!("{key}={value}")).collect())
    }

    #[test]
    fn a_section_comes_with_all_that_it_needs() {
        let text = "; rclone\n[drive]\ntype = opendrive\nusername = me;x#y@example.com\npassword = a=b:c\nempty = \n\n\
                    [half]\ntype = alias\nremote = drive:half\n\n[secret]\r\ntype = crypt\r\nremote = half:a\r\npassword = `q \"x\"`\r\n";
        let expected = [
            "location=rclone://",
            "rclone_password=q \"x\"",
            "rclone_remote=half:a",
            "rclone_remote_remote=drive:half",
            "rclone_remote_remote_password=a=b:c",
            "rclone_remote_remote_type=opendrive",
            "rclone_remote_remote_username=me;x#y@example.com",
            "rclone_remote_type=alias",
            "rclone_type=crypt",
        ];
        assert_eq!(import(text, "secret").unwrap(), expected);
        let text = "[one]\ntype = sftp\npass = x\n[vault]\ntype = crypt\nremote = one:v\n[all]\ntype = combine\nupstreams = a=vault: \"b=one:c d\"\n";
        let expected = [
            "location=rclone://",
            "rclone_type=combine",
            "rclone_upstream1_remote=one:v",
            "rclone_upstream1_remote_pass=x",
            "rclone_upstream1_remote_type=sftp",
            "rclone_upstream1_type=crypt",
            "rclone_upstream2_pass=x",
            "rclone_upstream2_type=sftp",
            "rclone_upstreams=a=vault: \"b=one:c d\"",
        ];
        assert_eq!(import(text, "all").unwrap(), expected);
        assert_eq!(
            import("[l]\ntype = local\n[a]\ntype=alias\nremote=/srv/l:x", "a").unwrap().len(),
            3
        );
    }

    #[test]
    fn json_may_come_in_several_objects() {
        let sections = Sections::read(br#"{"a":{"location":"x","n":5}} {"b":{"k":"\n\u0000"}}"#)
            .unwrap_or_else(|error| panic!("{error}"))
            .0;
        let section = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect::<Section>()
        };
        assert_eq!(sections["a"], section(&[("location", "x"), ("n", "5")]));
        assert_eq!(sections["b"], section(&[("k", "\n\0")]));
    }

    #[test]
    fn what_is_not_a_configuration_is_told_without_its_text() {
        let cases: [(&[u8], &str); 6] = [
            (br#"{"a": "s3cret"}"#, "not a configuration: line 1, column 14"),
            (br#"{"a": {"k": "s3cret"#, "not a configuration: line 1"),
            (b"{s3cret", "not a configuration: line 1"),
            (b"[a]\ns3cret = \xff", "not UTF-8 text"),
            (b" ; s3cret\n", "there is no remote in it: give what"),
            (b"{}", "there is no remote in it: give what"),
        ];
        for (bytes, expected) in cases {
            let message = Sections::read(bytes).map(drop).expect_err(expected).to_string();
            assert!(message.starts_with(expected) && !message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_imported_is_one_clear_line() {
        let circle = "[a]\ntype=crypt\nremote=b:\n[b]\ntype=alias\nremote=a:x";
        let cases = [
            (
                "",
                "drive",
                "there is no section [drive] in the rclone configuration; it has nothing",
            ),
            (
                "; empty config\n[a]\ntype=local",
                "b",
                "there is no section [b] in the rclone configuration; it has [a]",
            ),
            (
                "[a]\ntype=crypt\nremote=b:x",
                "a",
                "there is no section [b] in the rclone configuration, which [a] needs; it has [a]",
            ),
            (circle, "a", "the rclone configuration goes in a circle: [a] needs [b] needs [a]"),
            (
                "[a]\ntype=crypt\npassword = *** ENCRYPTED ***",
                "a",
                "password of section [a] is *** ENCRYPTED ***, which `rclone config show a` prints",
            ),
            ("[a]\nremote=x", "a", "section [a] of the rclone configuration has no type"),
            (
                "[a]\ntype=union\nupstreams=/srv b:\n",
                "a",
                "there is no section [b] in the rclone configuration, which [a] needs; it has [a]",
            ),
            (
                "[a]\ntype=combine\nupstreams=x=b: y=c:\n[b]\ntype=local\n[c]\ntype=union\nupstreams=b: a:x\n",
                "a",
                "the rclone configuration goes in a circle: [a] needs [c] needs [a]",
            ),
            (
                "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAbC",
                "a",
                "the rclone configuration is encrypted: give what",
            ),
            (
                "[a]\ntype=local\nhunter2",
                "a",
                "line 3 of the rclone configuration is neither a [section]",
            ),
            ("type = local", "a", "line 1 of the rclone configuration is neither a [section]"),
        ];
        for (text, name, expected) in cases {
            let message = import(text, name).expect_err(expected);
            assert!(message.starts_with(expected) && !message.contains("hunter2"), "{message}");
        }
    }
}
