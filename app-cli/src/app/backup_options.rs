//! What of a source is backed up, as `assign` and `edit` take it and `show` shows it; `app preview`.

use source_app::model::BackupOptions;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// What of a source is backed up, how, and under which labels.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// Leave out what this matches: a line of a .gitignore, which counts from the root of the drive,
    /// such as *.tmp or /Documents/Cache/; may be repeated, "" for nothing
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    ignore: Vec<String>,
    /// Back up this folder below the location only; may be repeated, "" for all of it
    #[arg(long, value_name = "FOLDER")]
    folder: Vec<String>,
    /// Label restore points so; may be repeated, "" for none
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// How much Plakar does at once; 0 for its own choice
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
}

impl BackupArgs {
    /// Options with what is given changed; `None` if nothing is given.
    pub(super) fn over(&self, old: &BackupOptions) -> Option<BackupOptions> {
        let given = |given: &[String], old: &[String]| match given {
            [] => old.to_vec(),
            // One "" is none at all.
            [one] if one.is_empty() => Vec::new(),
            given => given.to_vec(),
        };
        let options = BackupOptions {
            ignore: given(&self.ignore, &old.ignore),
            folders: given(&self.folder, &old.folders),
            labels: given(&self.label, &old.labels),
            concurrency: self.concurrency.unwrap_or(old.concurrency),
        };
        (options != *old).then_some(options)
    }
}

/// Options for people, a row for each.
pub(super) fn rows(options: &BackupOptions) -> Vec<(&'static str, String)> {
    let listed = |list: &[String]| shown(&list.join(", "));
    let mut rows = Vec::new();
    if !options.folders.is_empty() {
        rows.push(("folders", listed(&options.folders)));
    }
    let patterns: Vec<&str> = options.patterns().collect();
    if !patterns.is_empty() {
        rows.push(("leaves out", shown(&patterns.join(", "))));
    }
    if !options.labels.is_empty() {
        rows.push(("labels", listed(&options.labels)));
    }
    if options.concurrency > 0 {
        rows.push(("concurrency", options.concurrency.to_string()));
    }
    rows
}

/// Say what an app's patterns and folders leave out, by its newest restore point
///
/// What is given stands for what the app has, and nothing is saved. Nothing is asked of the drive.
#[derive(Debug, clap::Args)]
pub(super) struct Preview {
    /// The source app
    name: String,
    #[command(flatten)]
    options: BackupArgs,
    /// Print one JSON object: point, taken, files, bytes, left_out_files, left_out_bytes,
    /// outside_files, left_out (the first paths), patterns (pattern, files, bytes, was_used), missing_folders, more_may_come
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let kept = app.spec.backup;
        let options = self.options.over(&kept).unwrap_or(kept);
        let preview = opened.service.preview_options(app.id, options).await?;
        if self.json {
            out.json(&preview)?;
        } else {
            preview.words().iter().try_for_each(|line| out.line(&shown(line)))?;
        }
        Ok(Exit::Done)
    }
}
