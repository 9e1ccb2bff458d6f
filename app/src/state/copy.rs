//! A copy of the database for the day on which the folder of the state is gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use super::database::State;
use super::error::{Result, StateError};
use super::files;

/// Maximum number of copies of one state that are kept in a folder, one of a day.
const MAX_COPIES: usize = 7;

/// How a name tells the day: the order of names is that of days.
const DAY: &str = "%Y-%m-%d";

/// How many letters of the first app's key were in the names that copies had before.
const KEY_LETTERS: usize = 8;

/// A copy in a folder.
struct KeptCopy {
    day: NaiveDate,
    /// The id of its state; of one that was made before there were ids, the beginning of the key of an
    /// app.
    of: String,
    path: PathBuf,
}

impl State {
    /// Makes today's copy in a folder (made if it is missing), if there is none yet, and removes all
    /// but the newest. It is whole or not there: `state.db` again, under another name, such as
    /// `state-2026-11-29-0a1b2c3d4e5f.db`. Gives its path if it was made now.
    ///
    /// # Errors
    ///
    /// The folder is not safe to use (a link, somebody else's, open to others), or cannot be written.
    pub fn copy_to(&self, folder: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>> {
        let folder = files::prepare(folder)?;
        rename_former(&folder)?;
        // Several states may have apps in one store, and the same apps in turn.
        let id = self.id(now)?;
        let place = folder.join(format!("state-{}-{id}.db", now.format(DAY)));
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
        for old in self.needless(&folder, &id)? {
            std::fs::remove_file(&old).map_err(StateError::file(old))?;
        }
        Ok(Some(place))
    }

    /// This state's copies in a folder that are too many. Those from before it had an id may be
    /// another's, too, whose app it has taken over: they go when enough newer ones are there.
    fn needless(&self, folder: &Path, id: &str) -> Result<Vec<PathBuf>> {
        let apps = self.apps()?;
        let former: BTreeSet<String> =
            apps.iter().map(|app| app.key.chars().take(KEY_LETTERS).collect()).collect();
        let (mut own, others): (Vec<KeptCopy>, Vec<KeptCopy>) =
            copies(folder)?.into_iter().partition(|copy| copy.of == id);
        let surplus = own.len().saturating_sub(MAX_COPIES);
        let mut needless: Vec<PathBuf> = own.drain(..surplus).map(|copy| copy.path).collect();
        if let (MAX_COPIES, Some(oldest)) = (own.len(), own.first()) {
            let is_former = |copy: &KeptCopy| former.contains(&copy.of) && copy.day < oldest.day;
            needless.extend(others.into_iter().filter(is_former).map(|copy| copy.path));
        }
        Ok(needless)
    }
}

/// The names of all files in a folder, as far as they are text.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(StateError::file(folder))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// What is between the beginning and the end of all names of copies.
fn middle(name: &str) -> Option<&str> {
    name.strip_prefix("state-")?.strip_suffix(".db")
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, DAY).ok()
}

/// All copies in a folder, the oldest first.
fn copies(folder: &Path) -> Result<Vec<KeptCopy>> {
    let copy = |name: String| {
        let (told, of) = middle(&name)?.split_at_checked("2026-11-29".len())?;
        let of = of.strip_prefix('-')?.to_owned();
        Some(KeptCopy { day: day(told)?, of, path: folder.join(&name) })
    };
    let mut copies: Vec<KeptCopy> = names(folder)?.into_iter().filter_map(copy).collect();
    copies.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(copies)
}

/// What a copy is called now that had the key of an app before the day: such a name tells nothing of
/// which is the newest.
fn renamed(name: &str) -> Option<String> {
    let (key, told) = middle(name)?.split_once('-')?;
    let is_key = key.len() == KEY_LETTERS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    day(told)?;
    is_key.then(|| format!("state-{told}-{key}.db"))
}

