//! Copying restore points to another store, by plakar's sync.
//!
//! What plakar does that must be known here (1.1.4): a file that cannot be read is left out of the
//! copy, with exit status 0 and a clean check, and the copy is never made again; a restore point
//! that was removed from the second store is copied anew each time, stays removed, and the state
//! that is written then may hide all others from machines that come anew; for the passphrase of the
//! second store plakar asks again and again at a terminal that is not there. So nobody is asked to
//! copy what is there in part, and a copy counts only when somebody with an empty cache has read it.

use std::collections::{BTreeMap, BTreeSet};

use plakar_words::{TAG, WHOLE_IDS};
use tokio_util::sync::CancellationToken;

use crate::browse::browsers::Browsers;
use crate::browse::points::RestorePoint;
use crate::configuration::Kind;
use crate::configuration::overlap::WITHOUT_HOST;
use crate::configuration::packages::{self, ConnectorKind};
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::jobs::compare::{Verification, same_names};
use crate::jobs::progress::Progress;
use crate::names::SnapshotId;
use crate::outcome::Failure;
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::lines::Line;
use crate::tags::APP_TAG;

/// Begins the line on a restore point that could not be copied, after the logger's word.
const FAILED: &str = "failed to synchronize snapshot ";

/// What is copied.
#[derive(Clone, Debug)]
pub struct SyncJob {
    /// From here.
    pub from: Store,
    /// To there.
    pub to: Store,
    /// The app whose restore points they are.
    pub app: String,
    /// The restore points, which the second store has not.
    pub points: Vec<SnapshotId>,
    /// They are all of the app that the second store has not: plakar can copy them in one go.
    pub are_all: bool,
}

/// What a machine sees of an app in a store that it has never seen before.
#[derive(Clone, Debug, Default)]
pub struct SeenAnew {
    /// The restore points of the app.
    pub points: BTreeSet<SnapshotId>,
    /// The names of the store's states: a copied restore point gives its id to one.
    pub states: BTreeSet<SnapshotId>,
    /// A state never takes the place of another one in it: so it is with this program's package, and
    /// not with Plakar's own of the same name.
    pub keeps_states: bool,
}

impl SeenAnew {
    /// Whether plakar would write a state in the place of another one if it copied this: it was
    /// copied before, and was removed since or never came to its end.
    pub fn would_hide_all(&self, id: &SnapshotId) -> bool {
        !self.keeps_states && !self.points.contains(id) && self.states.contains(id)
    }
}

