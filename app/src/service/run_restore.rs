//! A restore, which plakar-driver reads again and compares.

use super::error::Result;
use super::log::TaskLog;
use super::runner::PlakarRunner;
use super::work_result::WorkResult;
use crate::model::{Expected, entries_text};
use crate::scheduler::Job;
use plakar_driver::{EntryKind, RestoreJob, RestoreProgress, SnapshotPath};

impl PlakarRunner {
    pub(super) async fn restore(
        &self,
        job: &Job,
        restore: RestoreJob,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        log.steps(&[("restoring", 50), ("reading again", 40), ("comparing", 10)]);
        let amount = async {
            let browser = self.browsers.of(&self.plakar, &restore.store).await?;
            browser.amount(&restore.snapshot, &restore.path).await
        };
        // Only to show how far it is.
        let expected = amount.await.map_or_else(
            |_| Expected::default(),
            |amount| Expected {
                // Plakar counts the folder itself, too.
                entries: Some(amount.files + amount.folders + 1),
                bytes: Some(amount.bytes),
            },
        );
        log.phase("restoring");
        log.expect(expected);
        let (plakar, browsers, asked) =
            (self.plakar.clone(), self.browsers.clone(), restore.clone());
        log.sizes(async move {
            let browser = browsers.of(&plakar, &asked.store).await?;
            let kind = browser.entry(&asked.snapshot, &asked.path).await?.kind;
            let base = match kind {
                // The root means what was backed up, which may be deep below it.
                EntryKind::Folder if asked.path == SnapshotPath::root() => {
                    SnapshotPath::new(&browser.restore_point(&asked.snapshot).await?.root)?
                }
                EntryKind::Folder => asked.path,
                _ => asked.path.parent(),
            };
            Ok(Some((browser, asked.snapshot, base)))
        });
        let mut news = |news| match news {
            RestoreProgress::Restoring(news) => {
                log.news(&news);
            }
            RestoreProgress::Reading(news) => {
                log.phase("reading again");
                log.expect(expected);
                log.news(&news);
            }
            RestoreProgress::Compared(entries) => {
                log.phase("comparing");
                log.expect(expected);
                log.compared(entries);
            }
        };
        let restored =
            self.plakar.restore(&self.browsers, &restore, &mut news, &job.cancel).await?;
        let mut ended = WorkResult::of(restored.verdict);
        if let Some(verified) = restored.verified {
            ended.bytes = Some(verified.bytes);
            ended.restored = Some(verified.entries);
            let as_they = if verified.entries == 1 { "as it was" } else { "as they were" };
            ended.well = format!(
                "{} restored and found {as_they} backed up",
                entries_text(verified.entries)
            );
        }
        Ok(ended)
    }
}
