//! One remote, tried: a user of the real Plakar, and what the remote did.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::plakar::{Outcome, Plakar, own};

use crate::remotes::Remote;
use crate::tree::{self, Tree};

/// How a behaviour ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Yes,
    /// The remote cannot, and the product said so: this is what it said.
    Cannot(String),
    /// Not as it should.
    Failed(String),
}

/// A remote with a user.
pub struct Trial {
    /// The remote.
    pub remote: Remote,
    /// The user.
    pub user: Plakar,
    /// The same on another machine.
    pub other: Plakar,
    /// What the product has said besides.
    pub remarks: Vec<String>,
    /// What of the tree could be restored to it.
    pub restored: Tree,
}

/// The time of all files that are written.
pub const TIME: u64 = 1_700_000_000;

/// The store on this machine.
pub const LOCAL: &str = "./store";

impl Trial {
    /// A user with a local store.
    pub fn new(remote: Remote) -> Self {
        let trial = Self {
            user: user(),
            other: user(),
            remote,
            remarks: Vec::new(),
            restored: Tree::new(),
        };
        trial.user.ok(&["at", LOCAL, "create", "-plaintext"]);
        trial
    }

    /// Configures a folder of the remote under a name, as what Plakar calls source, destination or store.
    pub fn configure(&self, user: &Plakar, role: &str, name: &str, more: &[(&str, &str)]) {
        let mut section = serde_json::Map::new();
        let location = format!("rclone://{}", self.root(name));
        section.insert("location".to_owned(), location.into());
        for (key, value) in &self.remote.options {
            section.insert(format!("rclone_{key}"), value.clone().into());
        }
        section.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
        let config = serde_json::json!({ name: section }).to_string();
        let outcome = user.run_with_input(&[role, "import", "-overwrite"], config.as_bytes());
        assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    }

    /// The root of a folder of the remote in snapshots.
    pub fn root(&self, name: &str) -> String {
        match self.remote.base.trim_start_matches('/') {
            "" => format!("/{name}"),
            base => format!("/{base}/{name}"),
        }
    }

    /// Writes a tree below a folder of this machine and backs it up into the local store; gives the path of it in the
    /// snapshot.
    pub fn saved(&self, tree: &Tree, name: &str, seconds: u64) -> String {
        let folder = self.user.home().join(name);
        tree::write(tree, &folder, seconds);
        format!("{}:{}", self.user.backup(LOCAL, &format!("./{name}")), folder.display())
    }

    /// Restores from the local store to a folder of the remote; what could not be restored is in the verdict.
    pub fn restore(&mut self, what: &str, name: &str) -> Verdict {
        let target = format!("@{name}");
        let outcome = self.user.run(&["-quiet", "at", LOCAL, "restore", "-to", &target, what]);
        self.remark(&outcome.stderr);
        match (outcome.code, reason(&outcome, "could not be restored")) {
            (Some(0), None) => Verdict::Yes,
            (Some(1), Some(reason)) => Verdict::Cannot(reason),
            _ => Verdict::Failed(format!("restore: {}", outcome.text())),
        }
    }

    /// Backs a folder of the remote up into a local store; gives the snapshot, and the lines of what failed.
    pub fn backup(&mut self, store: &str, name: &str) -> Result<(String, Vec<String>), String> {
        let outcome = self.user.run(&["at", store, "backup", &format!("@{name}")]);
        self.remark(&outcome.stderr);
        let text = outcome.text();
        let result = text.lines().find(|line| line.contains("backup completed"));
        let Some(id) =
            result.and_then(|line| line.split(": backup").next()?.split([' ', ':']).next_back())
        else {
            return Err(format!("backup: {text}"));
        };
        let failed: Vec<String> =
            text.lines().filter(|line| line.contains("KO \u{2718}")).map(str::to_owned).collect();
        Ok((id.to_owned(), failed))
    }

