//! `app hook`.

use source_app::hooks::HookMoment;
use source_app::service::HookStatus;
use source_app::state::TaskKind;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, shown};
use terminal::text;

/// Show the scripts that run before and after tasks, and try them
///
/// The file hooks.toml in the folder of the state names them: commands around backups or other
/// kinds of tasks, for all apps or for some. If a command before a task fails, the task does not
/// begin; a command after it runs however the task ended.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct HookCommand {
    #[command(subcommand)]
    action: HookAction,
}

#[derive(Debug, clap::Subcommand)]
enum HookAction {
    List(HookList),
    Test(HookTest),
}

/// List the scripts around tasks of all apps, or of one
///
/// Of a command the program is shown, without its arguments. The exit status is 1 if hooks.toml
/// cannot be used or names an app that is not there.
#[derive(Debug, clap::Args)]
struct HookList {
    /// The source app; all without it
    name: Option<String>,
    /// Print one JSON object: file, exists, fault and hooks
    #[arg(long)]
    json: bool,
}

/// Run the scripts around a task of an app now, without the task
///
/// They really run: a script that stops a database stops it. What they print goes to standard
/// error. HOOK_TEST is 1 for them, and there is no HOOK_TASK. The exit status is 1 if one fails.
#[derive(Debug, clap::Args)]
struct HookTest {
    /// The source app
    name: String,
    /// Those around this kind of task
    #[arg(long, value_name = "KIND", default_value = "backup")]
    task: TaskKind,
    /// Print a JSON object for each, in a line: hook, moment and fault
    #[arg(long)]
    json: bool,
}

impl HookCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            HookAction::List(list) => list.run(opened, out).await,
            HookAction::Test(test) => test.run(opened, out).await,
        }
    }
}

impl HookList {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = match &self.name {
            Some(name) => Some(opened.source(name).await?.id),
            None => None,
        };
        let status = opened.service.hooks_status(app).await?;
        let is_bad = |hook: &HookStatus| !hook.unknown_apps.is_empty();
        let bad = status.fault.is_some() || status.hooks.iter().any(is_bad);
        if self.json {
            out.json(&status)?;
        } else if let Some(fault) = &status.fault {
            return Err(Failure::new(Exit::Failed, format!("no task runs: {fault}")));
        } else if status.hooks.is_empty() {
            say(&format!(
                "no script runs around tasks: {} {}; docs/app.md says how to write it",
                status.file.display(),
                if status.exists { "has none for them" } else { "is not there" }
            ));
        } else {
            for hook in &status.hooks {
                lines(hook).iter().try_for_each(|line| out.line(line))?;
            }
        }
        Ok(if bad { Exit::Failed } else { Exit::Done })
    }
}

fn lines(hook: &HookStatus) -> Vec<String> {
    let apps = if hook.apps.is_empty() { "all apps".into() } else { hook.apps.join(", ") };
    let kinds: Vec<&str> = hook.tasks.iter().map(|kind| kind.as_str()).collect();
    let begin = format!("{}  {} of {apps}", hook.name, kinds.join(", "));
    let limit = coloured(ASIDE, &format!("within {} s each", hook.timeout_seconds));
    let mut lines = vec![format!("{begin}  {limit}")];
    for (moment, program) in [("before", &hook.before), ("after", &hook.after)] {
        lines.extend(program.iter().map(|program| format!("  {moment}: {}", shown(program))));
    }
    lines.extend(hook.unknown_apps.iter().map(|app| format!("  there is no app {app}")));
    lines
}

impl HookTest {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let mut said = |hook: &str, moment: HookMoment, line: &str| {
            say(&text::line(&format!("{} ({hook}): {line}", moment.as_str())));
        };
        let results = opened.service.test_hooks(app.id, self.task, &mut said).await?;
        for result in &results {
            if self.json {
                out.json(result)?;
                continue;
            }
            let how = match &result.fault {
                None => coloured(GOOD, "went well"),
                Some(fault) => format!("{}: {}", coloured(BAD, "failed"), shown(fault)),
            };
            out.line(&format!("{} ({})  {how}", result.moment.as_str(), result.hook))?;
        }
        let well = results.iter().all(|result| result.fault.is_none());
        Ok(if well { Exit::Done } else { Exit::Failed })
    }
}
