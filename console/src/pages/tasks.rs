//! All tasks, and one of them with its log.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::error::PageError;
use super::format::{self, Badge, When};
use super::forms::Field;
use super::running::Running;
use super::{PageResult, Section, Shell, Visit, done, page};
use source_app::service::{Error, Service};
use source_app::state::{App, AppId, CancelResult, Cause, Task, TaskFilter, TaskId, TaskKind, TaskState};

/// Tasks on one page.
const PAGE: u32 = 50;

/// So much of a log is in the page; the script reads on, and a link leads to all of it.
const LOG: usize = 256 << 10;

/// More than the longest log.
const WHOLE_LOG: usize = 8 << 20;

pub fn routes() -> Router<Service> {
    Router::new()
        .route("/tasks", get(list))
        .route("/tasks/{id}", get(one))
        .route("/tasks/{id}/log", get(whole_log))
        .route("/tasks/{id}/cancel", post(cancel))
        .route("/tasks/{id}/retry", post(retry))
}

/// A task in a table.
pub struct Line {
    pub id: TaskId,
    pub app: AppId,
    pub app_name: String,
    pub kind: TaskKind,
    pub cause: Cause,
    pub badge: Badge,
    /// Its end, or else its beginning.
    pub at: When,
    pub start: When,
    pub duration: String,
    pub size: String,
    /// Of what came to its end.
    pub errors: Option<u64>,
    pub verdict: String,
    /// The restore point that it made: its id, and the short form.
    pub point: Option<(String, String)>,
}

impl Line {
    pub fn of(task: &Task, app_name: &str) -> Self {
        let start = task.started.unwrap_or(task.created);
        Self {
            id: task.id,
            app: task.app,
            app_name: app_name.to_owned(),
            kind: task.kind,
            cause: task.cause,
            badge: Badge::of(task.state),
            at: When(task.ended.unwrap_or(start)),
            start: When(start),
            duration: format::task_duration(task).unwrap_or_default(),
            size: task.bytes.map(format::size).unwrap_or_default(),
            errors: format::errors(task),
            verdict: if task.state.is_final() || task.progress.is_empty() { task.verdict.clone() } else { task.progress.clone() },
            point: task.snapshot.as_ref().map(|id| (id.clone(), id.chars().take(8).collect())),
        }
    }
}

impl Line {
    pub fn cancel_address(&self) -> String {
        format!("/tasks/{}/cancel", self.id)
    }

    pub fn retry_address(&self) -> String {
        format!("/tasks/{}/retry", self.id)
    }
}

/// What is asked of the list; what is empty does not matter.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    app: String,
    kind: String,
    state: String,
    before: String,
}

impl Asked {
    fn filter(&self) -> Result<TaskFilter, PageError> {
        let number = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| PageError::input("This link to tasks can't be used.").back("/tasks")),
        };
        let wrong = |error| PageError::from(Error::from(error)).back("/tasks");
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(TaskFilter {
            app: number(&self.app)?,
            before: number(&self.before)?,
            kind: word(&self.kind).map(|text| text.parse().map_err(wrong)).transpose()?,
            state: word(&self.state).map(|text| text.parse().map_err(wrong)).transpose()?,
            // One more tells whether there are older ones.
            limit: Some(PAGE + 1),
            ..TaskFilter::default()
        })
    }

    /// The same filter from another task on; it has only numbers and words of ours in it.
    fn address(&self, before: Option<TaskId>) -> String {
        let state = self.state.replace(' ', "+");
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        format!("/tasks?app={}&kind={}&state={state}{before}", self.app, self.kind)
    }

    fn fields(&self, apps: &[App]) -> Vec<Field> {
        let any = |text: &str, rest: Vec<(String, String)>| {
            let mut all = vec![(String::new(), text.to_owned())];
            all.extend(rest);
            all
        };
        let words = |words: Vec<&str>| words.into_iter().map(|word| (word.to_owned(), word.to_owned())).collect();
        let apps = apps.iter().map(|app| (app.id.to_string(), format!("{} ({})", app.spec.name, app.spec.kind))).collect();
        let kinds = words(TaskKind::ALL.iter().map(|kind| kind.as_str()).collect());
        let states = words(TaskState::ALL.iter().map(|state| state.as_str()).collect());
        vec![
            Field::select("app", "App", any("all apps", apps), &self.app),
            Field::select("kind", "Kind", any("all kinds", kinds), &self.kind),
            Field::select("state", "State", any("all states", states), &self.state),
        ]
    }
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    shell: Shell,
    filters: Vec<Field>,
    filtered: bool,
    lines: Vec<Line>,
    newest: String,
    older: String,
    running: bool,
}

