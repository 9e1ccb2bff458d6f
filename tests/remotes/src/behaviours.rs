//! The table of behaviours: what each remote is tried for.

use std::process::Command;
use std::time::Duration;

use crate::relay::Relay;
use crate::tree::{self, CHANGING, LARGE, LARGE_BYTES, SLOWLY, Tree};
use crate::trial::{LOCAL, TIME, Trial, Verdict};

/// A behaviour: what the table calls it, and its trial.
pub type Behaviour = (&'static str, fn(&mut Trial) -> Result<Verdict, String>);

/// All of them, in the order in which each builds on those before.
pub const BEHAVIOURS: [Behaviour; 8] = [
    ("restore", restore),
    ("back up", back_up),
    ("unchanged: 0 reads", again),
    ("one file changes", change),
    ("keep a store", store),
    ("restore, killed", restore_killed),
    ("store, killed", store_killed),
    ("connection cut", cut),
];

/// When a command is killed: this much has arrived then, of [`LARGE_BYTES`].
const KILL_AT: u64 = 2 << 20;

/// When connections are cut: this much has been read then.
const CUT_AT: u64 = 1 << 20;

/// More bytes come meanwhile, where they are not counted.
const A_MOMENT: Duration = Duration::from_millis(300);

/// No backup takes longer to read its first files.
const READING: Duration = Duration::from_secs(120);

/// A folder is restored, and what is there then is what it was. A second time nothing is sent.
fn restore(trial: &mut Trial) -> Result<Verdict, String> {
    let tree = trial.remote.kind.tree();
    let what = trial.saved(&tree, "tree", TIME);
    trial.configure(&trial.user, "destination", "restored", &[]);
    let verdict = trial.restore(&what, "restored");
    let found = trial.read_back("restored")?;
    let hollow = trial.remarks.iter().any(|remark| remark.contains("empty folder"));
    let verdict = judged(verdict, &tree::differences(&tree::shown(&tree), &found), hollow);
    trial.restored = found;
    if let Verdict::Failed(_) = verdict {
        return Ok(verdict);
    }
    let before = trial.arrived();
    trial.restore(&what, "restored");
    let sent = trial.arrived().saturating_sub(before);
    if sent >= LARGE_BYTES as u64 {
        return Ok(Verdict::Failed(format!("restored again, {sent} bytes were sent")));
    }
    Ok(verdict)
}

/// A folder that somebody else has filled is backed up: what is not in the snapshot is an error on it.
fn back_up(trial: &mut Trial) -> Result<Verdict, String> {
    let name = plant(trial);
    let (id, failed) = trial.backup(LOCAL, name)?;
    let found = trial.contents(&trial.user, LOCAL, &format!("{id}:{}", trial.root(name)))?;
    let wanted = tree::shown(&planted(trial));
    // A folder whose files are errors is empty.
    let lacking: Vec<String> = tree::differences(&wanted, &found)
        .into_iter()
        .filter(|path| {
            path.strip_suffix(tree::MORE).is_none_or(|more| found.get(more) != Some(&None))
        })
        .collect();
    let unsaid: Vec<&String> =
        lacking.iter().filter(|path| !failed.iter().any(|line| names(line, path))).collect();
    // What a protocol has no notion of is said by the limits of the remote.
    if unsaid.iter().any(|path| !trial.hidden(path)) {
        return Ok(Verdict::Failed(format!(
            "missing without a word: {unsaid:?}; said: {failed:?}"
        )));
    }
    if lacking.is_empty() {
        Ok(Verdict::Yes)
    } else {
        Ok(Verdict::Cannot(format!("an error on {}", listed(&lacking))))
    }
}

/// A second backup reads nothing, also where the bytes are others under the same time and size.
fn again(trial: &mut Trial) -> Result<Verdict, String> {
    let name = source(trial);
    if let Some(files) = trial.remote.files() {
        overwrite(&files.join(name).join(CHANGING), b"BEFORE");
    }
    let _ = trial.nothing_read_but(0);
    let (id, failed) = trial.backup(LOCAL, name)?;
    // What cannot be read is asked for each time.
    if let Err(read) = trial.nothing_read_but(failed.len()) {
        return Ok(Verdict::Failed(read));
    }
    let found = cat(trial, &id, name)?;
    Ok(if found == b"before" { Verdict::Yes } else { Verdict::Failed(format!("it is {found:?}")) })
}

/// A file that has changed is read, and only that.
fn change(trial: &mut Trial) -> Result<Verdict, String> {
    let name = source(trial);
    if let Some(files) = trial.remote.files() {
        std::fs::write(files.join(name).join(CHANGING), "after")
            .map_err(|error| error.to_string())?;
    } else {
        let changed = Tree::from([(CHANGING.to_owned(), Some(b"after".to_vec()))]);
        let what = trial.saved(&changed, "changed", TIME + 100);
        if let Verdict::Failed(problem) = trial.restore(&what, name) {
            return Ok(Verdict::Failed(problem));
        }
    }
    let _ = trial.nothing_read_but(0);
    let (id, failed) = trial.backup(LOCAL, name)?;
    let reads: u64 = trial
        .remote
        .relays()
        .map(|relay| {
            if relay.counts_bytes() {
                relay.take_reads() / LARGE_BYTES as u64
            } else {
                relay.take_reads()
            }
        })
        .sum();
    let found = cat(trial, &id, name)?;
    if found != b"after" {
        return Ok(Verdict::Failed(format!("it is {found:?}")));
    }
    // A file may be asked for by its parts, or by its description first.
    Ok(if reads <= 2 + failed.len() as u64 {
        Verdict::Yes
    } else {
        Verdict::Failed(format!("{reads} files were read"))
    })
}

/// A store is made, filled and checked, and a user of another machine restores from it.
fn store(trial: &mut Trial) -> Result<Verdict, String> {
    for user in [&trial.user, &trial.other] {
        trial.configure(user, "store", "kloset", &[]);
    }
    trial.user.ok(&["at", "@kloset", "create"]);
    let id = trial.user.backup("@kloset", "./tree");
    trial.user.ok(&["at", "@kloset", "check"]);
    let what = format!("{id}:{}", trial.user.path("tree"));
    let found = trial.contents(&trial.other, "@kloset", &what)?;
    let differences = tree::differences(&tree::shown(&trial.remote.kind.tree()), &found);
    Ok(if differences.is_empty() {
        Verdict::Yes
    } else {
        Verdict::Failed(format!("differs: {differences:?}"))
    })
}

/// A restore over a file that is there is killed: the old file is there, or the new one, and the next restore completes.
fn restore_killed(trial: &mut Trial) -> Result<Verdict, String> {
    let new = Tree::from([(LARGE.to_owned(), Some(support::noise(5, LARGE_BYTES + 1)))]);
    let what = trial.saved(&new, "newer", TIME + 200);
    trial.configure(&trial.user, "destination", "restored", &[("bwlimit", SLOWLY)]);
    trial.killed(&["at", LOCAL, "restore", "-to", "@restored", &what], KILL_AT)?;
    let found = trial.read_back("restored")?;
    let old = trial.remote.kind.tree().remove(LARGE);
    let is = found.get(LARGE);
    if is != old.as_ref() && is != new.get(LARGE) {
        let bytes = is.and_then(Option::as_ref).map(Vec::len);
        return Ok(Verdict::Failed(format!(
            "neither the old file nor the new one: {bytes:?} bytes"
        )));
    }
    trial.configure(&trial.user, "destination", "restored", &[]);
    let verdict = trial.restore(&what, "restored");
    let found = trial.read_back("restored")?;
    if verdict != Verdict::Yes || found.get(LARGE) != new.get(LARGE) {
        return Ok(Verdict::Failed(format!("the next restore does not complete it: {verdict:?}")));
    }
    trial.restored = found;
    Ok(Verdict::Yes)
}

/// A backup into the store is killed: what was there is whole, and the next one completes.
fn store_killed(trial: &mut Trial) -> Result<Verdict, String> {
    trial.configure(&trial.user, "store", "kloset", &[("bwlimit", SLOWLY)]);
    trial.killed(&["at", "@kloset", "backup", "./newer"], KILL_AT)?;
    trial.configure(&trial.user, "store", "kloset", &[]);
    trial.other.ok(&["at", "@kloset", "check"]);
    let id = trial.user.backup("@kloset", "./newer");
    let what = format!("{id}:{}", trial.user.path("newer"));
    let found = trial.contents(&trial.other, "@kloset", &what)?;
    let wanted = tree::read(&trial.user.home().join("newer"));
    let differences = tree::differences(&wanted, &found);
    Ok(if differences.is_empty() {
        Verdict::Yes
    } else {
        Verdict::Failed(format!("differs: {differences:?}"))
    })
}

/// All connections are cut while a file is read: it is whole in the snapshot, or an error.
fn cut(trial: &mut Trial) -> Result<Verdict, String> {
    const FRESH: &str = "./fresh";
    let name = source(trial);
    trial.configure(&trial.user, "source", name, &[("bwlimit", SLOWLY)]);
    trial.user.ok(&["at", FRESH, "create", "-plaintext"]);
    let relays: Vec<_> = trial.remote.relays().cloned().collect();
    let cutting = std::thread::spawn(move || {
        let progress = || relays.iter().map(Relay::progress).sum::<u64>();
        let before = progress();
        // The large file is more than that, and the others are less.
        support::wait_for(READING, "a file that is read", || {
            (progress() >= before + CUT_AT).then_some(())
        });
        std::thread::sleep(A_MOMENT);
        relays.iter().map(Relay::cut).sum::<usize>()
    });
    let backup = trial.backup(FRESH, name);
    let cuts = cutting.join().map_err(|_| "nothing was read")?;
    trial.configure(&trial.user, "source", name, &[]);
    let (id, failed) = backup?;
    let found = trial.contents(&trial.user, FRESH, &format!("{id}:{}", trial.root(name)))?;
    let mut wanted = tree::shown(&planted(trial));
    wanted.insert(CHANGING.to_owned(), Some(b"after".to_vec()));
    let wrong: Vec<String> = tree::differences(&wanted, &found)
        .into_iter()
        .filter(|path| match path.strip_suffix(tree::MORE) {
            // A folder whose files are errors.
            Some(more) => found.get(more) != Some(&None),
            None => found.contains_key(path) || !failed.iter().any(|line| names(line, path)),
        })
        .filter(|path| !trial.hidden(path))
        .collect();
    if cuts == 0 {
        return Ok(Verdict::Failed("no connection was there to cut".to_owned()));
    }
    Ok(if wrong.is_empty() {
        Verdict::Yes
    } else {
        Verdict::Failed(format!("wrong: {wrong:?}; said: {failed:?}"))
    })
}

impl Trial {
    /// Whether a path is one that the remote was said to hide.
    fn hidden(&self, path: &str) -> bool {
        self.remarks.iter().any(|remark| remark.contains("begin with a dot"))
            && path.split('/').any(|name| name.starts_with('.'))
    }
}

/// The folder that is backed up: what was planted on a server's disk, or what was restored.
fn source(trial: &Trial) -> &'static str {
    if trial.remote.files().is_some() { "planted" } else { "restored" }
}

