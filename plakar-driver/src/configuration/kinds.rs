//! The three kinds of entries of Plakar's configuration, and what an entry is made of.

use std::collections::BTreeMap;

use crate::configuration::schema::is_secret;

/// The keys and values of one entry, `location` among them.
pub type Options = BTreeMap<String, String>;

/// Which of the three files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What is backed up.
    Source,
    /// What is restored to.
    Destination,
    /// Where snapshots are.
    Store,
}

impl Kind {
    /// Plakar's command, and the word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Store => "store",
        }
    }
}

/// Takes the values of secrets out.
pub fn mask(options: &mut Options) {
    options
        .iter_mut()
        .filter(|(key, _)| is_secret(key))
        .for_each(|(_, value)| "********".clone_into(value));
}
