//! Between the connectors' types and the messages of plugin API v1.1.0.

use super::proto::connectors;
use crate::connector::source::{SourceItem, SourceRecord};
use crate::plugin::attributes::attributes;

/// A record as Plakar wants it, with what tells its content if checksums are compared.
pub(super) fn record(
    SourceRecord { path, item }: SourceRecord,
    checksums: bool,
) -> connectors::Record {
    let has_reader = matches!(item, SourceItem::File { .. });
    match attributes(&path, item, checksums) {
        Ok(info) => connectors::Record {
            has_reader,
            file_info: Some(info),
            pathname: path,
            ..Default::default()
        },
        Err(error) => connectors::Record { error, pathname: path, ..Default::default() },
    }
}
