//! `app policy`.

use serde_json::json;
use source_app::state::{self, MatchMode, Owner, PolicySpec};

use super::fields::{Keep, kept, list};
use super::schedule;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, shown};
use terminal::text;

/// Schedules and a retention for all sources of an environment and with certain data classes
///
/// A policy applies to a source if its environment is one of the policy's (none given: whatever it is) and it has any of the
/// policy's data classes, or all of them (none given: whatever it has). `app schedule add --policy NAME` gives it schedules.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a policy
    Add(Spec),
    List(List),
    /// Change a policy: what is not given stays as it is
    Edit(Edit),
    Remove(Remove),
    /// Have a policy apply again
    Enable(Name),
    /// Have a policy apply to nothing
    Disable(Name),
}

#[derive(Debug, clap::Args)]
struct Name {
    /// The policy
    name: String,
}

#[derive(Debug, clap::Args)]
struct Spec {
    #[command(flatten)]
    name: Name,
    /// For sources of this environment; may be repeated, "" for any
    #[arg(long)]
    environment: Vec<String>,
    /// For sources with this data class; may be repeated, "" for any
    #[arg(long, value_name = "CLASS")]
    data_class: Vec<String>,
    /// For those that have any of the data classes; that is how it is, if nothing is said
    #[arg(long, conflicts_with = "all")]
    any: bool,
    /// For those that have all of the data classes
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    keep: Keep,
    /// Print the policy as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Edit {
    #[command(flatten)]
    spec: Spec,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
}

/// List policies with their schedules and the apps that they apply to
#[derive(Debug, clap::Args)]
struct List {
    /// Print a JSON object for each, in a line: id, name, environments, data_classes, classes, retention, enabled, schedules, apps
    #[arg(long)]
    json: bool,
}

/// Remove a policy with its schedules
#[derive(Debug, clap::Args)]
struct Remove {
    #[command(flatten)]
    name: Name,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// The policy of a name.
pub(super) async fn named(opened: &Opened, name: &str) -> Result<state::Policy, Failure> {
    let policies = opened.service.policies().await?;
    let missing = || format!("there is no policy {}; `plakar-opendrive app policy list` shows all", text::quoted(name));
    policies.into_iter().find(|policy| policy.spec.name == name).ok_or_else(|| Failure::new(Exit::NotFound, missing()))
}

impl Spec {
    /// A policy with what is given changed.
    fn over(&self, old: PolicySpec) -> PolicySpec {
        let given = |given: &[String], old| if given.is_empty() { old } else { list(given) };
        PolicySpec {
            environments: given(&self.environment, old.environments),
            data_classes: given(&self.data_class, old.data_classes),
            classes: match (self.any, self.all) {
                (true, _) => MatchMode::Any,
                (_, true) => MatchMode::All,
                _ => old.classes,
            },
            retention: self.keep.over(old.retention),
            name: old.name,
            enabled: old.enabled,
        }
    }

    fn tell(&self, policy: &state::Policy, what: &str, out: &mut Output) -> Result<(), Failure> {
        if self.json {
            out.json(policy)?;
        } else {
            say(&format!("the policy {} is {what}", policy.spec.name));
        }
        Ok(())
    }
}

impl Policy {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        match self.action {
            Action::Add(spec) => {
                let new = PolicySpec {
                    name: spec.name.name.clone(),
                    environments: Vec::new(),
                    data_classes: Vec::new(),
                    classes: MatchMode::Any,
                    retention: Default::default(),
                    enabled: true,
                };
                let made = service.add_policy(spec.over(new)).await?;
                spec.tell(&made, "made", out)?;
            }
            Action::Edit(Edit { spec, rename }) => {
                let old = named(opened, &spec.name.name).await?;
                let mut new = spec.over(old.spec);
                new.name = rename.unwrap_or(new.name);
                let changed = service.edit_policy(old.id, old.revision, new).await?;
                spec.tell(&changed, "changed", out)?;
            }
            Action::Remove(Remove { name: Name { name }, yes }) => {
                let policy = named(opened, &name).await?;
                ask::confirm(yes, &format!("the policy {name} goes, with its schedules")).await?;
                service.remove_policy(policy.id).await?;
                say(&format!("the policy {name} is removed"));
            }
            Action::Enable(name) => set_enabled(opened, &name, true).await?,
            Action::Disable(name) => set_enabled(opened, &name, false).await?,
            Action::List(list) => list.run(opened, out).await?,
        }
        Ok(Exit::Done)
    }
}

async fn set_enabled(opened: &Opened, Name { name }: &Name, enabled: bool) -> Result<(), Failure> {
    let old = named(opened, name).await?;
    opened.service.edit_policy(old.id, old.revision, PolicySpec { enabled, ..old.spec }).await?;
    say(&format!("the policy {name} is {}", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

impl List {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let apps = opened.service.apps().await?;
        let schedules = opened.service.schedules().await?;
        for policy in opened.service.policies().await? {
            let own: Vec<_> = schedules.iter().filter(|schedule| schedule.spec.owner == Owner::Policy(policy.id)).collect();
            let apps: Vec<&str> = apps.iter().filter(|app| policy.spec.applies_to(app)).map(|app| app.spec.name.as_str()).collect();
            if self.json {
                let mut value = serde_json::to_value(&policy).map_err(std::io::Error::from)?;
                value["schedules"] = json!(own);
                value["apps"] = json!(apps);
                out.json(&value)?;
                continue;
            }
            let PolicySpec { name, environments, data_classes, classes, retention, enabled } = &policy.spec;
            let mut parts = vec![name.clone()];
            parts.extend((!enabled).then(|| "disabled".to_owned()));
            parts.extend((!environments.is_empty()).then(|| format!("environment {}", shown(&environments.join(" or ")))));
            let word = if *classes == MatchMode::All { " and " } else { " or " };
            parts.extend((!data_classes.is_empty()).then(|| format!("data class {}", shown(&data_classes.join(word)))));
            parts.push(format!("keeps {}", kept(*retention)));
            parts.push(format!("applies to {}", if apps.is_empty() { "no app".to_owned() } else { apps.join(", ") }));
            out.line(&parts.join("   "))?;
            for schedule in own {
                out.line(&format!("{:>7}  {}", schedule.id, schedule::line(schedule)))?;
            }
        }
        Ok(())
    }
}
