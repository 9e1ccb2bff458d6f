//! The scripts before and after tasks: shown, tried, and kept with their apps.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::{Error, Result};
use super::handle::Service;
use super::hook_run::{HookPlace, HookRun};
use crate::hooks::{HOOKS_FILE, Hook, HookConfiguration, HookMoment};
use crate::notify::NotifyConfiguration;
use crate::state::{AppId, TaskKind, TaskState};
use plakar_driver::CancellationToken;

/// The scripts before and after tasks.
#[derive(Clone, Debug, Serialize)]
pub struct HooksStatus {
    /// The file that says it.
    pub file: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// Why it cannot be used: no task runs then.
    pub fault: Option<String>,
    /// Each of them, in the order of the file.
    pub hooks: Vec<HookStatus>,
}

/// Scripts around tasks, without what may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HookStatus {
    /// Its name.
    pub name: String,
    /// Around tasks of these apps; of all if there are none.
    pub apps: Vec<String>,
    /// Those of them that are no apps.
    pub unknown_apps: Vec<String>,
    /// Around tasks of these kinds.
    pub tasks: Vec<TaskKind>,
    /// The program that runs before them.
    pub before: Option<String>,
    /// The program that runs after them.
    pub after: Option<String>,
    /// How long each may take, in seconds.
    pub timeout_seconds: u64,
}

/// What became of a script that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HookResult {
    /// The name of the hook.
    pub hook: String,
    /// Which of both.
    pub moment: HookMoment,
    /// Why it failed, if it did.
    pub fault: Option<String>,
}

impl HookStatus {
    fn of(hook: &Hook, apps: &[String]) -> Self {
        let program = |moment| hook.program(moment).map(str::to_owned);
        Self {
            name: hook.name.clone(),
            apps: hook.apps.clone(),
            unknown_apps: hook.apps.iter().filter(|name| !apps.contains(name)).cloned().collect(),
            tasks: hook.tasks.clone(),
            before: program(HookMoment::Before),
            after: program(HookMoment::After),
            timeout_seconds: hook.timeout.as_secs(),
        }
    }
}

impl Service {
    /// The scripts before and after tasks: of all apps, or those of one.
    ///
    /// # Errors
    /// The database failed, or there is no such app.
    pub async fn hooks_status(&self, only: Option<AppId>) -> Result<HooksStatus> {
        let directory = self.directory().to_owned();
        let file = directory.join(HOOKS_FILE);
        let (read, apps, only) = self
            .state(move |state| {
                let only = only.map(|id| state.app(id)).transpose()?;
                let names = state.apps()?.into_iter().map(|app| app.spec.name);
                let names: Vec<String> = names.collect();
                Ok((HookConfiguration::read(&directory), names, only.map(|app| app.spec.name)))
            })
            .await?;
        let (configuration, exists, fault) = match read {
            Ok(None) => (HookConfiguration::default(), false, None),
            Ok(Some(configuration)) => (configuration, true, None),
            Err(fault) => (HookConfiguration::default(), true, Some(fault)),
        };
        let shown = configuration.hooks.iter();
        let shown = shown.filter(|hook| only.as_ref().is_none_or(|app| hook.is_of(app)));
        let hooks = shown.map(|hook| HookStatus::of(hook, &apps)).collect();
        Ok(HooksStatus { file, exists, fault, hooks })
    }

    /// Runs the scripts around a task of an app without the task, and hands over each line that they
    /// print: those before it in the order of the file, then those after it, the last first. What
    /// fails holds up no other. Gives what became of each. When it is dropped, they are ended.
    ///
    /// # Errors
    /// `hooks.toml` cannot be used, or has none for such a task of this app.
    pub async fn test_hooks(
        &self,
        app: AppId,
        kind: TaskKind,
        said: &mut (dyn FnMut(&str, HookMoment, &str) + Send),
    ) -> Result<Vec<HookResult>> {
        let directory = self.directory().to_owned();
        let file = directory.join(HOOKS_FILE);
        let (read, app) = self
            .state(move |state| Ok((HookConfiguration::read(&directory), state.app(app)?)))
            .await?;
        let mut hooks = read.map_err(Error::Input)?.unwrap_or_default().hooks;
        hooks.retain(|hook| hook.is_around(&app.spec.name, kind));
        if hooks.is_empty() {
            return Err(Error::NotFound(format!(
                "no script runs around a {kind} of {}: {} has none (docs/app.md says how to write it)",
                app.spec.name,
                file.display()
            )));
        }
        let place = HookPlace::of(&app)?;
        let before = hooks.iter().map(|hook| (hook, HookMoment::Before));
        let all = before.chain(hooks.iter().rev().map(|hook| (hook, HookMoment::After)));
        // It ends them by leaving.
        let (mut results, never) = (Vec::new(), CancellationToken::new());
        for (hook, moment) in all.filter(|(hook, moment)| hook.command(*moment).is_some()) {
            let state = match moment {
                HookMoment::Before => TaskState::Running,
                HookMoment::After => TaskState::Succeeded,
            };
            let variables = [
                ("HOOK_TEST", "1".to_owned()),
                ("HOOK_APP", app.spec.name.clone()),
                ("HOOK_KIND", kind.to_string()),
                ("HOOK_STATE", state.to_string()),
            ];
            let run = HookRun { hook, moment, place: &place, variables: &variables };
            let ran =
                run.run(&self.plakar, &mut |line| said(&hook.name, moment, line), &never).await;
            let fault = ran.err().map(|error| error.to_string());
            results.push(HookResult { hook: hook.name.clone(), moment, fault });
        }
        Ok(results)
    }
}

/// Refuses a new name of an app that would lose it what a file says for its old one.
///
/// # Errors
/// [`Error::Input`]: which file, and what to write there.
pub(super) fn refuse_lost_name(directory: &Path, old: &str, new: &str) -> Result<()> {
    let lost = |file: &str, apps: &[String]| {
        let has = |name: &str| apps.iter().any(|one| one == name);
        if !has(old) || has(new) {
            return Ok(());
        }
        Err(Error::Input(format!(
            "{} names the app {old}, which would have none of it under another name; write \"{new}\" beside \"{old}\" there, then rename it",
            directory.join(file).display()
        )))
    };
    let hooks = HookConfiguration::read(directory).map_err(Error::Input)?.unwrap_or_default();
    hooks.hooks.iter().try_for_each(|hook| lost(HOOKS_FILE, &hook.apps))?;
    // With a fault in it nobody is told of any app.
    let told = NotifyConfiguration::read(directory).ok().flatten().unwrap_or_default();
    told.receivers.iter().try_for_each(|receiver| lost(crate::notify::FILE, &receiver.apps))
}
