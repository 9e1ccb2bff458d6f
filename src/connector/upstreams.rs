//! The lists of remotes that union and combine join, in their option `upstreams`.

use super::remote_reference::RemoteReference;

/// The options that hold such a list; the second is what union's was called once.
pub(super) const LISTS: [&str; 2] = ["upstreams", "remotes"];

/// What stands before the options of an upstream, counted from 1.
pub(super) fn prefix(number: usize) -> String {
    format!("upstream{number}_")
}

/// The remotes of a list: spaces part them, and quotes that are doubled within stand around one with
/// spaces in it (`SpaceSepList` in rclone's fs/config_list.go). `None` for what rclone would not
/// understand either.
pub(super) fn split(list: &str) -> Option<Vec<String>> {
    let (mut remotes, mut rest) = (Vec::new(), list.trim());
    while !rest.is_empty() {
        let Some(mut quoted) = rest.strip_prefix('"') else {
            let (remote, after) = rest.split_once(' ').unwrap_or((rest, ""));
            if remote.contains('"') {
                return None;
            }
            remotes.push(remote.to_owned());
            rest = after.trim_start();
            continue;
        };
        let mut remote = String::new();
        loop {
            let (before, after) = quoted.split_once('"')?;
            remote.push_str(before);
            let Some(more) = after.strip_prefix('"') else {
                rest = after;
                break;
            };
            remote.push('"');
            quoted = more;
        }
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        remotes.push(remote);
        rest = rest.trim_start();
    }
    Some(remotes)
}

/// The list of remotes.
pub(super) fn join(remotes: &[String]) -> String {
    let quoted: Vec<String> = remotes
        .iter()
        .map(|remote| match remote.contains([' ', '"']) {
            true => format!("\"{}\"", remote.replace('"', "\"\"")),
            false => remote.clone(),
        })
        .collect();
    quoted.join(" ")
}

/// What stands before the remote in an upstream: of combine the folder that it is to be, as `folder=`.
pub(super) fn folder<'a>(backend: &str, upstream: &'a str) -> &'a str {
    let end = upstream.find('=').filter(|_| backend == "combine").map_or(0, |at| at + 1);
    &upstream[..end]
}

/// The section that an upstream names, if it does not say itself what it is.
pub(super) fn section<'a>(backend: &str, upstream: &'a str) -> Option<&'a str> {
    RemoteReference::parse(&upstream[folder(backend, upstream).len()..])?.section()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_apart_and_put_together_as_rclone_does() {
        for (list, remotes, again) in [
            ("", vec![], ""),
            ("a: b:c", vec!["a:", "b:c"], "a: b:c"),
            (" a:   b: ", vec!["a:", "b:"], "a: b:"),
            (
                "\"one=my drive:a \"\"b\"\"\" /srv/c",
                vec!["one=my drive:a \"b\"", "/srv/c"],
                "\"one=my drive:a \"\"b\"\"\" /srv/c",
            ),
        ] {
            let found = split(list).unwrap();
            assert_eq!(found, remotes, "{list}");
            assert_eq!(join(&found), again);
        }
        for bad in ["\"a", "a\"b", "\"a\"b", "a \"b"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_upstream_names_a_section_or_not() {
        for (backend, upstream, expected) in [
            ("union", "drive:a", Some("drive")),
            ("union", "drive:a:ro", Some("drive")),
            ("union", "my=drive:a", Some("my=drive")),
            ("union", ":memory:a:ro", None),
            ("union", "/srv/a:nc", None),
            ("combine", "one=drive:a", Some("drive")),
            ("combine", "one=:sftp,host=example.com:a", None),
            ("combine", "one=/srv", None),
        ] {
            assert_eq!(section(backend, upstream), expected, "{upstream}");
        }
    }
}
