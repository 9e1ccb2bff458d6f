//! Following a task to its end: its log and its progress, and Ctrl-C.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use source_app::service::Service;
use source_app::state::{App, AppId, Task, TaskState};

use super::lines::{duration, time, with_name};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, unless_left};
use terminal::signals::{Signal, Signals};
use terminal::text;

/// How often the task is looked at.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Wait before it is tried again to go on with a task that waits, after the state failed.
const RESUME_INTERVAL: Duration = Duration::from_secs(60);

/// Maximum size of the log's part that is read at once, in bytes.
const MAX_LOG_PART_BYTES: usize = 64 << 10;

/// The line that shows how far a task is, with a clock; where nothing is known to compare with.
const UNKNOWN: &str = "{spinner} {elapsed} {wide_msg}";

/// The same where something is.
const KNOWN: &str = "{spinner} {elapsed} [{bar:20}] {wide_msg}";

/// How the end of a task is told.
#[derive(Debug, clap::Args)]
pub(super) struct TaskOutput {
    /// Print the task as one JSON object when it has ended
    #[arg(long)]
    pub(super) json: bool,
}

/// Follows a task that was started here to its end. A first signal cancels it in order, a second
/// one leaves it.
pub(super) async fn to_the_end(
    opened: &Opened,
    app: &App,
    task: &Task,
    json: bool,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let listening = Signals::listen();
    let mut signals = listening.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot listen to signals: {error}"))
    })?;
    let what = format!("{} of {}", task.kind, app.spec.name);
    let mut log = LogLines::new(true);
    let mut cancelled: Option<Signal> = None;
    let mut resumed = false;
    let ended = loop {
        let (task, more) = log.next(opened, task.id).await?;
        if task.state.is_final() && !more {
            break task;
        }
        if task.state == TaskState::Waiting && !resumed && cancelled.is_none() {
            // Whoever runs the schedules goes on with it when its time comes. Here nobody else
            // does.
            log.say(&format!(
                "{}; it goes on at {}",
                task.verdict,
                task.next_try.map(time).unwrap_or_default()
            ));
            tokio::spawn(resume(opened.service.clone(), app.id, log.bar.clone()));
            resumed = true;
        }
        if more {
            continue;
        }
        if task.state == TaskState::Running && opened.service.is_given_up(task.id).await? {
            log.done();
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "how the {what} ended could not be written down; its log above says it. Is the disk full on which the state is?"
                ),
            ));
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            signal = signals.next() => {
                if cancelled.is_some() {
                    log.done();
                    return Err(Failure::new(Exit::Signal(signal), format!("left before the {what} had ended; Plakar is ended too")));
                }
                cancelled = Some(signal);
                log.say(&format!("{}: cancelling; once more leaves at once", signal.name()));
                if let Err(error) = opened.service.cancel(task.id).await {
                    log.say(&format!("that it is cancelled could not be written down: {error}"));
                    // It ends in order all the same: as interrupted.
                    let service = opened.service.clone();
                    tokio::spawn(async move { service.stop().await });
                }
            }
        }
    };
    log.done();
    let exit = match (ended.state, cancelled) {
        (TaskState::Cancelled, Some(signal)) => Exit::Signal(signal),
        (state, _) => exit_of(state),
    };
    let line = verdict(&ended, app);
    unless_left(match (json, exit) {
        (true, _) => out.json(&with_name(&ended, &app.spec.name)?),
        (false, Exit::Done) => out.line(&line),
        (false, _) => {
            say(&line);
            Ok(())
        }
    })?;
    Ok(exit)
}

/// Does what is due for an app, to its end. If the state fails that is tried again: nobody else goes on
/// with the task that is followed.
async fn resume(service: Service, app: AppId, bar: ProgressBar) {
    while let Err(error) = service.run_due(app).await {
        say_above(&bar, &format!("{error}; it is tried again in a minute"));
        tokio::time::sleep(RESUME_INTERVAL).await;
    }
}

/// Prints a line on standard error, above the bar.
fn say_above(bar: &ProgressBar, line: &str) {
    let line = text::line(line);
    bar.suspend(|| {
        // Nobody may listen any more.
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}

/// How a task ended, in one line.
pub(super) fn verdict(task: &Task, app: &App) -> String {
    let took = duration(task).map(|took| format!(" ({took})")).unwrap_or_default();
    format!(
        "{} of {} {}: {}{took}",
        task.kind,
        app.spec.name,
        task.state,
        text::line(&task.verdict)
    )
}

/// The exit status for how a task ended.
pub(super) fn exit_of(state: TaskState) -> Exit {
    match state {
        TaskState::Succeeded => Exit::Done,
        TaskState::CompletedWithErrors => Exit::Incomplete,
        _ => Exit::Failed,
    }
}

/// A task's log line by line, and on a terminal a line that shows how far it is.
pub(super) struct LogLines {
    offset: u64,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    bar: ProgressBar,
}

impl LogLines {
    pub(super) fn new(bar: bool) -> Self {
        let target = if bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(UNKNOWN) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(POLL_INTERVAL);
        Self { offset: 0, rest: Vec::new(), bar }
    }

    /// Prints what is new on standard error. Gives the task, and whether there was more of the log.
    async fn next(&mut self, opened: &Opened, id: i64) -> Result<(Task, bool), Failure> {
        let mut lines = Vec::new();
        let (task, more) = self.read(opened, id, |line| lines.push(line)).await?;
        if let Some(percent) = task.progress_detail.as_ref().and_then(|detail| detail.percent) {
            if self.bar.length().is_none()
                && let Ok(style) = ProgressStyle::with_template(KNOWN)
            {
                self.bar.set_style(style.progress_chars("=> "));
                self.bar.set_length(100);
            }
            self.bar.set_position(percent.into());
        }
        self.bar.set_message(text::line(&task.progress));
        for line in lines {
            self.say(&line);
        }
        Ok((task, more))
    }

    /// Hands the lines over that are new.
    pub(super) async fn read(
        &mut self,
        opened: &Opened,
        id: i64,
        mut take: impl FnMut(String),
    ) -> Result<(Task, bool), Failure> {
        let (task, part) = opened.service.watch(id, self.offset, MAX_LOG_PART_BYTES).await?;
        let more = !part.bytes.is_empty();
        self.offset = part.next;
        self.rest.extend_from_slice(&part.bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            take(text::line(String::from_utf8_lossy(&line[..end]).as_ref()));
        }
        Ok((task, more))
    }

    fn say(&self, line: &str) {
        say_above(&self.bar, line);
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
