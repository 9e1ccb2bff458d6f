//! Create Backup, and what came of it.

use std::time::{Duration, Instant};

use plakar_words::{
    CONCURRENCY, ENVIRONMENT, IGNORE, JOB, NAME, NO_PROGRESS, TAG, WHOLE_IDS, with,
};
use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::browse::points::RestorePoint;
use crate::configuration::Kind;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::jobs::progress::{Progress, ProgressReader, SKIPPED_REASON};
use crate::names::{Name, SnapshotId};
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::lines::Line;
use crate::tags::{APP_TAG, BackupScope, CLASS_TAG, label, tag, text};

/// Why a backup that plakar calls completed is none.
const NOT_STORED: &str = "the new restore point is not in the store";

/// What is backed up, and under which names.
#[derive(Clone, Debug)]
pub struct BackupJob {
    /// The store it goes to.
    pub store: Store,
    /// The source in Plakar's configuration.
    pub source: Name,
    /// The app's id, which its restore points are found by.
    pub app: String,
    /// The app's name; plakar says "default" if it is empty.
    pub name: String,
    /// The task's id or name; may be empty.
    pub job: String,
    /// The environment; may be empty.
    pub environment: String,
    /// The data classes.
    pub classes: Vec<String>,
    /// Labels: further tags, without a comma.
    pub labels: Vec<String>,
    /// What of the source is backed up.
    pub scope: BackupScope,
    /// How much Plakar does at once, if that is not its own choice.
    pub concurrency: Option<u32>,
}

/// A backup that has ended.
#[derive(Clone, Debug)]
pub struct BackupResult {
    /// How.
    pub verdict: Verdict,
    /// The snapshot, if one was made and the store could be listed afterwards.
    pub snapshot: Option<SnapshotId>,
    /// Bytes that plakar says it wrote to the store, to three digits; `None` if it did not say so.
    pub written: Option<u64>,
    /// How long it took.
    pub duration: Duration,
}

