//! Tasks: start, list, follow, cancel, try again.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::answer::accepted;
use super::error::ApiResult;
use super::extract::{
    NoParameters, PathParameter, SnapshotParameter, StrictJson, StrictPath, StrictQuery,
};
use super::number::{Id, Number, Offset};
use source_app::model::TaskUsage;
use source_app::service::{CheckScope, DrillScope, Error, RestorePlace, Service, Work};
use source_app::state::{CancelResult, Cause, Task, TaskFilter, TaskKind, TaskState};

/// Maximum size of a log's part in one answer, in bytes.
const MAX_LOG_PART_BYTES: usize = 64 << 10;

/// What a task is asked to do. The empty braces have serde refuse unknown fields there too.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum StartRequest {
    Test {},
    Backup {},
    Check {
        #[serde(default)]
        snapshot: Option<SnapshotParameter>,
        #[serde(default)]
        points: Option<u32>,
    },
    Prune {
        token: String,
    },
    Maintenance {},
    Compare {},
    Drill {
        #[serde(default)]
        files: Option<u32>,
        #[serde(default)]
        seed: Option<u32>,
    },
    Restore {
        snapshot: SnapshotParameter,
        #[serde(default)]
        path: Option<PathParameter>,
        #[serde(default)]
        paths: Vec<PathParameter>,
        to: RestorePlace,
        #[serde(default)]
        second: bool,
        #[serde(default)]
        replace: bool,
    },
    Sync {},
}

pub(super) async fn start(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    StrictJson(asked): StrictJson<StartRequest>,
) -> ApiResult<Response> {
    let work = match asked {
        StartRequest::Test {} => Work::Test,
        StartRequest::Backup {} => Work::Backup,
        StartRequest::Check { snapshot, points } => Work::Check(scope(snapshot, points)?),
        StartRequest::Prune { token } => Work::Prune { token: Some(token) },
        StartRequest::Maintenance {} => Work::Maintenance,
        StartRequest::Compare {} => Work::Compare,
        StartRequest::Drill { files, seed } => Work::Drill(DrillScope { files, seed }),
        StartRequest::Sync {} => Work::Sync,
        StartRequest::Restore { snapshot, path, paths, to, second, replace } => {
            let (snapshot, paths) = (snapshot.0, paths.into_iter().map(|path| path.0).collect());
            match (path, paths) {
                (Some(path), paths) if Vec::is_empty(&paths) => {
                    Work::Restore { snapshot, path: path.0, to, second, replace }
                }
                (None, paths) if !paths.is_empty() => {
                    Work::RestoreSeveral { snapshot, paths, to, second, replace }
                }
                _ => {
                    return Err(Error::Input(
                        "a restore is told a path or several paths, not both; write one of them"
                            .into(),
                    )
                    .into());
                }
            }
        }
    };
    Ok(started(&service.start(app.get(), &work).await?))
}

fn scope(snapshot: Option<SnapshotParameter>, points: Option<u32>) -> ApiResult<CheckScope> {
    match (snapshot, points) {
        (Some(snapshot), None) => Ok(CheckScope::Point(snapshot.0)),
        (None, Some(points)) => Ok(CheckScope::Points(points)),
        (None, None) => Ok(CheckScope::Due),
        (Some(_), Some(_)) => Err(Error::Input(
            "a check is told a snapshot or a number of points, not both; leave one out".into(),
        )
        .into()),
    }
}

