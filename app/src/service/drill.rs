//! Restore drills: some files of the newest restore point, restored and compared.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::checks::ADVICE;
use super::error::{Error, Result};
use super::log::TaskLog;
use super::references::store_of;
use super::tools::Tools;
use super::work::DrillScope;
use super::work_result::WorkResult;
use crate::model::{DrillFigures, about_text, choose, count_text, size_text};
use crate::scheduler::Job;
use crate::state::{AppId, CheckedPoint, KnownMd5, Task, TaskId};
use plakar_driver::{DrillResult, Failure, SnapshotPath, Verdict};

/// That a restore was proven, and how long a whole one would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProvenRestorable {
    /// When.
    pub at: DateTime<Utc>,
    /// The drill.
    pub task: TaskId,
    /// How many files it restored.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long a restore of the newest restore point would take, in seconds: an estimate.
    pub whole_restore_seconds: Option<u64>,
}

impl ProvenRestorable {
    /// By the newest drill that went well, and the size of the newest restore point. A drill in
    /// another store than the app's present one proves nothing of it; older drills noted none.
    pub(super) fn of(
        drill: Option<&Task>,
        last: Option<&Task>,
        store: Option<&str>,
    ) -> Option<Self> {
        let drill =
            drill.filter(|drill| drill.store.is_none() || drill.store.as_deref() == store)?;
        let figures = drill.figures.drill?;
        let size = last.and_then(|last| last.bytes);
        Some(Self {
            at: drill.ended.unwrap_or(drill.created),
            task: drill.id,
            files: figures.files,
            bytes: figures.bytes,
            whole_restore_seconds: size.and_then(|size| figures.whole_restore(size)),
        })
    }

    /// `a whole restore takes about 3 h, by an estimate`; empty if it is not known.
    pub fn estimate(&self) -> String {
        self.whole_restore_seconds.map_or_else(String::new, |seconds| {
            format!("a whole restore takes {}, by an estimate", about_text(seconds))
        })
    }
}

/// Drills the newest restore point of a job's app.
pub(super) async fn drill(
    tools: &Tools<'_>,
    job: &Job,
    scope: DrillScope,
    log: &mut TaskLog<'_>,
) -> Result<WorkResult> {
    let (store, app) = (store_of(&job.app)?, job.app.id);
    let protection = &job.app.spec.protection;
    let count = scope.files.unwrap_or(protection.drill_files);
    let max_bytes = u64::from(protection.drill_megabytes) * 1_000_000;
    let browser = tools.browser(&store).await?;
    let Some(point) = browser.restore_points(Some(&job.app.key)).await?.into_iter().next() else {
        let reason = "there is no restore point to drill yet".into();
        return Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) });
    };
    let seed = match scope.seed {
        Some(seed) => seed,
        None => u32::from_str_radix(&plakar_driver::random_hex::<4>()?, 16).unwrap_or_default(),
    };
    let index = browser.whole_index(&point.id, &job.cancel).await?.ok_or_else(|| {
        Error::Input("the newest restore point has too many entries to choose from".into())
    })?;
    let chosen = tokio::task::spawn_blocking(move || {
        choose(index.files().map(|file| (file.path, file.size)), count as usize, max_bytes, seed)
    });
    let chosen = chosen.await.map_err(|error| Error::Internal(error.to_string()))?;
    // A name that is not UTF-8 is none that plakar can be told.
    let paths: Vec<SnapshotPath> =
        chosen.iter().filter_map(|(path, _)| SnapshotPath::new(path).ok()).collect();
    if paths.is_empty() {
        let reason = format!(
            "the newest restore point has no file of at most {}, which a drill of {} may restore",
            size_text(max_bytes),
            job.app.spec.name
        );
        return Ok(WorkResult { retry: false, ..WorkResult::of(Verdict::Failed { reason }) });
    }
    log.phase("restoring some files");
    let short = point.id.short();
    log.say(&format!(
        "{} of the restore point {short}, chosen by the seed {seed}",
        count_text(paths.len() as u64, "file")
    ));
    let (plakar, browsers) = (tools.plakar, tools.browsers);
    let mut news = |news| log.news(&news);
    let mut found =
        plakar.drill(browsers, &store, &point.id, &paths, &mut news, &job.cancel).await?;
    let listed = tools.compare_md5(app, &mut found).await?;
    let figures = DrillFigures {
        files: found.restored.len() as u64,
        bytes: found.restored.iter().map(|file| file.size).sum(),
        // The clock may say that it took no time at all.
        seconds: found.restoring.as_secs_f64().max(0.001),
        opening_seconds: found.opening.as_secs_f64(),
        listed,
        seed,
    };
    for file in &found.restored {
        log.say(&format!("as it was backed up: {} ({})", file.path, size_text(file.size)));
    }
    for Failure { path, reason } in &found.failed {
        log.say(&format!("not restorable: {path}: {reason}"));
    }
    if found.damaged > 0 {
        tools.note_damage(job, point.id.as_str(), &found).await?;
        log.say(&format!("what to do: {ADVICE}; what is not damaged can be restored"));
    }
    let mut ended = told(&found, paths.len() as u64, short);
    if found.failed.is_empty() {
        ended.well = format!("{} of {short} restored and compared", figures.words());
        if listed > 0 {
            ended.well += &format!("; {listed} of them have the MD5 that the drive listed");
        }
        if let Some(seconds) = figures.whole_restore(point.size) {
            let about = about_text(seconds);
            ended.well += &format!("; a whole restore takes {about}, by an estimate");
        }
    }
    ended.bytes = Some(figures.bytes);
    ended.figures.drill = Some(figures);
    Ok(ended)
}

