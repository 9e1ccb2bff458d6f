//! A store that lies in its own source is refused: Plakar would leave it out of every backup, or take
//! all of it into each.

use std::path::Path;

use super::error::{Error, Result};
use super::handle::Service;
use super::places::is_place;
use crate::state::AppId;
use plakar_driver::{Kind, Name, Options, Overlap, is_within, lies_in, local_folder, overlap};

pub(super) fn location(options: &Options) -> &str {
    options.get("location").map_or("", String::as_str)
}

/// # Errors
/// The places of a source and of a store have paths in common.
fn apart(source: &Options, store: &Options) -> Result<()> {
    let accounts = (source.get("username"), store.get("username"));
    let same_account = !matches!(accounts, (Some(one), Some(other)) if one != other);
    let (source, store) = (location(source), location(store));
    let Some(folder) = local_folder(store) else {
        if same_account && lies_in(store, source) {
            return Err(Error::Input(format!(
                "store: {store} lies in the source {source}: each backup would have the store in it, and grow by all that the last one had; write a place that is not in the source"
            )));
        }
        return Ok(());
    };
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
    /// What is known of a store, as an app names it: its options, or its place alone. That there is
    /// none of a name is found when it is looked for.
    pub(super) async fn store_options(&self, store: &str) -> Result<Options> {
        if is_place(store) {
            // On the drive that is backed up it gets the login of the source.
            return Ok(Options::from([("location".to_owned(), store.to_owned())]));
        }
        let name = Name::new(store.trim_start_matches('@'))?;
        let mut all = self.plakar.configurations(Kind::Store).await?;
        Ok(all.remove(name.as_str()).unwrap_or_default())
    }

    /// # Errors
    /// A restore to this folder would write into the folder of the app's store.
    pub(super) async fn not_into_its_store(&self, app: AppId, folder: &Path) -> Result<()> {
        let app = self.source(app).await?;
        for store in [&app.spec.store, &app.spec.second_store].into_iter().flatten() {
            let store = self.store_options(store).await?;
            let place = location(&store);
            if local_folder(place).is_some_and(|store| is_within(folder, &store)) {
                let folder = folder.display();
                return Err(Error::Input(format!(
                    "the folder {folder} is in the store itself, at {place}: write another folder"
                )));
            }
        }
        Ok(())
    }

    /// # Errors
    /// The source with these options and the store, as an app names it, have paths in common.
    pub(super) async fn apart_from(&self, source: &Options, store: &str) -> Result<()> {
        apart(source, &self.store_options(store).await?)
    }
}