impl Plakar {
    /// Looks at a store with an empty cache.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn seen_anew(
        &self,
        store: &Store,
        app: &str,
        cancel: &CancellationToken,
    ) -> Result<SeenAnew> {
        let (reference, tag) = (store.reference(), format!("{APP_TAG}{app}"));
        let list = self.job(["at", &reference, "ls", WHOLE_IDS, TAG, &tag]).own_cache();
        let list = list.timeout(NO_TIMEOUT).cancelled_by(cancel);
        let listed = list.redact(store.secrets(self).await?).output().await?;
        // `2026-11-29T15:00:45Z ID 391 KiB 0s /path`, and names of folders may have lines in them.
        let id = |line: &str| {
            let mut words = line.split_whitespace();
            words.next().filter(|time| time.parse::<chrono::DateTime<chrono::Utc>>().is_ok())?;
            SnapshotId::new(words.next()?).ok()
        };
        let points = listed.lines().filter_map(id).collect();
        let states = self.job(["at", &reference, "diag", "state"]).timeout(NO_TIMEOUT);
        let states = states.cancelled_by(cancel).redact(store.secrets(self).await?);
        let states = states.output().await?;
        let states = states.split_whitespace().filter_map(|word| SnapshotId::new(word).ok());
        let keeps_states = match store.name() {
            None => false,
            Some(name) => {
                let options = self.configured(Kind::Store, name).await?;
                let location = options.get("location").map_or("", String::as_str);
                let protocol = location.split_once(':').map_or("", |(protocol, _)| protocol);
                // Where that cannot be found out, nobody is asked to take the risk.
                WITHOUT_HOST.contains(&protocol)
                    && packages::installed(self).await.is_ok_and(|installed| {
                        packages::is_own(&installed, ConnectorKind::Storage, location)
                    })
            }
        };
        Ok(SeenAnew { points, states: states.collect(), keeps_states })
    }

    /// # Errors
    /// Plakar would ask for the passphrase of an encrypted second store: only its configuration can
    /// answer, and no variable.
    pub async fn opens_as_second(&self, store: &Store, encrypted: bool) -> Result<()> {
        let options = match store.name() {
            Some(name) => self.configured(Kind::Store, name).await?,
            None => Default::default(),
        };
        let has = |key: &str| options.get(key).is_some_and(|value| !value.is_empty());
        if !encrypted || has("passphrase") || has("passphrase_cmd") {
            return Ok(());
        }
        Err(Error::Passphrase(format!(
            "the second store {} is encrypted, and Plakar's configuration has no passphrase for it, which a copy needs: run `plakar store set NAME passphrase_cmd=COMMAND`, where COMMAND prints it",
            store.reference().trim_start_matches('@')
        )))
    }

    /// Has plakar copy restore points. What it says of those that it could not copy; whether the
    /// others are there, and whole, has to be looked at.
    ///
    /// # Errors
    /// Plakar ended; what it had copied by then is there.
    pub async fn sync(
        &self,
        job: &SyncJob,
        news: &mut (dyn FnMut(Progress) + Send),
        cancel: &CancellationToken,
    ) -> Result<BTreeMap<SnapshotId, String>> {
        let (from, to) = (job.from.reference(), job.to.reference());
        let tag = format!("{APP_TAG}{}", job.app);
        let mut runs: Vec<Vec<&str>> = Vec::new();
        if job.are_all {
            runs.extend((!job.points.is_empty()).then(|| vec![TAG, tag.as_str()]));
        } else {
            runs.extend(job.points.iter().map(|id| vec![id.as_str()]));
        }
        let mut failed = BTreeMap::new();
        for which in runs {
            let arguments = ["at", &from, "sync"].into_iter().chain(which).chain(["to", &to]);
            let secrets = job.from.secrets(self).await?.and(job.to.secrets(self).await?);
            // What plakar remembers of the second store on this machine may not be there.
            let command = self.job(arguments).own_cache().timeout(NO_TIMEOUT);
            let command = command.cancelled_by(cancel).redact(secrets);
            let mut read = |line: &Line| {
                if let Some((id, reason)) = failure(&line.text, &job.points) {
                    failed.entry(id).or_insert(reason);
                }
                news(Progress::Said(line.text.clone()));
            };
            let ended = command.lines(&mut read).await?;
            ended.exit_code().into_iter().for_each(|code| news(Progress::Exited(code)));
            ended.success()?;
        }
        // It goes on after each, with exit status 0.
        let locked =
            |reason: &&String| reason.contains("already locked") || reason.contains("Can't take");
        if let Some(reason) = failed.values().find(locked) {
            return Err(Error::StoreLocked(reason.clone()));
        }
        Ok(failed)
    }

    /// What a copy lacks, by its names and sizes; its contents a check reads.
    ///
    /// # Errors
    /// One of the stores cannot be read.
    pub async fn compare_copy(
        &self,
        browsers: &Browsers,
        (from, original): (&Store, &RestorePoint),
        (to, copy): (&Store, &RestorePoint),
    ) -> Result<Vec<Failure>> {
        let sums = |point: &RestorePoint| (point.size, point.files, point.folders, point.errors);
        if sums(original) == sums(copy) {
            return Ok(Vec::new());
        }
        let (ours, theirs) = (browsers.of(self, from).await?, browsers.of(self, to).await?);
        let Verification { mut failed, .. } = same_names(&ours, &theirs, &original.id).await?;
        if failed.is_empty() {
            let told = |point: &RestorePoint| {
                let RestorePoint { files, size, folders, errors, .. } = point;
                format!("{files} files with {size} bytes, {folders} folders and {errors} errors")
            };
            let reason =
                format!("the copy has {}, and the original {}", told(copy), told(original));
            failed.push(Failure { path: String::new(), reason });
        }
        Ok(failed)
    }
}

/// The restore point that a line tells a failure of, and the reason.
fn failure(line: &str, points: &[SnapshotId]) -> Option<(SnapshotId, String)> {
    let (_, told) = line.split_once(FAILED)?;
    let (id, rest) = told.split_once(' ')?;
    let id = points.iter().find(|point| point.short() == id)?;
    // `from store PLACE: reason`
    let reason = rest.split_once(": ").map_or(rest, |(_, reason)| reason);
    Some((id.clone(), reason.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_point_that_was_not_copied_is_told_with_its_reason() {
        let id = |digit: &str| SnapshotId::new(&digit.repeat(64)).unwrap();
        let points = [id("a"), id("b")];
        let line = "error: failed to synchronize snapshot bbbbbbbb from store localhost: Can't take repository lock, it's already locked by maintenance.";
        let (which, reason) = failure(line, &points).unwrap();
        assert_eq!(which, id("b"));
        assert!(reason.starts_with("Can't take repository lock"), "{reason}");
        for other in [
            "info: Synchronizing snapshot bbbb",
            "failed to synchronize snapshot cccccccc from x: y",
            "",
        ] {
            assert_eq!(failure(other, &points), None, "{other}");
        }
    }

    #[test]
    fn what_was_copied_before_and_is_not_there_would_hide_the_store() {
        let id = |digit: &str| SnapshotId::new(&digit.repeat(64)).unwrap();
        let mut seen = SeenAnew {
            points: [id("a")].into(),
            states: [id("a"), id("b")].into(),
            keeps_states: false,
        };
        let hides = |seen: &SeenAnew| ["a", "b", "c"].map(|digit| seen.would_hide_all(&id(digit)));
        assert_eq!(hides(&seen), [false, true, false]);
        seen.keeps_states = true;
        assert_eq!(hides(&seen), [false; 3]);
    }
}
