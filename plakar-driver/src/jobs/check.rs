//! Checking that snapshots can be read whole.

use tokio_util::sync::CancellationToken;

use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::jobs::progress::{Progress, ProgressReader};
use crate::names::SnapshotId;
use crate::outcome::{Failure, Verdict};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::tags::{APP_TAG, tag};

/// What is checked.
#[derive(Clone, Debug)]
pub enum CheckTarget {
    /// This snapshot.
    Snapshot(SnapshotId),
    /// The latest snapshot of the app with this id.
    Latest(String),
}

impl Plakar {
    /// Reads all data of a snapshot and compares its digests. With an empty cache: what plakar
    /// remembers of a store on this machine may be gone from the store.
    ///
    /// # Errors
    /// [`Error::Input`] for an app id that can't be one. All else is a [`Verdict`].
    pub async fn check(
        &self,
        store: &Store,
        what: &CheckTarget,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Verdict> {
        let mut arguments = vec!["at".to_owned(), store.reference(), "check".to_owned()];
        match what {
            CheckTarget::Snapshot(id) => arguments.push(id.to_string()),
            CheckTarget::Latest(app) => arguments
                .extend(["-latest".to_owned(), format!("-tag={APP_TAG}{}", tag("app", app)?)]),
        }
        let checked = async {
            let mut reader = ProgressReader::of("check");
            let job = self
                .job(arguments)
                .own_cache()
                .timeout(NO_TIMEOUT)
                .cancelled_by(cancel)
                .redact(store.secrets(self).await?);
            let ended = job.lines(&mut |line| news(reader.read(line))).await?;
            ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
            match reader.result(ended) {
                Ok(0) => Ok(Verdict::Succeeded),
                // It says nothing, and exits with 0, if there is nothing to check, or nothing that
                // it can open.
                Err(Error::Answer(_)) if reader.id().is_none() => {
                    Err(Error::Refused("the restore point is not there, or can't be opened".into()))
                }
                Err(Error::Refused(_)) | Ok(_)
                    if reader.errors().is_some_and(|count| count > 0) =>
                {
                    let count = reader.errors().unwrap_or_default();
                    let failed = reader
                        .failed()
                        .into_iter()
                        .map(|reason| Failure { path: String::new(), reason })
                        .collect();
                    Ok(Verdict::Errors { count, failed })
                }
                Ok(count) => Ok(Verdict::Errors { count, failed: Vec::new() }),
                Err(error) => Err(error),
            }
        };
        Ok(checked.await.unwrap_or_else(Verdict::of))
    }
}