fn plant(trial: &Trial) -> &'static str {
    let name = source(trial);
    if let Some(files) = trial.remote.files() {
        let folder = files.join(name);
        tree::write(&planted(trial), &folder, TIME);
        open_to_all(&folder);
        if trial.remote.kind.programs[0].drops_rights() {
            let _ = Command::new("chmod").arg("700").arg(folder.join(LOCKED)).status();
        }
    }
    trial.configure(&trial.user, "source", name, &[]);
    name
}

/// A folder that the server may not read, where there is one.
const LOCKED: &str = "locked";

/// What is in the folder that is backed up.
fn planted(trial: &Trial) -> Tree {
    if trial.remote.files().is_none() {
        return trial.restored.clone();
    }
    let mut tree = trial.remote.kind.tree();
    if trial.remote.kind.programs[0].drops_rights() {
        tree.insert(format!("{LOCKED}/in it"), Some(b"locked".to_vec()));
    }
    tree
}

fn open_to_all(folder: &std::path::Path) {
    let _ = Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).status();
}

fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    let time = std::fs::metadata(path).and_then(|metadata| metadata.modified()).expect("its time");
    std::fs::write(path, bytes).expect("the file");
    std::fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .expect("its time");
}

fn cat(trial: &Trial, id: &str, name: &str) -> Result<Vec<u8>, String> {
    let path = format!("{id}:{}/{CHANGING}", trial.root(name));
    let outcome = trial.user.run(&["-quiet", "at", LOCAL, "cat", &path]);
    if outcome.code == Some(0) {
        Ok(outcome.stdout)
    } else {
        Err(format!("cat {path}: {}", outcome.text()))
    }
}

