//! The fields of an app's second store.

use std::collections::BTreeMap;

use super::form_data::FormData;
use super::forms::Field;
use super::store_fields::UNCOMPRESSED_HELP;
use plakar_driver::Options;
use source_app::model::CopyRange;
use source_app::service::{SecondStore, StoreChoice};

/// The names of the fields.
const PLACE: &str = "second_store";
const CREATE: &str = "create_second_store";
const UNENCRYPTED: &str = "unencrypted_second_store";
const UNCOMPRESSED: &str = "uncompressed_second_store";
const COPY_NEWEST: &str = "copy_newest";
const COPY_DAYS: &str = "copy_days";
const COPY_LABELS: &str = "copy_labels";
pub const SECOND_PASSPHRASE: &str = "second-passphrase";
const SECOND_AGAIN: &str = "second-passphrase-again";

/// The keys of the faults of a second store begin so.
pub const SECOND_PREFIX: &str = "second_store.";

/// The key of a passphrase among a store's options.
const KEY: &str = "passphrase";

/// The fields of a second store.
pub struct SecondStoreFields {
    pub place: Field,
    pub create: Field,
    pub passphrase: Field,
    pub again: Field,
    pub unencrypted: Field,
    pub uncompressed: Field,
    /// Which restore points are copied.
    pub range: Vec<Field>,
    /// Whether anything is in them, or wrong.
    pub open: bool,
}

/// What was posted of a second store, and what is wrong with it, by the names of fields.
pub fn posted_second_store(posted: &FormData) -> (SecondStore, Option<(String, String)>) {
    let passphrase = posted.raw(SECOND_PASSPHRASE).unwrap_or_default();
    let given = (!passphrase.is_empty()).then(|| (KEY.to_owned(), passphrase.to_owned()));
    let wish = SecondStore {
        place: posted.get(PLACE).trim().to_owned(),
        options: given.into_iter().collect::<Options>(),
        create: posted.ticked(CREATE),
        unencrypted: posted.ticked(UNENCRYPTED),
        uncompressed: posted.ticked(UNCOMPRESSED),
    };
    let differs = posted.raw(SECOND_AGAIN).unwrap_or_default() != passphrase;
    let message = "This is not what was entered above; enter the passphrase twice.";
    (wish, differs.then(|| (SECOND_AGAIN.to_owned(), message.to_owned())))
}

/// Which restore points are copied, as it was posted, and what is wrong with it.
pub fn posted_copy_range(posted: &FormData) -> (CopyRange, Vec<(String, String)>) {
    let mut faults = Vec::new();
    let mut number = |name: &str| match posted.number(name) {
        Ok(number) => number,
        Err(fault) => {
            faults.push((name.to_owned(), fault));
            0
        }
    };
    let (newest, max_age_days) = (number(COPY_NEWEST), number(COPY_DAYS));
    let labels = posted.get(COPY_LABELS).split(',').map(str::trim);
    let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned).collect();
    (CopyRange { labels, newest, max_age_days }, faults)
}

fn range_fields(range: &CopyRange) -> Vec<Field> {
    let text = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    vec![
        Field::number(COPY_NEWEST, "Copy only so many of the newest", &text(range.newest), None)
            .help("Nothing entered here and in the two below: all restore points are copied."),
        Field::number(
            COPY_DAYS,
            "Copy only what is not older, in days",
            &text(range.max_age_days),
            None,
        ),
        Field::text(
            COPY_LABELS,
            "Copy only what has one of these labels",
            &range.labels.join(", "),
        )
        .help("Separated by commas."),
    ]
}

/// The fields, with what was entered and what is wrong.
pub fn second_store_fields(
    (wish, range): (&SecondStore, &CopyRange),
    stores: &[StoreChoice],
    faults: &mut BTreeMap<String, String>,
) -> SecondStoreFields {
    let mut fault = |field: Field| {
        let error = faults.remove(&field.name);
        field.fault(error)
    };
    let fields = SecondStoreFields {
        open: false,
        place: fault(
            Field::text(PLACE, "Second store", &wish.place)
                .suggest(stores.iter().map(|store| store.name.clone()))
                .help("Where restore points are copied to, by a schedule of second copies or from the app's page: another disk or another account than the store's. Nothing entered: nowhere."),
        ),
        create: fault(Field::checkbox(CREATE, "Make the second store if there is none", wish.create)),
        passphrase: fault(
            Field::secret(SECOND_PASSPHRASE, "Passphrase of the second store")
                .help("As for the store. Leave it empty for a store whose passphrase Plakar has."),
        ),
        again: fault(Field::secret(SECOND_AGAIN, "Passphrase of the second store again")),
        unencrypted: fault(Field::checkbox(
            UNENCRYPTED,
            "Make the second store without encryption: I know that whoever can read its files can read all that is backed up",
            wish.unencrypted,
        )),
        uncompressed: fault(
            Field::checkbox(UNCOMPRESSED, "Make the second store without compression", wish.uncompressed)
                .help(UNCOMPRESSED_HELP),
        ),
        range: range_fields(range).into_iter().map(&mut fault).collect(),
    };
    let told = [&fields.place, &fields.passphrase, &fields.again].into_iter().chain(&fields.range);
    let open = told.into_iter().any(|field| field.error.is_some() || !field.value.is_empty());
    SecondStoreFields { open, ..fields }
}
