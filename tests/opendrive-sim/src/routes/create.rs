//! The beginning of an upload: its file, and what the drive asks of it.

use serde_json::json;

use super::records::{self, FileRecord};
use super::{CallContext, Outcome};
use crate::behaviour::TempLocation;
use crate::drive::{Id, Refusal, later, parse_folder_id, trimmed};

/// Makes a file that has the size 0 and no hash until its upload ends.
///
/// It is visible at once, but for `folder/itembyname` under the fault of lagging names. One that is
/// there is refused, or with `open_if_exists` taken.
pub(super) fn create_file(context: &CallContext) -> Outcome {
    let (args, state, behaviour) = (context.args, context.state, context.behaviour);
    let parent = parse_folder_id(args.text("folder_id"))?;
    let name = trimmed(args.text("file_name"));
    let size: Option<u64> = args.optional("file_size")?;
    let modified = args.time("file_time")?;
    if let Some(size) = size {
        check_size(size, context)?;
    }
    let id = {
        let mut tree = state.drive.lock();
        let existing = tree.file_named(parent, name).filter(|_| args.flag("open_if_exists"));
        match existing {
            Some(id) => {
                state.uploads.forget_closed(id);
                tree.file_mut(id)?.time_given = modified;
                id
            }
            None => {
                let id = tree.create_file(parent, name)?;
                let file = tree.file_mut(id)?;
                file.hidden_until = later(context.effects.lag.max(behaviour.name_lag()));
                file.time_given = modified;
                file.modified = modified.unwrap_or(file.modified);
                if let Err(refusal) = tree.check_space(id, size.unwrap_or(0)) {
                    tree.remove_file(id)?;
                    return Err(refusal);
                }
                id
            }
        }
    };
    let hash_only = size.is_some_and(|size| is_known(size, context));
    let location = match (size, behaviour.temp_location) {
        (None, _) | (_, TempLocation::AtOpen) => String::new(),
        (Some(size), place) => {
            state.uploads.begin(id, size, place != TempLocation::RefusedUntilOpen, &state.options)
        }
    };
    answer(id, location, hash_only, context)
}

/// Refuses what is larger than a file may be.
pub(super) fn check_size(size: u64, context: &CallContext) -> Result<(), Refusal> {
    match context.behaviour.max_file_size {
        Some(max) if size > max => {
            Err(Refusal::new(400, format!("File size exceeds the limit of {max} bytes")))
        }
        _ => Ok(()),
    }
}

/// Whether the content that the call tells of needs no bytes.
fn is_known(size: u64, context: &CallContext) -> bool {
    let hash = context.args.text("file_hash");
    context.behaviour.upload_by_hash
        && !hash.is_empty()
        && context.state.drive.known(size, hash).is_some()
}

fn answer(id: Id, location: String, hash_only: bool, context: &CallContext) -> Outcome {
    let tree = context.state.drive.lock();
    let file = tree.file(id)?;
    let mut record = records::to_object(&FileRecord::new(id, file));
    let more = json!({
        "DirUpdateTime": tree.folder(file.parent)?.modified,
        "TempLocation": location,
        "SpeedLimit": context.behaviour.upload_speed.unwrap_or(0),
        "RequireCompression": 0,
        "RequireHash": 0,
        "RequireHashOnly": u8::from(hash_only),
    });
    if let serde_json::Value::Object(more) = more {
        record.extend(more);
    }
    Ok(records::to_json(&record))
}
