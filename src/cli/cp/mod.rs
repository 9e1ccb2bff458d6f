//! `cp`: files and folders from a remote to the local disk, the other way, or from a remote to another.
//!
//! A remote is read as a source reads it, ahead and in order, and written as a destination writes it, many files side
//! by side: what holds for backups and restores holds here.

mod report;
mod source;
mod store_detector;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::drive;
use super::place::{LookupArgs, RemoteLookup, above, is_remote};
use crate::cli::failure::remote_failure;
use crate::connector::{Settings, open_remote};
use crate::rclone::ErrorKind;
use report::CopyReport;
use source::CopySource;
use target::CopyTarget;
use terminal::exit::{Exit, Failure};
use terminal::output::Output;

/// Copy files and folders between a remote and this machine, or between remotes
///
/// What is in a folder FROM goes into the folder TO, which is made if it is not there; a file FROM goes into the
/// folder TO if TO is one or ends in a slash, and else becomes the file TO. A file that is there already with the
/// same size and hash is left alone (on this machine: the same size and time), any other is replaced once the new
/// one is complete. Links and special files of this machine are left out and named.
#[derive(Debug, clap::Args)]
pub(super) struct CpArgs {
    /// A local path, opendrive://PATH or @NAME/PATH
    from: String,
    /// The same; one of the two is on a remote. A local name that begins with @ is written ./@name
    to: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Print one JSON object at the end: files, bytes, unchanged, failed and left_out
    #[arg(long)]
    json: bool,
}

/// A side of the copy, before anything is opened.
enum CopySide {
    Local(PathBuf),
    Remote(Box<Settings>),
}

impl CopySide {
    fn understand(argument: &str, lookup: &mut RemoteLookup) -> Result<Self, Failure> {
        if is_remote(argument) {
            return Ok(Self::Remote(Box::new(lookup.find(argument)?)));
        }
        if argument.is_empty() {
            return Err(Failure::usage("a path is empty: write . for this folder"));
        }
        Ok(Self::Local(argument.into()))
    }
}

impl CpArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if !is_remote(&self.from) && !is_remote(&self.to) {
            return Err(Failure::usage("neither FROM nor TO is a remote: use cp, or write opendrive://FOLDER or @NAME/FOLDER"));
        }
        let mut lookup = self.lookup.read()?;
        let (from, to) = (CopySide::understand(&self.from, &mut lookup)?, CopySide::understand(&self.to, &mut lookup)?);
        let report = Arc::new(CopyReport::new());
        let outcome = drive(async {
            let from = CopySource::open(from).await?;
            let to = place(to, self.to.ends_with(['/', std::path::MAIN_SEPARATOR]), from.file()).await?;
            let to = CopyTarget::open(to, &report).await?;
            from.copy(to, &report).await
        });
        let exit = report.finish();
        if self.json && outcome.is_ok() {
            out.json(&report.summary())?;
        }
        outcome.map(|()| exit)
    }
}

/// The folder that is copied into, and the name there of a single file.
struct TargetPath {
    folder: CopySide,
    name: Option<String>,
}

/// Finds out whether a single file goes into a folder or becomes a file of another name.
async fn place(to: CopySide, slash: bool, file: Option<&str>) -> Result<TargetPath, Failure> {
    let Some(name) = file else { return Ok(TargetPath { folder: to, name: None }) };
    let into = |folder| Ok(TargetPath { folder, name: Some(name.to_owned()) });
    match to {
        CopySide::Local(path) if slash || path.is_dir() => into(CopySide::Local(path)),
        CopySide::Local(path) => {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Failure::usage(format!("{path:?} is not a valid name for a file")))?.to_owned();
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            Ok(TargetPath { folder: CopySide::Local(folder.to_owned()), name: Some(name) })
        }
        CopySide::Remote(settings) => {
            let Some((folder, new_name)) = above(&settings) else { return into(CopySide::Remote(settings)) };
            if slash || is_folder(&settings).await? {
                return into(CopySide::Remote(settings));
            }
            Ok(TargetPath { folder: CopySide::Remote(Box::new(folder)), name: Some(new_name) })
        }
    }
}

/// Whether there is a folder on a remote.
async fn is_folder(settings: &Settings) -> Result<bool, Failure> {
    let remote = match open_remote(settings).await {
        Err(error) if super::ls::is_file(&error) => return Ok(false),
        remote => remote?,
    };
    match remote.list("").await {
        // A bucket has any folder, empty.
        Ok(entries) => Ok(!entries.is_empty() || remote.features().empty_folders),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(remote_failure(settings, &error)),
    }
}
