//! The endpoints: how they are called and which item they concern.

use hyper::Method;

use super::args::Args;
use crate::drive::{self, Refusal};
use crate::state::State;

/// The path in front of each endpoint.
const PREFIX: &str = "/api/v1/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    SessionExists,
    Logout,
    UserInfo,
    ListFolder,
    ItemByName,
    IdByPath,
    ExportCsv,
    CreateFolder,
    TrashFolder,
    RemoveFolder,
    RenameFolder,
    MoveCopyFolder,
    FileInfo,
    FileSettings,
    FileAccess,
    RenameFile,
    MoveCopyFile,
    TrashFile,
    DeleteFile,
    Download,
    DownloadAll,
    HasContent,
    CreateFile,
    OpenUpload,
    UploadChunk,
    UploadChunk2,
    CloseUpload,
}

impl Endpoint {
    /// The endpoint of a request, and the rest of its path (`SESSION/FOLDER`).
    pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(Self, &'a str)> {
        let (name, rest) = path.strip_prefix(PREFIX)?.split_once(".json")?;
        let endpoint = match (method.as_str(), name) {
            ("POST", "session/login") => Self::Login,
            ("POST", "session/exists") => Self::SessionExists,
            ("POST", "session/logout") => Self::Logout,
            ("GET", "users/info") => Self::UserInfo,
            ("GET", "folder/list") => Self::ListFolder,
            ("GET", "folder/itembyname") => Self::ItemByName,
            ("POST", "folder/idbypath") => Self::IdByPath,
            ("GET", "folder/exportcsv") => Self::ExportCsv,
            ("POST", "folder") => Self::CreateFolder,
            ("POST", "folder/trash") => Self::TrashFolder,
            ("POST", "folder/remove") => Self::RemoveFolder,
            ("POST", "folder/rename") => Self::RenameFolder,
            ("POST", "folder/move_copy") => Self::MoveCopyFolder,
            ("GET", "file/info") => Self::FileInfo,
            ("PUT", "file/filesettings") => Self::FileSettings,
            ("POST", "file/access") => Self::FileAccess,
            ("POST", "file/rename") => Self::RenameFile,
            ("POST", "file/move_copy") => Self::MoveCopyFile,
            ("POST", "file/trash") => Self::TrashFile,
            ("DELETE", "file") => Self::DeleteFile,
            ("GET", "download/file") => Self::Download,
            ("POST", "download/all") => Self::DownloadAll,
            ("POST", "upload/has_ddref") => Self::HasContent,
            ("POST", "upload/create_file") => Self::CreateFile,
            ("POST", "upload/open_file_upload") => Self::OpenUpload,
            ("POST", "upload/upload_file_chunk") => Self::UploadChunk,
            ("POST", "upload/upload_file_chunk2") => Self::UploadChunk2,
            ("POST", "upload/close_file_upload") => Self::CloseUpload,
            _ => return None,
        };
        Some((endpoint, rest.trim_matches('/')))
    }

    /// The name in counters and faults: the path, but for the two calls whose path is only `folder`
    /// or `file`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "session/login",
            Self::SessionExists => "session/exists",
            Self::Logout => "session/logout",
            Self::UserInfo => "users/info",
            Self::ListFolder => "folder/list",
            Self::ItemByName => "folder/itembyname",
            Self::IdByPath => "folder/idbypath",
            Self::ExportCsv => "folder/exportcsv",
            Self::CreateFolder => "folder/create",
            Self::TrashFolder => "folder/trash",
            Self::RemoveFolder => "folder/remove",
            Self::RenameFolder => "folder/rename",
            Self::MoveCopyFolder => "folder/move_copy",
            Self::FileInfo => "file/info",
            Self::FileSettings => "file/filesettings",
            Self::FileAccess => "file/access",
            Self::RenameFile => "file/rename",
            Self::MoveCopyFile => "file/move_copy",
            Self::TrashFile => "file/trash",
            Self::DeleteFile => "file/delete",
            Self::Download => "download/file",
            Self::DownloadAll => "download/all",
            Self::HasContent => "upload/has_ddref",
            Self::CreateFile => "upload/create_file",
            Self::OpenUpload => "upload/open_file_upload",
            Self::UploadChunk => "upload/upload_file_chunk",
            Self::UploadChunk2 => "upload/upload_file_chunk2",
            Self::CloseUpload => "upload/close_file_upload",
        }
    }

    /// What the parts of the path after the endpoint mean.
    pub(super) fn path_args(self) -> &'static [&'static str] {
        match self {
            Self::UserInfo => &["session_id"],
            Self::ListFolder | Self::ItemByName | Self::ExportCsv => &["session_id", "folder_id"],
            Self::DeleteFile | Self::UploadChunk2 => &["session_id", "file_id"],
            Self::FileInfo | Self::Download => &["file_id"],
            _ => &[],
        }
    }

    /// Whether it brings a chunk of an upload.
    pub(crate) fn is_chunk(self) -> bool {
        matches!(self, Self::UploadChunk | Self::UploadChunk2)
    }

    /// Whether it brings the content of files.
    pub(crate) fn is_download(self) -> bool {
        matches!(self, Self::Download | Self::DownloadAll)
    }

    /// Whether it changes what is on the drive.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Login | Self::SessionExists | Self::Logout | Self::UserInfo => false,
            Self::ListFolder | Self::ItemByName | Self::IdByPath | Self::ExportCsv => false,
            Self::FileInfo | Self::Download | Self::DownloadAll | Self::HasContent => false,
            Self::CreateFolder
            | Self::TrashFolder
            | Self::RemoveFolder
            | Self::RenameFolder
            | Self::MoveCopyFolder => true,
            Self::FileSettings
            | Self::FileAccess
            | Self::RenameFile
            | Self::MoveCopyFile
            | Self::TrashFile
            | Self::DeleteFile => true,
            Self::CreateFile
            | Self::OpenUpload
            | Self::UploadChunk
            | Self::UploadChunk2
            | Self::CloseUpload => true,
        }
    }

    /// The path of the file or folder concerned; empty when it is the root, unknown or none.
    pub(super) fn item(self, args: &Args, state: &State) -> String {
        let tree = state.drive.lock();
        // Of a list of ids the first.
        let first = |key| args.text(key).split(',').next().unwrap_or_default();
        let folder = |key| drive::parse_folder_id(first(key)).map(|id| tree.folder_path(id));
        let file = |key| drive::parse_file_id(first(key)).map(|id| tree.file_path(id));
        let child =
            |parent, name| folder(parent).map(|parent| drive::join(&parent, args.text(name)));
        let path: Result<String, Refusal> = match self {
            Self::Login
            | Self::SessionExists
            | Self::Logout
            | Self::UserInfo
            | Self::HasContent => return String::new(),
            Self::IdByPath => return args.text("path").trim_matches('/').into(),
            Self::ItemByName => child("folder_id", "name"),
            Self::CreateFolder => child("folder_sub_parent", "folder_name"),
            Self::CreateFile => child("folder_id", "file_name"),
            Self::ListFolder
            | Self::ExportCsv
            | Self::TrashFolder
            | Self::RemoveFolder
            | Self::RenameFolder
            | Self::MoveCopyFolder => folder("folder_id"),
            Self::DownloadAll => folder("folders"),
            Self::MoveCopyFile => file("src_file_id"),
            _ => file("file_id"),
        };
        path.unwrap_or_default()
    }
}
