//! Where copies go: a folder of this machine, or one of a remote.

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::report::CopyReport;
use super::side::{CopySide, TargetPath};
use super::store_layout::StoreLayout;
use super::written_names::{FOLDER_TAKEN, NAME_TAKEN, WrittenNames};
use crate::connector::Destination;
use crate::connector::destination::{Outcome, RestoreItem, RestoreRecord, StreamRestore};
use terminal::exit::Exit;
use terminal::exit::Failure;

/// Times that differ by less are the same: drives keep seconds.
const TIME_PRECISION: Duration = Duration::from_secs(1);

/// Maximum number of outcomes that wait to be reported.
const MAX_WAITING_OUTCOMES: usize = 100;

/// The folder that is written to.
pub(super) struct CopyTarget {
    place: TargetPlace,
    /// What a single file is called there.
    name: Option<String>,
    layout: StoreLayout,
    report: Arc<CopyReport>,
    /// What was written into a folder of this machine.
    written: WrittenNames,
}

enum TargetPlace {
    Local { root: PathBuf, file: Option<PartialFile> },
    Remote { restore: Box<StreamRestore<CopyTicket>>, outcomes: JoinHandle<()> },
}

/// A file that is not complete. Dropping it removes it.
struct PartialFile {
    file: NamedTempFile,
    /// What it becomes.
    target: PathBuf,
    /// What it is called in messages.
    path: String,
    size: Option<u64>,
    modified: Option<SystemTime>,
    count: u64,
}

/// What an outcome is about.
struct CopyTicket {
    path: String,
    file: bool,
}

impl CopyTarget {
    pub(super) async fn open(
        TargetPath { folder, name }: TargetPath,
        layout: StoreLayout,
        report: &Arc<CopyReport>,
    ) -> Result<Self, Failure> {
        let report = report.clone();
        let place = match folder {
            CopySide::Local(root) => {
                let made = std::fs::create_dir_all(&root);
                made.map_err(|error| {
                    Failure::new(Exit::Failed, format!("cannot make the folder {root:?}: {error}"))
                })?;
                TargetPlace::Local { root, file: None }
            }
            CopySide::Remote(settings) => {
                let destination = Arc::new(Destination::open(*settings).await?);
                let (sender, outcomes) = mpsc::channel(MAX_WAITING_OUTCOMES);
                let restore = Box::new(destination.restore(sender));
                TargetPlace::Remote {
                    restore,
                    outcomes: tokio::spawn(tell(outcomes, report.clone())),
                }
            }
        };
        Ok(Self { place, name, layout, report, written: WrittenNames::default() })
    }

    /// Whether it is a folder of this machine where what is copied keeps its paths.
    pub(super) fn keeps_paths_on_disk(&self) -> bool {
        matches!(self.place, TargetPlace::Local { .. }) && self.layout == StoreLayout::AsItIs
    }

    /// Makes a folder; "" is the one that is copied into.
    pub(super) async fn folder(&mut self, path: &str) {
        match &mut self.place {
            TargetPlace::Local { root, .. } => {
                for path in std::iter::once(path.to_owned()).chain(self.layout.below(path)) {
                    let made = local(root, &path).and_then(|folder| {
                        let made = std::fs::create_dir_all(&folder);
                        made.map(|()| folder).map_err(|error| error.to_string())
                    });
                    match made {
                        Ok(folder) => {
                            if self.written.add_folder(&folder) {
                                self.report.failed(&path, FOLDER_TAKEN);
                            }
                        }
                        Err(error) => {
                            self.report.failed(&path, &format!("cannot make the folder: {error}"));
                        }
                    }
                }
            }
            TargetPlace::Remote { restore, .. } => {
                let ticket = CopyTicket { path: path.to_owned(), file: false };
                restore
                    .entry(
                        RestoreRecord {
                            path: format!("/{path}"),
                            item: RestoreItem::Folder,
                            attributes: false,
                        },
                        ticket,
                    )
                    .await;
            }
        }
    }

    /// Begins a file; false if its bytes are not needed.
    pub(super) async fn begin(
        &mut self,
        path: &str,
        size: Option<u64>,
        modified: Option<SystemTime>,
    ) -> bool {
        let moved = self.layout.path(path);
        let name = self.name.as_deref().unwrap_or(&moved);
        match &mut self.place {
            TargetPlace::Local { root, file } => {
                let target = match local(root, name) {
                    Ok(target) => target,
                    Err(problem) => {
                        self.report.failed(path, &problem);
                        return false;
                    }
                };
                if self.written.is_in_taken(&target) {
                    self.report.failed(
                        path,
                        &format!("it is in a folder that is not copied: {FOLDER_TAKEN}"),
                    );
                    return false;
                }
                if self.written.is_taken(&target) {
                    self.report.failed(path, NAME_TAKEN);
                    return false;
                }
                if let Some(size) = size.filter(|size| is_same(&target, *size, modified)) {
                    self.written.add(&target);
                    self.report.unchanged(size);
                    self.report.stored();
                    return false;
                }
                match partial(&target) {
                    Ok(made) => {
                        *file = Some(PartialFile {
                            file: made,
                            target,
                            path: path.to_owned(),
                            size,
                            modified,
                            count: 0,
                        })
                    }
                    Err(error) => self.report.failed(
                        path,
                        &format!(
                            "cannot make a file in {:?}: {error}",
                            target.parent().unwrap_or(root)
                        ),
                    ),
                }
                file.is_some()
            }
            TargetPlace::Remote { restore, .. } => {
                let item = RestoreItem::File { size, modified: modified.unwrap_or(UNIX_EPOCH) };
                let ticket = CopyTicket { path: path.to_owned(), file: true };
                restore
                    .entry(
                        RestoreRecord { path: format!("/{name}"), item, attributes: false },
                        ticket,
                    )
                    .await;
                true
            }
        }
    }

