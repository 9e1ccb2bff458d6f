//! Files: their record, settings, name, place and end.

use serde_json::json;
use tokio::task::block_in_place;

use super::Outcome;
use super::args::Args;
use super::records::{FileRecord, to_json};
use crate::drive::{Id, Refusal, file_id, parse_file_id, parse_folder_id, truncate_name};
use crate::faults::Effects;
use crate::state::State;

pub(super) fn info(args: &Args, effects: &Effects, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    record(id, effects, state)
}

/// Sets the modification time, in whole seconds.
pub(super) fn settings(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    let modified = args.number("file_modification_time")?;
    state.drive.lock().file_mut(id)?.modified = modified;
    record(id, &Effects::default(), state)
}

pub(super) fn access(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    let access = args.number("file_ispublic")?;
    if !(0..=2).contains(&access) {
        return Err(Refusal::new(400, "Invalid value specified for `file_ispublic`"));
    }
    state.drive.lock().file_mut(id)?.access = access;
    Ok(to_json(&json!({"result": true})))
}

/// Renames within the folder; the name of another file is an error (the facts don't say; 409).
pub(super) fn rename(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    let mut tree = state.drive.lock();
    let parent = tree.file(id)?.parent;
    tree.move_file(id, parent, args.text("new_file_name"), false)?;
    let size = tree.file(id)?.content.size();
    Ok(moved(id, size))
}

/// Moves or copies. A name that is too long is cut, as rclone's Move warns of.
pub(super) fn move_copy(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("src_file_id"))?;
    let parent = parse_folder_id(args.text("dst_folder_id"))?;
    let overwrite = args.flag("overwrite_if_exists");
    let mut tree = state.drive.lock();
    let name = match truncate_name(args.text("new_file_name")) {
        "" => tree.file(id)?.name.clone(),
        name => name.to_owned(),
    };
    let id = if args.flag("move") {
        tree.move_file(id, parent, &name, overwrite)?;
        id
    } else {
        tree.copy_file(id, parent, &name, overwrite)?
    };
    let size = tree.file(id)?.content.size();
    Ok(moved(id, size))
}

pub(super) fn delete(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    state.drive.lock().remove_file(id)?;
    Ok(to_json(&json!({"result": true})))
}

fn moved(id: Id, size: u64) -> Vec<u8> {
    to_json(&json!({"FileID": file_id(id), "Size": size.to_string()}))
}

fn record(id: Id, effects: &Effects, state: &State) -> Outcome {
    let content = state.drive.lock().file(id)?.content.clone();
    if !content.hash_is_known() {
        block_in_place(|| content.hash());
    }
    let tree = state.drive.lock();
    let mut record = FileRecord::new(id, tree.file(id)?);
    record.size += u64::from(effects.lie_size);
    if effects.lie_hash {
        record.file_hash = record.file_hash.map(|hash| wrong_hash(&hash));
    }
    Ok(to_json(&record))
}

/// A hash that differs from the given one in its first digit.
pub(super) fn wrong_hash(hash: &str) -> String {
    let first = if hash.starts_with('0') { '1' } else { '0' };
    std::iter::once(first).chain(hash.chars().skip(1)).collect()
}