fn started(task: &Task) -> Response {
    accepted(&format!("/tasks/{}", task.id), task)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TasksQuery {
    #[serde(default)]
    app: Option<Id>,
    #[serde(default)]
    kind: Option<TaskKind>,
    #[serde(default)]
    state: Option<TaskState>,
    #[serde(default)]
    cause: Option<Cause>,
    #[serde(default)]
    since: Option<DateTime<Utc>>,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    before: Option<Id>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    limit: Option<Number<1, 500>>,
}

/// Tasks, newest first.
#[derive(Serialize)]
pub(super) struct TaskList {
    items: Vec<Task>,
    /// What `before` of the next page is, if there may be one.
    next: Option<i64>,
}

pub(super) async fn list(
    State(service): State<Service>,
    StrictQuery(filter): StrictQuery<TasksQuery>,
) -> ApiResult<Json<TaskList>> {
    let limit = filter.limit.map_or(50, |limit| limit.0);
    let filter = TaskFilter {
        app: filter.app.map(Id::get),
        kind: filter.kind,
        state: filter.state,
        cause: filter.cause,
        since: filter.since,
        until: filter.until,
        before: filter.before.map(Id::get),
        label: filter.label,
        limit: u32::try_from(limit).ok(),
    };
    let items = service.tasks(filter).await?;
    let next = if (items.len() as u64) < limit { None } else { items.last().map(|task| task.id) };
    Ok(Json(TaskList { items, next }))
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictPath(task): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Task>> {
    Ok(Json(service.task(task.get()).await?))
}

pub(super) async fn usage(
    State(service): State<Service>,
    StrictPath(task): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<TaskUsage>> {
    Ok(Json(service.usage(task.get()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    #[serde(default)]
    offset: Option<Offset>,
}

/// A task as it is now, with a part of its log.
#[derive(Serialize)]
pub(super) struct LogAnswer {
    task: Task,
    text: String,
    /// Where the next part begins, in bytes.
    next: u64,
    /// Whether there is more of it already.
    more: bool,
}

pub(super) async fn log(
    State(service): State<Service>,
    StrictPath(task): StrictPath<Id>,
    StrictQuery(from): StrictQuery<LogQuery>,
) -> ApiResult<Json<LogAnswer>> {
    let offset = from.offset.map_or(0, |offset| offset.0);
    let (task, part) = service.watch(task.get(), offset, MAX_LOG_PART_BYTES).await?;
    let whole = whole_letters(&part.bytes);
    let next = offset + whole as u64;
    Ok(Json(LogAnswer {
        task,
        text: String::from_utf8_lossy(&part.bytes[..whole]).into_owned(),
        next,
        more: part.bytes.len() == MAX_LOG_PART_BYTES,
    }))
}

/// How many bytes there are without a letter that is cut at the end: the next part begins with it.
fn whole_letters(bytes: &[u8]) -> usize {
    let begun = (1..=bytes.len().min(3)).rev().find(|back| match bytes[bytes.len() - back] {
        0xf0..=0xf7 => *back < 4,
        0xe0..=0xef => *back < 3,
        0xc0..=0xdf => *back < 2,
        _ => false,
    });
    // Not even one: it is broken, and waiting for more would be for ever.
    bytes.len() - begun.filter(|begun| *begun < bytes.len()).unwrap_or(0)
}

/// What became of the wish.
#[derive(Serialize)]
pub(super) struct CancelAnswer {
    outcome: &'static str,
}

pub(super) async fn cancel(
    State(service): State<Service>,
    StrictPath(task): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: StrictJson<NoParameters>,
) -> ApiResult<Json<CancelAnswer>> {
    let outcome = match service.cancel(task.get()).await? {
        CancelResult::Now => "cancelled",
        CancelResult::Asked => "asked",
        CancelResult::Over => "over",
    };
    Ok(Json(CancelAnswer { outcome }))
}

pub(super) async fn retry(
    State(service): State<Service>,
    StrictPath(task): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: StrictJson<NoParameters>,
) -> ApiResult<Response> {
    Ok(started(&service.retry(task.get()).await?))
}

#[cfg(test)]
mod tests {
    use super::whole_letters;

    #[test]
    fn a_letter_is_never_cut() {
        let text = "aé€🦀";
        let cuts: Vec<usize> =
            (1..=text.len()).map(|end| whole_letters(&text.as_bytes()[..end])).collect();
        assert_eq!(cuts, [1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
        assert_eq!(
            [&b""[..], b"\xf0", b"\xff\xff", b"a\x80\x80\x80"].map(whole_letters),
            [0, 1, 2, 4]
        );
    }
}
