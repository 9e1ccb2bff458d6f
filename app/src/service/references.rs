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

/// The same app, with its second store for its only one.
///
/// # Errors
/// It has none.
pub(super) fn in_second(mut app: App) -> Result<App> {
    let second = app.spec.second_store.take().ok_or_else(|| no_second_store(&app.spec.name))?;
    app.spec.store = Some(second);
    Ok(app)
}

/// That an app has no second store, and how to give it one.
pub(super) fn no_second_store(app: &str) -> Error {
    Error::Input(format!(
        "{app} has no second store; give it one in its settings, or by `plakar-opendrive app edit {app} --second-store PLACE`"
    ))
}

/// That a second store is the first one.
pub(super) fn same_store(second: &str) -> Error {
    Error::Input(format!(
        "second store: {second} is the first store once more, or a copy of its files; write another place, and make a new store there"
    ))
}
