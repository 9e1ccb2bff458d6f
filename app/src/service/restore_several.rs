//! Several files and folders of a restore point that are restored together, by one task.

use chrono::{DateTime, Utc};

use super::error::{Error, Result};
use super::handle::Service;
use super::log::TaskLog;
use super::runner::PlakarRunner;
use super::work::{RestorePlace, Work};
use super::work_result::WorkResult;
use crate::model::{count_text, entries_text, size_text};
use crate::scheduler::Job;
use crate::state::AppId;
use plakar_driver::{
    EntryKind, Failure, Name, RestoreJob, RestoreTarget, SnapshotId, SnapshotPath, Store, Verdict,
    common_folder, restore_folder,
};

fn ticked(count: usize) -> String {
    entries_text(count as u64).replacen(' ', " ticked ", 1)
}

impl Service {
    /// What a restore to the source's own place would do, in numbers, for whoever has to confirm it.
    ///
    /// # Errors
    /// It is none, or something of it is not there.
    pub async fn replace_question(&self, app: AppId, work: &Work) -> Result<String> {
        match work {
            Work::Restore { snapshot, path, second, .. } => {
                self.restore_question(app, snapshot, path, *second).await
            }
            Work::RestoreSeveral { snapshot, paths, second, .. } => {
                self.several_question(app, (snapshot, *second), paths).await
            }
            _ => Err(Error::Internal("no restore".into())),
        }
    }

    async fn several_question(
        &self,
        app: AppId,
        (snapshot, second): (&SnapshotId, bool),
        paths: &[SnapshotPath],
    ) -> Result<String> {
        let (_, kept) = common_folder(paths)?;
        let opened = match second {
            true => self.second_point(app, snapshot).await?,
            false => self.point(app, snapshot).await?,
        };
        let (mut files, mut bytes) = (0, 0);
        for path in &kept {
            let amount = opened.amount(path).await?;
            (files, bytes) = (files + amount.files, bytes + amount.bytes);
        }
        let source = self.source(app).await?.spec.name;
        Ok(format!(
            "restoring {} of {} ({}) writes {} with {} to the source {source}, and replaces what has the same names there",
            ticked(kept.len()),
            opened.point.taken.format("%Y-%m-%d %H:%M UTC"),
            opened.point.id.short(),
            count_text(files, "file"),
            size_text(bytes),
        ))
    }

    /// What would fail anyway is told before a task is made of it.
    pub(super) async fn possible_several(
        &self,
        app: AppId,
        (snapshot, second): (&SnapshotId, bool),
        paths: &[SnapshotPath],
        (to, replace): (&RestorePlace, bool),
    ) -> Result<Option<DateTime<Utc>>> {
        let (_, kept) = common_folder(paths)?;
        let opened = match second {
            true => self.second_point(app, snapshot).await?,
            false => self.point(app, snapshot).await?,
        };
        for path in &kept {
            opened.entry(path).await?;
        }
        match to {
            RestorePlace::Source if !replace => {
                let question = self.several_question(app, (snapshot, second), paths).await?;
                return Err(Error::Input(format!("{question}; confirm that you want it")));
            }
            RestorePlace::Source => {}
            RestorePlace::Destination(_) => {
                return Err(Error::Input(
                    "several entries are restored to the source or to a folder; to a destination restore one file or folder".into(),
                ));
            }
            RestorePlace::Folder(folder) => {
                restore_folder(folder)?;
                self.not_into_its_store(app, folder).await?;
            }
        }
        Ok(Some(opened.point.taken))
    }
}

/// What came of what was ticked, so far.
#[derive(Default)]
struct Restored {
    /// How many are to be restored.
    all: usize,
    /// How many of them are.
    ended: usize,
    /// With what is in folders.
    entries: u64,
    bytes: u64,
    failures: u64,
    /// The first of each entry's list.
    failed: Vec<Failure>,
}

