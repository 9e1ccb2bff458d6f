//! The change alarm: what a backup found changed since the one before, and prunes that are held.
//!
//! The restore point that was compared last is noted once its changes were looked at, and the next one
//! is compared with it: what a comparison that failed has left out is looked at with the next backup.

use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::blocking::blocking;
use super::error::{Error, Result};
use super::log::TaskLog;
use super::work_result::WorkResult;
use crate::model::{Changes, FileFact, changes, count_text};
use crate::scheduler::Job;
use crate::state::{AppId, HeldPrune, State};
use plakar_driver::{Browser, CancellationToken, Index, RestorePoint, SnapshotId, SnapshotPath};

/// Maximum number of contents that are asked for at once.
const MAX_PARALLEL_DIGESTS: usize = 8;

/// That prunes are held by these alarms, the newest first, why, and what to do; nothing if there are
/// none.
pub(super) fn held_text(app: &str, held: &[HeldPrune]) -> Option<String> {
    let (newest, first) = (held.first()?, held.last()?);
    let all = match held.len() {
        1 => String::new(),
        many => format!("{}, the last one: ", count_text(many as u64, "change alarm")),
    };
    Some(format!(
        "the prunes of {app} are held since {} ({all}{}); look at what changed, then release them: \
         `plakar-opendrive app release {app} --task {}`",
        first.at.format("%Y-%m-%d %H:%M UTC"),
        newest.reason,
        newest.task
    ))
}

/// Says that a restore point was not compared, and that it will be with the next one.
pub(super) fn left_to_the_next(why: &str, ended: &mut WorkResult, log: &mut TaskLog<'_>) {
    let said = format!(
        "not compared with a restore point before ({why}); what changed is looked at with the next backup"
    );
    log.say(&said);
    // An alarm says more.
    if ended.also.is_empty() {
        ended.also = said;
    }
}

async fn note_baseline(state: &State, app: AppId, made: &SnapshotId) -> Result<()> {
    let (state, id) = (state.clone(), made.to_string());
    blocking(move || state.note_alarm_baseline(app, &id)).await
}

/// Compares the restore point that a backup has made with the one before that was compared, and
/// holds the prunes of the app if that is alarming. It says so in the log, and in the end of the task.
pub(super) async fn look_for_changes(
    state: &State,
    browser: &Browser,
    job: &Job,
    made: &SnapshotId,
    ended: &mut WorkResult,
    log: &mut TaskLog<'_>,
) -> Result<()> {
    let (protection, app) = (&job.app.spec.protection, job.app.id);
    if protection.alarm_percent == 0 {
        // Whoever turns it on wants to know of what changes from then on.
        return note_baseline(state, app, made).await;
    }
    let noted = state.clone();
    let baseline = blocking(move || noted.alarm_baseline(app)).await?;
    let compared =
        since_the_last(browser, &job.app.key, made, baseline.as_deref(), &job.cancel).await?;
    let Changed { changes: mut found, before, is_previous } = match compared {
        Compared::Found(found) => *found,
        Compared::Nothing(why) => {
            log.say(&format!("not compared with a restore point before: {why}"));
            return note_baseline(state, app, made).await;
        }
        Compared::Later(why) => {
            left_to_the_next(why, ended, log);
            return Ok(());
        }
    };
    if found.figures.alarm(protection).is_some() {
        let touched = equal(browser, (&before, made), &found.touched.pairs).await?;
        let renamed = equal(browser, (&before, made), &found.renamed.pairs).await?;
        found.looked_at(touched, renamed);
    }
    let (short, words) = (before.short(), found.figures.words());
    let which = if is_previous { "the restore point before" } else { "the last that was compared" };
    log.say(&format!("compared with {which}, {short}: {words}"));
    ended.figures.changes = Some(found.figures);
    if let Some(reason) = found.figures.alarm(protection) {
        for example in &found.examples {
            log.say(&format!("change alarm: {example}"));
        }
        let held = HeldPrune {
            at: chrono::Utc::now(),
            task: job.task.id,
            reason: reason.clone(),
            examples: found.examples,
        };
        let holding = state.clone();
        blocking(move || holding.hold_prune(app, &held)).await?;
        ended.also = format!("change alarm, all prunes are held: {reason}");
        log.say(&ended.also);
    }
    // Last of all: of what is killed before, the next backup has the same to compare.
    note_baseline(state, app, made).await
}

/// What became of the files, and since which restore point.
struct Changed {
    changes: Changes,
    before: SnapshotId,
    /// There is none in between.
    is_previous: bool,
}

