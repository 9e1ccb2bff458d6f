//! What Plakar says of a store, as this machine or as one that sees it for the first time.
//!
//! One that sees it for the first time has a cache of its own (`cache.rs`).
//!
//! When a signal ends us, the Plakar that was asked is killed; its plugins leave as they always do.
//! What it said by then counts for nothing: one that was interrupted calls a store damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use plakar_words::FirstWord;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::cache::{FreshCache, cannot_start};
use crate::rclone::listen_to_children;
use terminal::exit::{Exit, Failure};

/// Maximum number of states that one command is asked for: its arguments must not become too long.
const MAX_STATES: usize = 500;

/// The exit status of a check that calls something damaged, and that of one that was interrupted
/// (plakar v1.1.4, exitcodes.go).
const INTEGRITY_FAILURE: i32 = 65;

/// How long the signal that has ended Plakar may take to come to us: a terminal sends it to both.
const SIGNAL_TIME: Duration = Duration::from_millis(200);

/// What of Plakar is to say what it does: that which reads headers of snapshots.
const TRACED: &str = "snapshot";

/// What it says then of a header that it is about to read, before and after the id (kloset v1.1.3,
/// snapshot.go, `GetSnapshot`).
const READS_HEADER: (&str, &str) = ("trace: snapshot: repository.GetSnapshot(", ")");

/// What one state tells (`plakar diag state`, plakar v1.1.4 subcommands/diag).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct StateInfo {
    /// When it was made, as a text that sorts.
    pub(super) made: String,
    pub(super) snapshots: BTreeSet<String>,
    /// Snapshots that it removes, and when.
    pub(super) removed: BTreeMap<String, String>,
}

/// The restore points that a machine lists, by their whole ids.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Those that it shows.
    pub(super) seen: BTreeSet<String>,
    /// Those that it knows of. Plakar shows only those whose headers it can read, and passes over
    /// others without a word (kloset v1.1.3, `buildPolicyItems`).
    pub(super) known: BTreeSet<String>,
}

impl Listed {
    /// Takes in a line of `plakar ls`.
    fn take_in(&mut self, line: &str) {
        let (before, after) = READS_HEADER;
        let reads = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let (points, id) = match reads {
            Some(id) => (&mut self.known, Some(id)),
            None => (&mut self.seen, line.split_whitespace().nth(1)),
        };
        points.extend(id.filter(|id| is_id(id)).map(str::to_owned));
    }

    /// Adds what was listed another time.
    pub(super) fn add(&mut self, other: Self) {
        self.seen.extend(other.seen);
        self.known.extend(other.known);
    }

    /// Whether all that it knows of is shown.
    pub(super) fn is_complete(&self) -> bool {
        self.known.is_subset(&self.seen)
    }
}

/// A Plakar that is asked about one store.
#[derive(Debug)]
pub(super) struct Machine {
    /// The store, `@NAME`.
    store: String,
    keyfile: Option<PathBuf>,
    /// That of a machine that has seen nothing yet; `None` for this one.
    cache: Option<FreshCache>,
}

impl Machine {
    /// This machine.
    pub(super) fn own(store: &str, keyfile: Option<PathBuf>) -> Self {
        Self { store: store.to_owned(), keyfile, cache: None }
    }

    /// One that has not seen the store before.
    pub(super) async fn fresh(store: &str, keyfile: Option<PathBuf>) -> Result<Self, Failure> {
        Ok(Self { cache: Some(FreshCache::start().await?), ..Self::own(store, keyfile) })
    }

    /// The restore points that it lists.
    pub(super) async fn snapshots(&self) -> Result<Listed, Failure> {
        let mut listed = Listed::default();
        let trace = plakar_words::with(plakar_words::TRACE, TRACED);
        let asked = [trace.as_str(), "at", &self.store, "ls", plakar_words::WHOLE_IDS];
        self.run(&asked, |line| listed.take_in(line)).await?;
        Ok(listed)
    }

