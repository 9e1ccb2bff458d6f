//! Runs the scripts of `hooks.toml` around a task.
//!
//! What comes before it has to go well, or nothing is done. What comes after it runs however it ended,
//! so that what the one has stopped the other can start; it can take nothing back that was done.

use super::blocking::blocking;
use super::error::{Error, Result};
use super::hook_run::{HookPlace, HookRun, HookVoice};
use super::log::TaskLog;
use super::work_result::WorkResult;
use crate::hooks::{Hook, HookConfiguration, HookMoment};
use crate::scheduler::{Job, Outcome};
use crate::state::{State, StateError, TaskKind, TaskState};
use plakar_driver::{CancellationToken, Plakar, Verdict};

/// What became of the command before the task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BeforeEnd {
    NotRun,
    Well,
    Failed,
}

impl BeforeEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotRun => "not run",
            Self::Well => "well",
            Self::Failed => "failed",
        }
    }
}

/// The hooks of one task.
pub(super) struct TaskHooks {
    hooks: Vec<(Hook, BeforeEnd)>,
}

impl TaskHooks {
    /// Those that are around this task.
    ///
    /// # Errors
    /// [`Error::Input`]: the file cannot be used, so that it is not known what has to run.
    pub(super) async fn of(state: &State, job: &Job) -> Result<Self> {
        if job.task.kind == TaskKind::Test {
            return Ok(Self { hooks: Vec::new() });
        }
        let directory = state.directory().to_owned();
        let read = blocking(move || Ok::<_, StateError>(HookConfiguration::read(&directory)));
        let configuration = read.await?.map_err(|fault| {
            Error::Input(format!(
                "nothing was done, as it is not known which scripts are to run before it: {fault}"
            ))
        })?;
        let (app, kind) = (&job.app.spec.name, job.task.kind);
        let all = configuration.unwrap_or_default().hooks.into_iter();
        let own = all.filter(|hook| hook.is_around(app, kind));
        Ok(Self { hooks: own.map(|hook| (hook, BeforeEnd::NotRun)).collect() })
    }

    /// Runs what comes before the task, in the order of the file. Gives the end of the task if one of
    /// it did not go well.
    ///
    /// # Errors
    /// It was cancelled.
    pub(super) async fn before(
        &mut self,
        plakar: &Plakar,
        job: &Job,
        log: &mut TaskLog<'_>,
    ) -> Result<Option<WorkResult>> {
        let moment = HookMoment::Before;
        for (hook, end) in &mut self.hooks {
            if hook.command(moment).is_none() {
                continue;
            }
            log.phase("running scripts before it");
            let place = HookPlace::of(&job.app)?;
            let variables = task_variables(job, TaskState::Running, "", "");
            let run = HookRun { hook, moment, place: &place, variables: &variables };
            let mut voice = HookVoice::default();
            let patience = log.patience();
            let mut said = |line: &str| voice.say(&run, line, log);
            let ran = patience.during(run.run(plakar, &mut said, &job.cancel)).await;
            match ran {
                Ok(()) => *end = BeforeEnd::Well,
                Err(Error::Plakar(plakar_driver::Error::Cancelled)) => {
                    *end = BeforeEnd::Failed;
                    return Err(plakar_driver::Error::Cancelled.into());
                }
                Err(error) => {
                    *end = BeforeEnd::Failed;
                    let reason = format!(
                        "nothing was done, as the script before it ({}) failed: {error}",
                        hook.name
                    );
                    return Ok(Some(WorkResult::of(Verdict::Failed { reason })));
                }
            }
        }
        Ok(None)
    }

