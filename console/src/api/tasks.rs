//! Tasks: start, list, follow, cancel, try again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::PREFIX;
use super::error::Result;
use super::extract::{Body, Inside, Nothing, Path, Query, Snapshot};
use super::number::{Id, Number, Offset};
use source_app::service::{RestorePlace, Service, Work};
use source_app::state::{CancelResult, Cause, Task, TaskFilter, TaskKind, TaskState};

/// So many bytes of a log are in one answer.
const LOG_PART: usize = 64 << 10;

/// What a task is asked to do. The empty braces have serde refuse unknown fields there too.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Asked {
    Test {},
    Backup {},
    Check {
        #[serde(default)]
        snapshot: Option<Snapshot>,
    },
    Prune {},
    Restore {
        snapshot: Snapshot,
        path: Inside,
        to: RestorePlace,
    },
}

pub(super) async fn start(
    State(service): State<Service>,
    Path(app): Path<Id>,
    _: Query<Nothing>,
    Body(asked): Body<Asked>,
) -> Result<impl IntoResponse> {
    let work = match asked {
        Asked::Test {} => Work::Test,
        Asked::Backup {} => Work::Backup,
        Asked::Check { snapshot } => Work::Check(snapshot.map(|snapshot| snapshot.0)),
        Asked::Prune {} => Work::Prune,
        Asked::Restore { snapshot, path, to } => Work::Restore { snapshot: snapshot.0, path: path.0, to },
    };
    Ok(accepted(service.start(app.get(), &work).await?))
}

fn accepted(task: Task) -> impl IntoResponse {
    (StatusCode::ACCEPTED, [(LOCATION, format!("{PREFIX}/tasks/{}", task.id))], Json(task))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
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
    limit: Option<Number<1, 500>>,
}

/// Tasks, newest first.
#[derive(Serialize)]
pub(super) struct Tasks {
    items: Vec<Task>,
    /// What `before` of the next page is, if there may be one.
    next: Option<i64>,
}

pub(super) async fn list(State(service): State<Service>, Query(filter): Query<Filter>) -> Result<Json<Tasks>> {
    let limit = filter.limit.map_or(50, |limit| limit.0);
    let filter = TaskFilter {
        app: filter.app.map(Id::get),
        kind: filter.kind,
        state: filter.state,
        cause: filter.cause,
        since: filter.since,
        until: filter.until,
        before: filter.before.map(Id::get),
        limit: u32::try_from(limit).ok(),
    };
    let items = service.tasks(filter).await?;
    let next = if (items.len() as u64) < limit { None } else { items.last().map(|task| task.id) };
    Ok(Json(Tasks { items, next }))
}

pub(super) async fn show(State(service): State<Service>, Path(task): Path<Id>, _: Query<Nothing>) -> Result<Json<Task>> {
    Ok(Json(service.task(task.get()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    offset: Option<Offset>,
}

/// A task as it is now, with a part of its log.
#[derive(Serialize)]
pub(super) struct Log {
    task: Task,
    text: String,
    /// Where the next part begins, in bytes.
    next: u64,
    /// Whether there is more of it already.
    more: bool,
}

pub(super) async fn log(State(service): State<Service>, Path(task): Path<Id>, Query(from): Query<From>) -> Result<Json<Log>> {
    let offset = from.offset.map_or(0, |offset| offset.0);
    let (task, part) = service.watch(task.get(), offset, LOG_PART).await?;
    let whole = whole_letters(&part.bytes);
    let next = offset + whole as u64;
    Ok(Json(Log { task, text: String::from_utf8_lossy(&part.bytes[..whole]).into_owned(), next, more: part.bytes.len() == LOG_PART }))
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
pub(super) struct Outcome {
    outcome: &'static str,
}

pub(super) async fn cancel(
    State(service): State<Service>,
    Path(task): Path<Id>,
    _: Query<Nothing>,
    _: Body<Nothing>,
) -> Result<Json<Outcome>> {
    let outcome = match service.cancel(task.get()).await? {
        CancelResult::Now => "cancelled",
        CancelResult::Asked => "asked",
        CancelResult::Over => "over",
    };
    Ok(Json(Outcome { outcome }))
}

pub(super) async fn retry(
    State(service): State<Service>,
    Path(task): Path<Id>,
    _: Query<Nothing>,
    _: Body<Nothing>,
) -> Result<impl IntoResponse> {
    Ok(accepted(service.retry(task.get()).await?))
}

#[cfg(test)]
mod tests {
    use super::whole_letters;

    #[test]
    fn a_letter_is_never_cut() {
        let text = "aé€🦀";
        let cuts: Vec<usize> = (1..=text.len()).map(|end| whole_letters(&text.as_bytes()[..end])).collect();
        assert_eq!(cuts, [1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
        assert_eq!([&b""[..], b"\xf0", b"\xff\xff", b"a\x80\x80\x80"].map(whole_letters), [0, 1, 2, 4]);
    }
}
