//! Entries of Plakar's configuration that a restore makes for itself. A login may be in them, so they
//! go however the restore ends.

use crate::configuration::{Kind, Options};
use crate::error::Result;
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
        let name = Name::new(&format!("{PREFIX}{mark}"))?;
        // Before it is added: what is dropped meanwhile is removed too.
        let entry = Self { plakar: plakar.clone(), kind, name, removed: false };
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
    /// Plakar can't be run. It is tried once more in the background.
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
        runtime.spawn(async move {
            let _ = plakar.unconfigure(kind, &name).await;
        });
    }
}

impl Plakar {
    /// The entries that restores have made for themselves and that are there now: of those that run,
    /// and of those that were killed.
    ///
    /// # Errors
    /// Plakar can't be run.
    pub async fn temporary_entries(&self) -> Result<Vec<(Kind, Name)>> {
        let mut found = Vec::new();
        for kind in [Kind::Source, Kind::Destination, Kind::Store] {
            let names = self.configurations(kind).await?.into_keys();
            let ours = names.filter(|name| is_temporary(name));
            found.extend(ours.filter_map(|name| Some((kind, Name::new(&name).ok()?))));
        }
        Ok(found)
    }
}

/// Whether an entry has such a name. Somebody's own may begin like it.
fn is_temporary(name: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.strip_prefix(PREFIX)
        .is_some_and(|mark| mark.len() == MARK_DIGITS && mark.bytes().all(is_digit))
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
