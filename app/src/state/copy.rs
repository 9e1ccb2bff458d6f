//! A copy of the database for the day on which the folder of the state is gone.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::database::State;
use super::error::{Result, StateError};
use super::files;

/// Maximum number of copies of one state that are kept in a folder, one of a day.
const MAX_COPIES: usize = 7;

impl State {
    /// Makes today's copy in a folder (made if it is missing), if there is none yet, and removes all
    /// but the newest. It is whole or not there: `state.db` again, under another name. Gives its path
    /// if it was made now.
    ///
    /// # Errors
    ///
    /// The folder is not safe to use (a link, somebody else's, open to others), or cannot be written.
    pub fn copy_to(&self, folder: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>> {
        let folder = files::prepare(folder)?;
        let prefix = self.copy_prefix()?;
        let place = folder.join(format!("{prefix}{}.db", now.format("%Y-%m-%d")));
        if place.exists() {
            return Ok(None);
        }
        // In the same folder, for it to be moved in one step. SQLite gives what is consistent, also
        // while others write.
        let made = tempfile::Builder::new().prefix(".state").tempfile_in(&folder);
        let made = made.map_err(StateError::file(&folder))?.into_temp_path();
        let text = made.to_str().ok_or_else(|| {
            StateError::invalid(format!("the folder {} is no UTF-8 text", folder.display()))
        })?;
        self.read(|connection| Ok(connection.execute("VACUUM INTO ?1", [text])?))?;
        let file = std::fs::File::open(&made).map_err(StateError::file(&place))?;
        file.sync_all().map_err(StateError::file(&place))?;
        made.persist(&place).map_err(|error| StateError::file(&place)(error.error))?;
        let mut copies = copies(&folder, &prefix)?;
        copies.truncate(copies.len().saturating_sub(MAX_COPIES));
        for old in copies {
            std::fs::remove_file(&old).map_err(StateError::file(old))?;
        }
        Ok(Some(place))
    }

    /// How the names of this state's copies begin, `state-0a1b2c3d-`, whose days follow: several
    /// states may have apps in one store. The key of its first app is nobody else's.
    fn copy_prefix(&self) -> Result<String> {
        let sql = "SELECT key FROM app ORDER BY id LIMIT 1";
        let key: Option<String> = self.read(|connection| {
            Ok(connection.query_row(sql, [], |row| row.get("key")).optional()?)
        })?;
        let short: String = key.as_deref().unwrap_or("empty").chars().take(8).collect();
        Ok(format!("state-{short}-"))
    }
}

/// The oldest first: the order of names is that of days.
fn copies(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(StateError::file(folder))?;
    let is_copy = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let day = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".db"));
        day.is_some_and(|day| chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok())
    };
    let mut copies: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_copy).collect();
    copies.sort();
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_copy_a_day_is_whole_private_and_opens_as_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        let policy = crate::state::PolicySpec {
            name: "kept".into(),
            environments: Vec::new(),
            data_classes: Vec::new(),
            classes: crate::state::MatchMode::Any,
            retention: crate::model::Retention::default(),
            labels: Vec::new(),
            promise: None,
            check_after_backup: false,
            enabled: true,
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        state.add_policy(&policy, now).unwrap();
        let copies_folder = folder.path().join("vault.state");
        std::fs::create_dir(folder.path().join("other")).unwrap();
        let mut last = PathBuf::new();
        for day in 0..10 {
            let then = now + TimeDelta::days(day);
            last = state.copy_to(&copies_folder, then).unwrap().unwrap();
            assert_eq!(state.copy_to(&copies_folder, then).unwrap(), None, "once a day");
        }
        std::fs::write(copies_folder.join("state-mine-2026-11-29.db"), "mine").unwrap();
        let kept = copies(&copies_folder, "state-empty-").unwrap();
        assert_eq!((kept.len(), kept.last()), (MAX_COPIES, Some(&last)));
        assert!(copies_folder.join("state-mine-2026-11-29.db").exists(), "what is not ours stays");
        assert_eq!(std::fs::read_dir(&copies_folder).unwrap().count(), MAX_COPIES + 1, "no half");
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
            assert_eq!((mode(&copies_folder), mode(&last)), (0o700, 0o600));
            // One that others can read is not written to.
            let open = folder.path().join("other");
            std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert!(state.copy_to(&open, now).is_err());
            assert_eq!(std::fs::read_dir(&open).unwrap().count(), 0);
        }
        // Back in its place it is the state again.
        let again = folder.path().join("again");
        files::prepare(&again).unwrap();
        std::fs::copy(&last, again.join("state.db")).unwrap();
        assert_eq!(State::open(&again).unwrap().policies().unwrap()[0].spec.name, "kept");
    }
}
