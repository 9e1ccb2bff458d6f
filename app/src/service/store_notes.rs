//! What stores say of themselves, kept for the pages that show it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;

use super::blocking::blocking;
use super::error::{Error, Result};
use super::places::{is_place, local_folder, same_place};
use super::references::store;
use crate::state::{State, StateError, StoreFacts, TaskKind};
use plakar_driver::{
    Browsers, Options, Plakar, Repository, RestorePoint, Store, StoreState, folder_bytes,
};

/// How long a store is kept open after it was read.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// As it is known here: `@vault` is `vault`, and `/srv/vault/` is `/srv/vault`.
pub(super) fn key_of(text: &str, configured: &BTreeMap<String, Options>) -> String {
    if !is_place(text) {
        return text.trim_start_matches('@').to_owned();
    }
    let location = |options: &Options| options.get("location").cloned().unwrap_or_default();
    let known = configured.iter().find(|(_, options)| same_place(&location(options), text));
    match known {
        Some((name, _)) => name.clone(),
        None => text.trim_end_matches('/').to_owned(),
    }
}

/// Why a store cannot be read: a plakar that has it open from before says less than one that opens it.
pub(super) async fn why_closed(plakar: &Plakar, store: &Store, error: Error) -> Error {
    match plakar.store_state(store).await {
        Ok(StoreState::Unavailable(reason)) => {
            Error::Plakar(plakar_driver::Error::StoreUnavailable(reason))
        }
        Ok(StoreState::BadPassphrase(reason)) => {
            Error::Plakar(plakar_driver::Error::Passphrase(reason))
        }
        Ok(StoreState::Ready) | Err(_) => error,
    }
}

/// Opens a store and keeps what it says of itself, under this name. What could not be read is said
/// with what was known before.
pub(super) async fn note_store(state: &State, plakar: &Plakar, name: &str) -> Result<()> {
    // A plakar that has it open from before knows the size that it had then.
    let browsers = Browsers::new(OPEN_TIMEOUT);
    let read = async {
        let browser = browsers.of(plakar, &store(name)?).await?;
        Ok::<_, Error>((browser.repository().await?, browser.restore_points(None).await?))
    };
    let facts = match read.await {
        Ok((repository, points)) => facts(repository, &points),
        Err(error) => {
            let error = why_closed(plakar, &store(name)?, error).await;
            let (state, before) = (state.clone(), name.to_owned());
            let mut known = blocking(move || state.known_stores()).await?;
            let problem = error.to_string();
            let problem = problem.lines().next().unwrap_or_default().chars().take(400).collect();
            StoreFacts {
                problem,
                ..known.remove(&before).map(|known| known.facts).unwrap_or_default()
            }
        }
    };
    let (state, name) = (state.clone(), name.to_owned());
    blocking(move || state.note_store(&name, &facts, Utc::now())).await
}

fn facts(repository: Repository, points: &[RestorePoint]) -> StoreFacts {
    let facts = StoreFacts {
        repository: repository.id,
        encrypted: Some(repository.encrypted),
        compression: Some(repository.compression),
        stored: repository.stored,
        ..StoreFacts::default()
    };
    of_points(facts, points)
}

/// What restore points say of their store, beside what is known of it.
fn of_points(facts: StoreFacts, points: &[RestorePoint]) -> StoreFacts {
    let mut marks = BTreeMap::new();
    for key in points.iter().filter_map(|point| point.app.clone()) {
        *marks.entry(key).or_default() += 1;
    }
    StoreFacts {
        points: Some(points.len() as u64),
        logical: Some(points.iter().map(|point| point.size).sum()),
        marks,
        ..facts
    }
}

/// After a task: what it changed of a store in a folder of this machine, which is quick to read. The
/// store is asked by the browser that the task had open: to open it once more takes a second where a
/// passphrase is to be tried.
pub(super) async fn note_after(
    (state, plakar): (&State, &Plakar),
    browsers: &Browsers,
    (kind, text): (TaskKind, &str),
    configured: &BTreeMap<String, Options>,
) -> Result<()> {
    let key = key_of(text, configured);
    let location = configured.get(&key).and_then(|options| options.get("location"));
    let Some(folder) = local_folder(location.unwrap_or(&key)) else { return Ok(()) };
    // A browser from before the task would tell the size of then.
    let stored = blocking(move || folder_bytes(&folder).map_err(StateError::file(folder)));
    let (read, name) = (state.clone(), key.clone());
    let known = blocking(move || read.known_stores().map(|mut known| known.remove(&name))).await?;
    let known = known.map(|known| known.facts).filter(|known| known.problem.is_empty());
    let stored = Some(stored.await?);
    let facts = match known {
        // It removes what no restore point needs.
        Some(known) if kind == TaskKind::Maintenance => StoreFacts { stored, ..known },
        known => {
            let browser = browsers.of(plakar, &store(text)?).await?;
            let points = browser.restore_points(None).await?;
            let facts = match known {
                Some(known) => StoreFacts { stored, ..known },
                None => StoreFacts { stored, ..facts(browser.repository().await?, &points) },
            };
            of_points(facts, &points)
        }
    };
    let state = state.clone();
    blocking(move || state.note_store(&key, &facts, Utc::now())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_one_name_however_apps_write_it() {
        let options = |location: &str| Options::from([("location".into(), location.into())]);
        let configured = BTreeMap::from([
            ("vault".to_owned(), options("/srv/vault")),
            ("away".to_owned(), options("opendrive://Backups")),
        ]);
        for (text, key) in [
            ("@vault", "vault"),
            ("vault", "vault"),
            ("/srv/vault/", "vault"),
            ("fs:///srv/vault", "vault"),
            ("opendrive:///Backups/", "away"),
            ("/srv/other/", "/srv/other"),
            ("gone", "gone"),
        ] {
            assert_eq!(key_of(text, &configured), key, "{text}");
        }
    }
}
