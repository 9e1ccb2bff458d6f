//! The fields of an app's store that may not be there yet, and of one that is opened.

use std::collections::BTreeMap;

use super::forms::{Field, FormData};
use plakar_driver::Options;

/// The fields of a store that may not be there yet.
pub struct NewStoreFields {
    pub create: Field,
    pub passphrase: Field,
    pub again: Field,
    pub unencrypted: Field,
    /// For a store on a drive that has another login than what is backed up.
    pub login: Vec<Field>,
    pub login_open: bool,
}

/// The names of the fields of a store's passphrase.
pub const PASSPHRASE: &str = "passphrase";
pub const PASSPHRASE_AGAIN: &str = "passphrase-again";

/// The names of the other fields of a store begin so, and the keys of its faults.
pub const STORE_PREFIX: &str = "store.";

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
    (create, unencrypted): (bool, bool),
    options: &Options,
    faults: &BTreeMap<String, String>,
) -> NewStoreFields {
    let fault = |name: &str| faults.get(name).cloned();
    let login = store_login_fields(options, faults);
    NewStoreFields {
        create: Field::checkbox("create_store", "Make the store if there is none", create),
        passphrase: Field::secret(PASSPHRASE, "Passphrase of the store")
            .help("A new store is encrypted with it: four words that do not go together, or 14 letters and digits at random. Without it nobody can read the store, you included. Plakar keeps it in its configuration, in clear text that only this machine's user can read. Leave it empty for a store whose passphrase Plakar has.")
            .fault(fault(PASSPHRASE)),
        again: Field::secret(PASSPHRASE_AGAIN, "Passphrase again").fault(fault(PASSPHRASE_AGAIN)),
        unencrypted: Field::checkbox(
            "unencrypted",
            "Make it without encryption: I know that whoever can read its files can read all that is backed up",
            unencrypted,
        ),
        login_open: login.iter().any(|field| field.error.is_some() || !field.value.is_empty()),
        login,
    }
}
