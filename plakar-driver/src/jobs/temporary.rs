//! Entries of Plakar's configuration that a restore makes for itself. A login may be in them, so they
//! go however the restore ends.

use std::io;
use std::path::PathBuf;

use crate::configuration::{Kind, Options};
use crate::error::{Error, Result};
use crate::jobs::entry_lock::{EntryLock, is_locked};
use crate::names::Name;
use crate::process::command::Plakar;

/// Begins the name of such an entry. The mark of the restore follows.
const PREFIX: &str = "verify-";

/// Length of a mark, in hex digits: that of a random token.
const MARK_DIGITS: usize = 32;

/// An entry that is removed when it is closed; when it is only dropped, in the background.
pub(crate) struct TemporaryEntry {
    plakar: Plakar,
    kind: Kind,
    name: Name,
    removed: bool,
    /// Held until it is removed: a process that looks for what was left passes it over.
    lock: Option<EntryLock>,
}

impl TemporaryEntry {
    /// Adds an entry with these options; of one that cannot be added nothing stays.
    ///
    /// # Errors
    /// As for [`Plakar::configure`].
    pub(crate) async fn new(
        plakar: &Plakar,
        kind: Kind,
        mark: &str,
        options: &Options,
    ) -> Result<Self> {
        let (name, lock) = (entry_name(mark)?, Some(plakar.lock_mark(kind, mark).await?));
        // Before it is added: what is dropped meanwhile is removed too.
        let entry = Self { plakar: plakar.clone(), kind, name, removed: false, lock };
        if let Err(error) = plakar.configure(kind, &entry.name, options).await {
            // Why it was not added is what counts.
            let _ = entry.close().await;
            return Err(error);
        }
        Ok(entry)
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Removes it.
    ///
    /// # Errors
    /// Plakar cannot be run. It is tried once more in the background.
    pub(crate) async fn close(mut self) -> Result<()> {
        let removed = self.plakar.unconfigure(self.kind, &self.name).await;
        self.removed = removed.is_ok();
        removed
    }
}

impl Drop for TemporaryEntry {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        // Without a runtime the process ends, and the next one finds it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (plakar, kind, name) = (self.plakar.clone(), self.kind, self.name.clone());
        let lock = self.lock.take();
        runtime.spawn(async move {
            let _ = plakar.unconfigure(kind, &name).await;
            drop(lock);
        });
    }
}

impl Plakar {
    /// The entries that restores have made for themselves and that none of them uses any more, of
    /// whichever process: those of restores that were killed.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn temporary_entries(&self) -> Result<Vec<(Kind, Name)>> {
        let mut all = Vec::new();
        for kind in [Kind::Source, Kind::Destination, Kind::Store] {
            let names = self.configurations(kind).await?.into_keys();
            let ours = names.filter(|name| is_temporary(name));
            for name in ours.filter_map(|name| Name::new(&name).ok()) {
                all.push((self.lock_of(kind, &name)?, (kind, name)));
            }
        }
        let left = move || {
            let mut left = Vec::new();
            for (lock, entry) in all {
                if !is_locked(&lock)? {
                    left.push(entry);
                }
            }
            Ok::<_, io::Error>(left)
        };
        let left = tokio::task::spawn_blocking(left).await;
        let left = left.map_err(|error| Error::Answer(error.to_string()))?;
        left.map_err(Error::io("cannot tell which entries of Plakar's configuration are in use"))
    }

    /// Removes an entry that is left, and the file of its lock.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub(crate) async fn remove_temporary(&self, kind: Kind, name: &Name) -> Result<()> {
        self.unconfigure(kind, name).await?;
        self.remove_lock(kind, name).await
    }

    /// Says to other processes that what has this mark is in use, until the lock is dropped. There need
    /// be no entry of it.
    ///
    /// # Errors
    /// The lock cannot be made, or somebody has it.
    pub(super) async fn lock_mark(&self, kind: Kind, mark: &str) -> Result<EntryLock> {
        let path = self.lock_of(kind, &entry_name(mark)?)?;
        let locked = tokio::task::spawn_blocking(move || EntryLock::take(path)).await;
        let locked = locked.map_err(|error| Error::Answer(error.to_string()))?;
        locked.map_err(Error::io("cannot lock an entry of Plakar's configuration"))
    }

    /// Whether what has this mark is in use, by whichever process. What is no mark of a restore is not.
    ///
    /// # Errors
    /// The lock cannot be looked at.
    pub(super) async fn is_mark_locked(&self, kind: Kind, mark: &str) -> Result<bool> {
        if !is_mark(mark) {
            return Ok(false);
        }
        let path = self.lock_of(kind, &entry_name(mark)?)?;
        let locked = tokio::task::spawn_blocking(move || is_locked(&path)).await;
        let locked = locked.map_err(|error| Error::Answer(error.to_string()))?;
        locked.map_err(Error::io("cannot tell which snapshots of restores are in use"))
    }

    /// Removes the file of the lock of a mark that is left.
    ///
    /// # Errors
    /// It is not known where plakar's configuration is.
    pub(super) async fn forget_mark(&self, kind: Kind, mark: &str) -> Result<()> {
        if !is_mark(mark) {
            return Ok(());
        }
        self.remove_lock(kind, &entry_name(mark)?).await
    }

    async fn remove_lock(&self, kind: Kind, name: &Name) -> Result<()> {
        // One that stays is empty, and of a name that does not come again.
        let _ = tokio::fs::remove_file(self.lock_of(kind, name)?).await;
        Ok(())
    }

    /// The file by whose lock an entry is known to be in use: beside the configuration, where all
    /// find it who share that.
    fn lock_of(&self, kind: Kind, name: &Name) -> Result<PathBuf> {
        Ok(self.configuration_folder()?.join(format!(".source-app.{}.{name}.lock", kind.word())))
    }
}

/// Whether an entry has the name of one that a restore makes for itself. Somebody's own may begin like
/// it.
pub fn is_temporary(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(is_mark)
}

/// Whether a text is the mark of a restore.
fn is_mark(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == MARK_DIGITS && text.bytes().all(is_digit)
}

/// What the entry of a mark is called.
fn entry_name(mark: &str) -> Result<Name> {
    Name::new(&format!("{PREFIX}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::random_token;

    #[test]
    fn an_entry_of_somebody_else_is_not_taken_for_a_temporary_one() {
        assert!(is_temporary(&format!("{PREFIX}{}", random_token().unwrap())));
        for other in ["verify-", "verify-1", "verify-backup", "drive"] {
            assert!(!is_temporary(other), "{other}");
        }
        let not_hex = format!("{PREFIX}{}", "x".repeat(MARK_DIGITS));
        assert!(!is_temporary(&not_hex));
    }
}
