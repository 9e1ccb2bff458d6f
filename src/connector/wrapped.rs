//! Remotes that wrap another one, as crypt and alias do by their option `remote`, or several, as
//! union and combine do by `upstreams`.
//!
//! In an rclone configuration that option names another section, and Plakar hands a connector one
//! section only. So what the section needs comes along under keys of its own: the options of the
//! remote that `remote` names begin with `remote_` (`remote_type`, `remote_username`), those of one
//! that it wraps in turn with `remote_remote_`; those of the first upstream with `upstream1_`. The end of a key stays as it was: by it Plakar
//! knows which values to mask. rclone gets it all written out as one connection string
//! (fs/fspath/path.go).

use super::config_error::ConfigError;
use super::remote_reference::{Options, RemoteReference};
use super::upstreams;

/// What stands before the options of the remote that is wrapped.
pub(super) const WRAPPED_PREFIX: &str = "remote_";

/// Writes what a remote wraps out in its option `remote`, or `upstreams`. `prefix` is what the user
/// writes before the options, `kind` the command of Plakar's that imports them.
///
/// # Errors
/// If the options of a section that is named are not there.
pub(super) fn expand(
    mut options: Options,
    prefix: &str,
    kind: &str,
) -> Result<Options, ConfigError> {
    if let Some(remote) = options.get("remote").cloned() {
        let place = Place { option: "remote", below: WRAPPED_PREFIX, prefix, kind };
        if let Some(text) = written_out(&mut options, &remote, &place)? {
            options.insert("remote".to_owned(), text);
        }
    }
    let backend = options.get("type").cloned().unwrap_or_default();
    for option in upstreams::LISTS {
        // What is no list is rclone's to refuse.
        let Some(mut list) = options.get(option).and_then(|list| upstreams::split(list)) else {
            continue;
        };
        for (at, upstream) in list.iter_mut().enumerate() {
            let (folder, remote) = upstream.split_at(upstreams::folder(&backend, upstream).len());
            let place = Place { option, below: &upstreams::prefix(at + 1), prefix, kind };
            if let Some(text) = written_out(&mut options, remote, &place)? {
                *upstream = format!("{folder}{text}");
            }
        }
        options.insert(option.to_owned(), upstreams::join(&list));
    }
    Ok(options)
}

/// Where a remote stands that another one needs.
struct Place<'a> {
    /// The option, without what the user writes before it.
    option: &'a str,
    /// What stands before the options of the section that is named.
    below: &'a str,
    prefix: &'a str,
    kind: &'a str,
}

/// A remote with the options of the section that it names, which are taken out of `options`; `None`
/// if it says itself what it is.
fn written_out(
    options: &mut Options,
    remote: &str,
    place: &Place<'_>,
) -> Result<Option<String>, ConfigError> {
    let Some((reference, section)) = RemoteReference::parse(remote)
        .and_then(|reference| reference.section().map(|name| (reference, name)))
    else {
        return Ok(None);
    };
    let Place { option, below, prefix, kind } = place;
    let mut wrapped = Options::new();
    options.retain(|key, value| match key.strip_prefix(below) {
        Some(name) => {
            wrapped.insert(name.to_owned(), std::mem::take(value));
            false
        }
        None => true,
    });
    let mut wrapped = expand(wrapped, &format!("{prefix}{below}"), kind)?;
    let Some(backend) = wrapped.remove("type") else {
        // Without the options that are written out: one may be a password.
        let remote = format!("{}:{}", reference.name, reference.path);
        return Err(ConfigError::new(format!(
            "option \"{prefix}{option}\" is {remote:?}, but the section [{section}] of the rclone configuration is missing here: Plakar imports one section alone. Import what it needs with it: rclone config show | plakar-opendrive from-rclone NAME --import {kind} --overwrite"
        )));
    };
    wrapped.remove("description");
    wrapped.extend(reference.options);
    let mut text = format!(":{backend}");
    // An empty value means the default.
    for (key, value) in wrapped.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!(",{key}='{}'", value.replace('\'', "''")));
    }
    Ok(Some(format!("{text}:{}", reference.path)))
}

/// The sections that a remote needs, each after what stands before its options.
pub(super) fn needs(options: &Options) -> Vec<(String, String)> {
    let mut sections = Vec::new();
    if let Some(reference) = options.get("remote").and_then(|remote| RemoteReference::parse(remote))
        && let Some(section) = reference.section()
    {
        sections.push((WRAPPED_PREFIX.to_owned(), section.to_owned()));
    }
    let backend = options.get("type").map_or("", String::as_str);
    for option in upstreams::LISTS {
        let list = options.get(option).and_then(|list| upstreams::split(list)).unwrap_or_default();
        for (at, upstream) in list.iter().enumerate() {
            if let Some(section) = upstreams::section(backend, upstream) {
                sections.push((upstreams::prefix(at + 1), section.to_owned()));
            }
        }
    }
    sections
}

