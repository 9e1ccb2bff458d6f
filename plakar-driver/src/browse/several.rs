//! Several files and folders of a snapshot as one archive. Plakar's own hold one folder; this one is
//! made here, from what is read file by file.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::StreamExt;
use tokio::sync::mpsc;

use crate::browse::browser::Browser;
use crate::browse::download::Download;
use crate::browse::points::{Entry, EntryKind};
use crate::browse::zip::ZipWriter;
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath, file_name};

/// Maximum number of entries that may be asked for at once.
pub const MAX_SEVERAL: usize = 1000;

/// Maximum number of files and folders in one archive: its list is kept until its end.
const MAX_ARCHIVE_ENTRIES: usize = 1_000_000;

/// Maximum number of entries of a folder that are asked for at once.
const MAX_PAGE_ENTRIES: u64 = 1000;

/// The folder that all of these are in, however deep, and those of them that are in no other one.
///
/// # Errors
/// [`Error::Input`] for none, or too many.
pub fn common_folder(paths: &[SnapshotPath]) -> Result<(SnapshotPath, Vec<SnapshotPath>)> {
    if paths.is_empty() {
        return Err(Error::Input("nothing is ticked: tick files or folders first".into()));
    }
    if paths.len() > MAX_SEVERAL {
        return Err(Error::Input(format!(
            "{} entries are too many at once: tick up to {MAX_SEVERAL}, or a folder that has them",
            paths.len()
        )));
    }
    let mut sorted = paths.to_vec();
    sorted.sort();
    sorted.dedup();
    let within = |path: &SnapshotPath| sorted.iter().any(|other| path.is_below(other));
    let kept: Vec<SnapshotPath> = sorted.iter().filter(|path| !within(path)).cloned().collect();
    let mut folder = kept.first().map_or_else(SnapshotPath::root, SnapshotPath::parent);
    while kept.iter().any(|path| !path.is_below(&folder)) && folder != SnapshotPath::root() {
        folder = folder.parent();
    }
    Ok((folder, kept))
}

impl Browser {
    /// Files and folders as one ZIP archive, with their names from the folder on that all are in.
    /// Links are left out, as plakar leaves them out of its archives.
    ///
    /// # Errors
    /// One of them is not there, or they are too many. What goes wrong later is an error at the end
    /// of the content.
    pub async fn download_several(
        self: Arc<Self>,
        id: &SnapshotId,
        paths: &[SnapshotPath],
    ) -> Result<Download> {
        let (folder, kept) = common_folder(paths)?;
        let mut wanted = Vec::new();
        for path in kept {
            let entry = self.entry(id, &path).await?;
            wanted.push((path, entry));
        }
        let called = if folder.name().is_empty() { id.short() } else { folder.name() };
        let name = format!("{}.zip", file_name(called));
        let (sender, chunks) = mpsc::channel::<io::Result<Bytes>>(8);
        let id = id.clone();
        tokio::spawn(async move {
            let mut archive =
                Archive { browser: self, id, folder, zip: ZipWriter::default(), sender };
            match archive.write(wanted).await {
                // Nobody reads on.
                Ok(false) => {}
                Ok(true) => {
                    let Archive { zip, sender, .. } = archive;
                    let _ = sender.send(Ok(zip.finish())).await;
                }
                Err(error) => {
                    let _ = archive.sender.send(Err(error)).await;
                }
            }
        });
        let content = futures::stream::unfold(chunks, |mut chunks| async move {
            Some((chunks.recv().await?, chunks))
        });
        Ok(Download {
            name,
            content_type: "application/zip".to_owned(),
            size: None,
            content: content.boxed(),
        })
    }
}