impl Restored {
    /// Takes how the next one ended; gives it back if the others are not begun after it.
    fn take(&mut self, ended: WorkResult) -> Option<WorkResult> {
        match ended.verdict {
            Verdict::Succeeded => {}
            Verdict::Errors { count, failed } => {
                self.failures += count;
                self.failed.extend(failed);
            }
            verdict => return Some(WorkResult { verdict, ..ended }),
        }
        self.ended += 1;
        self.bytes += ended.bytes.unwrap_or_default();
        self.entries += ended.restored.unwrap_or_default();
        None
    }

    /// The end of all, as this one cannot be restored. What failed before it is not forgotten.
    fn broken_off(
        self,
        path: &SnapshotPath,
        last: WorkResult,
        log: &mut TaskLog<'_>,
    ) -> WorkResult {
        self.failed.iter().for_each(|failure| log.list_failure(failure));
        let mut so_far = format!("{} of {} were restored", self.ended, self.all);
        if self.failures > 0 {
            let failed = entries_text(self.failures);
            so_far = format!("{so_far}, with {failed} that failed; the log lists them");
        }
        match last.verdict {
            Verdict::Failed { reason } => {
                let reason = format!("{path}: {reason}; {so_far}");
                WorkResult { verdict: Verdict::Failed { reason }, ..last }
            }
            // By whoever asked, or by what watches it, which has words of its own.
            Verdict::Interrupted => WorkResult {
                well: so_far.clone(),
                also: so_far,
                verdict: Verdict::Interrupted,
                ..last
            },
            // It begins anew, with all of them.
            verdict => WorkResult { verdict, ..last },
        }
    }

    fn whole(self) -> WorkResult {
        let mut all = WorkResult::well(format!(
            "{} restored, {} in all, and found as they were backed up",
            ticked(self.all),
            entries_text(self.entries)
        ));
        all.bytes = Some(self.bytes);
        if self.failures > 0 {
            all.verdict = Verdict::Errors { count: self.failures, failed: self.failed };
        }
        all
    }
}

impl PlakarRunner {
    /// Restores one after the other. Folders keep their names, and all their places among one
    /// another.
    pub(super) async fn restore_several(
        &self,
        job: &Job,
        (store, snapshot): (Store, SnapshotId),
        paths: &[SnapshotPath],
        (to, entry): (&RestorePlace, &Name),
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (common, kept) = common_folder(paths)?;
        let mut restored = Restored { all: kept.len(), ..Restored::default() };
        for (number, path) in kept.iter().enumerate() {
            log.say(&format!("{} of {}: {path}", number + 1, kept.len()));
            let (from, to) = ((&store, &snapshot), (to, entry));
            let one = self.restore_one(job, from, (path, &common), to, log).await;
            let ended = one.unwrap_or_else(WorkResult::of_error);
            if let Some(last) = restored.take(ended) {
                return Ok(restored.broken_off(path, last, log));
            }
        }
        Ok(restored.whole())
    }

    async fn restore_one(
        &self,
        job: &Job,
        (store, snapshot): (&Store, &SnapshotId),
        (path, common): (&SnapshotPath, &SnapshotPath),
        (to, entry): (&RestorePlace, &Name),
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let browser = self.browsers.of(&self.plakar, store).await?;
        let is_folder = browser.entry(snapshot, path).await?.kind == EntryKind::Folder;
        let to = match to {
            RestorePlace::Source => RestoreTarget::Origin(entry.clone()),
            RestorePlace::Folder(folder) => {
                // What is in a folder goes into one of its name, a file where it was.
                let place = if is_folder { path.clone() } else { path.parent() };
                match place.below(common) {
                    "" => RestoreTarget::Folder(folder.clone()),
                    below => RestoreTarget::Folder(folder.join(below)),
                }
            }
            RestorePlace::Destination(name) => {
                return Err(Error::Internal(format!("several entries and {name}")));
            }
        };
        let (store, snapshot, path) = (store.clone(), snapshot.clone(), path.clone());
        self.restore(job, RestoreJob { store, snapshot, path, to }, log).await
    }
}
