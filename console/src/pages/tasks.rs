//! All tasks, and one of them with its log.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::answer::{PageResult, redirect, render};
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::format::DisplayTime;
use super::forms::Field;
use super::running_task::RunningTask;
use super::task_row::TaskRow;
use super::usage::Usage;
use plakar_driver::percent;
use source_app::service::{Error, Service};
use source_app::state::{App, AppId, CancelResult, Task, TaskFilter, TaskId, TaskKind, TaskState};

/// Maximum number of tasks on a page.
const MAX_TASKS_PER_PAGE: u32 = 50;

/// Maximum size of a log's part in the page, in bytes; the script reads on, and a link leads to all
/// of it.
const MAX_LOG_BYTES_SHOWN: usize = 256 << 10;

/// Maximum size of a log that is downloaded, in bytes: more than the longest one.
const MAX_LOG_BYTES: usize = 8 << 20;

/// What is asked of the list; what is empty does not matter.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TaskListQuery {
    app: String,
    kind: String,
    state: String,
    label: String,
    before: String,
    /// A day of this machine's time zone.
    day: String,
}

impl TaskListQuery {
    fn filter(&self) -> Result<TaskFilter, PageError> {
        let number = |text: &str| match text {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| PageError::input("This link to tasks cannot be used.").back("/tasks")),
        };
        let wrong = |error| PageError::from(Error::from(error)).back("/tasks");
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (since, until) = match self.day.as_str() {
            "" => (None, None),
            day => {
                let wrong =
                    || PageError::input("This link to tasks cannot be used.").back("/tasks");
                let day: NaiveDate = day.parse().map_err(|_| wrong())?;
                let (since, until) = source_app::service::span_of(day).ok_or_else(wrong)?;
                (Some(since), Some(until))
            }
        };
        Ok(TaskFilter {
            since,
            until,
            app: number(&self.app)?,
            before: number(&self.before)?,
            kind: word(&self.kind).map(|text| text.parse().map_err(wrong)).transpose()?,
            label: word(&self.label),
            state: word(&self.state).map(|text| text.parse().map_err(wrong)).transpose()?,
            // One more tells whether there are older ones.
            limit: Some(MAX_TASKS_PER_PAGE + 1),
            ..TaskFilter::default()
        })
    }

    /// The same filter from another task on; but for the label it has only numbers and words of
    /// ours in it.
    fn address(&self, before: Option<TaskId>) -> String {
        let state = self.state.replace(' ', "+");
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        let day = if self.day.is_empty() { String::new() } else { format!("&day={}", self.day) };
        let label = match self.label.as_str() {
            "" => String::new(),
            label => format!("&label={}", percent(label, b"-._~")),
        };
        format!("/tasks?app={}&kind={}&state={state}{day}{label}{before}", self.app, self.kind)
    }

    fn fields(&self, apps: &[App]) -> Vec<Field> {
        let any = |text: &str, rest: Vec<(String, String)>| {
            let mut all = vec![(String::new(), text.to_owned())];
            all.extend(rest);
            all
        };
        let words = |words: Vec<&str>| {
            words.into_iter().map(|word| (word.to_owned(), word.to_owned())).collect()
        };
        let mut labels: Vec<&str> =
            apps.iter().flat_map(|app| &app.spec.backup.labels).map(String::as_str).collect();
        labels.sort_unstable();
        labels.dedup();
        let labels: Vec<(String, String)> = words(labels);
        let apps = apps
            .iter()
            .map(|app| (app.id.to_string(), format!("{} ({})", app.spec.name, app.spec.kind)))
            .collect();
        let kinds = words(TaskKind::ALL.iter().map(|kind| kind.as_str()).collect());
        let states = words(TaskState::ALL.iter().map(|state| state.as_str()).collect());
        let mut fields = vec![
            Field::select("app", "App", any("all apps", apps), &self.app),
            Field::select("kind", "Kind", any("all kinds", kinds), &self.kind),
            Field::select("state", "State", any("all states", states), &self.state),
            Field::date("day", "Day", &self.day),
        ];
        if !labels.is_empty() || !self.label.is_empty() {
            fields.push(Field::select("label", "Label", any("all labels", labels), &self.label));
        }
        fields
    }
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    layout: Layout,
    filters: Vec<Field>,
    filtered: bool,
    lines: Vec<TaskRow>,
    newest: String,
    older: String,
    running: bool,
}