/// An archive that is being sent.
struct Archive {
    browser: Arc<Browser>,
    id: SnapshotId,
    /// Names begin below it.
    folder: SnapshotPath,
    zip: ZipWriter,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Archive {
    /// Whether all was taken.
    async fn write(&mut self, wanted: Vec<(SnapshotPath, Entry)>) -> io::Result<bool> {
        for (path, entry) in wanted {
            let going_on = match entry.kind {
                EntryKind::Folder => self.folder(path, &entry).await?,
                EntryKind::File => self.file(&path, &entry).await?,
                EntryKind::Link | EntryKind::Other => true,
            };
            if !going_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn folder(&mut self, path: SnapshotPath, entry: &Entry) -> io::Result<bool> {
        let mut folders = vec![(path, entry.modified)];
        while let Some((path, modified)) = folders.pop() {
            let begun = self.begin(&path, true, modified)?;
            if !self.send(begun).await {
                return Ok(false);
            }
            let mut offset = 0;
            loop {
                let page = self.browser.children(&self.id, &path, offset, MAX_PAGE_ENTRIES).await;
                let page = page.map_err(|error| io::Error::other(error.to_string()))?;
                offset += page.items.len() as u64;
                for entry in &page.items {
                    let Ok(path) = path.join(&entry.name) else {
                        return Err(io::Error::other(format!(
                            "{} has a name in it that cannot be asked for",
                            file_name(path.as_str())
                        )));
                    };
                    match entry.kind {
                        EntryKind::Folder => folders.push((path, entry.modified)),
                        EntryKind::File => {
                            if !self.file(&path, entry).await? {
                                return Ok(false);
                            }
                        }
                        EntryKind::Link | EntryKind::Other => {}
                    }
                }
                if !page.more || page.items.is_empty() {
                    break;
                }
            }
        }
        Ok(true)
    }

    async fn file(&mut self, path: &SnapshotPath, entry: &Entry) -> io::Result<bool> {
        let begun = self.begin(path, false, entry.modified)?;
        if !self.send(begun).await {
            return Ok(false);
        }
        let download = Arc::clone(&self.browser).download(&self.id, path).await;
        let download = download.map_err(|error| io::Error::other(error.to_string()))?;
        let mut content = download.content;
        while let Some(chunk) = content.next().await {
            let packed = self.zip.content(&chunk?)?;
            if !self.send(packed).await {
                return Ok(false);
            }
        }
        let end = self.zip.end()?;
        Ok(self.send(end).await)
    }

    fn begin(
        &mut self,
        path: &SnapshotPath,
        folder: bool,
        modified: chrono::DateTime<chrono::Utc>,
    ) -> io::Result<Bytes> {
        if self.zip.entries() >= MAX_ARCHIVE_ENTRIES {
            return Err(io::Error::other(format!(
                "more than {MAX_ARCHIVE_ENTRIES} files and folders are too many for one archive"
            )));
        }
        let parts = path.relative_to(&self.folder).split('/').map(file_name);
        let name = parts.collect::<Vec<_>>().join("/");
        if name.len() > usize::from(u16::MAX) - 16 {
            return Err(io::Error::other("a path is too long for an archive"));
        }
        Ok(self.zip.begin(&name, folder, modified))
    }

    async fn send(&self, bytes: Bytes) -> bool {
        bytes.is_empty() || self.sender.send(Ok(bytes)).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ticked_twice_or_lies_in_what_is_ticked_counts_once() {
        let path = |text: &str| SnapshotPath::new(text).unwrap();
        let of = |paths: &[&str]| {
            let paths: Vec<SnapshotPath> = paths.iter().map(|text| path(text)).collect();
            let (folder, kept) = common_folder(&paths).unwrap();
            let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
            (folder.to_string(), kept.join(" "))
        };
        let told = |folder: &str, kept: &str| (folder.to_owned(), kept.to_owned());
        assert_eq!(of(&["/a/b", "/a/c", "/a/b"]), told("/a", "/a/b /a/c"));
        assert_eq!(of(&["/a/b/x", "/a/b", "/a/bc/y"]), told("/a", "/a/b /a/bc/y"));
        assert_eq!(of(&["/a", "/b/c"]), told("/", "/a /b/c"));
        assert!(common_folder(&[]).is_err());
        let many: Vec<SnapshotPath> = (0..=MAX_SEVERAL).map(|n| path(&format!("/{n}"))).collect();
        assert!(common_folder(&many).unwrap_err().to_string().contains("1001 entries"));
    }
}
