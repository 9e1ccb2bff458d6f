//! Answers that lie, planted on a simulated drive.

use opendrive_sim::{Answer, Fault, Simulator, What};
use serde_json::{Value, json};

/// Plants an answer to every listing of a folder.
pub fn plant(simulator: &Simulator, folder: &str, answer: Answer) {
    let item = format!("/{}", folder.trim_matches('/'));
    simulator
        .add_fault(Fault::new(What::Answer(answer)).endpoint("folder/list").item(&item).always());
}

/// A listing as the drive gives it.
pub fn listing(folders: Vec<Value>, files: Vec<Value>) -> Answer {
    let listing = json!({
        "DirUpdateTime": "0", "Name": "", "ParentFolderID": "0", "DirectFolderLink": "", "ResponseType": 1, "Folders": folders, "Files": files,
    });
    Answer::new(listing.to_string())
}

/// A folder in a listing.
pub fn folder_entry(id: &str, name: &str) -> Value {
    json!({"FolderID": id, "Name": name, "DateCreated": 1, "DirUpdateTime": 1, "Access": 0, "DateModified": 1_600_000_000,
        "Shared": "False", "ChildFolders": 0, "Link": "", "Encrypted": "0"})
}

/// A file in a listing.
pub fn file_entry(id: &str, name: &str, bytes: &[u8]) -> Value {
    use md5::Digest;
    let hash: String = md5::Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"FileId": id, "FileHash": hash, "Name": name, "GroupID": 0, "Extension": "", "Size": bytes.len().to_string(),
        "Views": "0", "Version": "1", "Downloads": "0", "DateModified": "1600000000", "Access": "0", "Link": "", "DownloadLink": "",
        "StreamingLink": "", "TempStreamingLink": "", "EditLink": "", "ThumbLink": "", "Password": "", "EditOnline": 0})
}

/// The same entry with one member changed.
pub fn with(mut entry: Value, key: &str, value: Value) -> Value {
    entry[key] = value;
    entry
}

/// Names that no path can hold or that mean something else in one.
pub fn bad_names() -> Vec<String> {
    ["", ".", "..", "../../up", "a/b", "/", "/etc/passwd", "nul\0byte", "..\\up"]
        .map(str::to_owned)
        .to_vec()
}

/// Names that are odd, but names.
pub const ODD_NAMES: [&str; 6] = [
    "esc\u{1b}[31mred",
    "bidi\u{202e}gpj.exe",
    "line\nbreak\rreturn",
    "c1\u{9b}31m",
    "-rf",
    "\u{2028}\u{feff}\u{200b}",
];

/// That a line is one, is not too long, and holds nothing that a terminal would do something about.
pub fn assert_plain(line: &str) {
    let bad = |c: &char| {
        c.is_control()
            || ('\u{200b}'..='\u{200f}').contains(c)
            || ('\u{2028}'..='\u{202e}').contains(c)
    };
    assert!(
        !line.contains(|c: char| bad(&c)) && line.len() < 10_000,
        "{} bytes: {line:.2000?}",
        line.len()
    );
}
