//! Tells somebody how apps are: judged after each task and by the clock, told once for each change.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::blocking::blocking;
use super::health::health_of;
use crate::model::{Change, OpenAlert, OpenBackups, alert_changes, findings};
use crate::notify::{Dispatcher, Event, NotifyConfiguration, PingKind};
use crate::scheduler::Job;
use crate::state::{
    AppId, EffectiveSchedule, Judged, NewMessage, State, StateError, Task, TaskKind, TaskState,
};

/// For how long a backup that is queued holds back what it may put right.
const QUEUED_COUNTS: TimeDelta = TimeDelta::hours(6);

/// Judges apps and tells. Clones are one.
#[derive(Clone)]
pub(super) struct Teller {
    state: State,
    dispatcher: Dispatcher,
    /// What was said last of the file, so that a fault is not said at every look.
    fault: Arc<Mutex<Option<String>>>,
}

impl Teller {
    pub(super) fn new(state: State, dispatcher: Dispatcher) -> Self {
        Self { state, dispatcher, fault: Arc::default() }
    }

    /// Who is told. A file that cannot be used is no reason for anything else to fail.
    async fn configuration(&self) -> Option<NotifyConfiguration> {
        let directory = self.dispatcher.directory();
        let read = blocking(move || Ok::<_, StateError>(NotifyConfiguration::read(&directory)));
        let (configuration, fault) = match read.await {
            Ok(Ok(configuration)) => (configuration, None),
            Ok(Err(fault)) => (None, Some(fault)),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut before = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = fault.as_ref().filter(|fault| before.as_ref() != Some(*fault)) {
            tracing::error!("nobody is told how apps are: {fault}");
        }
        *before = fault;
        configuration
    }

    /// Judges all apps, or one, and sends what there is to tell. Nothing here may fail a task.
    ///
    /// Who runs what is due for one app alone judges no other at its beginning: after a start of the
    /// machine, theirs is about to be caught up too.
    pub(super) async fn look(&self, only: Option<AppId>, now: DateTime<Utc>) {
        let Some(configuration) = self.configuration().await else { return };
        let (state, all) = (self.state.clone(), configuration.clone());
        if let Err(error) = blocking(move || judge(&state, &all, only, now)).await {
            tracing::error!(%error, "how apps are could not be judged; it is tried again");
        }
        self.dispatcher.send(&configuration, now);
    }

    /// A task has begun.
    pub(super) async fn begun(&self, job: &Job) {
        // A second try is no second beginning.
        if let Some(configuration) = self.configuration().await {
            let (app, kind) = (&job.app.spec.name, job.task.kind);
            self.dispatcher.ping(&configuration, app, kind, PingKind::Start, "");
        }
    }

    /// A task has ended, and that is written down.
    pub(super) async fn ended(&self, task: &Task, now: DateTime<Utc>) {
        if let Some(configuration) = self.configuration().await
            && let Some(kind) = ping_of(task)
        {
            let (state, id) = (self.state.clone(), task.app);
            if let Ok(app) = blocking(move || state.app(id)).await {
                let app = &app.spec.name;
                self.dispatcher.ping(&configuration, app, task.kind, kind, &task.verdict);
            }
        }
        self.look(None, now).await;
    }
}

/// What is called at the end of a task.
fn ping_of(task: &Task) -> Option<PingKind> {
    match task.state {
        TaskState::Succeeded => Some(PingKind::Success),
        TaskState::CompletedWithErrors
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Interrupted => Some(PingKind::Fail),
        TaskState::Queued | TaskState::Running | TaskState::Waiting | TaskState::Missed => None,
    }
}

/// Judges all apps, or one; gives how many messages there are more.
fn judge(
    state: &State,
    configuration: &NotifyConfiguration,
    only: Option<AppId>,
    now: DateTime<Utc>,
) -> std::result::Result<usize, StateError> {
    let names: Vec<String> =
        configuration.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    state.keep_receivers(&names)?;
    let mut failed = None;
    let messages = state.judge(only, now, |judged, schedules| {
        let (told, lasting) = changes_of(judged, schedules, configuration.remind_after, now);
        let mut messages = Vec::new();
        for change in told {
            match message(judged, schedules, &change, configuration, now) {
                Ok(message) => messages.push(message),
                Err(error) => failed = Some(error),
            }
        }
        // What cannot be told now is told at the next look.
        if failed.is_some() { (Vec::new(), judged.open.clone()) } else { (messages, lasting) }
    })?;
    failed.map_or(Ok(messages), |error| Err(StateError::Busy(error)))
}

fn changes_of(
    judged: &Judged,
    schedules: &[EffectiveSchedule],
    remind_after: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> (Vec<Change>, Vec<OpenAlert>) {
    let health = health_of(&judged.app, &judged.tasks, schedules, now);
    let counts = |task: &&Task| {
        task.kind == TaskKind::Backup
            && (task.state == TaskState::Running || now - task.created <= QUEUED_COUNTS)
    };
    let backups = || judged.tasks.open.iter().filter(counts);
    let open = OpenBackups {
        any: backups().next().is_some(),
        retry: backups().any(|task| task.attempt > 1),
    };
    alert_changes(&judged.open, &findings(&health, open, now), remind_after, now)
}

fn message(
    judged: &Judged,
    schedules: &[EffectiveSchedule],
    change: &Change,
    configuration: &NotifyConfiguration,
    now: DateTime<Utc>,
) -> std::result::Result<NewMessage, String> {
    let app = &judged.app.spec;
    let health = health_of(&judged.app, &judged.tasks, schedules, now);
    let event = Event {
        event: change.kind,
        reminder: change.reminder,
        app: Some(app.name.clone()),
        resource: Some(app.resource.name.clone()),
        verdict: Some(health.verdict.as_str().to_owned()),
        words: change.words.clone(),
        task: change.task,
        since: change.since,
        ..Event::test(now)?
    };
    let wanting = configuration.receivers.iter();
    let wanting = wanting.filter(|receiver| receiver.wants(&app.name, change.kind));
    let receivers = wanting.map(|receiver| receiver.name.clone()).collect();
    let body = serde_json::to_value(event).map_err(|error| error.to_string())?;
    Ok(NewMessage { body, receivers })
}
