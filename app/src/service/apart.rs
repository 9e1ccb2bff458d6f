//! A store that lies in its own source is refused: Plakar would leave it out of every backup.

use super::error::{Error, Result};
use super::handle::Service;
use super::places::is_place;
use plakar_driver::{Kind, Name, Overlap, overlap, store_folder};

/// # Errors
/// The places of a source and of a store have paths in common.
fn apart(source: &str, store: &str) -> Result<()> {
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
        if is_place(store) {
            return apart(source, store);
        }
        let name = Name::new(store.trim_start_matches('@'))?;
        let mut all = self.plakar.configurations(Kind::Store).await?;
        let location = all.remove(name.as_str()).and_then(|mut options| options.remove("location"));
        // That there is none of this name is found when it is looked for.
        apart(source, location.as_deref().unwrap_or_default())
    }
}