async fn list(State(service): State<Service>, Query(asked): Query<Asked>, visit: Visit) -> PageResult {
    let filter = asked.filter()?;
    let (mut tasks, apps) = (service.tasks(filter).await?, service.apps().await?);
    let more = tasks.len() > PAGE as usize;
    tasks.truncate(PAGE as usize);
    let older = tasks.last().filter(|_| more).map(|task| asked.address(Some(task.id))).unwrap_or_default();
    let names: std::collections::HashMap<AppId, &str> = apps.iter().map(|app| (app.id, app.spec.name.as_str())).collect();
    let lines: Vec<Line> = tasks.iter().map(|task| Line::of(task, names.get(&task.app).copied().unwrap_or_default())).collect();
    page(&TasksPage {
        shell: visit.shell(Section::Tasks),
        filters: asked.fields(&apps),
        filtered: [&asked.app, &asked.kind, &asked.state].iter().any(|text| !text.is_empty()),
        running: tasks.iter().any(|task| !task.state.is_final()),
        lines,
        newest: if asked.before.is_empty() { String::new() } else { asked.address(None) },
        older,
    })
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    shell: Shell,
    app: App,
    task: Task,
    line: Line,
    open: Option<Running>,
    input: Vec<(String, String)>,
    created: When,
    started: Option<When>,
    ended: Option<When>,
    slot: Option<When>,
    next_try: Option<When>,
    log: String,
    next: u64,
    can_retry: bool,
}

async fn one(State(service): State<Service>, Path(id): Path<TaskId>, visit: Visit) -> PageResult {
    let (task, log) = service.watch(id, 0, LOG).await?;
    let app = service.app(task.app).await?;
    // Whole lines: the script reads on where this ends.
    let end =
        if log.bytes.len() == LOG { log.bytes.iter().rposition(|byte| *byte == b'\n').map_or(LOG, |at| at + 1) } else { log.bytes.len() };
    page(&TaskPage {
        shell: visit.shell(Section::Tasks),
        line: Line::of(&task, &app.spec.name),
        open: (!task.state.is_final()).then(|| Running::of(&task)),
        input: input(&task.input),
        created: When(task.created),
        started: task.started.map(When),
        ended: task.ended.map(When),
        slot: task.slot.map(When),
        next_try: task.next_try.filter(|_| task.state == TaskState::Waiting).map(When),
        log: String::from_utf8_lossy(&log.bytes[..end]).into_owned(),
        next: end as u64,
        can_retry: task.state.is_final(),
        app,
        task,
    })
}

async fn whole_log(State(service): State<Service>, Path(id): Path<TaskId>) -> PageResult {
    let (_, log) = service.watch(id, 0, WHOLE_LOG).await?;
    let name = format!("attachment; filename=\"task-{id}.log\"");
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_DISPOSITION, &name)];
    Ok((headers, log.bytes).into_response())
}

/// What a task was asked, for people.
fn input(input: &serde_json::Value) -> Vec<(String, String)> {
    let word = |key: &str| match key {
        "snapshot" => "Restore point".to_owned(),
        "path" => "Path".to_owned(),
        "to" => "Restored to".to_owned(),
        other => other.to_owned(),
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) if text == "source" => "the place that was backed up".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(one) if one.len() == 1 => {
            one.iter().map(|(kind, name)| format!("{kind} {}", name.as_str().unwrap_or_default())).collect()
        }
        other => other.to_string(),
    };
    input.as_object().into_iter().flatten().map(|(key, value)| (word(key), text(value))).collect()
}

async fn cancel(State(service): State<Service>, Path(id): Path<TaskId>) -> Result<Response, PageError> {
    let notice = match service.cancel(id).await? {
        CancelResult::Now => "cancelled",
        CancelResult::Asked => "cancelling",
        CancelResult::Over => "over",
    };
    Ok(done(&format!("/tasks/{id}"), notice))
}

async fn retry(State(service): State<Service>, Path(id): Path<TaskId>) -> Result<Response, PageError> {
    let task = service.retry(id).await.map_err(|error| PageError::from(error).back(&format!("/tasks/{id}")))?;
    Ok(done(&format!("/tasks/{}", task.id), "retried"))
}
