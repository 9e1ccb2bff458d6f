//! Remotes that wrap another one, as crypt and alias do by their option `remote`.
//!
//! In an rclone configuration that option names another section, and Plakar hands a connector one
//! section only. So what the section needs comes along under keys of its own: the options of the
//! remote that `remote` names begin with `remote_` (`remote_type`, `remote_username`), those of one
//! that it wraps in turn with `remote_remote_`. The end of a key stays as it was: by it Plakar
//! knows which values to mask. rclone gets it all written out as one connection string
//! (fs/fspath/path.go).

use std::collections::BTreeMap;

use super::config_error::ConfigError;

/// Options of a remote by rclone's names.
pub(super) type Options = BTreeMap<String, String>;

/// What stands before the options of the remote that is wrapped.
pub(super) const WRAPPED_PREFIX: &str = "remote_";

/// A remote with a colon, `drive:folder` or `:memory,option=value:folder`, in its parts.
pub(super) struct RemoteReference<'a> {
    /// The name of a section, or a colon and the name of a backend.
    pub name: &'a str,
    /// The options that are written out.
    pub options: Options,
    /// What is behind the colon.
    pub path: &'a str,
}

impl<'a> RemoteReference<'a> {
    /// `None` for a local path, and for what rclone would not understand either.
    pub fn parse(remote: &'a str) -> Option<Self> {
        let start = usize::from(remote.starts_with(':'));
        let end = start + remote[start..].find([':', ',', '/', '\\'])?;
        let (name, mut rest) = remote.split_at(end);
        let drive_letter = cfg!(windows) && name.len() == 1;
        if end == start || drive_letter {
            return None;
        }
        let mut options = Options::new();
        while let Some(parameter) = rest.strip_prefix(',') {
            let (key, after) = parameter.split_at(parameter.find(['=', ':', ','])?);
            let (value, after) =
                after.strip_prefix('=').map_or(Some(("true".to_owned(), after)), take_value)?;
            options.insert(key.to_owned(), value);
            rest = after;
        }
        Some(Self { name, options, path: rest.strip_prefix(':')? })
    }

    /// The section that it names, if it does not say itself what it is.
    pub fn section(&self) -> Option<&'a str> {
        (!self.name.starts_with(':')).then_some(self.name)
    }
}

/// A value at the beginning of a text, in quotes that are doubled within or without, and the rest.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quote) = text.chars().next().filter(|first| ['\'', '"'].contains(first)) else {
        let (value, rest) = text.split_at(text.find([':', ','])?);
        return Some((value.to_owned(), rest));
    };
    let (mut value, mut rest) = (String::new(), &text[1..]);
    loop {
        let (before, after) = rest.split_once(quote)?;
        value.push_str(before);
        let Some(more) = after.strip_prefix(quote) else { return Some((value, after)) };
        value.push(quote);
        rest = more;
    }
}

/// Writes what a remote wraps out in its option `remote`. `prefix` is what the user writes before
/// the options, `kind` the command of Plakar's that imports them.
///
/// # Errors
/// If the options of the section that `remote` names are not there.
pub(super) fn expand(
    mut options: Options,
    prefix: &str,
    kind: &str,
) -> Result<Options, ConfigError> {
    let Some(remote) = options.get("remote").cloned() else { return Ok(options) };
    let Some((reference, section)) = RemoteReference::parse(&remote)
        .and_then(|reference| reference.section().map(|name| (reference, name)))
    else {
        return Ok(options);
    };
    let mut wrapped = Options::new();
    options.retain(|key, value| match key.strip_prefix(WRAPPED_PREFIX) {
        Some(name) => {
            wrapped.insert(name.to_owned(), std::mem::take(value));
            false
        }
        None => true,
    });
    let prefix = format!("{prefix}{WRAPPED_PREFIX}");
    let mut wrapped = expand(wrapped, &prefix, kind)?;
    let Some(backend) = wrapped.remove("type") else {
        let option = prefix.trim_end_matches('_');
        return Err(ConfigError::new(format!(
            "option {option:?} is {remote:?}, but the section [{section}] of the rclone configuration is missing here: Plakar imports one section alone. Import what it needs with it: rclone config show | plakar-opendrive from-rclone NAME --import {kind} --overwrite"
        )));
    };
    wrapped.remove("description");
    wrapped.extend(reference.options);
    let mut text = format!(":{backend}");
    // An empty value means the default.
    for (key, value) in wrapped.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!(",{key}='{}'", value.replace('\'', "''")));
    }
    options.insert("remote".to_owned(), format!("{text}:{}", reference.path));
    Ok(options)
}