/// What a restore says, held to what is missing then. `hollow` tells that it said something of empty folders.
fn judged(verdict: Verdict, lacking: &[String], hollow: bool) -> Verdict {
    let tree = tree::tree();
    let (empty, lacking): (Vec<String>, Vec<String>) =
        lacking.iter().cloned().partition(|path| tree.get(path) == Some(&None));
    let mut said = Vec::new();
    match verdict {
        Verdict::Yes if !lacking.is_empty() => {
            return Verdict::Failed(format!("said to be restored: {lacking:?}"));
        }
        Verdict::Cannot(reason) if lacking.is_empty() => {
            return Verdict::Failed(format!("all is there, and it says {reason}"));
        }
        Verdict::Cannot(_) => said.push(format!("an error on {}", listed(&lacking))),
        Verdict::Failed(_) => return verdict,
        Verdict::Yes => {}
    }
    if !empty.is_empty() {
        if !hollow {
            return Verdict::Failed(format!("empty folders are missing without a word: {empty:?}"));
        }
        said.push("no empty folders".to_owned());
    }
    if said.is_empty() { Verdict::Yes } else { Verdict::Cannot(said.join("; ")) }
}

/// Whether a line is about a path or a folder that it is in, whatever the line makes of odd characters. By FTP a name ends where its
/// line does.
fn names(line: &str, path: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let Some((_, said)) = line.split_once('\u{2718}') else { return false };
    let said = plain(said.split_once(": ").map_or(said, |(path, _)| path));
    let mut at = path.split('␊').next().unwrap_or(path);
    loop {
        if said.ends_with(&plain(at)) {
            return true;
        }
        let Some((above, _)) = at.rsplit_once('/') else { return false };
        at = above;
    }
}

/// Paths for the table.
fn listed(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("{path:?}")).collect();
    shown.join(", ")
}
