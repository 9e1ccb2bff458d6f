//! What an app keeps as words, as Plakar knows it: its kind, and its store.

use std::path::Path;

use super::error::{Error, Result};
use crate::state::{App, AppKind};
use plakar_driver::packages::ConnectorKind;
use plakar_driver::{Kind, Name, Store};

/// Which of Plakar's configurations an app of this kind is in.
pub(super) fn configuration_kind(kind: AppKind) -> Kind {
    match kind {
        AppKind::Source => Kind::Source,
        AppKind::Destination => Kind::Destination,
    }
}

/// Which kind of connector serves an app of this kind.
pub(super) fn connector_kind(kind: AppKind) -> ConnectorKind {
    match kind {
        AppKind::Source => ConnectorKind::Importer,
        AppKind::Destination => ConnectorKind::Exporter,
    }
}

/// The store that a text means: the path of a folder, or a name in Plakar's configuration.
///
/// # Errors
/// The text is neither.
pub(super) fn store(text: &str) -> Result<Store> {
    if text.starts_with('/') || Path::new(text).is_absolute() {
        return Ok(Store::folder(Path::new(text))?);
    }
    let name = Name::new(text.strip_prefix('@').unwrap_or(text));
    let wrong = |_| {
        Error::Input(format!(
            "store \"{}\": write an absolute path, or the name of a store of Plakar",
            text.escape_debug()
        ))
    };
    Ok(Store::named(name.map_err(wrong)?))
}

/// The store of an app.
///
/// # Errors
/// It has none, as a destination.
pub(super) fn store_of(app: &App) -> Result<Store> {
    store(app.spec.store.as_deref().unwrap_or_default())
}