/// Whose a remote is: the account, and the folder of one that is wrapped; without the secrets that
/// a wrapped remote is written out with.
pub(super) fn origin(kind: &str, options: &Options, hostname: &str) -> String {
    // The first of these that a backend has tells whose it is.
    const ACCOUNT_OPTIONS: [&str; 9] =
        ["username", "user", "account", "email", "host", "url", "endpoint", "remote", "client_id"];
    if kind == "local" && !hostname.is_empty() {
        return hostname.to_owned();
    }
    let found = ACCOUNT_OPTIONS
        .iter()
        .find_map(|key| options.get_key_value(*key))
        .filter(|(_, value)| !value.is_empty());
    match found.map(|(key, value)| {
        (value, if key == "remote" { RemoteReference::parse(value) } else { None })
    }) {
        None => kind.to_owned(),
        Some((value, None)) => value.clone(),
        Some((_, Some(wrapped))) => {
            let backend = wrapped.name.trim_start_matches(':');
            format!("{}:{}", origin(backend, &wrapped.options, hostname), wrapped.path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_remote_is_taken_apart_as_rclone_does() {
        let parse = |remote| {
            RemoteReference::parse(remote).map(|parsed| (parsed.name, parsed.options, parsed.path))
        };
        assert_eq!(parse("drive:a/b:c"), Some(("drive", options(&[]), "a/b:c")));
        assert_eq!(parse(":memory:"), Some((":memory", options(&[]), "")));
        assert_eq!(
            parse(":opendrive,username=me@example.com,password='it''s, \"so\":',hidden:x"),
            Some((
                ":opendrive",
                options(&[
                    ("username", "me@example.com"),
                    ("password", "it's, \"so\":"),
                    ("hidden", "true")
                ]),
                "x"
            ))
        );
        for local in
            ["", "folder", "/srv/a:b", "a/b:c", ":", "::", "drive,option", "drive,option='x:y"]
        {
            assert_eq!(parse(local), None, "{local}");
        }
    }

    #[test]
    fn what_is_wrapped_is_written_out() {
        let given = options(&[
            ("type", "crypt"),
            ("remote", "inner,show_mapping=true:a"),
            ("remote_type", "crypt"),
            ("remote_remote", "drive:b"),
            ("remote_remote_type", "opendrive"),
            ("remote_remote_username", "it's me"),
            ("remote_remote_chunk_size", ""),
            ("remote_description", "a note"),
        ]);
        let expected = options(&[
            ("type", "crypt"),
            (
                "remote",
                ":crypt,remote=':opendrive,username=''it''''s me'':b',show_mapping='true':a",
            ),
        ]);
        assert_eq!(expand(given, "rclone_", "source"), Ok(expected));
        for alone in ["/srv/data", ":memory:x", "folder"] {
            let given = options(&[("type", "crypt"), ("remote", alone)]);
            assert_eq!(expand(given.clone(), "rclone_", "source"), Ok(given), "{alone}");
        }
    }

    #[test]
    fn a_missing_section_is_named_with_what_to_do() {
        let given = options(&[("type", "crypt"), ("remote", "my drive:folder")]);
        let message = expand(given, "rclone_", "store").unwrap_err().to_string();
        assert_eq!(
            message,
            "option \"rclone_remote\" is \"my drive:folder\", but the section [my drive] of the rclone configuration is missing here: Plakar imports one section alone. Import what it needs with it: rclone config show | plakar-opendrive from-rclone NAME --import store --overwrite"
        );
        let given = options(&[
            ("type", "crypt"),
            ("remote", "a:"),
            ("remote_type", "alias"),
            ("remote_remote", "b:"),
        ]);
        let message = expand(given, "rclone_", "source").unwrap_err().to_string();
        assert!(
            message.starts_with("option \"rclone_remote_remote\" is \"b:\", but the section [b]"),
            "{message}"
        );
    }
}
