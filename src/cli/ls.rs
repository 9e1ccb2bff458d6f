//! `ls`: what is in a folder.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::sync::mpsc;

use super::drive::drive;
use super::place::{LookupArgs, above};
use crate::cli::failure::{file_failure, is_file, remote_failure};
use crate::connector::source::{SourceItem, SourceRecord};
use crate::connector::{OpenError, Settings, Source, UNDECRYPTABLE, open_remote};
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure};
use terminal::output::{FOLDER, Output, coloured, shown, time};
use terminal::text;

/// Maximum number of records that wait to be printed.
const MAX_RECORDS_TO_PRINT: usize = 1000;

/// List a folder, or one file
///
/// Names are shown with control characters escaped; --json has them exactly.
#[derive(Debug, clap::Args)]
pub(super) struct LsArgs {
    /// opendrive://FOLDER or @NAME/FOLDER
    remote: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Show sizes in bytes and times in UTC
    #[arg(short, long)]
    long: bool,
    /// List all folders below as well, with paths relative to REMOTE
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Print a JSON object for each entry, in a line: path, type (file or folder), size, modified;
    /// or path and error
    #[arg(long)]
    json: bool,
    /// Add to the JSON of each file its md5, if the drive lists one; no file is read for it
    #[arg(long, requires = "json", requires = "recursive")]
    hash: bool,
}

/// A line of the listing.
#[derive(Serialize)]
struct ListingRow<'a> {
    path: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `None` for a folder, and where it is unknown.
    size: Option<u64>,
    modified: Option<String>,
    /// In hex; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
}

impl LsArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.lookup.read()?.find(&self.remote)?;
        drive(async {
            if self.recursive {
                match self.tree(settings.clone(), out).await {
                    Err(TreeFailure::IsFile) => self.file(&settings, out).await,
                    Err(TreeFailure::Other(failure)) => Err(failure),
                    Ok(exit) => Ok(exit),
                }
            } else {
                self.folder(&settings, out).await
            }
        })
    }

    async fn folder(&self, settings: &Settings, out: &mut Output) -> Result<Exit, Failure> {
        let listed = match open_remote(settings).await {
            Err(error) if is_file(&error) => return self.file(settings, out).await,
            remote => remote?.list("").await,
        };
        let mut entries = listed.map_err(|error| remote_failure(settings, &error))?;
        entries.sort_by(|a, b| a.name.cmp(&b.name).then(b.is_folder().cmp(&a.is_folder())));
        let mut exit = Exit::Done;
        for entry in entries {
            if entry.undecryptable {
                exit = Exit::Incomplete;
                self.failed(out, &entry.name, UNDECRYPTABLE)?;
                continue;
            }
            self.row(out, &entry.name, entry.is_folder(), (entry.size, None), entry.modified)?;
        }
        Ok(exit)
    }

    async fn file(&self, settings: &Settings, out: &mut Output) -> Result<Exit, Failure> {
        let Some((folder, name)) = above(settings) else {
            return Err(Failure::new(Exit::NotFound, "the root is a file"));
        };
        let entry = open_remote(&folder)
            .await?
            .stat(&name)
            .await
            .map_err(|error| file_failure(settings, &error))?;
        self.row(out, &name, false, (entry.size, None), entry.modified)?;
        Ok(Exit::Done)
    }

    async fn tree(&self, settings: Settings, out: &mut Output) -> Result<Exit, TreeFailure> {
        let source = &Source::open(settings).await?;
        let (sender, mut records) = mpsc::channel::<SourceRecord>(MAX_RECORDS_TO_PRINT);
        // With it goes the receiver, at whose end the walk ends: whoever reads may have enough.
        let print = async move {
            let mut exit = Exit::Done;
            while let Some(record) = records.recv().await {
                source.acknowledge(&record.path);
                // The folders above are told of as well.
                let Some(path) = source.identity().below(&record.path) else { continue };
                match record.item {
                    SourceItem::Folder { modified } => {
                        self.row(out, path, true, (None, None), modified)?
                    }
                    SourceItem::File { size, modified, md5 } => {
                        let md5 = md5.as_deref().filter(|_| self.hash);
                        self.row(out, path, false, (size, md5), modified)?
                    }
                    SourceItem::Failed(error) => {
                        exit = Exit::Incomplete;
                        self.failed(out, path, &error)?;
                    }
                }
            }
            Ok::<_, Failure>(exit)
        };
        let (walked, printed) = tokio::join!(source.walk(sender), print);
        source.notes().for_each(|note| say(&note));
        let exit = printed.map_err(TreeFailure::Other)?;
        walked?;
        Ok(exit)
    }

    fn failed(&self, out: &mut Output, path: &str, error: &str) -> Result<(), Failure> {
        say(&text::line(&format!("{}: {error}", text::quoted(path))));
        if self.json {
            out.json(&serde_json::json!({ "path": path, "error": error }))?;
        }
        Ok(())
    }

    fn row(
        &self,
        out: &mut Output,
        path: &str,
        folder: bool,
        (size, md5): (Option<u64>, Option<&str>),
        modified: Option<SystemTime>,
    ) -> Result<(), Failure> {
        let size = size.filter(|_| !folder);
        if self.json {
            let kind = if folder { "folder" } else { "file" };
            out.json(&ListingRow { path, kind, size, modified: modified.map(time), md5 })?;
            return Ok(());
        }
        let name =
            if folder { coloured(FOLDER, &format!("{}/", shown(path))) } else { shown(path) };
        if self.long {
            let size = size.map_or_else(|| "-".to_owned(), |size| size.to_string());
            let modified =
                modified.map_or_else(|| "-".to_owned(), |modified| time(whole_seconds(modified)));
            out.line(&format!("{size:>12}  {modified:<20}  {name}"))?;
        } else {
            out.line(&name)?;
        }
        Ok(())
    }
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    time.duration_since(UNIX_EPOCH)
        .map_or(time, |since| UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

/// Why a tree cannot be listed.
enum TreeFailure {
    /// It is none.
    IsFile,
    Other(Failure),
}

impl From<OpenError> for TreeFailure {
    fn from(error: OpenError) -> Self {
        if is_file(&error) { Self::IsFile } else { Self::Other(error.into()) }
    }
}
