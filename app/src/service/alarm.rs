//! The change alarm: what a backup found changed since the one before, and prunes that are held.

use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::blocking::blocking;
use super::error::{Error, Result};
use super::log::TaskLog;
use super::work_result::WorkResult;
use crate::model::{Changes, FileFact, changes};
use crate::scheduler::Job;
use crate::state::{HeldPrune, State};
use plakar_driver::{Browser, CancellationToken, Index, SnapshotId, SnapshotPath};

/// Maximum number of contents that are asked for at once.
const MAX_PARALLEL_DIGESTS: usize = 8;

/// That prunes are held, why, and what to do.
pub(super) fn held_text(app: &str, held: &HeldPrune) -> String {
    format!(
        "the prunes of {app} are held since {} ({}); look at what changed, then release them: \
         `plakar-opendrive app release {app}`",
        held.at.format("%Y-%m-%d %H:%M UTC"),
        held.reason
    )
}

/// Compares the restore point that a backup has made with the one before, and holds the prunes of
/// the app if that is alarming. It says so in the log, and in the end of the task.
pub(super) async fn look_for_changes(
    state: &State,
    browser: &Browser,
    job: &Job,
    made: &SnapshotId,
    ended: &mut WorkResult,
    log: &mut TaskLog<'_>,
) -> Result<()> {
    let protection = &job.app.spec.protection;
    if protection.alarm_percent == 0 {
        return Ok(());
    }
    let mut found = match since_the_last(browser, &job.app.key, made, &job.cancel).await? {
        Compared::Found(found) => *found,
        Compared::Not(why) => {
            log.say(&format!("not compared with a restore point before: {why}"));
            return Ok(());
        }
    };
    let Changed { changes: found, before } = &mut found;
    if found.figures.alarm(protection).is_some() {
        let touched = equal(browser, (before, made), &found.touched.pairs).await?;
        let renamed = equal(browser, (before, made), &found.renamed.pairs).await?;
        found.looked_at(touched, renamed);
    }
    let short = before.short();
    log.say(&format!("compared with the restore point before, {short}: {}", found.figures.words()));
    ended.figures.changes = Some(found.figures);
    let Some(reason) = found.figures.alarm(protection) else { return Ok(()) };
    for example in &found.examples {
        log.say(&format!("change alarm: {example}"));
    }
    let held = HeldPrune {
        at: chrono::Utc::now(),
        task: job.task.id,
        reason: reason.clone(),
        examples: found.examples.clone(),
    };
    let (state, app) = (state.clone(), job.app.id);
    blocking(move || state.hold_prune(app, &held)).await?;
    ended.also = format!("change alarm, all prunes are held: {reason}");
    log.say(&ended.also);
    Ok(())
}

/// What became of the files, and since which restore point.
struct Changed {
    changes: Changes,
    before: SnapshotId,
}

enum Compared {
    Found(Box<Changed>),
    Not(&'static str),
}

async fn since_the_last(
    browser: &Browser,
    key: &str,
    made: &SnapshotId,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let points = browser.restore_points(Some(key)).await?;
    let mut points = points.into_iter().skip_while(|point| point.id != *made);
    let Some(now) = points.next() else {
        return Ok(Compared::Not("the new one is not listed yet"));
    };
    let Some(before) = points.next() else { return Ok(Compared::Not("it is the first")) };
    if (&before.origin, &before.root) != (&now.origin, &now.root) {
        return Ok(Compared::Not("that is of another place or folder"));
    }
    if before.scope != now.scope {
        return Ok(Compared::Not("that was made with other patterns or folders"));
    }
    // To read all of both takes seconds with many files, and mostly nothing has changed.
    if now.tree.is_some() && now.tree == before.tree {
        let changes = Changes::none(now.files);
        return Ok(Compared::Found(Box::new(Changed { changes, before: before.id })));
    }
    let old = browser.whole_index(&before.id, cancel).await?;
    let new = browser.whole_index(made, cancel).await?;
    let (Some(old), Some(new)) = (old, new) else {
        return Ok(Compared::Not("it has too many entries"));
    };
    let work = move || changes(facts(&old), facts(&new));
    let changes = tokio::task::spawn_blocking(work).await;
    let changes = changes.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Compared::Found(Box::new(Changed { changes, before: before.id })))
}

fn facts(index: &Arc<Index>) -> impl Iterator<Item = FileFact<'_>> {
    index.files().map(|file| FileFact {
        path: file.path,
        size: file.size,
        modified: file.modified,
        content_type: file.content_type,
    })
}

/// Of how many pairs of paths in two restore points the contents are equal.
async fn equal(
    browser: &Browser,
    (before, now): (&SnapshotId, &SnapshotId),
    pairs: &[(String, String)],
) -> Result<u64> {
    let content = async |id: &SnapshotId, path: &str| match SnapshotPath::new(path) {
        Ok(path) => match browser.entry(id, &path).await {
            Ok(entry) => Ok(entry.content),
            Err(plakar_driver::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(Error::from(error)),
        },
        Err(_) => Ok(None),
    };
    let looked = stream::iter(pairs.to_vec())
        .map(async |(old, new): (String, String)| {
            let (old, new) = (content(before, &old).await?, content(now, &new).await?);
            Ok::<_, Error>(old.is_some() && old == new)
        })
        .buffer_unordered(MAX_PARALLEL_DIGESTS)
        .collect::<Vec<_>>()
        .await;
    looked.into_iter().try_fold(0, |count, same| Ok(count + u64::from(same?)))
}