    /// What states tell, each by its name.
    pub(super) async fn states(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, StateInfo>, Failure> {
        let mut states = BTreeMap::new();
        for names in names.chunks(MAX_STATES) {
            let mut read: Vec<StateInfo> = Vec::new();
            let asked: Vec<&str> = ["at", &self.store, "diag", "state"]
                .into_iter()
                .chain(names.iter().map(String::as_str))
                .collect();
            self.run(&asked, |line| understand(line, &mut read)).await?;
            if read.len() != names.len() {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("Plakar told of {} states, {} were asked for", read.len(), names.len()),
                ));
            }
            states.extend(names.iter().cloned().zip(read));
        }
        Ok(states)
    }

    /// Reads all data of the restore points that it lists, as `plakar check` does, and says whether
    /// it is whole. What the drive does not give is damage to Plakar, too.
    ///
    /// # Errors
    /// If Plakar was ended before it has read all, or could not begin.
    pub(super) async fn check(&self) -> Result<bool, Failure> {
        let (status, _) = self.ended(&["at", &self.store, "check"], |_| {}).await?;
        match status.code() {
            Some(0) => Ok(true),
            Some(INTEGRITY_FAILURE) => Ok(false),
            _ => Err(Failure::new(
                Exit::Failed,
                format!(
                    "`plakar check` did not come to its end ({status}): it tells nothing of the data"
                ),
            )),
        }
    }

    async fn run(&self, arguments: &[&str], line: impl FnMut(&str)) -> Result<(), Failure> {
        let (status, last) = self.ended(arguments, line).await?;
        if status.success() {
            return Ok(());
        }
        // What it gives up over stands on its standard output, at the end.
        Err(failed(named(arguments), &status.to_string(), &last))
    }

    /// Runs a command of Plakar's to its end, with what it prints line by line; gives how it ended,
    /// and the last line that is not blank.
    ///
    /// # Errors
    /// If it could not be started, ended well without having begun, or lost its cache while it ran:
    /// Plakar does not notice that, and goes on with what it knew of the store by then (plakar v1.1.4,
    /// cached.go).
    async fn ended(
        &self,
        arguments: &[&str],
        mut line: impl FnMut(&str),
    ) -> Result<(ExitStatus, String), Failure> {
        listen_to_children().map_err(|error| cannot_start(&error))?;
        let mut child = self.command(arguments).spawn().map_err(|error| cannot_start(&error))?;
        let (mut first, mut last) = (FirstWord::default(), String::new());
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).split(b'\n');
            while let Ok(Some(read)) = lines.next_segment().await {
                let read = String::from_utf8_lossy(&read);
                first.take(&read);
                line(&read);
                if !read.trim().is_empty() {
                    last = read.into_owned();
                }
            }
        }
        let status = child.wait().await.map_err(|error| cannot_start(&error))?;
        if !status.success() {
            // If a signal has ended it, that ends us here as well.
            tokio::time::sleep(SIGNAL_TIME).await;
        } else if first.is_reason() {
            return Err(failed(named(arguments), "without having begun", &last));
        }
        if self.cache.as_ref().is_some_and(FreshCache::is_lost) {
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "the process of its cache ended before `plakar {}`, which may not have known all of the store: it tells nothing",
                    named(arguments)
                ),
            ));
        }
        Ok((status, last))
    }

    /// Passphrases are asked for by Plakar itself.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::cli::plakar::program());
        // What its reasons begin with, wherever it is.
        #[cfg(unix)]
        command.arg0("plakar");
        // Times are printed in the local zone.
        command.env("TZ", "UTC").kill_on_drop(true).stdout(Stdio::piped());
        if let Some(cache) = &self.cache {
            command.args(cache.arguments());
        }
        if let Some(keyfile) = &self.keyfile {
            command.args([OsStr::new(plakar_words::KEY_FILE), keyfile.as_os_str()]);
        }
        command.args(arguments);
        command
    }
}

/// The command among the words that Plakar is called with.
fn named<'a>(arguments: &[&'a str]) -> &'a str {
    let named = arguments.iter().find(|word| **word != "at" && !word.starts_with(['@', '-']));
    named.copied().unwrap_or_default()
}

fn failed(what: &str, how: &str, last: &str) -> Failure {
    Failure::new(Exit::Failed, format!("`plakar {what}` failed ({how}): {}", last.trim()))
}

/// Takes in a line of `plakar diag state`.
fn understand(line: &str, states: &mut Vec<StateInfo>) {
    if line.starts_with("Version: ") {
        states.push(StateInfo::default());
        return;
    }
    let Some(state) = states.last_mut() else { return };
    if let Some(made) = line.strip_prefix("Creation: ") {
        made.clone_into(&mut state.made);
    } else if let Some(rest) = line.strip_prefix("snapshot ") {
        state
            .snapshots
            .extend(rest.split(' ').next().filter(|word| is_id(word)).map(str::to_owned));
    } else if let Some((id, when)) =
        line.strip_prefix("deleted snapshot: ").and_then(|rest| rest.split_once(", when="))
    {
        state.removed.insert(id.to_owned(), when.to_owned());
    }
}

fn is_id(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_point_whose_header_was_not_read_is_known_and_not_seen() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let mut listed = Listed::default();
        for line in [
            format!("trace: snapshot: repository.GetSnapshot({one})"),
            format!("trace: snapshot: repository.GetSnapshot({two})"),
            "trace: snapshot: 11111111: Load()".to_owned(),
            format!("trace: snapshot: {one}: Close(): 11111111"),
            format!("2026-11-29T00:54:34Z {one}   2.0 KiB        0s /files"),
        ] {
            listed.take_in(&line);
        }
        assert!(!listed.is_complete());
        assert_eq!(listed.seen, BTreeSet::from([one.clone()]));
        assert_eq!(listed.known, BTreeSet::from([one, two.clone()]));
        listed.add(Listed { seen: [two].into(), known: BTreeSet::new() });
        assert!(listed.is_complete());
    }

    #[test]
    fn what_plakar_prints_of_states_is_understood() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let mut states = Vec::new();
        for line in [
            "Welcome to plakar !",
            "Version: 1.1.0",
            "Creation: 2026-11-29 00:54:34.87 +0000 UTC",
            "State serial: 00000000-0000-0000-0000-000000000000",
            &format!("snapshot {one} : packfile {two}, offset 1, length 2"),
            &format!("object {two} : packfile {two}, offset 1, length 2"),
            "Version: 1.1.0",
            "Creation: 2026-11-29 00:54:35.6 +0000 UTC",
            &format!("deleted snapshot: {one}, when=2026-11-29 00:54:35.61 +0000 UTC"),
        ] {
            understand(line, &mut states);
        }
        let first = StateInfo {
            made: "2026-11-29 00:54:34.87 +0000 UTC".into(),
            snapshots: [one.clone()].into(),
            removed: BTreeMap::new(),
        };
        let second = StateInfo {
            made: "2026-11-29 00:54:35.6 +0000 UTC".into(),
            snapshots: BTreeSet::new(),
            removed: [(one, "2026-11-29 00:54:35.61 +0000 UTC".to_owned())].into(),
        };
        assert_eq!(states, [first, second]);
    }
}