    /// Takes the next bytes of the file.
    pub(super) async fn chunk(&mut self, bytes: Bytes) {
        match &mut self.place {
            TargetPlace::Local { file: place, .. } => {
                let Some(file) = place else { return };
                file.count += bytes.len() as u64;
                if let Err(error) = tokio::task::block_in_place(|| file.file.write_all(&bytes)) {
                    self.report.failed(&file.path, &format!("cannot write it: {error}"));
                    *place = None;
                }
            }
            TargetPlace::Remote { restore, .. } => restore.chunk(bytes).await,
        }
    }

    /// The file is complete: it gets its name.
    pub(super) async fn end(&mut self) {
        match &mut self.place {
            TargetPlace::Local { file, .. } => {
                let Some(file) = file.take() else { return };
                let (path, target) = (file.path.clone(), file.target.clone());
                match file.keep() {
                    Ok(()) => {
                        self.written.add(&target);
                        self.report.stored();
                    }
                    Err(problem) => self.report.failed(&path, &problem),
                }
            }
            TargetPlace::Remote { restore, .. } => restore.end_of_file().await,
        }
    }

    /// The file will not be complete: nothing of it stays. Why has been reported.
    pub(super) fn abort(&mut self) {
        // A remote drops what was begun when the next entry comes.
        if let TargetPlace::Local { file, .. } = &mut self.place {
            *file = None;
        }
    }

    /// Waits until all is where it belongs.
    pub(super) async fn finish(self) {
        if let TargetPlace::Remote { restore, outcomes } = self.place {
            let summary = restore.finish().await;
            self.report.kept(summary.unchanged);
            summary.notes().for_each(|line| self.report.note(&line));
            // It ends with the restore, and a panic in it has been printed.
            let _ = outcomes.await;
        }
    }
}

impl PartialFile {
    fn keep(self) -> Result<(), String> {
        if self.size.is_some_and(|size| size != self.count) {
            return Err(format!(
                "{} bytes came, it should have {}",
                self.count,
                self.size.unwrap_or_default()
            ));
        }
        if let Some(modified) = self.modified {
            self.file
                .as_file()
                .set_modified(modified)
                .map_err(|error| format!("cannot set its time: {error}"))?;
        }
        self.file
            .persist(&self.target)
            .map(drop)
            .map_err(|error| format!("cannot give it its name: {}", error.error))
    }
}

async fn tell(mut outcomes: mpsc::Receiver<Outcome<CopyTicket>>, report: Arc<CopyReport>) {
    while let Some(Outcome { ticket, result }) = outcomes.recv().await {
        match result {
            Ok(()) if ticket.file => report.stored(),
            Ok(()) => {}
            Err(reason) => report.failed(&ticket.path, &reason.to_string()),
        }
    }
}

/// The local path of something below a folder. Names come from a drive and may be anything.
fn local(root: &Path, path: &str) -> Result<PathBuf, String> {
    let mut local = root.to_owned();
    for name in path.split('/').filter(|_| !path.is_empty()) {
        // A name with a backslash is two on Windows, and one with a colon another drive.
        let mut components = Path::new(name).components();
        if !matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name)
        {
            return Err(
                "its name cannot be a file's on this machine: rename it on the drive".to_owned()
            );
        }
        local.push(name);
    }
    Ok(local)
}

fn is_same(target: &Path, size: u64, modified: Option<SystemTime>) -> bool {
    let (Ok(metadata), Some(modified)) = (std::fs::symlink_metadata(target), modified) else {
        return false;
    };
    let Ok(there) = metadata.modified() else { return false };
    let distance = there.duration_since(modified).unwrap_or_else(|error| error.duration());
    metadata.is_file() && metadata.len() == size && distance < TIME_PRECISION
}

/// A file beside its target that is removed unless it is kept.
fn partial(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plakar-opendrive-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less what the user's umask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(local(Path::new("r"), "a/b c"), Ok(PathBuf::from("r/a/b c")));
        assert_eq!(local(Path::new("r"), ""), Ok(PathBuf::from("r")));
        for path in ["..", "a/..", ".", "/a", "a//b", "a/"] {
            assert!(local(Path::new("r"), path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_file_is_the_same_by_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "12345").unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        std::fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time + Duration::from_millis(900))
            .unwrap();
        assert!(is_same(&path, 5, Some(time)));
        assert!(
            !is_same(&path, 4, Some(time))
                && !is_same(&path, 5, None)
                && !is_same(&path, 5, Some(time - TIME_PRECISION))
        );
        assert!(!is_same(folder.path(), 5, Some(time)));
    }
}
