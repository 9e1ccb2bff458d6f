//! The JSON of files and folders. Field names and types are those of rclone's
//! `backend/opendrive/types.go`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::drive::{File, Folder, Id, file_id, folder_id};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listing<'a> {
    pub(super) dir_update_time: i64,
    pub(super) name: &'a str,
    #[serde(rename = "ParentFolderID")]
    pub(super) parent_folder_id: String,
    pub(super) direct_folder_link: String,
    pub(super) response_type: u8,
    pub(super) folders: Vec<FolderRecord<'a>>,
    pub(super) files: Vec<FileRecord<'a>>,
}

/// What `folder/itembyname` has found: what it hasn't, it leaves out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found<'a> {
    pub(super) dir_update_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) folders: Vec<FolderRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<FileRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FolderRecord<'a> {
    #[serde(rename = "FolderID")]
    folder_id: String,
    name: &'a str,
    date_created: i64,
    dir_update_time: i64,
    access: i64,
    date_modified: i64,
    shared: &'static str,
    child_folders: usize,
    description: &'static str,
    link: Link,
    encrypted: &'static str,
}

impl<'a> FolderRecord<'a> {
    pub(super) fn new(id: Id, folder: &'a Folder) -> Self {
        Self {
            folder_id: folder_id(id),
            name: &folder.name,
            date_created: folder.created,
            dir_update_time: folder.modified,
            access: folder.access,
            date_modified: folder.modified,
            shared: "False",
            child_folders: folder.folders.values().map(Vec::len).sum(),
            description: "",
            link: Link("fl", id),
            encrypted: "0",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FileRecord<'a> {
    file_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_hash: Option<String>,
    name: &'a str,
    #[serde(rename = "GroupID")]
    group_id: u8,
    extension: &'a str,
    #[serde(serialize_with = "digits")]
    pub(super) size: u64,
    views: &'static str,
    #[serde(serialize_with = "digits")]
    version: u64,
    downloads: &'static str,
    #[serde(serialize_with = "digits")]
    date_modified: i64,
    #[serde(serialize_with = "digits")]
    access: i64,
    link: Link,
    download_link: Link,
    streaming_link: Link,
    temp_streaming_link: Link,
    edit_link: &'static str,
    thumb_link: &'static str,
    password: &'static str,
    edit_online: u8,
}

impl<'a> FileRecord<'a> {
    /// A whole record; its hash must be known, or making it takes long.
    pub(super) fn new(id: Id, file: &'a File) -> Self {
        Self { file_hash: Some(file.hash().to_owned()), ..Self::without_hash(id, file) }
    }

    /// A record as `folder/itembyname` gives it.
    pub(super) fn without_hash(id: Id, file: &'a File) -> Self {
        Self {
            file_id: file_id(id),
            file_hash: None,
            name: &file.name,
            group_id: 0,
            extension: file.name.rsplit_once('.').map_or("", |(_, extension)| extension),
            size: file.content.size(),
            views: "0",
            version: file.version,
            downloads: "0",
            date_modified: file.modified,
            access: file.access,
            link: Link("f", id),
            download_link: Link("d", id),
            streaming_link: Link("s", id),
            temp_streaming_link: Link("t", id),
            edit_link: "",
            thumb_link: "",
            password: "",
            edit_online: 0,
        }
    }
}

/// A link as long as the real ones, which leads nowhere.
struct Link(&'static str, Id);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("https://od.lk/{}/{:024}", self.0, self.1))
    }
}

/// Numbers of file records are strings.
fn digits<T: std::fmt::Display, S: Serializer>(
    number: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// A record whose fields are still to be changed.
pub(super) fn to_object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// The JSON of a value of ours, none of which can fail to be written.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