enum Compared {
    Found(Box<Changed>),
    /// There is nothing to compare with, so it begins here.
    Nothing(&'static str),
    /// It cannot be compared now.
    Later(&'static str),
}

/// The restore point that the one at a place of the list, which has the newest first, is compared
/// with: the baseline or, if that is another folder's, the oldest after it. If the baseline is gone,
/// the one before. Or why there is none.
fn to_compare_with<'a>(
    points: &'a [RestorePoint],
    place: usize,
    baseline: Option<&str>,
) -> std::result::Result<&'a RestorePoint, &'static str> {
    let (now, older) = (&points[place], &points[place + 1..]);
    let is_baseline = |point: &RestorePoint| Some(point.id.as_str()) == baseline;
    let since: Vec<&RestorePoint> = match older.iter().position(is_baseline) {
        Some(at) => older[..=at].iter().rev().collect(),
        // A clock that was set back made it one of later.
        None => {
            let later = points[..place].iter().find(|point| is_baseline(point));
            later.into_iter().chain(older.first()).collect()
        }
    };
    let is_elsewhere =
        |before: &RestorePoint| (&before.origin, &before.root) != (&now.origin, &now.root);
    let comparable = |before: &&RestorePoint| !is_elsewhere(before) && before.scope == now.scope;
    match (since.iter().copied().find(comparable), since.last()) {
        (Some(before), _) => Ok(before),
        (None, None) => Err("it is the first"),
        (None, Some(before)) if is_elsewhere(before) => Err("that is of another place or folder"),
        (None, Some(_)) => Err("that was made with other patterns or folders"),
    }
}

async fn since_the_last(
    browser: &Browser,
    key: &str,
    made: &SnapshotId,
    baseline: Option<&str>,
    cancel: &CancellationToken,
) -> Result<Compared> {
    let points = browser.restore_points(Some(key)).await?;
    let Some(place) = points.iter().position(|point| point.id == *made) else {
        return Ok(Compared::Later("the new one is not listed yet"));
    };
    let (now, previous) = (&points[place], points.get(place + 1));
    let before = match to_compare_with(&points, place, baseline) {
        Ok(before) => before,
        Err(why) => return Ok(Compared::Nothing(why)),
    };
    let is_previous = previous.is_some_and(|previous| previous.id == before.id);
    let found = |changes| {
        Compared::Found(Box::new(Changed { changes, before: before.id.clone(), is_previous }))
    };
    // To read all of both takes seconds with many files, and mostly nothing has changed.
    if now.tree.is_some() && now.tree == before.tree {
        return Ok(found(Changes::none(now.files)));
    }
    let old = browser.whole_index(&before.id, cancel).await?;
    let new = browser.whole_index(made, cancel).await?;
    let (Some(old), Some(new)) = (old, new) else {
        return Ok(Compared::Later("it has too many entries"));
    };
    let work = move || changes(facts(&old), facts(&new));
    let changes = tokio::task::spawn_blocking(work).await;
    Ok(found(changes.map_err(|error| Error::Internal(error.to_string()))?))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SnapshotId {
        SnapshotId::new(&format!("{number:064x}")).unwrap()
    }

    /// Restore points of these folders, the newest first; each is numbered by its place.
    fn points(roots: &[&str]) -> Vec<RestorePoint> {
        let point = |(number, root): (usize, &&str)| RestorePoint {
            root: (*root).to_owned(),
            ..RestorePoint::new(id(number), chrono::Utc::now())
        };
        roots.iter().enumerate().map(point).collect()
    }

    #[test]
    fn what_was_not_compared_is_with_the_next_one() {
        let with = |roots: &[&str], place: usize, baseline: Option<usize>| {
            let baseline = baseline.map(|number| id(number).to_string());
            to_compare_with(&points(roots), place, baseline.as_deref()).map(|one| one.id.clone())
        };
        let all = ["/a"; 4];
        // The one before, unless that was left out.
        assert_eq!(with(&all, 0, Some(1)), Ok(id(1)));
        assert_eq!(with(&all, 0, Some(3)), Ok(id(3)));
        // It is gone, or none was noted yet.
        assert_eq!(with(&all, 0, Some(9)), Ok(id(1)));
        assert_eq!(with(&all, 0, None), Ok(id(1)));
        assert_eq!(with(&all, 3, None), Err("it is the first"));
        // The clock was set back since.
        assert_eq!(with(&all, 2, Some(0)), Ok(id(0)));
        assert_eq!(with(&all, 3, Some(0)), Ok(id(0)));
        // Of the folder as it is now the oldest that was left out.
        assert_eq!(with(&["/b", "/b", "/b", "/a"], 0, Some(3)), Ok(id(2)));
        assert_eq!(with(&["/b", "/a", "/b", "/a"], 0, Some(3)), Ok(id(2)));
        let elsewhere = Err("that is of another place or folder");
        assert_eq!(with(&["/b", "/a", "/a"], 0, Some(2)), elsewhere);
        assert_eq!(with(&["/b", "/a", "/b"], 0, Some(1)), elsewhere);
    }
}