fn rename_former(folder: &Path) -> Result<()> {
    for name in names(folder)? {
        let Some(new) = renamed(&name) else { continue };
        let former = folder.join(&name);
        match std::fs::rename(&former, folder.join(new)) {
            // Another process was first.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            done => done.map_err(StateError::file(former))?,
        }
    }
    Ok(())
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
        let kept = copies(&copies_folder).unwrap();
        assert_eq!((kept.len(), &kept[MAX_COPIES - 1].path), (MAX_COPIES, &last));
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
        // Back in its place it is the state again, which goes on with its copies.
        let again = folder.path().join("again");
        files::prepare(&again).unwrap();
        std::fs::copy(&last, again.join("state.db")).unwrap();
        let again = State::open(&again).unwrap();
        assert_eq!(again.policies().unwrap()[0].spec.name, "kept");
        assert_eq!(again.id(now).unwrap(), state.id(now).unwrap());
        assert!(again.known_stores().unwrap().is_empty(), "its id is that of no store");
    }

    fn app(state: &State, name: &str, key: Option<&str>) -> crate::state::App {
        let spec = crate::state::AppSpec::plain_source(name);
        state.add_app_marked(&spec, key, false, &[], Utc::now()).unwrap()
    }

    /// What the documentation says: `ls state-*.db | tail -n 1`.
    fn last_by_name(folder: &Path) -> String {
        let all = names(folder).unwrap();
        all.into_iter().filter(|name| middle(name).is_some()).max().unwrap()
    }

    #[test]
    fn the_newest_is_the_last_by_name_whatever_becomes_of_apps() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        let first = app(&state, "first", Some("ffffffffffffffff"));
        app(&state, "second", Some("eeeeeeeeeeeeeeee"));
        let copies_folder = files::prepare(&folder.path().join("copies")).unwrap();
        // As they were called before: by the first app, then by the one after it, and by another's.
        for name in [
            "state-ffffffff-2026-11-20.db",
            "state-eeeeeeee-2026-11-21.db",
            "state-dddddddd-2026-11-22.db",
        ] {
            std::fs::write(copies_folder.join(name), "former").unwrap();
        }
        let now: DateTime<Utc> = "2026-11-23T02:00:00Z".parse().unwrap();
        let made = |day: i64| {
            let then = now + TimeDelta::days(day);
            let made = state.copy_to(&copies_folder, then).unwrap().unwrap();
            let name = made.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(last_by_name(&copies_folder), name, "day {day}");
            name
        };
        made(0);
        state.remove_app(first.id).unwrap();
        let id = state.id(now).unwrap();
        assert_eq!(made(1), format!("state-2026-11-24-{id}.db"));
        (2..8).for_each(|day| drop(made(day)));
        let mut left = names(&copies_folder).unwrap();
        left.sort();
        // Of an app that is not here any more it is not known whose they are.
        let foreign = ["state-2026-11-20-ffffffff.db", "state-2026-11-22-dddddddd.db"];
        assert_eq!(&left[..2], &foreign);
        assert_eq!(left.len(), 2 + MAX_COPIES);
        assert!(left[2..].iter().all(|name| name.ends_with(&format!("-{id}.db"))), "{left:?}");
    }

    #[test]
    fn two_states_with_one_mark_have_their_copies_each() {
        let folder = tempfile::tempdir().unwrap();
        let copies_folder = folder.path().join("copies");
        let states = ["one", "two"].map(|name| State::open(&folder.path().join(name)).unwrap());
        for state in &states {
            app(state, "documents", Some("0a1b2c3d0a1b2c3d"));
        }
        let now: DateTime<Utc> = "2026-11-23T02:00:00Z".parse().unwrap();
        for day in 0..10 {
            for state in &states {
                let then = now + TimeDelta::days(day);
                assert!(state.copy_to(&copies_folder, then).unwrap().is_some(), "day {day}");
            }
        }
        let kept = copies(&copies_folder).unwrap();
        for state in &states {
            let id = state.id(now).unwrap();
            assert_eq!(kept.iter().filter(|copy| copy.of == id).count(), MAX_COPIES);
        }
    }
}
