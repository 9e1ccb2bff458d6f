//! `app run --due`: what cron, systemd and Kubernetes call.

use futures::StreamExt;
use source_app::state::{App, AppKind, Task, TaskState};

use super::follow::{exit_of, verdict};
use super::lines::with_name;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, unless_left};
use terminal::signals::Signals;
use terminal::text;

/// Maximum number of apps that are worked on side by side.
const MAX_PARALLEL_APPS: usize = 2;

/// Run what is due, and what waits to be tried again, to its end
///
/// Any number of processes may do so, and the console beside: each slot of a schedule is run once.
/// If nothing is due nothing is said. The exit status is that of the worst task.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Of this source app; of all without a name
    #[arg(long, value_name = "NAME", required = true, num_args = 0..=1)]
    due: Option<Option<String>>,
    /// Print a JSON object for each task that ran, in a line
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let listening = Signals::listen();
        let mut signals = listening.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot listen to signals: {error}"))
        })?;
        let apps = match self.due.flatten() {
            Some(name) => vec![opened.source(&name).await?],
            None => opened
                .service
                .apps()
                .await?
                .into_iter()
                .filter(|app| app.spec.kind == AppKind::Source)
                .collect(),
        };
        let due = futures::stream::iter(apps)
            .map(async |app: App| (opened.service.run_due(app.id).await, app))
            .buffer_unordered(MAX_PARALLEL_APPS);
        tokio::pin!(due);
        let (mut worst, mut signal) = (Exit::Done, None);
        // That something cannot be told is no reason to leave what runs.
        let mut told = Ok(());
        loop {
            let (ran, app) = tokio::select! {
                next = due.next() => match next {
                    Some(next) => next,
                    None => break,
                },
                // It stops what runs: then all of them come to an end.
                stopped = signals.next() => {
                    if signal.is_some() {
                        return Err(Failure::silent(Exit::Signal(stopped)));
                    }
                    signal = Some(stopped);
                    say(&format!("{}: ending what runs; it is run once more", stopped.name()));
                    let service = opened.service.clone();
                    tokio::spawn(async move { service.stop().await });
                    continue;
                }
            };
            let ran = match ran {
                Ok(ran) => ran,
                // The other apps go on.
                Err(error) => {
                    say(&text::line(&format!("{}: {error}", app.spec.name)));
                    worst = Exit::Failed;
                    continue;
                }
            };
            for task in ran {
                let told_now = tell(&task, &app, self.json, out);
                told = told.and(told_now);
                let exit = exit_of(task.state);
                if worst == Exit::Done || exit == Exit::Failed {
                    worst = exit;
                }
            }
            told = told.and(unless_left(out.flush()).map_err(Failure::from));
        }
        told?;
        Ok(signal.map_or(worst, Exit::Signal))
    }
}

fn tell(task: &Task, app: &App, json: bool, out: &mut Output) -> Result<(), Failure> {
    if json {
        return Ok(unless_left(out.json(&with_name(task, &app.spec.name)?))?);
    }
    let line = verdict(task, app);
    if task.state == TaskState::Succeeded {
        unless_left(out.line(&line))?;
    } else {
        say(&format!("{line}; `plakar-opendrive app log {}` tells more", task.id));
    }
    Ok(())
}
