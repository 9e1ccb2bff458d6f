//! A store that lies in its own source is refused: Plakar would leave it out of every backup.

use super::error::{Error, Result};
use super::handle::Service;
use plakar_driver::{Kind, Name, Overlap, overlap, store_folder};

/// # Errors
/// The places of a source and of a store have paths in common.
pub(super) fn apart(source: &str, store: &str) -> Result<()> {
    let Some(folder) = store_folder(store) else { return Ok(()) };
    let path = folder.display();
    match overlap(source, &folder) {
        None => Ok(()),
        Some(Overlap::Part(root)) => Err(Error::Input(format!(
            "store: its path {path} lies in the source, whose path is {root}: Plakar would leave all below {path} out of every backup; write a folder that is not in {root}"
        ))),
        Some(Overlap::All(root)) => Err(Error::Input(format!(
            "store: the source's path {root} lies in it, at {path}: Plakar would leave all of the source out; write another folder"
        ))),
    }
}

impl Service {
    /// # Errors
    /// The source at this location and the store, as an app names it, have paths in common.
    pub(super) async fn apart_from(&self, source: &str, store: &str) -> Result<()> {
        if store.starts_with('/') {
            return apart(source, store);
        }
        let name = Name::new(store.trim_start_matches('@'))?;
        let configured = self.plakar.configured(Kind::Store, &name).await?;
        apart(source, configured.get("location").map_or("", String::as_str))
    }
}
