//! Folders: listing, looking up by name, making, removing, renaming, moving.

use std::time::Instant;

use serde_json::json;
use tokio::task::block_in_place;

use super::Outcome;
use super::args::Args;
use super::records::{FileRecord, FolderRecord, Listing, to_json};
use crate::content::Content;
use crate::drive::{Id, Refusal, Tree, folder_id, parse_folder_id, truncate_name};
use crate::state::State;

/// The whole folder at once: the API has no pages.
pub(super) fn list(args: &Args, state: &State) -> Outcome {
    let id = parse_folder_id(args.text("folder_id"))?;
    hash_contents(id, state)?;
    let tree = state.drive.lock();
    let folder = tree.folder(id)?;
    let folders = folders(&tree, folder.folders.values().flatten());
    let files = files(&tree, folder.files.values(), FileRecord::new);
    Ok(to_json(&listing(&tree, id, folders, files)?))
}

/// Folders and files of one name (case-insensitive), files without their hash. Nothing found is no error.
pub(super) fn item_by_name(args: &Args, state: &State) -> Outcome {
    let id = parse_folder_id(args.text("folder_id"))?;
    let name = args.text("name");
    let tree = state.drive.lock();
    let now = Instant::now();
    let found =
        tree.file_named(id, name).filter(|&file| tree.file(file).is_ok_and(|file| file.hidden_until.is_none_or(|until| until <= now)));
    let folders = folders(&tree, tree.folders_named(id, name));
    let files = files(&tree, &found, FileRecord::without_hash);
    Ok(to_json(&listing(&tree, id, folders, files)?))
}

/// Makes a folder. One of that name is no obstacle: then there are two.
pub(super) fn create(args: &Args, state: &State) -> Outcome {
    let parent = parse_folder_id(args.text("folder_sub_parent"))?;
    let access = args.number("folder_is_public").unwrap_or(0);
    let mut tree = state.drive.lock();
    let id = tree.create_folder(parent, args.text("folder_name"), access)?;
    Ok(to_json(&FolderRecord::new(id, tree.folder(id)?)))
}

pub(super) fn remove(args: &Args, state: &State) -> Outcome {
    let id = parse_folder_id(args.text("folder_id"))?;
    state.drive.lock().remove_folder(id)?;
    Ok(to_json(&json!({"DirUpdateTime": crate::drive::now()})))
}

pub(super) fn rename(args: &Args, state: &State) -> Outcome {
    let id = parse_folder_id(args.text("folder_id"))?;
    let mut tree = state.drive.lock();
    let parent = tree.folder(id)?.parent;
    tree.move_folder(id, parent, args.text("folder_name"))?;
    Ok(to_json(&FolderRecord::new(id, tree.folder(id)?)))
}

pub(super) fn move_copy(args: &Args, state: &State) -> Outcome {
    let id = parse_folder_id(args.text("folder_id"))?;
    let parent = parse_folder_id(args.text("dst_folder_id"))?;
    let mut tree = state.drive.lock();
    let name = match truncate_name(args.text("new_folder_name")) {
        "" => tree.folder(id)?.name.clone(),
        name => name.to_owned(),
    };
    let id = if args.flag("move") {
        tree.move_folder(id, parent, &name)?;
        id
    } else {
        tree.copy_folder(id, parent, &name)?
    };
    Ok(to_json(&FolderRecord::new(id, tree.folder(id)?)))
}

/// Hashes the generated files of a folder that were never hashed, without holding up other calls.
fn hash_contents(id: Id, state: &State) -> Result<(), Refusal> {
    let unknown: Vec<Content> = {
        let tree = state.drive.lock();
        let files = tree.folder(id)?.files.values().filter_map(|&file| tree.file(file).ok());
        files.map(|file| &file.content).filter(|content| !content.hash_is_known()).cloned().collect()
    };
    if !unknown.is_empty() {
        block_in_place(|| unknown.iter().for_each(Content::hash));
    }
    Ok(())
}

fn listing<'a>(tree: &'a Tree, id: Id, folders: Vec<FolderRecord<'a>>, files: Vec<FileRecord<'a>>) -> Result<Listing<'a>, Refusal> {
    let folder = tree.folder(id)?;
    Ok(Listing {
        dir_update_time: folder.modified.to_string(),
        name: &folder.name,
        parent_folder_id: folder_id(folder.parent),
        direct_folder_link: String::new(),
        response_type: 1,
        folders,
        files,
    })
}

fn folders<'a>(tree: &'a Tree, ids: impl IntoIterator<Item = &'a Id>) -> Vec<FolderRecord<'a>> {
    let found = ids.into_iter().filter_map(|&id| Some((id, tree.folder(id).ok()?)));
    found.map(|(id, folder)| FolderRecord::new(id, folder)).collect()
}

fn files<'a, 'b>(
    tree: &'a Tree,
    ids: impl IntoIterator<Item = &'b Id>,
    record: impl Fn(Id, &'a crate::drive::File) -> FileRecord<'a>,
) -> Vec<FileRecord<'a>> {
    let found = ids.into_iter().filter_map(|&id| Some((id, tree.file(id).ok()?)));
    found.map(|(id, file)| record(id, file)).collect()
}
