//! Restore, which is done only when the destination was read again and has all of it.
//!
//! Plakar's own exit status 0 says little: a file that could not be restored does not change it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use plakar_words::{TO, with};
use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::browse::points::EntryKind;
use crate::configuration::Kind;
use crate::configuration::location::local_folder;
use crate::error::{Error, Result};
use crate::folders::restore_folder;
use crate::jobs::kept::KeptAttributes;
use crate::jobs::progress::{Progress, ProgressReader};
use crate::jobs::restore_job::{RestoreJob, RestoreProgress, RestoreTarget};
use crate::jobs::verify::Verification;
use crate::names::SnapshotPath;
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::token::random_token;

/// A restore that has ended.
#[derive(Clone, Debug)]
pub struct RestoreResult {
    /// How: what is missing or different is in [`Verdict::Errors`].
    pub verdict: Verdict,
    /// What was found there, if it came so far.
    pub verified: Option<Verification>,
    /// How long it took.
    pub duration: Duration,
}

impl Plakar {
    /// Restores a snapshot or a part of it and compares the destination with the snapshot, entry by
    /// entry.
    ///
    /// # Errors
    /// [`Error::Input`] for a folder that is not an absolute path. All else is a [`Verdict`].
    pub async fn restore(
        &self,
        browsers: &Browsers,
        job: &RestoreJob,
        news: &mut (dyn FnMut(RestoreProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<RestoreResult> {
        let started = Instant::now();
        let mut made = None;
        let restored = async {
            let browser = browsers.of(self, &job.store).await?;
            // An id that is not there, or a path, is told before anything is written.
            let point = browser.restore_point(&job.snapshot).await?;
            let root = SnapshotPath::new(&point.root)?;
            let path = if root.is_below(&job.path) { root.clone() } else { job.path.clone() };
            let entry = browser.entry(&job.snapshot, &path).await?;
            let (to, target) = match &job.to {
                RestoreTarget::Destination(name) => (job.to.clone(), name.reference()),
                RestoreTarget::Folder(path) => (job.to.clone(), restore_folder(path)?),
                RestoreTarget::Origin(source) => {
                    // What is restored goes into the destination's own folder, so that is where it
                    // was, not above it.
                    let place =
                        if entry.kind == EntryKind::Folder { path.clone() } else { path.parent() };
                    // The root can lie deeper than the source's location.
                    let below =
                        [&point.scope.common_folder(), place.relative_to(&root)].map(str::to_owned);
                    let below = below.join("/");
                    let destination = self
                        .as_other(Kind::Source, source, below.trim_matches('/'), &random_token()?)
                        .await?;
                    let name = destination.name().clone();
                    let reference = name.reference();
                    made = Some(destination);
                    (RestoreTarget::Destination(name), reference)
                }
            };
            let job = &RestoreJob { to, ..job.clone() };
            let mut kept = match self.local_folder(&job.to).await? {
                Some(folder) => tokio::select! {
                    kept = KeptAttributes::note(
                        &browser,
                        &job.snapshot,
                        &path,
                        entry.kind,
                        &folder,
                    ) => kept?,
                    () = cancel.cancelled() => return Err(Error::Cancelled),
                },
                None => KeptAttributes::default(),
            };
            if kept.more {
                let line =
                    "so much is there already that not all of it keeps its mode, owner and time";
                news(RestoreProgress::Restoring(Progress::Noted(line.into())));
            }
            let exported = self.export(job, &path, &target, news, cancel).await;
            // Also after a failure, and when it was cancelled.
            let unkept = kept.put_back().into_iter().map(|(path, error)| Failure {
                path: path.display().to_string(),
                reason: format!(
                    "its mode, owner and time from before the restore cannot be put back: {error}"
                ),
            });
            let unkept: Vec<Failure> = unkept.collect();
            for Failure { path, reason } in &unkept {
                news(RestoreProgress::Restoring(Progress::Noted(format!("{path}: {reason}"))));
            }
            exported?;
            let mut verified = self.verify(&browser, job, &path, news, cancel).await?;
            verified.problems += unkept.len() as u64;
            verified.failed.extend(unkept);
            Ok(verified)
        };
        let restored = restored.await;
        let removed = match made {
            Some(destination) => destination.close().await,
            None => Ok(()),
        };
        let (verdict, verified) = match restored {
            Ok(verified) if verified.problems == 0 => (Verdict::Succeeded, Some(verified)),
            Ok(verified) => (
                Verdict::Errors { count: verified.problems, failed: verified.failed.clone() },
                Some(verified),
            ),
            Err(error) => (Verdict::of(error), None),
        };
        // A reason why nothing was restored comes first.
        if verified.is_some() {
            removed?;
        }
        Ok(RestoreResult { verdict, verified, duration: started.elapsed() })
    }

    /// The folder of this machine that a target is, if it is one.
    async fn local_folder(&self, target: &RestoreTarget) -> Result<Option<PathBuf>> {
        Ok(match target {
            RestoreTarget::Folder(folder) => Some(folder.clone()),
            RestoreTarget::Destination(name) => {
                let options = self.configured(Kind::Destination, name).await?;
                options.get("location").and_then(|location| local_folder(location))
            }
            RestoreTarget::Origin(_) => None,
        })
    }

    /// Plakar's restore. Its reason if it fails; its success is to be verified.
    async fn export(
        &self,
        job: &RestoreJob,
        path: &SnapshotPath,
        target: &str,
        news: &mut (dyn FnMut(RestoreProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let mut secrets = job.store.secrets(self).await?;
        if let RestoreTarget::Destination(name) = &job.to {
            secrets = secrets.and(self.secrets(Kind::Destination, name).await?);
        }
        let reference = job.store.reference();
        let arguments = [
            "at".to_owned(),
            reference,
            "restore".to_owned(),
            with(TO, target),
            path.of(&job.snapshot),
        ];
        let command = self.job(arguments).timeout(NO_TIMEOUT).cancelled_by(cancel).redact(secrets);
        // The lines of a restore have the form of a backup's.
        let ended = command
            .lines(&mut |line| {
                news(RestoreProgress::Restoring(ProgressReader::of("restore").read(line)))
            })
            .await?;
        ended
            .exit_code()
            .into_iter()
            .for_each(|code| news(RestoreProgress::Restoring(Progress::Exited(code))));
        ended.success()
    }
}