    /// Runs what comes after the task, the last of the file first, each whatever became of the others.
    /// Gives the end of the task with what did not go well.
    ///
    /// Whoever cancels while these run cancels them; after a task that was cancelled they have their
    /// time.
    pub(super) async fn after(
        self,
        plakar: &Plakar,
        job: &Job,
        mut outcome: Outcome,
        cancel: &CancellationToken,
        log: &mut TaskLog<'_>,
    ) -> Outcome {
        let moment = HookMoment::After;
        if !self.hooks.iter().any(|(hook, _)| hook.command(moment).is_some()) {
            return outcome;
        }
        let (state, verdict, snapshot) = told(&outcome);
        let own = CancellationToken::new();
        let cancel = if cancel.is_cancelled() { &own } else { cancel };
        // No phase: the next run compares itself with the last one's figures.
        log.say("running scripts after it");
        log.notice("a script after it runs");
        for (hook, before) in self.hooks.iter().rev() {
            if hook.command(moment).is_none() {
                continue;
            }
            let ran = async {
                let place = HookPlace::of(&job.app)?;
                let mut variables = task_variables(job, state, &verdict, &snapshot);
                if hook.command(HookMoment::Before).is_some() {
                    variables.push(("HOOK_BEFORE", before.as_str().to_owned()));
                }
                let run = HookRun { hook, moment, place: &place, variables: &variables };
                let mut voice = HookVoice::default();
                run.run(plakar, &mut |line| voice.say(&run, line, log), cancel).await
            };
            if let Err(error) = ran.await {
                let said = format!("the script after it ({}) failed: {error}", hook.name);
                log.say(&said);
                outcome = with_failure(outcome, job.task.kind, &said);
            }
        }
        log.notice("");
        outcome
    }
}

/// What is told of a task by variables.
fn task_variables(
    job: &Job,
    state: TaskState,
    verdict: &str,
    snapshot: &str,
) -> Vec<(&'static str, String)> {
    vec![
        ("HOOK_APP", job.app.spec.name.clone()),
        ("HOOK_TASK", job.task.id.to_string()),
        ("HOOK_KIND", job.task.kind.to_string()),
        ("HOOK_CAUSE", job.task.cause.to_string()),
        ("HOOK_STATE", state.to_string()),
        ("HOOK_VERDICT", verdict.to_owned()),
        ("HOOK_SNAPSHOT", snapshot.to_owned()),
    ]
}

/// The state, the verdict and the snapshot of a task.
fn told(outcome: &Outcome) -> (TaskState, String, String) {
    match outcome {
        Outcome::Ended { result, .. } => {
            let snapshot = result.snapshot.clone().unwrap_or_default();
            (result.state, result.verdict.clone(), snapshot)
        }
        Outcome::StoreLocked(reason) => {
            (TaskState::Waiting, format!("the store is locked: {reason}"), String::new())
        }
    }
}

/// A task that went well has errors then. Not a check, a drill or a comparison: their state says what
/// they found.
fn with_failure(outcome: Outcome, kind: TaskKind, said: &str) -> Outcome {
    let Outcome::Ended { mut result, retry } = outcome else { return outcome };
    let finds = matches!(kind, TaskKind::Check | TaskKind::Drill | TaskKind::Compare);
    if !finds && matches!(result.state, TaskState::Succeeded | TaskState::CompletedWithErrors) {
        result.state = TaskState::CompletedWithErrors;
        result.errors += 1;
    }
    result.verdict = format!("{}; {said}", result.verdict);
    Outcome::Ended { result, retry }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskFigures;
    use crate::state::TaskResult;

    fn ended(state: TaskState) -> Outcome {
        let figures = TaskFigures::default();
        let result = TaskResult {
            state,
            exit: Some(0),
            verdict: "fine".into(),
            errors: 0,
            bytes: None,
            snapshot: None,
            figures,
        };
        Outcome::Ended { result, retry: true }
    }

    #[test]
    fn a_script_that_fails_after_a_task_is_an_error_of_it_but_no_finding() {
        for (kind, before, after, errors) in [
            (TaskKind::Backup, TaskState::Succeeded, TaskState::CompletedWithErrors, 1),
            (TaskKind::Backup, TaskState::Failed, TaskState::Failed, 0),
            (TaskKind::Backup, TaskState::Cancelled, TaskState::Cancelled, 0),
            (TaskKind::Prune, TaskState::Missed, TaskState::Missed, 0),
            (TaskKind::Check, TaskState::Succeeded, TaskState::Succeeded, 0),
            (TaskKind::Drill, TaskState::Succeeded, TaskState::Succeeded, 0),
        ] {
            let Outcome::Ended { result, retry } = with_failure(ended(before), kind, "it failed")
            else {
                panic!()
            };
            assert_eq!((result.state, result.errors, retry), (after, errors, true), "{kind}");
            assert_eq!(result.verdict, "fine; it failed");
        }
        let locked = Outcome::StoreLocked("by x".into());
        assert_eq!(with_failure(locked.clone(), TaskKind::Backup, "it failed"), locked);
        assert_eq!(told(&locked).0, TaskState::Waiting);
    }
}
