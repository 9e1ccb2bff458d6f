//! Addresses of what is in a restore point. A path goes percent-encoded into the query, whatever is
//! in it.

use plakar_driver::{SnapshotId, SnapshotPath, percent};
use source_app::state::AppId;

/// The addresses of one restore point.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
    /// It is the copy in the app's second store.
    second: bool,
}

/// Begins the id of a restore point in an address, if it is the copy in the app's second store.
pub const SECOND: &str = "second-";

/// A text as the value of a query.
pub fn value(text: &str) -> String {
    percent(text, b"/-._~")
}

impl Links {
    /// Of a restore point.
    pub fn new(app: AppId, point: &SnapshotId) -> Self {
        Self { base: format!("/apps/{app}/points/{point}"), second: false }
    }

    /// Of its copy in the app's second store, if `second`.
    pub fn of(app: AppId, point: &SnapshotId, second: bool) -> Self {
        let prefix = if second { SECOND } else { "" };
        Self { base: format!("/apps/{app}/points/{prefix}{point}"), second }
    }

    /// Whether it is the copy in the app's second store.
    pub fn is_second(&self) -> bool {
        self.second
    }

    fn at(&self, what: &str, path: &SnapshotPath) -> String {
        format!("{}{what}?path={}", self.base, value(path.as_str()))
    }

    /// The page of the restore point.
    pub fn start(&self) -> &str {
        &self.base
    }

    /// A folder.
    pub fn folder(&self, path: &SnapshotPath) -> String {
        self.at("", path)
    }

    /// A file's page.
    pub fn view(&self, path: &SnapshotPath) -> String {
        self.at("/view", path)
    }

    /// A picture, to be shown.
    pub fn raw(&self, path: &SnapshotPath) -> String {
        self.at("/raw", path)
    }

    /// A file's content.
    pub fn download(&self, path: &SnapshotPath) -> String {
        self.at("/download", path)
    }

    /// A folder as an archive: `zip` or `tar.gz`.
    pub fn archive(&self, path: &SnapshotPath, format: &str) -> String {
        format!("{}&format={format}", self.at("/download", path))
    }

    /// The form to restore it.
    pub fn restore(&self, path: &SnapshotPath) -> String {
        self.at("/restore", path)
    }

    /// What failed when it was made.
    pub fn errors(&self, page: u64) -> String {
        format!("{}/errors?page={page}", self.base)
    }
}
