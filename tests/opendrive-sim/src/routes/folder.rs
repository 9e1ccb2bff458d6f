//! Folders: listing, looking up by name, making, removing, renaming, moving.

use serde_json::json;
use tokio::task::block_in_place;

use super::args::Args;
use super::records::{FileRecord, FolderRecord, Found, Listing, to_json};
use super::{CallContext, Outcome};
use crate::behaviour::FolderNamesakes;
use crate::content::Content;
use crate::drive::{
    Id, ROOT, Refusal, Tree, folder_id, is_ahead, later, now, parse_folder_id, trimmed,
    truncate_name,
};
use crate::state::State;
use crate::texts;

/// Entries of a page.
const PAGE: u64 = 100;

/// The whole folder at once, or a page of it from `offset` on. Folders come first.
pub(super) fn list(context: &CallContext) -> Outcome {
    let (args, state, behaviour) = (context.args, context.state, context.behaviour);
    let id = parse_folder_id(args.text("folder_id"))?;
    let offset: Option<u64> = args.optional("offset")?;
    let number = |limit: Option<u64>| {
        limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
    };
    let (skip, take, most_files) = match offset {
        Some(_) => (number(offset), number(Some(PAGE)), usize::MAX),
        None => (0, number(behaviour.listing_limit), number(behaviour.listing_files_limit)),
    };
    hash_contents(id, state)?;
    let tree = state.drive.lock();
    let folder = tree.folder(id)?;
    let count = folder.folders.values().map(Vec::len).sum::<usize>();
    let folders = folders(&tree, folder.folders.values().flatten().skip(skip).take(take));
    let (skip, take) = (skip.saturating_sub(count), (take - folders.len()).min(most_files));
    let take = if args.flag("only_subfolders") { 0 } else { take };
    let files = files(&tree, folder.files.values().skip(skip).take(take), FileRecord::new);
    Ok(to_json(&Listing {
        dir_update_time: folder.modified,
        name: &folder.name,
        parent_folder_id: folder_id(folder.parent),
        direct_folder_link: String::new(),
        response_type: 1,
        folders,
        files,
    }))
}

/// How many entries a listing has if it asks for no page.
pub(super) fn whole_listing(args: &Args, state: &State) -> Option<u64> {
    if !matches!(args.optional::<u64>("offset"), Ok(None)) {
        return None;
    }
    let id = parse_folder_id(args.text("folder_id")).ok()?;
    let tree = state.drive.lock();
    let folder = tree.folder(id).ok()?;
    Some((folder.files.len() + folder.folders.values().map(Vec::len).sum::<usize>()) as u64)
}

/// Folders and files of one name (case-insensitive), files without their hash. Nothing found is no
/// error.
pub(super) fn item_by_name(context: &CallContext) -> Outcome {
    let id = parse_folder_id(context.args.text("folder_id"))?;
    let name = context.args.text("name");
    let tree = context.state.drive.lock();
    let dir_update_time = tree.folder(id)?.modified;
    // The real drive never finds such names.
    let findable = !name.contains(['+', '&']);
    let file = tree
        .file_named(id, name)
        .filter(|&file| findable && tree.file(file).is_ok_and(|file| !is_ahead(file.hidden_until)));
    let visible =
        |id: &&Id| findable && tree.folder(**id).is_ok_and(|folder| !is_ahead(folder.hidden_until));
    let folders = folders(&tree, tree.folders_named(id, name).iter().filter(visible));
    let files = files(&tree, &file, FileRecord::without_hash);
    Ok(to_json(&Found { dir_update_time, folders, files }))
}

/// The id of a folder by its whole path, without a leading slash.
pub(super) fn id_by_path(context: &CallContext) -> Outcome {
    let path = context.args.text("path");
    let tree = context.state.drive.lock();
    let step = |parent, name| tree.folders_named(parent, name).first().copied();
    let id = if path.is_empty() { None } else { path.split('/').try_fold(ROOT, step) };
    let id = id.ok_or_else(|| Refusal::new(404, texts::NO_FOLDER))?;
    Ok(to_json(&json!({"FolderId": folder_id(id)})))
}

/// Makes a folder. What happens to a second one of that name, the behaviour says.
pub(super) fn create(context: &CallContext) -> Outcome {
    let args = context.args;
    let parent = parse_folder_id(args.text("folder_sub_parent"))?;
    let access = args.number("folder_is_public").unwrap_or(0);
    let name = trimmed(args.text("folder_name"));
    let mut tree = context.state.drive.lock();
    let made = tree
        .folders_named(parent, name)
        .first()
        .and_then(|&namesake| Some(tree.folder(namesake).ok()?.made));
    let refused = match context.behaviour.folder_namesakes {
        FolderNamesakes::Refused => made.is_some(),
        FolderNamesakes::Raced => made.is_some_and(|made| made < context.arrived),
        FolderNamesakes::Made => false,
    };
    if refused {
        return Err(Refusal::new(409, texts::FOLDER_EXISTS));
    }
    let id = tree.create_folder(parent, name, access)?;
    tree.folder_mut(id)?.hidden_until = later(context.behaviour.name_lag());
    Ok(to_json(&FolderRecord::new(id, tree.folder(id)?)))
}

/// Moves folders to the trash; `folder_id` may be a list with commas.
pub(super) fn trash(context: &CallContext) -> Outcome {
    let mut tree = context.state.drive.lock();
    let ids = ids(context.args)?;
    for &id in &ids {
        tree.folder(id)?;
    }
    for id in ids {
        tree.remove_folder(id)?;
    }
    Ok(to_json(&json!({"DirUpdateTime": now()})))
}

/// Removes folders for good, whether they are in the trash or not; `folder_id` may be a list with
/// commas.
pub(super) fn remove(context: &CallContext) -> Outcome {
    let mut tree = context.state.drive.lock();
    for id in ids(context.args)? {
        if !tree.is_in_trash(id) {
            tree.remove_folder(id)?;
        }
    }
    Ok(to_json(&json!({"DirUpdateTime": now()})))
}

fn ids(args: &Args) -> Result<Vec<Id>, Refusal> {
    args.text("folder_id").split(',').map(|id| parse_folder_id(id.trim())).collect()
}

pub(super) fn rename(context: &CallContext) -> Outcome {
    let id = parse_folder_id(context.args.text("folder_id"))?;
    let mut tree = context.state.drive.lock();
    let parent = tree.folder(id)?.parent;
    tree.move_folder(id, parent, context.args.text("folder_name"))?;
    tree.folder_mut(id)?.hidden_until = later(context.behaviour.name_lag());
    Ok(to_json(&FolderRecord::new(id, tree.folder(id)?)))
}

pub(super) fn move_copy(context: &CallContext) -> Outcome {
    let args = context.args;
    let id = parse_folder_id(args.text("folder_id"))?;
    let parent = parse_folder_id(args.text("dst_folder_id"))?;
    let mut tree = context.state.drive.lock();
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
        files
            .map(|file| &file.content)
            .filter(|content| !content.hash_is_known())
            .cloned()
            .collect()
    };
    if !unknown.is_empty() {
        block_in_place(|| unknown.iter().for_each(Content::hash));
    }
    Ok(())
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
