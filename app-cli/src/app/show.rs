//! `app show`.

use serde_json::json;
use source_app::service::ConfiguredField;
use source_app::state::AppKind;

use super::backup_options::rows;
use super::fields::kept;
use super::lines::{duration, line, outcome, state, time};
use super::protection::protection;
use super::status::verdict;
use super::stores::copied;
use crate::failure::Failure;
use crate::opened::{AppName, Opened};
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// Show an app: its configuration without secrets, its last tasks, its next runs, its policies
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    named: AppName,
    /// Print one JSON object; of a secret it tells only whether it is set
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.app(&self.named).await?;
        let board = opened.service.dashboard(app.id).await?;
        let policies = opened.service.policies().await?;
        let policies: Vec<String> = policies
            .into_iter()
            .filter(|policy| policy.spec.applies_to(&app))
            .map(|policy| policy.spec.name)
            .collect();
        let comparison = opened.service.comparison(app.id).await?;
        // An integration that is gone is no reason to show nothing.
        let configuration = opened.service.configuration(app.id).await;
        if self.json {
            let mut value = serde_json::to_value(&board).map_err(std::io::Error::from)?;
            let field = |field: &ConfiguredField| json!({ "key": field.field.key, "set": field.set, "value": field.value });
            let (fields, fault) = match configuration {
                Ok(fields) => (Some(fields.iter().map(field).collect::<Vec<_>>()), None),
                Err(error) => (None, Some(error.to_string())),
            };
            value["policies"] = json!(policies);
            value["budget"] = json!(opened.service.budget(app.id).await?);
            value["comparison"] = json!(comparison);
            value["configuration"] = json!(fields);
            value["configuration_fault"] = json!(fault);
            out.json(&value)?;
            return Ok(Exit::Done);
        }
        let spec = &app.spec;
        let class = format!("{} {}", spec.resource.class, spec.resource.subclass);
        let mut row = |name: &str, value: String| {
            out.line(&format!("{:<14}{value}", label(name))).map_err(Failure::from)
        };
        row(spec.kind.as_str(), spec.name.clone())?;
        row("verdict", verdict(board.health.verdict))?;
        for reason in &board.health.reasons {
            row("", shown(&reason.words()))?;
        }
        if let Some(until) = board.paused_until {
            row("paused", format!("until {}: its schedules run nothing", time(until)))?;
        }
        for held in board.held.iter().chain(&board.held_before) {
            row("change alarm", format!("task {}: {}", held.task, shown(&held.reason)))?;
            for example in &held.examples {
                row("", shown(example))?;
            }
        }
        row("resource", format!("{} ({})", shown(&spec.resource.name), shown(class.trim_end())))?;
        row("integration", format!("{} ({})", shown(&spec.integration), shown(&spec.protocol)))?;
        if spec.kind == AppKind::Source {
            row("environment", shown(&spec.environment))?;
            row("data classes", shown(&spec.data_classes.join(", ")))?;
            row("store", shown(spec.store.as_deref().unwrap_or_default()))?;
            if let Some(copies) = &board.second_copy {
                row("second copy", format!("{}, {}", shown(&copies.store), copied(copies)))?;
            }
            row("keeps", kept(board.retention))?;
            row("policies", policies.join(", "))?;
            row("protection", protection(&spec.protection))?;
            rows(&spec.backup).into_iter().try_for_each(|(name, text)| row(name, text))?;
        }
        match configuration {
            Ok(fields) => {
                for ConfiguredField { field, value, set } in fields.iter().filter(|field| field.set)
                {
                    let value = value.as_deref().map_or_else(
                        || if *set { "(set)".to_owned() } else { String::new() },
                        shown,
                    );
                    row(&format!("  {}", shown(&field.key)), value)?;
                }
            }
            Err(error) => row("configuration", shown(&format!("cannot be read: {error}")))?,
        }
        if spec.kind == AppKind::Source {
            let budget = opened.service.budget(app.id).await?;
            row("in 24 hours", budget.app.day.words())?;
            row("in 30 days", budget.app.month.words())?;
            if let Some(volume) = budget.volume {
                row("daily volume", volume.words())?;
            }
            let symbols = board.days.iter().map(|day| day.state.symbol());
            row("30 days", symbols.collect())?;
        }
        for (name, task) in [
            ("tested", &board.tested),
            ("last backup", &board.last),
            ("last success", &board.last_success),
        ] {
            if let Some(task) = task {
                let (at, took) =
                    (task.ended.map(time).unwrap_or_default(), duration(task).unwrap_or_default());
                row(name, format!("{at}  {}  {took}  {}", state(task.state), outcome(task)))?;
            }
        }
        if let Some(proven) = &board.proven {
            let estimate = proven.estimate();
            let estimate = if estimate.is_empty() { estimate } else { format!("; {estimate}") };
            row("restorable", format!("proven {}{estimate}", time(proven.at)))?;
        }
        if let Some(found) = &comparison {
            row("compared", format!("{}  {}", time(found.at), found.figures.words()))?;
            for path in found.different.iter().chain(&found.exposed).take(10) {
                row("", shown(path))?;
            }
        }
        for next in &board.next {
            row("next", format!("{}  {}", time(next.at), next.schedule.schedule.spec.kind))?;
        }
        for task in &board.recent {
            let text = line(task, None);
            row("task", text)?;
        }
        Ok(Exit::Done)
    }
}

/// The name of a row; a further line of the row above has none.
fn label(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{name}:") }
}
