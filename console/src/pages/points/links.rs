//! Addresses of what is in a restore point. A path goes percent-encoded into the query, whatever is
//! in it.

use plakar_driver::{SnapshotId, SnapshotPath, percent};
use source_app::state::AppId;

/// The addresses of one restore point.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

/// A text as the value of a query.
pub fn value(text: &str) -> String {
    percent(text, b"/-._~")
}

impl Links {
    /// Of a restore point.
    pub fn new(app: AppId, point: &SnapshotId) -> Self {
        Self { base: format!("/apps/{app}/points/{point}") }
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
