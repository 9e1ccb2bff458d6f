//! A store that lies in its own source is refused: Plakar would leave it out of every backup.

use std::path::PathBuf;

use super::error::{Error, Result};
use super::handle::Service;
use plakar_driver::{Kind, Name, Overlap, overlap, store_folder};

impl Service {
    /// # Errors
    /// The source at this location and the store, as a user names it, have paths in common.
    pub(super) async fn apart(&self, location: &str, store: &str) -> Result<()> {
        let folder = if store.starts_with('/') {
            Some(PathBuf::from(store))
        } else {
            let name = Name::new(store.trim_start_matches('@'))?;
            let configured = self.plakar.configured(Kind::Store, &name).await?;
            configured.get("location").and_then(|location| store_folder(location))
        };
        let Some(folder) = folder else { return Ok(()) };
        let path = folder.display();
        match overlap(location, &folder) {
            None => Ok(()),
            Some(Overlap::Part(root)) => Err(Error::Input(format!(
                "store: its path {path} lies in the source, whose path is {root}: Plakar would leave all below {path} out of every backup; write a folder that is not in {root}"
            ))),
            Some(Overlap::All(root)) => Err(Error::Input(format!(
                "store: the source's path {root} lies in it, at {path}: Plakar would leave all of the source out; write another folder"
            ))),
        }
    }
}
