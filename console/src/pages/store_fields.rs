//! The fields of an app's store that may not be there yet, and of one that is opened.

use std::collections::BTreeMap;

use super::form_data::FormData;
use super::forms::Field;
use plakar_driver::Options;

/// The fields of a store that may not be there yet.
pub struct NewStoreFields {
    pub create: Field,
    pub passphrase: Field,
    pub again: Field,
    pub unencrypted: Field,
    pub uncompressed: Field,
    /// For a store on a drive that has another login than what is backed up.
    pub login: Vec<Field>,
    pub login_open: bool,
}

/// The names of the fields of a store's passphrase.
pub const PASSPHRASE: &str = "passphrase";
pub const PASSPHRASE_AGAIN: &str = "passphrase-again";

/// The names of the boxes of a store that is made.
const CREATE: &str = "create_store";
const UNENCRYPTED: &str = "unencrypted";
const UNCOMPRESSED: &str = "uncompressed";

/// The names of the other fields of a store begin so, and the keys of its faults.
pub const STORE_PREFIX: &str = "store.";

/// How a store is made that is not there yet.
#[derive(Clone, Copy)]
pub struct NewStoreChoice {
    /// Whether it is made.
    pub create: bool,
    /// Whether it is made without encryption.
    pub unencrypted: bool,
    /// Whether it is made without compression.
    pub uncompressed: bool,
}

impl NewStoreChoice {
    /// What the form begins with.
    pub const DEFAULT: Self = Self { create: true, unencrypted: false, uncompressed: false };

    /// What was posted.
    pub fn posted(posted: &FormData) -> Self {
        Self {
            create: posted.ticked(CREATE),
            unencrypted: posted.ticked(UNENCRYPTED),
            uncompressed: posted.ticked(UNCOMPRESSED),
        }
    }
}

/// Beside the box that makes a store without compression.
pub const UNCOMPRESSED_HELP: &str = "For photos, music, films and archives, which are compressed already: it spares processor time. Text and databases take several times the room then. A store keeps what it was made with.";

/// What was posted for a store, without what is left empty.
pub fn posted_store_options(posted: &FormData) -> Options {
    let filled = posted.under(STORE_PREFIX).filter(|(_, value)| !value.trim().is_empty());
    let mut options: Options =
        filled.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let passphrase = posted.raw(PASSPHRASE).filter(|passphrase| !passphrase.is_empty());
    options.extend(passphrase.map(|passphrase| (PASSPHRASE.to_owned(), passphrase.to_owned())));
    options
}

/// The fields for the login of a store on a drive.
pub fn store_login_fields(options: &Options, faults: &BTreeMap<String, String>) -> Vec<Field> {
    let value = |key: &str| options.get(key).map(String::as_str).unwrap_or_default().to_owned();
    let fault = |field: Field| {
        let error = faults.get(&field.name).cloned();
        field.fault(error)
    };
    [
        Field::text("store.username", "User of the store's drive", &value("username")),
        Field::secret("store.password", "Password of the store's drive"),
    ]
    .into_iter()
    .map(fault)
    .collect()
}

/// The fields, with what was entered and what is wrong.
pub fn new_store_fields(
    choice: NewStoreChoice,
    options: &Options,
    faults: &BTreeMap<String, String>,
) -> NewStoreFields {
    let fault = |name: &str| faults.get(name).cloned();
    let login = store_login_fields(options, faults);
    NewStoreFields {
        create: Field::checkbox(CREATE, "Make the store if there is none", choice.create),
        passphrase: Field::secret(PASSPHRASE, "Passphrase of the store")
            .help("A new store is encrypted with it: four words that do not go together, or 14 letters and digits at random. Without it nobody can read the store, you included. Plakar keeps it in its configuration, in clear text that only this machine's user can read. Leave it empty for a store whose passphrase Plakar has.")
            .fault(fault(PASSPHRASE)),
        again: Field::secret(PASSPHRASE_AGAIN, "Passphrase again").fault(fault(PASSPHRASE_AGAIN)),
        unencrypted: Field::checkbox(
            UNENCRYPTED,
            "Make it without encryption: I know that whoever can read its files can read all that is backed up",
            choice.unencrypted,
        ),
        uncompressed: Field::checkbox(
            UNCOMPRESSED,
            "Make it without compression",
            choice.uncompressed,
        )
        .help(UNCOMPRESSED_HELP),
        login_open: login.iter().any(|field| field.error.is_some() || !field.value.is_empty()),
        login,
    }
}
