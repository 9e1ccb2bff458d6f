//! Comparing the drive with the newest restore point: one listing of the drive, and MD5 of what is
//! in the store. No file is read from the drive.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::Utc;
use futures::StreamExt;
use md5::Digest;

use super::error::{Error, Result};
use super::log::TaskLog;
use super::references::store_of;
use super::selection::Selection;
use super::tools::Tools;
use super::work_result::WorkResult;
use crate::model::{Comparing, Comparison, ListedFile, ProvableFile, count_text, size_text};
use crate::scheduler::Job;
use crate::state::{App, AppId, AppKind, KnownMd5};
use plakar_driver::{
    Browser, CancellationToken, DriveFile, Failure, Name, SnapshotId, SnapshotPath, Verdict,
};

/// The package whose connectors have a command line that lists.
const OURS: &str = "rclone";

/// What is said of a file whose content does not come whole.
const UNREADABLE: &str = "it cannot be read in the store: a part of it is damaged or missing there, or the store does not answer";

/// How many files' MD5 are noted at once.
const MAX_NOTED_AT_ONCE: usize = 500;

/// Whether an app's drive can be compared with its restore points: only our connectors can list.
pub fn is_comparable(app: &App) -> bool {
    app.spec.kind == AppKind::Source && app.spec.integration == OURS
}

/// # Errors
/// The app's integration cannot list.
pub(super) fn can_be_compared(app: &App) -> Result<()> {
    if is_comparable(app) {
        return Ok(());
    }
    Err(Error::Input(format!(
        "{} is a source of the integration {}, which cannot list it without a backup; only those of {OURS} can be compared with their drive",
        app.spec.name, app.spec.integration
    )))
}

/// Compares the drive of a job's app with its newest restore point.
pub(super) async fn compare(
    tools: &Tools<'_>,
    job: &Job,
    log: &mut TaskLog<'_>,
) -> Result<WorkResult> {
    can_be_compared(&job.app)?;
    let (store, app) = (store_of(&job.app)?, job.app.id);
    let browser = tools.browser(&store).await?;
    let Some(point) = browser.restore_points(Some(&job.app.key)).await?.into_iter().next() else {
        let reason = "there is no restore point to compare the drive with yet".into();
        return Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) });
    };
    log.phase("listing the drive");
    let selection = Selection::new(&point.root, &point.scope);
    let (mut listed, mut left_out) = (HashMap::new(), 0_u64);
    let mut each = |file: DriveFile| {
        let DriveFile { path, size, modified, md5 } = file;
        let path = selection.path(&path);
        if selection.takes(&path) {
            listed.insert(path, ListedFile { size, modified, md5 });
        } else {
            left_out += 1;
        }
        log.compared(listed.len() as u64 + left_out);
    };
    let entry = Name::new(&job.app.spec.entry)?;
    let listing = tools.plakar.list_drive(&entry, &mut each, &job.cancel).await?;
    if left_out > 0 {
        let files = count_text(left_out, "file");
        log.say(&format!("{files} of the drive left out by the patterns and folders of the app"));
    }
    log.phase("comparing");
    let index = browser.whole_index(&point.id, &job.cancel).await?.ok_or_else(|| {
        Error::Input("the newest restore point has too many entries to compare".into())
    })?;
    let unlisted = listing.failed.iter().map(|failed| selection.path(&failed.path));
    let unlisted: HashSet<String> = unlisted.collect();
    let (id, taken, task) = (point.id.clone(), point.taken, job.task.id);
    let work = move || {
        let files = index.files().map(|file| (file.path, file.size, file.modified));
        let there: HashSet<String> = index.files().map(|file| file.path).collect();
        let now = (task, Utc::now());
        (Comparing::new(listed, &unlisted, (id.as_str(), taken), files, now), there)
    };
    let compared = tokio::task::spawn_blocking(work).await;
    let (mut found, there) = compared.map_err(|error| Error::Internal(error.to_string()))?;
    let budget = u64::from(job.app.spec.protection.compare_megabytes) * 1_000_000;
    tools.prove(&browser, job, &point.id, &mut found, (&there, budget), log).await?;
    let Comparing { comparison, .. } = found;
    for Failure { path, reason } in &listing.failed {
        log.say(&format!("not listed: {path}: {reason}"));
    }
    told(&comparison, log);
    let report = serde_json::to_string(&comparison);
    let report = report.map_err(|error| Error::Internal(error.to_string()))?;
    tools.blocking(move |state| state.note_comparison(app, &report)).await?;
    Ok(ended(comparison))
}

