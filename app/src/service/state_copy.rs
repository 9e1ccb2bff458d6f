//! A copy of the state beside a store in a folder, once a day, so that who has the store's disk has
//! the apps, the schedules and the tasks too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::blocking::blocking;
use super::error::Result;
use super::places::local_folder;
use super::references::store_of;
use crate::state::{AppId, State};
use plakar_driver::Options;

/// Where the copies for a store in this folder lie: beside it, as Plakar knows all that is in it.
pub(super) fn copies_of(store: &Path) -> PathBuf {
    let mut beside = store.as_os_str().to_owned();
    beside.push(".plakar-opendrive");
    PathBuf::from(beside)
}

/// Makes today's copy beside an app's store, if that is a folder of this machine. Gives its path if
/// it was made now.
///
/// # Errors
/// It cannot be written there.
pub(super) async fn copy_beside(
    state: &State,
    app: AppId,
    configured: &BTreeMap<String, Options>,
) -> Result<Option<PathBuf>> {
    let read = state.clone();
    let app = blocking(move || read.app(app)).await?;
    let location = match store_of(&app)?.name() {
        None => app.spec.store.clone(),
        Some(name) => configured.get(name.as_str()).and_then(|of| of.get("location").cloned()),
    };
    let Some(folder) = location.as_deref().and_then(local_folder) else { return Ok(None) };
    // A disk that is not there is not made up by a folder of its name.
    if !folder.is_dir() {
        return Ok(None);
    }
    let (state, copies) = (state.clone(), copies_of(&folder));
    blocking(move || state.copy_to(&copies, chrono::Utc::now())).await
}