impl Plakar {
    /// Backs a source up. The news come as it goes on; it ends when cancelled.
    ///
    /// # Errors
    /// [`Error::Input`] for a name or class that cannot be written into a snapshot. All else is a
    /// [`Verdict`].
    pub async fn backup(
        &self,
        browsers: &Browsers,
        job: &BackupJob,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<BackupResult> {
        let started = Instant::now();
        let arguments = arguments(job)?;
        let mut reader = ProgressReader::of("backup");
        let made = self.make(browsers, job, arguments, &mut reader, news, cancel).await;
        let (verdict, snapshot) = made.unwrap_or_else(|error| (Verdict::of(error), None));
        let written = reader.written();
        Ok(BackupResult { verdict, snapshot, written, duration: started.elapsed() })
    }

    async fn make(
        &self,
        browsers: &Browsers,
        job: &BackupJob,
        arguments: Vec<String>,
        reader: &mut ProgressReader,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(Verdict, Option<SnapshotId>)> {
        let secrets =
            self.secrets(Kind::Source, &job.source).await?.and(job.store.secrets(self).await?);
        let command = self.job(arguments).timeout(NO_TIMEOUT).cancelled_by(cancel).redact(secrets);
        // What comes after needs a browser. To unlock an encrypted store takes a second each time:
        // it is done meanwhile, and once. Not at the beginning: of two that open a new cache at the
        // same moment Plakar lets one fail ("database is locked").
        let start = || {
            let (plakar, pool, store) = (self.clone(), browsers.clone(), job.store.clone());
            tokio::spawn(async move { pool.start_if_none(&plakar, &store).await })
        };
        let mut starting = None;
        let mut take = |line: &Line| {
            news(reader.read(line));
            if starting.is_none() && reader.id().is_some() {
                starting = Some(start());
            }
        };
        let ended = command.lines(&mut take).await?;
        ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
        let counted = match reader.result(ended) {
            Ok(counted) => counted,
            Err(error) => {
                if let Some(starting) = starting {
                    starting.abort();
                    if starting.await.unwrap_or(false) {
                        browsers.stop(&job.store).await;
                    }
                }
                return Err(error);
            }
        };
        let failures = if counted == 0 { reader.failures() } else { counted };
        let (left_out, paths) = reader.skipped();
        let left_out_paths: Vec<String> = paths.map(str::to_owned).collect();
        // Plakar's result line has eight digits of it.
        let short = reader.id().unwrap_or_default().to_owned();
        // Plakar says that it completed, and that no entry failed, of a backup that it could not
        // write too. What it says besides, and what the store has, is what counts.
        let mut complaints: Vec<String> =
            reader.complaint().map(str::to_owned).into_iter().collect();
        let snapshot = match self.snapshot_of(browsers, job, &short, cancel).await {
            Ok(Some(snapshot)) => Some(snapshot),
            Ok(None) => {
                let reason = complaints.pop().unwrap_or_else(|| NOT_STORED.to_owned());
                return Ok((Verdict::Failed { reason }, None));
            }
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => {
                complaints.push(format!("the new restore point cannot be looked for: {error}"));
                None
            }
        };
        let count = failures + left_out + complaints.len() as u64;
        if count == 0 {
            return Ok((Verdict::Succeeded, snapshot));
        }
        let listed = async {
            let id = snapshot.as_ref().ok_or_else(|| Error::NotFound(short.clone()))?;
            browsers.of(self, &job.store).await?.errors(id, 0, 1000).await.map(|page| page.items)
        };
        let listed = listed.await;
        let told = || {
            reader
                .failed()
                .into_iter()
                .map(|reason| Failure { path: String::new(), reason })
                .collect()
        };
        let mut failed = listed.ok().filter(|failed| !failed.is_empty()).unwrap_or_else(told);
        failed.extend(
            left_out_paths.into_iter().map(|path| Failure { path, reason: SKIPPED_REASON.into() }),
        );
        failed.extend(complaints.into_iter().map(|reason| Failure { path: String::new(), reason }));
        Ok((Verdict::Errors { count, failed }, snapshot))
    }

    /// The whole id of the app's snapshot that begins so, if the store has it.
    async fn snapshot_of(
        &self,
        browsers: &Browsers,
        job: &BackupJob,
        short: &str,
        cancel: &CancellationToken,
    ) -> Result<Option<SnapshotId>> {
        let seen = async { browsers.of(self, &job.store).await?.newest_points().await };
        let ours = |point: &RestorePoint| {
            point.app.as_ref() == Some(&job.app) && point.id.as_str().starts_with(short)
        };
        // A browser shows nothing where a packfile is missing, and the newest by a clock that may
        // have been set back.
        if let Ok(points) = seen.await
            && let Some(point) = points.into_iter().find(ours)
        {
            return Ok(Some(point.id));
        }
        let tag = format!("{APP_TAG}{}", job.app);
        let reference = job.store.reference();
        let arguments = ["at", &reference, "ls", WHOLE_IDS, TAG, &tag];
        // To open a store on a drive takes as long as that makes it wait.
        let list = self.job(arguments).timeout(NO_TIMEOUT).cancelled_by(cancel);
        let listed = list.redact(job.store.secrets(self).await?).output().await?;
        let ids = listed.split_whitespace().filter(|word| word.starts_with(short));
        Ok(ids.filter_map(|word| SnapshotId::new(word).ok()).next())
    }
}

fn arguments(job: &BackupJob) -> Result<Vec<String>> {
    let mut tags = vec![format!("{APP_TAG}{}", tag("app", &job.app)?)];
    for class in &job.classes {
        tags.push(format!("{CLASS_TAG}{}", tag("data class", class)?));
    }
    for label in &job.labels {
        tags.push(self::label(label)?.to_owned());
    }
    tags.extend(job.scope.tag());
    let named = |option: &str, value: &str| {
        if value.is_empty() { vec![] } else { vec![with(option, value)] }
    };
    // A flag of plakar itself, so before its command.
    let number = job.concurrency.map(|number| with(CONCURRENCY, &number.to_string()));
    let mut arguments: Vec<String> = number.into_iter().collect();
    arguments.extend(["at".to_owned(), job.store.reference(), "backup".to_owned()]);
    // Without it the source is opened and listed twice, only for a progress bar.
    arguments.push(NO_PROGRESS.to_owned());
    arguments.extend(named(NAME, text("name", &job.name)?));
    arguments.extend(named(JOB, text("job", &job.job)?));
    arguments.extend(named(ENVIRONMENT, text("environment", &job.environment)?));
    arguments.push(with(TAG, &tags.join(",")));
    for pattern in &job.scope.ignore {
        arguments.push(with(IGNORE, text("pattern", pattern)?));
    }
    // Several of one place make one snapshot (kloset v1.1.3, snapshot/source.go).
    for folder in &job.scope.folders {
        arguments.push(format!("{}:{}", job.source.reference(), text("folder", folder)?));
    }
    if job.scope.folders.is_empty() {
        arguments.push(job.source.reference());
    }
    Ok(arguments)
}