pub async fn list(
    State(service): State<Service>,
    Query(query): Query<TaskListQuery>,
    context: PageContext,
) -> PageResult {
    let filter = query.filter()?;
    let (mut tasks, apps) = (service.tasks(filter).await?, service.apps().await?);
    let more = tasks.len() > MAX_TASKS_PER_PAGE as usize;
    tasks.truncate(MAX_TASKS_PER_PAGE as usize);
    let older =
        tasks.last().filter(|_| more).map(|task| query.address(Some(task.id))).unwrap_or_default();
    let names: std::collections::HashMap<AppId, &str> =
        apps.iter().map(|app| (app.id, app.spec.name.as_str())).collect();
    let lines: Vec<TaskRow> = tasks
        .iter()
        .map(|task| TaskRow::of(task, names.get(&task.app).copied().unwrap_or_default()))
        .collect();
    render(&TasksPage {
        layout: context.layout(Section::Tasks),
        filters: query.fields(&apps),
        filtered: [&query.app, &query.kind, &query.state, &query.day, &query.label]
            .iter()
            .any(|text| !text.is_empty()),
        running: tasks.iter().any(|task| !task.state.is_final()),
        lines,
        newest: if query.before.is_empty() { String::new() } else { query.address(None) },
        older,
    })
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    layout: Layout,
    app: App,
    task: Task,
    line: TaskRow,
    open: Option<RunningTask>,
    input: Vec<(String, String)>,
    created: DisplayTime,
    started: Option<DisplayTime>,
    ended: Option<DisplayTime>,
    slot: Option<DisplayTime>,
    next_try: Option<DisplayTime>,
    usage: Usage,
    log: String,
    next: u64,
    can_retry: bool,
}

impl TaskPage {
    /// Whether the drive refused the login, as the connector says it.
    fn login_was_refused(&self) -> bool {
        self.task.verdict.contains(" refused the login of ")
    }
}

pub async fn one(
    State(service): State<Service>,
    Path(id): Path<TaskId>,
    context: PageContext,
) -> PageResult {
    let (task, log) = service.watch(id, 0, MAX_LOG_BYTES_SHOWN).await?;
    let app = service.app(task.app).await?;
    // Whole lines: the script reads on where this ends.
    let end = if log.bytes.len() == MAX_LOG_BYTES_SHOWN {
        log.bytes.iter().rposition(|byte| *byte == b'\n').map_or(MAX_LOG_BYTES_SHOWN, |at| at + 1)
    } else {
        log.bytes.len()
    };
    let above = [("Tasks", "/tasks"), (app.spec.name.as_str(), &format!("/apps/{}", app.id))];
    render(&TaskPage {
        layout: context.below(Section::Tasks, &above),
        line: TaskRow::of(&task, &app.spec.name),
        open: (!task.state.is_final()).then(|| RunningTask::of(&task)),
        input: input(&task.input),
        created: DisplayTime(task.created),
        started: task.started.map(DisplayTime),
        ended: task.ended.map(DisplayTime),
        slot: task.slot.map(DisplayTime),
        next_try: task.next_try.filter(|_| task.state == TaskState::Waiting).map(DisplayTime),
        usage: Usage::of(&service.usage(id).await?).map_err(|error| PageError::inside(&error))?,
        log: String::from_utf8_lossy(&log.bytes[..end]).into_owned(),
        next: end as u64,
        // One that wrote to the source is confirmed anew, at the restore point.
        can_retry: task.state.is_final() && task.input["to"] != "source",
        app,
        task,
    })
}

pub async fn whole_log(State(service): State<Service>, Path(id): Path<TaskId>) -> PageResult {
    let (_, log) = service.watch(id, 0, MAX_LOG_BYTES).await?;
    let name = format!("attachment; filename=\"task-{id}.log\"");
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_DISPOSITION, &name)];
    Ok((headers, log.bytes).into_response())
}

/// What a task was asked, for people.
fn input(input: &serde_json::Value) -> Vec<(String, String)> {
    let word = |key: &str| match key {
        "snapshot" => "Restore point".to_owned(),
        "points" => "Restore points (0: all)".to_owned(),
        "path" => "Path".to_owned(),
        "to" => "Restored to".to_owned(),
        "taken" => "Made".to_owned(),
        other => other.to_owned(),
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) if text == "source" => {
            "the place that was backed up".to_owned()
        }
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(one) if one.len() == 1 => one
            .iter()
            .map(|(kind, name)| format!("{kind} {}", name.as_str().unwrap_or_default()))
            .collect(),
        other => other.to_string(),
    };
    input.as_object().into_iter().flatten().map(|(key, value)| (word(key), text(value))).collect()
}

pub async fn cancel(
    State(service): State<Service>,
    Path(id): Path<TaskId>,
) -> Result<Response, PageError> {
    let notice = match service.cancel(id).await? {
        CancelResult::Now => "cancelled",
        CancelResult::Asked => "cancelling",
        CancelResult::Over => "over",
    };
    Ok(redirect(&format!("/tasks/{id}"), notice))
}

pub async fn retry(
    State(service): State<Service>,
    Path(id): Path<TaskId>,
) -> Result<Response, PageError> {
    let task = service
        .retry(id)
        .await
        .map_err(|error| PageError::from(error).back(&format!("/tasks/{id}")))?;
    Ok(redirect(&format!("/tasks/{}", task.id), "retried"))
}
