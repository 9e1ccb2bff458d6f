//! What Plakar says of a store, as this machine or as one that sees it for the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use terminal::exit::{Exit, Failure};

/// Maximum number of states that one command is asked for: its arguments must not become too long.
const MAX_STATES: usize = 500;

/// What one state tells (`plakar diag state`, plakar v1.1.4 subcommands/diag).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StateInfo {
    /// When it was made, as a text that sorts.
    pub(super) made: String,
    pub(super) snapshots: BTreeSet<String>,
    /// Snapshots that it removes, and when.
    pub(super) removed: BTreeMap<String, String>,
}

/// A Plakar that is asked about one store.
#[derive(Debug)]
pub(super) struct Machine {
    /// The store, `@NAME`.
    store: String,
    keyfile: Option<PathBuf>,
    /// The cache of a machine that has seen nothing yet; `None` for that of this one.
    cache: Option<TempDir>,
}

impl Machine {
    /// This machine.
    pub(super) fn own(store: &str, keyfile: Option<PathBuf>) -> Self {
        Self { store: store.to_owned(), keyfile, cache: None }
    }

    /// One that has not seen the store before.
    pub(super) fn fresh(store: &str, keyfile: Option<PathBuf>) -> Result<Self, Failure> {
        let cache = tempfile::tempdir().map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("a temporary folder for Plakar's cache cannot be made: {error}; set TMPDIR to a folder with room"),
            )
        })?;
        let machine = Self { cache: Some(cache), ..Self::own(store, keyfile) };
        // Else it greets, and asks plakar.io for news.
        machine.run(&[plakar_words::NO_SECURITY_NEWS], |_| {})?;
        Ok(machine)
    }

    /// The restore points that it lists, by their whole ids.
    pub(super) fn snapshots(&self) -> Result<BTreeSet<String>, Failure> {
        let mut found = BTreeSet::new();
        self.run(&["at", &self.store, "ls", plakar_words::WHOLE_IDS], |line| {
            found.extend(
                line.split_whitespace().nth(1).filter(|word| is_id(word)).map(str::to_owned),
            );
        })?;
        Ok(found)
    }

    /// What states tell, each by its name.
    pub(super) fn states(&self, names: &[String]) -> Result<BTreeMap<String, StateInfo>, Failure> {
        let mut states = BTreeMap::new();
        for names in names.chunks(MAX_STATES) {
            let mut read: Vec<StateInfo> = Vec::new();
            let asked: Vec<&str> = ["at", &self.store, "diag", "state"]
                .into_iter()
                .chain(names.iter().map(String::as_str))
                .collect();
            self.run(&asked, |line| understand(line, &mut read))?;
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

    /// Reads everything, as `plakar check` does, and says whether it is whole.
    pub(super) fn check(&self) -> Result<bool, Failure> {
        let status = self
            .command(&["at", &self.store, "check"])
            .stdout(Stdio::null())
            .status()
            .map_err(|error| cannot_start(&error))?;
        Ok(status.success())
    }

    fn run(&self, arguments: &[&str], mut line: impl FnMut(&str)) -> Result<(), Failure> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_start(&error))?;
        let mut last = String::new();
        if let Some(output) = child.stdout.take() {
            for read in BufReader::new(output).split(b'\n') {
                let Ok(read) = read else { break };
                let read = String::from_utf8_lossy(&read);
                line(&read);
                if !read.trim().is_empty() {
                    last = read.into_owned();
                }
            }
        }
        let status = child.wait().map_err(|error| cannot_start(&error))?;
        if status.success() {
            return Ok(());
        }
        // What it gives up over stands on its standard output, at the end.
        let what = arguments
            .iter()
            .skip_while(|word| **word == "at" || word.starts_with('@'))
            .take(1)
            .copied()
            .collect::<String>();
        Err(Failure::new(
            Exit::Failed,
            format!("`plakar {what}` failed ({status}): {}", last.trim()),
        ))
    }

    /// Passphrases are asked for by Plakar itself.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::cli::plakar::program());
        // Times are printed in the local zone.
        command.env("TZ", "UTC");
        if let Some(cache) = &self.cache {
            command.args([OsStr::new(plakar_words::CACHE_FOLDER), cache.path().as_os_str()]);
        }
        if let Some(keyfile) = &self.keyfile {
            command.args([OsStr::new(plakar_words::KEY_FILE), keyfile.as_os_str()]);
        }
        command.args(arguments);
        command
    }
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

fn cannot_start(error: &std::io::Error) -> Failure {
    let plakar = crate::cli::plakar::program();
    Failure::new(
        Exit::Configuration,
        format!("{} cannot be started ({error}): set PLAKAR to where it is", plakar.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
