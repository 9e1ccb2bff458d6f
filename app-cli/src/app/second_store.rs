//! The second store of an app, as options say it.

use plakar_driver::Options;
use source_app::model::CopyRange;
use source_app::service::SecondStore;

use super::repeated::list;
use crate::failure::Failure;
use terminal::ask;
use terminal::text;

const PASSPHRASE: &str = "passphrase";

/// Where restore points are copied to.
#[derive(Debug, clap::Args)]
pub(super) struct SecondStoreArgs {
    /// Where restore points are copied to by `app sync` and its schedules: a folder, a place such as
    /// opendrive://Backups, or the name of a store of Plakar's; "" for nowhere
    #[arg(long, value_name = "PATH|NAME")]
    second_store: Option<String>,
    /// Make the second store if there is none: encrypted, with a passphrase that is asked for twice, or
    /// second_store.passphrase of --options-stdin
    #[arg(long, requires = "second_store")]
    create_second_store: bool,
    /// Make it without encryption: whoever can read its files can read all that is backed up
    #[arg(long, requires = "create_second_store")]
    unencrypted_second_store: bool,
    /// Make it without compression, for what is compressed already: photos, music, films, archives
    #[arg(long, requires = "create_second_store")]
    uncompressed_second_store: bool,
    /// Copy only this many of the newest restore points; 0 for all
    #[arg(long, value_name = "N")]
    copy_newest: Option<u32>,
    /// Copy only restore points that are at most this many days old; 0 for any age
    #[arg(long, value_name = "DAYS")]
    copy_days: Option<u32>,
    /// Copy only restore points with this label; may be repeated for any of several, "" for all
    #[arg(long, value_name = "LABEL")]
    copy_label: Vec<String>,
}

impl SecondStoreArgs {
    /// Which restore points are copied, if anything is said of that; what is not is as before.
    pub(super) fn range(&self, old: &CopyRange) -> Option<CopyRange> {
        let range = CopyRange {
            labels: match &self.copy_label[..] {
                [] => old.labels.clone(),
                given => list(given),
            },
            newest: self.copy_newest.unwrap_or(old.newest),
            max_age_days: self.copy_days.unwrap_or(old.max_age_days),
        };
        let is_given =
            self.copy_newest.is_some() || self.copy_days.is_some() || !self.copy_label.is_empty();
        is_given.then_some(range)
    }

    /// The second store that is meant, if anything is said of one; `options` are its own.
    pub(super) fn wish(&self, mut options: Options) -> Result<Option<SecondStore>, Failure> {
        let Some(place) = &self.second_store else {
            return match options.keys().next() {
                None => Ok(None),
                Some(key) => Err(Failure::usage(format!(
                    "option second_store.{key} says nothing without --second-store: name the second store too"
                ))),
            };
        };
        let (create, unencrypted) = (self.create_second_store, self.unencrypted_second_store);
        if create && !unencrypted && !options.contains_key(PASSPHRASE) && ask::can_ask() {
            let passphrase = ask::new_secret("Passphrase of the second store")?;
            options.insert(PASSPHRASE.to_owned(), passphrase);
        }
        let place = place_of(place, "--second-store")?;
        let uncompressed = self.uncompressed_second_store;
        Ok(Some(SecondStore { place, options, create, unencrypted, uncompressed }))
    }
}

/// Of which store.
#[derive(Debug, clap::Args)]
pub(super) struct WhichStore {
    /// Of the second copy, in the app's second store
    #[arg(long)]
    pub(super) from_second: bool,
}

/// The place of a store, the path of a folder made absolute.
pub(super) fn place_of(store: &str, flag: &str) -> Result<String, Failure> {
    let is_path = store.contains(std::path::MAIN_SEPARATOR) && !store.contains("://");
    if !is_path && store != "." && store != ".." {
        return Ok(store.to_owned());
    }
    let wrong = || {
        let store = text::quoted(store);
        Failure::usage(format!("{flag} {store}: write the path of a folder, in UTF-8"))
    };
    let path = std::path::absolute(store).map_err(|_| wrong())?;
    path.into_os_string().into_string().map_err(|_| wrong())
}
