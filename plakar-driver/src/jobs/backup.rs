//! Create Backup, and what came of it.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::configuration::Kind;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::jobs::progress::{Progress, ProgressReader, SKIPPED_REASON};
use crate::names::{Name, SnapshotId};
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::tags::{APP_TAG, CLASS_TAG, tag, text};

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
}

/// A backup that has ended.
#[derive(Clone, Debug)]
pub struct BackupResult {
    /// How.
    pub verdict: Verdict,
    /// The snapshot, if one was made and the store could be listed afterwards.
    pub snapshot: Option<SnapshotId>,
    /// How long it took.
    pub duration: Duration,
}

impl Plakar {
    /// Backs a source up. The news come as it goes on; it ends when cancelled.
    ///
    /// # Errors
    /// [`Error::Input`] for a name or class that can't be written into a snapshot. All else is a
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
        let made = self.make(browsers, job, arguments, news, cancel).await;
        let (verdict, snapshot) = made.unwrap_or_else(|error| (Verdict::of(error), None));
        Ok(BackupResult { verdict, snapshot, duration: started.elapsed() })
    }

    async fn make(
        &self,
        browsers: &Browsers,
        job: &BackupJob,
        arguments: Vec<String>,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(Verdict, Option<SnapshotId>)> {
        let secrets =
            self.secrets(Kind::Source, &job.source).await?.and(job.store.secrets(self).await?);
        let mut reader = ProgressReader::of("backup");
        let command = self.job(arguments).timeout(NO_TIMEOUT).cancelled_by(cancel).redact(secrets);
        let ended = command.lines(&mut |line| news(reader.read(line))).await?;
        ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
        let counted = reader.result(ended)?;
        let failures = if counted == 0 { reader.failures() } else { counted };
        let (left_out, paths) = reader.skipped();
        let left_out_paths: Vec<String> = paths.map(str::to_owned).collect();
        // Plakar's result line has eight digits of it.
        let short = reader.id().unwrap_or_default().to_owned();
        // Plakar says that it completed, and that no entry failed, of a backup that it could not
        // write too. What it says besides, and what the store has, is what counts.
        let mut complaints: Vec<String> =
            reader.complaint().map(str::to_owned).into_iter().collect();
        let snapshot = match self.snapshot_of(job, &short).await {
            Ok(Some(snapshot)) => Some(snapshot),
            Ok(None) => {
                let reason = complaints.pop().unwrap_or_else(|| NOT_STORED.to_owned());
                return Ok((Verdict::Failed { reason }, None));
            }
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
    async fn snapshot_of(&self, job: &BackupJob, short: &str) -> Result<Option<SnapshotId>> {
        let tag = format!("{APP_TAG}{}", job.app);
        let reference = job.store.reference();
        let arguments = ["at", &reference, "ls", "-uuid", "-tag", &tag];
        let listed = self.job(arguments).redact(job.store.secrets(self).await?).output().await?;
        let ids = listed.split_whitespace().filter(|word| word.starts_with(short));
        Ok(ids.filter_map(|word| SnapshotId::new(word).ok()).next())
    }
}

fn arguments(job: &BackupJob) -> Result<Vec<String>> {
    let mut tags = vec![format!("{APP_TAG}{}", tag("app", &job.app)?)];
    for class in &job.classes {
        tags.push(format!("{CLASS_TAG}{}", tag("data class", class)?));
    }
    let named = |flag: &str, value: &str| {
        if value.is_empty() { vec![] } else { vec![format!("-{flag}={value}")] }
    };
    let mut arguments = vec!["at".to_owned(), job.store.reference(), "backup".to_owned()];
    // Without it the source is opened and listed twice, only for a progress bar.
    arguments.push("-no-progress".to_owned());
    arguments.extend(named("name", text("name", &job.name)?));
    arguments.extend(named("job", text("job", &job.job)?));
    arguments.extend(named("environment", text("environment", &job.environment)?));
    arguments.push(format!("-tag={}", tags.join(",")));
    arguments.push(job.source.reference());
    Ok(arguments)
}
