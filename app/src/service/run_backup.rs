//! A backup, and what is told of it.

use super::alarm::{left_to_the_next, look_for_changes};
use super::error::Result;
use super::log::TaskLog;
use super::references::store_of;
use super::runner::PlakarRunner;
use super::scope::{emptied, scope_lines, scope_mark, scope_of};
use super::work_result::WorkResult;
use crate::model::{TaskFigures, count_text};
use crate::scheduler::Job;
use plakar_driver::{BackupJob, Failure, Name, SnapshotPath, Verdict};

/// The protocols of our connectors.
const TELLING_PROTOCOLS: [&str; 2] = ["opendrive", "rclone"];

impl PlakarRunner {
    pub(super) async fn backup(
        &self,
        job: &Job,
        entry: Name,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (spec, store) = (&job.app.spec, store_of(&job.app)?);
        let backup = BackupJob {
            store: store.clone(),
            source: entry,
            app: job.app.key.clone(),
            name: spec.name.clone(),
            job: format!("task-{}", job.task.id),
            environment: spec.environment.clone(),
            classes: spec.data_classes.clone(),
            labels: spec.backup.labels.clone(),
            scope: scope_of(&spec.backup),
            concurrency: Some(spec.backup.concurrency).filter(|number| *number > 0),
        };
        log.phase("backing up");
        scope_lines(&backup.scope).iter().for_each(|line| log.say(line));
        let last = job.clone();
        // Only to show how far it is.
        if let Ok(Ok(expected)) = tokio::task::spawn_blocking(move || last.expected()).await {
            log.expect(expected);
            if expected.entries.is_some() {
                let (plakar, browsers) = (self.plakar.clone(), self.browsers.clone());
                let (store, app) = (store.clone(), job.app.key.clone());
                log.sizes(async move {
                    let browser = browsers.of(&plakar, &store).await?;
                    let last = browser.restore_points(Some(&app)).await?.into_iter().next();
                    Ok(last.map(|last| (browser, last.id, SnapshotPath::root())))
                });
            }
        }
        let made = self
            .plakar
            .backup(&self.browsers, &backup, &mut |news| log.news(&news), &job.cancel)
            .await?;
        let mut ended =
            WorkResult { snapshot: made.snapshot.clone(), ..WorkResult::of(made.verdict) };
        // Only our own connectors say when they wait; what they say at their end counts more.
        let tells = TELLING_PROTOCOLS.contains(&spec.protocol.as_str());
        ended.figures = TaskFigures {
            waits: tells.then(|| log.waits()),
            volume_used_up: tells.then(|| log.volume_used_up()),
            written: made.written,
            ..TaskFigures::default()
        };
        if let Some(id) = &made.snapshot {
            // The backup is made; its size is for the pages only.
            let point =
                async { self.browsers.of(&self.plakar, &store).await?.restore_point(id).await };
            match point.await {
                Ok(point) => {
                    ended.bytes = Some(point.size);
                    ended.figures.files = Some(point.files);
                    ended.figures.folders = Some(point.folders);
                    ended.figures.scope = Some(scope_mark(&backup.scope));
                    let files = count_text(point.files, "file");
                    ended.well = format!("restore point {} with {files}", id.short());
                    if let Some(reason) = emptied(&point) {
                        log.say(&reason);
                        let failed = vec![Failure { path: String::new(), reason }];
                        ended.verdict = Verdict::Errors { count: 1, failed };
                    }
                }
                Err(error) => {
                    log.say(&format!("the new restore point cannot be read yet: {error}"))
                }
            }
            let compared = async {
                let browser = self.browsers.of(&self.plakar, &store).await?;
                look_for_changes(&self.state, &browser, job, id, &mut ended, log).await
            };
            if let Err(error) = compared.await {
                left_to_the_next(&error.to_string(), &mut ended, log);
            }
        }
        Ok(ended)
    }
}
