//! Files: their record, settings, name, place and end.

use serde_json::json;
use tokio::task::block_in_place;

use super::args::Args;
use super::records::{FileRecord, to_json};
use super::{CallContext, Outcome};
use crate::drive::{
    Id, ROOT, Refusal, Tree, file_id, later, now, parse_file_id, parse_folder_id, truncate_name,
};
use crate::state::State;
use crate::texts;

pub(super) fn info(context: &CallContext) -> Outcome {
    let id = parse_file_id(context.args.text("file_id"))?;
    if context.state.drive.lock().file(id)?.is_missing() {
        return Err(Refusal::new(404, texts::NO_FILE));
    }
    let effects = context.effects;
    record(id, effects.lie_hash, effects.lie_size, context.state)
}

/// Sets the modification time, in whole seconds, and who may see the file: what of both is given.
pub(super) fn settings(context: &CallContext) -> Outcome {
    let (args, state) = (context.args, context.state);
    let id = parse_file_id(args.text("file_id"))?;
    let modified = args.time("file_modification_time")?;
    let access = access_level(args)?;
    {
        let mut tree = state.drive.lock();
        let file = tree.file_mut(id)?;
        file.modified = modified.unwrap_or(file.modified);
        file.access = access.unwrap_or(file.access);
    }
    record(id, false, false, state)
}

pub(super) fn access(context: &CallContext) -> Outcome {
    let id = parse_file_id(context.args.text("file_id"))?;
    let access = access_level(context.args)?
        .ok_or_else(|| Refusal::new(400, "`file_ispublic` is required."))?;
    context.state.drive.lock().file_mut(id)?.access = access;
    record(id, false, false, context.state)
}

/// Private, public or hidden: 0, 1 or 2.
fn access_level(args: &Args) -> Result<Option<i64>, Refusal> {
    match args.optional("file_ispublic")? {
        Some(access) if !(0..=2).contains(&access) => {
            Err(Refusal::new(400, "Invalid value specified for `file_ispublic`"))
        }
        access => Ok(access),
    }
}

/// Renames within the folder; the name of another file is an error (the facts don't say; 409).
pub(super) fn rename(context: &CallContext) -> Outcome {
    let args = context.args;
    let id = parse_file_id(args.text("file_id"))?;
    let mut tree = context.state.drive.lock();
    let parent = tree.file(id)?.parent;
    tree.move_file(id, parent, args.text("new_file_name"), false)?;
    tree.file_mut(id)?.hidden_until = later(context.behaviour.name_lag());
    let size = tree.file(id)?.content.size();
    Ok(moved(id, size))
}

/// Moves or copies. A name that is too long is cut, as rclone's Move warns of.
pub(super) fn move_copy(context: &CallContext) -> Outcome {
    let args = context.args;
    let id = parse_file_id(args.text("src_file_id"))?;
    let parent = parse_folder_id(args.text("dst_folder_id"))?;
    let overwrite = args.flag("overwrite_if_exists");
    let mut tree = context.state.drive.lock();
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
    tree.file_mut(id)?.hidden_until = later(context.behaviour.name_lag());
    let size = tree.file(id)?.content.size();
    Ok(moved(id, size))
}

/// Moves files to the trash; `file_id` may be a list with commas.
pub(super) fn trash(context: &CallContext) -> Outcome {
    let mut tree = context.state.drive.lock();
    let (ids, parent) = listed(&tree, context.args)?;
    for &id in &ids {
        tree.trash_file(id)?;
    }
    drop(tree);
    Ok(removed(ids, parent, context.state))
}

/// Removes files for good, whether they are in the trash or not; `file_id` may be a list with
/// commas.
pub(super) fn delete(context: &CallContext) -> Outcome {
    let mut tree = context.state.drive.lock();
    let (ids, parent) = match listed(&tree, context.args) {
        Ok(listed) => listed,
        Err(refusal) => {
            let ids = ids(context.args)?;
            if ids.is_empty()
                || !ids.iter().all(|&id| tree.is_in_trash(id) || tree.file(id).is_ok())
            {
                return Err(refusal);
            }
            (ids, ROOT)
        }
    };
    for &id in &ids {
        // It may be in the trash, which is empty of it now.
        let _ = tree.remove_file(id);
        tree.forget_trashed(id);
    }
    drop(tree);
    Ok(removed(ids, parent, context.state))
}

fn ids(args: &Args) -> Result<Vec<Id>, Refusal> {
    args.text("file_id").split(',').map(|id| parse_file_id(id.trim())).collect()
}

/// The files that a call names, all of which must be there, and the folder of the first.
fn listed(tree: &Tree, args: &Args) -> Result<(Vec<Id>, Id), Refusal> {
    let ids = ids(args)?;
    let parents =
        ids.iter().map(|&id| Ok(tree.file(id)?.parent)).collect::<Result<Vec<Id>, Refusal>>()?;
    Ok((ids, parents.first().copied().unwrap_or(ROOT)))
}

fn removed(ids: Vec<Id>, parent: Id, state: &State) -> Vec<u8> {
    ids.into_iter().for_each(|id| state.uploads.forget(id));
    let time = state.drive.lock().folder(parent).map_or_else(|_| now(), |folder| folder.modified);
    to_json(&json!({"DirUpdateTime": time}))
}

fn moved(id: Id, size: u64) -> Vec<u8> {
    to_json(&json!({"FileID": file_id(id), "Size": size.to_string()}))
}

fn record(id: Id, lie_hash: bool, lie_size: bool, state: &State) -> Outcome {
    let content = state.drive.lock().file(id)?.content.clone();
    if !content.hash_is_known() {
        block_in_place(|| content.hash());
    }
    let tree = state.drive.lock();
    let mut record = FileRecord::new(id, tree.file(id)?);
    record.size += u64::from(lie_size);
    if lie_hash {
        record.file_hash = record.file_hash.map(|hash| wrong_hash(&hash));
    }
    Ok(to_json(&record))
}

/// A hash that differs from the given one in its first digit.
pub(super) fn wrong_hash(hash: &str) -> String {
    let first = if hash.starts_with('0') { '1' } else { '0' };
    std::iter::once(first).chain(hash.chars().skip(1)).collect()
}