/// Says in the log what was found.
fn told(comparison: &Comparison, log: &mut TaskLog<'_>) {
    for different in &comparison.different {
        log.say(&format!("different: {different}"));
    }
    for folder in &comparison.folders {
        let (files, bytes) = (folder.files, size_text(folder.bytes));
        log.say(&format!("in no backup yet: {}: {files} of its files, {bytes}", folder.path));
    }
    for path in &comparison.exposed {
        log.say(&format!("in no backup yet: {path}"));
    }
    for path in &comparison.gone {
        log.say(&format!("gone from the drive: {path}"));
    }
}

fn ended(comparison: Comparison) -> WorkResult {
    let figures = comparison.figures;
    let words = figures.words();
    let count = figures.different + figures.unlisted;
    let mut ended = if count == 0 {
        WorkResult::well(words)
    } else {
        let first = comparison.different.first();
        let first = first.map_or_else(
            || format!("{} of the drive's files and folders could not be listed", figures.unlisted),
            Clone::clone,
        );
        let errors = Some(format!("{first}; {words}"));
        let verdict = Verdict::Errors { count, failed: Vec::new() };
        WorkResult { errors, ..WorkResult::of(verdict) }
    };
    ended.bytes = Some(figures.read_bytes);
    ended.figures.comparison = Some(figures);
    ended
}

impl Tools<'_> {
    /// Proves files by their MD5: those that are known, and as many others as may be read. Each is
    /// read once, so the next run goes on with the rest.
    async fn prove(
        &self,
        browser: &Arc<Browser>,
        job: &Job,
        id: &SnapshotId,
        found: &mut Comparing,
        (there, budget): (&HashSet<String>, u64),
        log: &mut TaskLog<'_>,
    ) -> Result<()> {
        let app = job.app.id;
        let mut known = self.blocking(move |state| state.known_md5(app)).await?;
        let gone: HashSet<String> =
            known.keys().filter(|path| !there.contains(*path)).cloned().collect();
        self.blocking(move |state| state.forget_md5(app, &gone)).await?;
        let (mut left, mut noted) = (budget, Vec::new());
        for file in std::mem::take(&mut found.provable) {
            let modified = file.modified.timestamp_millis();
            let same = |known: &KnownMd5| (known.size, known.modified) == (file.size, modified);
            let before = known.remove(&file.path).filter(same);
            let was_known = before.is_some();
            let (md5, was_listed) = match before {
                Some(known) => (known.md5, known.listed),
                None if file.size > left => continue,
                None => {
                    left -= file.size;
                    match md5_of(browser, id, &file, &job.cancel).await? {
                        // Its name cannot be told: it stays the same by size and time.
                        Ok(md5) if md5.is_empty() => continue,
                        Ok(md5) => {
                            found.comparison.figures.read_bytes += file.size;
                            log.compared(found.comparison.figures.proven);
                            (md5, false)
                        }
                        Err(reason) => {
                            found.differs(&file, &reason);
                            continue;
                        }
                    }
                }
            };
            let listed = found.read(&file, &md5);
            if listed && was_listed {
                continue;
            }
            // What is different is read again the next time.
            if listed {
                let size = file.size;
                noted.push((file.path, KnownMd5 { size, modified, md5, listed }));
            } else if was_known {
                let gone = HashSet::from([file.path]);
                self.blocking(move |state| state.forget_md5(app, &gone)).await?;
            }
            if noted.len() >= MAX_NOTED_AT_ONCE {
                self.note(app, &mut noted).await?;
            }
        }
        self.note(app, &mut noted).await
    }

    async fn note(&self, app: AppId, noted: &mut Vec<(String, KnownMd5)>) -> Result<()> {
        let noted = std::mem::take(noted);
        self.blocking(move |state| state.note_md5(app, &noted)).await
    }
}

/// The MD5 of a file in the store, or why it cannot be read there; empty if plakar cannot be told
/// its name.
async fn md5_of(
    browser: &Arc<Browser>,
    id: &SnapshotId,
    file: &ProvableFile,
    cancel: &CancellationToken,
) -> Result<std::result::Result<String, String>> {
    let read = async {
        let path = SnapshotPath::new(&file.path)?;
        let mut content = Arc::clone(browser).download(id, &path).await?.content;
        let mut digest = md5::Md5::new();
        while let Some(chunk) = content.next().await {
            match chunk {
                Ok(chunk) => digest.update(&chunk),
                // What the stream says of it is no reason that people can read.
                Err(_) => return Ok(Err(UNREADABLE.to_owned())),
            }
        }
        Ok(Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    };
    tokio::select! {
        read = read => match read {
            // A name that is not UTF-8 is none that plakar can be told.
            Err(plakar_driver::Error::NotFound(_) | plakar_driver::Error::Input(_)) => {
                Ok(Ok(String::new()))
            }
            Err(plakar_driver::Error::Refused(_) | plakar_driver::Error::Answer(_)) => {
                Ok(Err(UNREADABLE.to_owned()))
            }
            read => Ok(read?),
        },
        () = cancel.cancelled() => Err(plakar_driver::Error::Cancelled.into()),
    }
}