    /// What a snapshot of a folder of the remote has.
    pub fn contents(&self, user: &Plakar, store: &str, what: &str) -> Result<Tree, String> {
        let out = tempfile::tempdir_in(user.home()).map_err(|error| error.to_string())?;
        let outcome = user.run(&[
            "-quiet",
            "at",
            store,
            "restore",
            "-to",
            &out.path().display().to_string(),
            what,
        ]);
        if outcome.code == Some(0) {
            Ok(tree::shown(&tree::read(out.path())))
        } else {
            Err(format!("restore {what}: {}", outcome.text()))
        }
    }

    /// What a folder of the remote has, by our own command line.
    pub fn read_back(&mut self, name: &str) -> Result<Tree, String> {
        self.configure(&self.user, "source", name, &[]);
        let out = tempfile::tempdir_in(self.user.home()).map_err(|error| error.to_string())?;
        let target = out.path().display().to_string();
        let output = own(&self.user, &["cp", "--as", "source", &format!("@{name}"), &target]);
        let said = String::from_utf8_lossy(&output.stderr);
        // It says how much it has copied, too.
        said.lines().filter(|line| line.contains("not saved")).for_each(|line| self.remark(line));
        if output.status.success() {
            return Ok(tree::shown(&tree::read(out.path())));
        }
        Err(format!("cp @{name}: {said}"))
    }

    /// Whether no more than so many files were asked for since the last call; else what was.
    pub fn nothing_read_but(&self, files: usize) -> Result<(), String> {
        // Logins and listings of SFTP are less.
        const MAX_SFTP_BYTES: u64 = 100 << 10;
        let reads = self.remote.relays().map(|relay| (relay.take_reads(), relay.counts_bytes()));
        for (reads, bytes) in reads.collect::<Vec<_>>() {
            if reads > if bytes { MAX_SFTP_BYTES } else { files as u64 } {
                return Err(format!("{reads} {} were read", if bytes { "bytes" } else { "files" }));
            }
        }
        Ok(())
    }

    /// Bytes that have arrived at the servers, roughly: what was sent to them, and what lies there.
    pub fn arrived(&self) -> u64 {
        self.remote.relays().map(crate::relay::Relay::sent).sum::<u64>()
            + self.remote.folders().map(size).sum::<u64>()
    }

    /// Runs a command, and kills it and its plugins when so many bytes have arrived.
    pub fn killed(&self, arguments: &[&str], bytes: u64) -> Result<(), String> {
        let before = self.arrived();
        let mut child = self
            .user
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut ended = false;
        support::wait_for(Duration::from_secs(120), "some bytes", || {
            ended = child.try_wait().is_ok_and(|status| status.is_some());
            (ended || self.arrived() >= before + bytes).then_some(())
        });
        for process in self.user.processes() {
            let _ = Command::new("kill")
                .arg("-9")
                .args(process.file_name())
                .stderr(Stdio::null())
                .status();
        }
        let _ = child.kill();
        let _ = child.wait();
        if ended { Err(format!("{arguments:?} ended before it was killed")) } else { Ok(()) }
    }

    /// Keeps what the product says at the end of a command although nothing failed, without counts and names.
    fn remark(&mut self, said: &str) {
        for line in said.lines() {
            let Some((_, note)) = line.split_once("plakar-opendrive: ") else { continue };
            let note = note.split('"').next().unwrap_or(note).trim_end_matches([' ', '(', ':']);
            let words = note.trim_start_matches(|first: char| first.is_ascii_digit());
            let note = match words
                .strip_prefix(" file has ")
                .or_else(|| words.strip_prefix(" files have "))
            {
                Some(rest) => format!("files have {rest}"),
                None => note.to_owned(),
            };
            let note = note.split(", or uploads right now").next().unwrap_or_default().to_owned();
            let told_elsewhere = ["could not be restored", "control characters"]
                .iter()
                .any(|words| note.contains(words));
            if !told_elsewhere && !self.remarks.contains(&note) {
                self.remarks.push(note);
            }
        }
    }
}

/// A user with our package, who needs no passphrase to be typed.
fn user() -> Plakar {
    Plakar::new(&[("PLAKAR_PASSPHRASE".to_owned(), "correct horse battery staple".to_owned())])
}

/// The line of an outcome with these words.
fn reason(outcome: &Outcome, words: &str) -> Option<String> {
    outcome.text().lines().find(|line| line.contains(words)).map(str::to_owned)
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
