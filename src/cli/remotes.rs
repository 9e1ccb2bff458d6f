//! `remotes`: what Plakar has of rclone's remotes, and which of them this build has no backend for. A package with few
//! backends may have taken the place of one with all.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plakar::{self, ConfigurationKind};
use crate::connector::backends;
use crate::rclone::Rclone;
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure};
use terminal::output::{BAD, Output, coloured, shown, unless_left};
use terminal::text;

/// List the remotes that Plakar has, with their backends, and whether these are built in
///
/// A package that has replaced another one of the name rclone may have fewer backends. If it lacks
/// one that is needed, the exit status is 7, and a line names what cannot be opened.
#[derive(Debug, clap::Args)]
pub(super) struct RemotesArgs {
    /// Print one JSON object in each line
    #[arg(long)]
    json: bool,
    /// Only the line about what cannot be opened
    #[arg(long, conflicts_with = "json")]
    missing: bool,
}

/// A source, destination or store of Plakar's that is a remote of rclone's.
#[derive(Serialize)]
struct ConfiguredRemote {
    name: String,
    kind: &'static str,
    /// Its backend, and those of what it wraps.
    backends: Vec<String>,
    built_in: bool,
}

impl RemotesArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let remotes = configured()?;
        if !self.missing {
            unless_left(self.print(&remotes, out))?;
        }
        Ok(match missing_line(&remotes) {
            Some(line) => {
                say(&line);
                Exit::Configuration
            }
            None => Exit::Done,
        })
    }

    fn print(&self, remotes: &[ConfiguredRemote], out: &mut Output) -> io::Result<()> {
        for remote in remotes {
            if self.json {
                out.json(remote)?;
                continue;
            }
            let (name, backends) =
                (shown(&format!("@{}", remote.name)), remote.backends.join(" over "));
            let missing = coloured(BAD, if remote.built_in { "" } else { "  not in this package" });
            out.line(&format!("{:<11} {name:<20} {}{missing}", remote.kind, shown(&backends)))?;
        }
        // Before what is missing is said, also where both go to a terminal.
        out.flush()
    }
}

/// Says what of Plakar's cannot be opened, if anything is. A Plakar that cannot be asked is no reason to fail: the question is
/// ours, not the user's.
pub(super) fn say_missing() {
    if let Some(line) = configured().ok().and_then(|remotes| missing_line(&remotes)) {
        say(&line);
    }
}

/// All of Plakar's that are remotes, in the order of kind and name.
fn configured() -> Result<Vec<ConfiguredRemote>, Failure> {
    #[derive(Deserialize)]
    struct BackendsReply {
        backends: Vec<String>,
    }
    let reply: BackendsReply = Rclone::get()
        .rpc_blocking("bridge/backends", &json!({}))
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let mut remotes = Vec::new();
    for kind in
        [ConfigurationKind::Source, ConfigurationKind::Destination, ConfigurationKind::Store]
    {
        for (name, section) in plakar::all(kind)?.0 {
            let backends = backends(&section, "rclone_");
            if !backends.is_empty() {
                let built_in = backends.iter().all(|backend| reply.backends.contains(backend));
                remotes.push(ConfiguredRemote { name, kind: kind.name(), backends, built_in });
            }
        }
    }
    Ok(remotes)
}

/// One line that names what cannot be opened, and which package can.
fn missing_line(remotes: &[ConfiguredRemote]) -> Option<String> {
    let missing: Vec<String> = remotes
        .iter()
        .filter(|remote| !remote.built_in)
        .map(|remote| {
            let backends = remote.backends.join(" over ");
            format!("{} @{} ({})", remote.kind, text::line(&remote.name), text::line(&backends))
        })
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "not in this package: {}: add the package with every backend of rclone instead, from the folder all-backends of a release, or made by `make package BACKENDS=all`",
            missing.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{ConfiguredRemote, missing_line};
    use crate::connector::backends;

    #[test]
    fn backends_are_read_with_what_they_wrap() {
        let section = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        for (pairs, expected) in [
            (&[("rclone_type", "s3"), ("rclone_provider", "AWS")][..], &["s3"][..]),
            (
                &[
                    ("rclone_type", "crypt"),
                    ("rclone_remote_type", "alias"),
                    ("rclone_remote_remote_type", "sftp"),
                ],
                &["crypt", "alias", "sftp"],
            ),
            (
                &[
                    ("rclone_type", "union"),
                    ("rclone_upstream1_type", "sftp"),
                    ("rclone_upstream2_type", "crypt"),
                    ("rclone_upstream2_remote_type", "webdav"),
                ],
                &["union", "sftp", "crypt", "webdav"],
            ),
            (
                &[
                    ("rclone_type", "alias"),
                    ("rclone_remote", ":crypt,remote=':sftp,host=example.com:/srv':x"),
                ],
                &["alias", "crypt", "sftp"],
            ),
            (
                &[
                    ("rclone_type", "combine"),
                    ("rclone_upstreams", "a=:s3,provider=AWS:bucket b=drive:x c=/srv"),
                    ("rclone_upstream2_type", "webdav"),
                ],
                &["combine", "webdav", "s3"],
            ),
            (&[("location", "opendrive://"), ("username", "x")], &[]),
            (&[("rclone_remote_type", "sftp")], &[]),
        ] {
            assert_eq!(backends(&section(pairs), "rclone_"), expected);
        }
    }

    #[test]
    fn a_line_names_what_is_missing_alone() {
        let remote = |name: &str, backends: &[&str], built_in| ConfiguredRemote {
            name: name.to_owned(),
            kind: "source",
            backends: backends.iter().map(|&backend| backend.to_owned()).collect(),
            built_in,
        };
        assert_eq!(missing_line(&[remote("drive", &["opendrive"], true)]), None);
        let line = missing_line(&[
            remote("drive", &["opendrive"], true),
            remote("photos", &["s3"], false),
            remote("bad\nname", &["crypt", "sftp"], false),
        ]);
        let line = line.unwrap();
        assert!(
            line.starts_with(r"not in this package: source @photos (s3), source @bad\nname (crypt over sftp): add the package"),
            "{line}"
        );
    }
}
