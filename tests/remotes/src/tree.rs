//! The files that are backed up, and comparing what came back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use support::noise;

/// A path below the folder, and what is there: bytes, or none for a folder without anything in it.
pub type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// The large file, whose upload takes some seconds at [`SLOWLY`].
pub const LARGE: &str = "folder/deep/er/large";

/// How many bytes it has.
pub const LARGE_BYTES: usize = 6 << 20;

/// How fast uploads go that are to be killed: `bwlimit` of all connections.
pub const SLOWLY: &str = "2Mi";

/// The file that changes.
pub const CHANGING: &str = "folder/changing";

/// Files of each sort that some server has no notion of, or that its protocol has no words for.
pub fn tree() -> Tree {
    let file = |text: &str| Some(text.as_bytes().to_vec());
    [
        ("plain.txt", file("plain")),
        ("empty", file("")),
        (CHANGING, file("before")),
        ("folder/some", Some(noise(2, 300_000))),
        (LARGE, Some(noise(4, LARGE_BYTES))),
        ("without anything", None),
        (".hidden", file("hidden")),
        ("odd/.folder/in it", file("in a hidden folder")),
        ("odd/with space and 'quotes' and \"more\"", file("quotes")),
        ("odd/emoji 🦀 e\u{301}", file("emoji")),
        ("odd/-dash", file("dash")),
        ("odd/a:b*c?d<e>f|g", file("windows")),
        ("odd/back\\slash", file("backslash")),
        ("odd/new\nline", file("newline")),
        ("odd/ leading and trailing ", file("spaces")),
        ("odd/percent%41&plus+#hash;semi", file("url")),
        ("odd/folder that ends in a space /in it", file("in that folder")),
    ]
    .into_iter()
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .collect()
}

/// Writes it below a folder, all of one time.
pub fn write(tree: &Tree, folder: &Path, seconds: u64) {
    for (path, bytes) in tree {
        let path = folder.join(path);
        let Some(bytes) = bytes else {
            std::fs::create_dir_all(&path).expect("a folder");
            continue;
        };
        std::fs::create_dir_all(path.parent().expect("it is below")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let file = std::fs::File::options().write(true).open(&path).expect("the file");
        file.set_modified(time).expect("its time");
    }
}

/// Reads what is below a folder.
pub fn read(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        let mut empty = true;
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            empty = false;
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(name(&path, folder), Some(std::fs::read(&path).expect("a file")));
            }
        }
        if empty && next != folder {
            found.insert(name(&next, folder), None);
        }
    }
    found
}

fn name(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).expect("it is below").to_string_lossy().into_owned()
}

/// A tree as listings show it: control characters have look-alikes.
pub fn shown(tree: &Tree) -> Tree {
    tree.iter()
        .map(|(path, bytes)| (path.replace('\n', "␊").replace("‛␊", "␊"), bytes.clone()))
        .collect()
}

/// What the path of a difference ends in that is in the second tree only.
pub const MORE: &str = " (more)";

/// The paths of a tree that another one does not have, or has with other bytes.
pub fn differences(wanted: &Tree, found: &Tree) -> Vec<String> {
    let lacking = wanted
        .iter()
        .filter(|(path, bytes)| found.get(*path) != Some(bytes))
        .map(|(path, _)| path.clone());
    let more =
        found.keys().filter(|path| !wanted.contains_key(*path)).map(|path| format!("{path}{MORE}"));
    lacking.chain(more).collect()
}
