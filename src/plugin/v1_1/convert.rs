//! Between the connectors' types and the messages of plugin API v1.1.0.

use super::proto::connectors;
use crate::connector::source::{Item, Record};
use crate::plugin::attributes::Attributes;

/// A record as Plakar wants it.
pub(super) fn record(Record { path, item }: Record) -> connectors::Record {
    let has_reader = matches!(item, Item::File { .. });
    match Attributes::of(&path, item) {
        Ok(Attributes { name, size, mode, modified }) => {
            let file_info = connectors::FileInfo { name, size, mode, mod_time: Some(modified), nlink: 1, ..Default::default() };
            connectors::Record { has_reader, file_info: Some(file_info), pathname: path, ..Default::default() }
        }
        Err(error) => connectors::Record { error, pathname: path, ..Default::default() },
    }
}