/// The backends of a remote and of what it wraps, the outermost first, from options under `prefix`;
/// none if that is no remote.
pub(crate) fn backends(options: &Options, prefix: &str) -> Vec<String> {
    let section: Options = options
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
        .collect();
    let Some(backend) = section.get("type") else { return Vec::new() };
    let mut backends = vec![backend.clone()];
    let below = section.keys().filter_map(|key| key.strip_suffix("type"));
    for below in below.filter(|below| is_prefix_of_one(below)) {
        backends.extend(self::backends(&section, below));
    }
    for remote in remotes_in(&section) {
        backends.extend(backends_written_out(&remote));
    }
    backends
}

/// The remotes that the options of a section name: sections, folders, or what is written out.
fn remotes_in(section: &Options) -> Vec<String> {
    let backend = section.get("type").map_or("", String::as_str);
    let mut remotes: Vec<String> = section.get("remote").cloned().into_iter().collect();
    for option in upstreams::LISTS {
        let list = section.get(option).and_then(|list| upstreams::split(list)).unwrap_or_default();
        for upstream in list {
            remotes.push(upstream[upstreams::folder(backend, &upstream).len()..].to_owned());
        }
    }
    remotes
}

/// The backends of a remote that says itself what it is, as `:sftp,host=example.com:`.
fn backends_written_out(remote: &str) -> Vec<String> {
    let Some((backend, mut options)) = RemoteReference::parse(remote)
        .and_then(|reference| Some((reference.name.strip_prefix(':')?, reference.options)))
    else {
        return Vec::new();
    };
    options.insert("type".to_owned(), backend.to_owned());
    backends(&options, "")
}

/// Whether this stands before the options of something that is wrapped, and not of what that wraps
/// in turn.
fn is_prefix_of_one(text: &str) -> bool {
    let number = text.strip_prefix("upstream").and_then(|rest| rest.strip_suffix('_'));
    text == WRAPPED_PREFIX || number.is_some_and(|number| number.parse::<u16>().is_ok())
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
    fn upstreams_are_written_out() {
        let given = options(&[
            ("type", "combine"),
            ("upstreams", "one=inner:a \"two=my drive:b c\" three=:memory:d"),
            ("upstream1_type", "crypt"),
            ("upstream1_remote", "drive:"),
            ("upstream1_remote_type", "sftp"),
            ("upstream1_remote_host", "example.com"),
            ("upstream2_type", "local"),
            ("upstream2_nounc", ""),
        ]);
        assert_eq!(backends(&given, ""), ["combine", "crypt", "sftp", "local", "memory"]);
        let expected = options(&[
            ("type", "combine"),
            (
                "upstreams",
                "one=:crypt,remote=':sftp,host=''example.com'':':a \"two=:local:b c\" three=:memory:d",
            ),
        ]);
        assert_eq!(expand(given, "rclone_", "source"), Ok(expected));
        let needed = needs(&options(&[("type", "union"), ("upstreams", "a:x /srv b:y:ro")]));
        assert_eq!(
            needed,
            [("upstream1_".to_owned(), "a".to_owned()), ("upstream3_".to_owned(), "b".to_owned())]
        );
    }

    #[test]
    fn a_missing_upstream_is_named_with_what_to_do() {
        let given = options(&[("type", "union"), ("upstreams", "/srv/a drive:b:ro")]);
        assert_eq!(
            expand(given, "rclone_", "source").unwrap_err().to_string(),
            "option \"rclone_upstreams\" is \"drive:b:ro\", but the section [drive] of the rclone configuration is missing here: Plakar imports one section alone. Import what it needs with it: rclone config show | plakar-opendrive from-rclone NAME --import source --overwrite"
        );
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
            ("remote_remote", "b,password='OBSCURED':x"),
        ]);
        let message = expand(given, "rclone_", "source").unwrap_err().to_string();
        assert!(
            message.starts_with("option \"rclone_remote_remote\" is \"b:x\", but the section [b]"),
            "{message}"
        );
        let given =
            options(&[("type", "union"), ("upstreams", "/srv/a drive,password=OBSCURED:b:ro")]);
        let message = expand(given, "rclone_", "source").unwrap_err().to_string();
        assert!(
            message.starts_with("option \"rclone_upstreams\" is \"drive:b:ro\", but"),
            "{message}"
        );
    }
}
