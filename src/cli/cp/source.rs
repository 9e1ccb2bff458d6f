//! What is copied: a tree or a file, of this machine or of a remote.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::report::CopyReport;
use super::side::CopySide;
use super::store_detector::StoreDetector;
use super::target::CopyTarget;
use crate::cli::failure::{failure, is_file};
use crate::cli::place::above;
use crate::connector::Source;
use crate::connector::paths::join;
use crate::connector::source::{SourceItem, SourceRecord};
use crate::rclone::{CHUNK_BYTES, ErrorKind};
use terminal::exit::Exit;
use terminal::exit::Failure;

/// Maximum number of records that wait to be copied.
const MAX_RECORDS_TO_COPY: usize = 1000;

/// Where the bytes come from. With a name it is one file in the folder.
pub(super) enum CopySource {
    Local { folder: PathBuf, file: Option<String> },
    Remote { source: Box<Source>, file: Option<String> },
}

impl CopySource {
    pub(super) async fn open(side: CopySide) -> Result<Self, Failure> {
        match side {
            CopySide::Local(path) => {
                let metadata = std::fs::metadata(&path).map_err(|error| {
                    let exit = if error.kind() == std::io::ErrorKind::NotFound {
                        Exit::NotFound
                    } else {
                        Exit::Failed
                    };
                    Failure::new(exit, format!("{path:?} cannot be read: {error}"))
                })?;
                if metadata.is_dir() {
                    return Ok(Self::Local { folder: path, file: None });
                }
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.filter(|_| metadata.is_file());
                let name = name
                    .ok_or_else(|| {
                        Failure::new(
                            Exit::Failed,
                            format!("{path:?} is not a regular file with a name in UTF-8"),
                        )
                    })?
                    .to_owned();
                Ok(Self::Local { folder: path, file: Some(name) })
            }
            CopySide::Remote(settings) => match Source::open((*settings).clone()).await {
                Ok(source) => Ok(Self::Remote { source: Box::new(source), file: None }),
                Err(error) if is_file(&error) => {
                    let Some((folder, name)) = above(&settings) else { return Err(error.into()) };
                    Ok(Self::Remote {
                        source: Box::new(Source::open(folder).await?),
                        file: Some(name),
                    })
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The name of what is copied, if it is a single file.
    pub(super) fn file(&self) -> Option<&str> {
        let (Self::Local { file, .. } | Self::Remote { file, .. }) = self;
        file.as_deref()
    }

    /// Copies all of it. What fails is in the report.
    pub(super) async fn copy(self, mut to: CopyTarget, report: &CopyReport) -> Result<(), Failure> {
        match self {
            Self::Local { folder: path, file: Some(name) } => {
                local_file(&path, &name, &mut to, report).await
            }
            Self::Local { folder, file: None } => local_tree(folder, &mut to, report).await,
            Self::Remote { source, file } => {
                remote(&source, file.as_deref(), &mut to, report).await?
            }
        }
        to.finish().await;
        Ok(())
    }
}

async fn local_tree(root: PathBuf, to: &mut CopyTarget, report: &CopyReport) {
    // The last one is next, so that a folder is complete before the one after it.
    let mut waiting = vec![(root, String::new())];
    let mut store_detector = StoreDetector::default();
    while let Some((folder, path)) = waiting.pop() {
        to.folder(&path).await;
        let entries =
            std::fs::read_dir(&folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                report.failed(&path, &format!("cannot list the folder: {error}"));
                continue;
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut folders = Vec::new();
        for entry in entries {
            let name = entry.file_name();
            let shown = join(&path, &name.to_string_lossy());
            let Some(name) = name.to_str() else {
                report.failed(
                    &shown,
                    "its name is not UTF-8, and a drive can hold no other: rename it",
                );
                continue;
            };
            match entry.file_type() {
                Err(error) => report.failed(&shown, &error.to_string()),
                Ok(kind) if kind.is_dir() => {
                    store_detector.folder(&shown);
                    folders.push((entry.path(), join(&path, name)));
                }
                Ok(kind) if kind.is_file() => {
                    store_detector.file(&shown);
                    local_file(&entry.path(), &shown, to, report).await;
                }
                Ok(kind) => {
                    report.left_out(&shown, if kind.is_symlink() { "a link" } else { "no file" })
                }
            }
        }
        waiting.extend(folders.into_iter().rev());
    }
    store_detector.notes(false).for_each(|note| report.note(note));
}

async fn local_file(file: &Path, path: &str, to: &mut CopyTarget, report: &CopyReport) {
    if let Err(error) = read_local(file, path, to, report).await {
        report.failed(path, &format!("cannot read it: {error}"));
        to.abort();
    }
}

async fn read_local(
    file: &Path,
    path: &str,
    to: &mut CopyTarget,
    report: &CopyReport,
) -> std::io::Result<()> {
    let mut file = File::open(file)?;
    let metadata: Metadata = file.metadata()?;
    report.found(path, Some(metadata.len()));
    if !to.begin(path, Some(metadata.len()), metadata.modified().ok()).await {
        return Ok(());
    }
    loop {
        let bytes = tokio::task::block_in_place(|| {
            let mut bytes = Vec::with_capacity(CHUNK_BYTES);
            (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut bytes).map(|_| Bytes::from(bytes))
        })?;
        if bytes.is_empty() {
            break;
        }
        report.passed(bytes.len() as u64);
        to.chunk(bytes).await;
    }
    to.end().await;
    Ok(())
}

async fn remote(
    source: &Source,
    file: Option<&str>,
    to: &mut CopyTarget,
    report: &CopyReport,
) -> Result<(), Failure> {
    let (sender, mut records) = mpsc::channel::<SourceRecord>(MAX_RECORDS_TO_COPY);
    let mut store_detector = StoreDetector::default();
    let seen = &mut store_detector;
    let on_disk = to.keeps_paths_on_disk();
    // With it goes the receiver, at whose end the walk ends.
    let copy = async move {
        while let Some(SourceRecord { path: full, item }) = records.recv().await {
            if let Some(path) = source.identity().below(&full) {
                match (file, item) {
                    (Some(name), item)
                        if path != name || !matches!(item, SourceItem::File { .. }) => {}
                    (_, SourceItem::Folder { .. }) => {
                        seen.folder(path);
                        to.folder(path).await;
                    }
                    (_, SourceItem::Failed(error)) => report.failed(path, &error),
                    (_, SourceItem::File { size, modified, .. }) => {
                        report.found(path, size);
                        seen.file(path);
                        if to.begin(path, size, modified).await {
                            match read_remote(source, &full, to, report).await {
                                Ok(()) => to.end().await,
                                Err(error) => {
                                    to.abort();
                                    if error.kind() == ErrorKind::VolumeUsedUp {
                                        return Err(error);
                                    }
                                    report.failed(path, error.message());
                                }
                            }
                        }
                        if file.is_some() {
                            return Ok(true);
                        }
                    }
                }
            } else if full == source.identity().root && file.is_none() {
                // Also if nothing is in it.
                to.folder("").await;
            }
            source.acknowledge(&full);
        }
        Ok(file.is_none())
    };
    let (walked, found) = tokio::join!(source.walk(sender), copy);
    source.notes().for_each(|note| report.note(&note));
    store_detector.notes(on_disk).for_each(|note| report.note(note));
    // Nothing else can be read.
    let found = found.map_err(|error| failure(&error))?;
    if !found {
        return Err(Failure::new(
            Exit::NotFound,
            format!("the file {} is gone", file.unwrap_or_default()),
        ));
    }
    Ok(walked?)
}

async fn read_remote(
    source: &Source,
    path: &str,
    to: &mut CopyTarget,
    report: &CopyReport,
) -> crate::rclone::Result<()> {
    let mut reader = source.read(path).await?;
    while let Some(bytes) = reader.chunk().await? {
        report.passed(bytes.len() as u64);
        to.chunk(bytes).await;
    }
    Ok(())
}