fn told(found: &DrillResult, tried: u64, point: &str) -> WorkResult {
    let Some(Failure { path, reason }) = found.failed.first() else {
        return WorkResult::well("");
    };
    let count = found.failed.len() as u64;
    let first = match count {
        1 => format!("{path}: {reason}"),
        count => format!("{path} and {} more: {reason}", count - 1),
    };
    let errors = format!(
        "{count} of {} of {point} cannot be restored as it was backed up: {first}",
        count_text(tried, "file")
    );
    let verdict = Verdict::Errors { count, failed: Vec::new() };
    WorkResult { errors: Some(errors), ..WorkResult::of(verdict) }
}

impl Tools<'_> {
    /// Compares what was restored with the MD5 that the drive listed of the same file, and notes
    /// those that were not known. Gives how many were compared and are the same.
    async fn compare_md5(&self, app: AppId, found: &mut DrillResult) -> Result<u64> {
        let known = self.blocking(move |state| state.known_md5(app)).await?;
        let (mut listed, mut new, mut other) = (0, Vec::new(), Vec::new());
        found.restored.retain(|file| {
            let (path, modified) = (file.path.to_string(), file.modified.timestamp_millis());
            let same = |known: &&KnownMd5| (known.size, known.modified) == (file.size, modified);
            match known.get(&path).filter(same) {
                Some(known) if known.listed && known.md5 != file.md5 => {
                    let reason = format!(
                        "its MD5 is {}, and not {}, that the drive listed",
                        file.md5, known.md5
                    );
                    other.push(Failure { path, reason });
                    return false;
                }
                Some(known) if known.listed => listed += 1,
                // What it was in another restore point says nothing of this one: a program may put
                // size and time back.
                _ => {
                    let (size, md5) = (file.size, file.md5.clone());
                    new.push((path, KnownMd5 { size, modified, md5, listed: false }));
                }
            }
            true
        });
        found.failed.extend(other);
        self.blocking(move |state| state.note_md5(app, &new)).await?;
        Ok(listed)
    }

    /// What is damaged is so until a check finds it whole.
    async fn note_damage(&self, job: &Job, point: &str, found: &DrillResult) -> Result<()> {
        let first = found.failed.first();
        let reason = first.map_or_else(String::new, |failed| {
            format!("{}: {} (found by a restore drill)", failed.path, failed.reason)
        });
        let reason = crate::model::plain_text(&reason, 400);
        let noted =
            CheckedPoint { at: Utc::now(), task: job.task.id, errors: found.damaged, reason };
        let (app, point) = (job.app.id, point.to_owned());
        self.blocking(move |state| state.note_checked(app, &point, &noted)).await
    }
}
