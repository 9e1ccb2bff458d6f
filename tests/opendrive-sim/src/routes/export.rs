//! `folder/exportcsv`: a whole subtree in one answer.

use super::{CallContext, Outcome};
use crate::drive::{Id, Refusal, Tree, file_id, folder_id, join, parse_folder_id};

/// Ids, names and sizes of all below a folder; no times, no hashes. The real columns are not
/// recorded.
pub(super) fn csv(context: &CallContext) -> Outcome {
    let id = parse_folder_id(context.args.text("folder_id"))?;
    let tree = context.state.drive.lock();
    let mut rows = String::from("Type,ID,Path,Size\r\n");
    write(&tree, id, "", &mut rows)?;
    Ok(rows.into_bytes())
}

fn write(tree: &Tree, id: Id, path: &str, rows: &mut String) -> Result<(), Refusal> {
    let folder = tree.folder(id)?;
    for &child in folder.folders.values().flatten() {
        let path = join(path, &tree.folder(child)?.name);
        rows.push_str(&format!("Folder,{},{},\r\n", folder_id(child), quoted(&path)));
        write(tree, child, &path, rows)?;
    }
    for &child in folder.files.values() {
        let file = tree.file(child)?;
        rows.push_str(&format!(
            "File,{},{},{}\r\n",
            file_id(child),
            quoted(&join(path, &file.name)),
            file.content.size()
        ));
    }
    Ok(())
}

/// A field of CSV (RFC 4180). No name has a quotation mark.
fn quoted(path: &str) -> String {
    if path.contains([',', '\r', '\n']) { format!("\"{path}\"") } else { path.into() }
}
