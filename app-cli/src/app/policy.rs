//! `app policy`.

use serde_json::json;
use source_app::service::{self, PolicyDraft};
use source_app::state::{self, MatchMode, Owner, PolicySpec};

use super::contract::{ContractArgs, told};
use super::fields::{KeepArgs, kept};
use super::repeated::list;
use super::schedule::{self, NextTimes};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// Schedules and a retention for all sources of an environment and with certain data classes
///
/// A policy applies to a source if its environment is one of the policy's (none given: whatever it
/// is) and it has any of the policy's data classes, or all of them (none given: whatever it has),
/// and one of its labels at least (none given: whatever it has).
/// `app schedule add --policy NAME` gives it schedules.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    action: PolicyAction,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyAction {
    /// Make a policy
    Add(PolicyArgs),
    List(ListPolicies),
    /// Change a policy: what is not given stays as it is
    Edit(EditPolicy),
    Remove(RemovePolicy),
    /// Have a policy apply again
    Enable(PolicyName),
    /// Have a policy apply to nothing
    Disable(PolicyName),
}

#[derive(Debug, clap::Args)]
struct PolicyName {
    /// The policy
    name: String,
}

#[derive(Debug, clap::Args)]
struct PolicyArgs {
    #[command(flatten)]
    name: PolicyName,
    /// For sources of this environment; may be repeated, "" for any
    #[arg(long)]
    environment: Vec<String>,
    /// For sources with this data class; may be repeated, "" for any
    #[arg(long, value_name = "CLASS")]
    data_class: Vec<String>,
    /// For sources that have any of the data classes; this is the default
    #[arg(long, conflicts_with = "all")]
    any: bool,
    /// For sources that have all of the data classes
    #[arg(long)]
    all: bool,
    /// For sources with this label; may be repeated, for those with any of them, "" for any
    #[arg(long)]
    label: Vec<String>,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    contract: ContractArgs,
    /// Print the policy as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct EditPolicy {
    #[command(flatten)]
    spec: PolicyArgs,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
}

/// List policies with their schedules and the apps that they apply to
#[derive(Debug, clap::Args)]
struct ListPolicies {
    /// Print a JSON object for each, in a line: id, name, environments, data_classes, classes,
    /// labels, retention, promise, check_after_backup, enabled, schedules, apps
    #[arg(long)]
    json: bool,
}

/// Remove a policy with its schedules
#[derive(Debug, clap::Args)]
struct RemovePolicy {
    #[command(flatten)]
    name: PolicyName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl PolicyArgs {
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
            labels: given(&self.label, old.labels),
            retention: self.keep.over(old.retention),
            promise: self.contract.promise(old.promise),
            check_after_backup: self.contract.check_after_backup.unwrap_or(old.check_after_backup),
            name: old.name,
            enabled: old.enabled,
        }
    }

    /// Saves it, or says only what it would come to.
    async fn save(
        &self,
        opened: &Opened,
        old: Option<(state::PolicyId, i64)>,
        spec: PolicySpec,
        what: &str,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let service = &opened.service;
        let draft = PolicyDraft { spec, times: self.contract.times() };
        if self.contract.dry_run {
            draft.spec.check().map_err(service::Error::from)?;
            let contract = service.draft_contract(old.map(|(id, _)| id), &draft).await?;
            return told(&contract, self.json, out);
        }
        let policy = service.save_policy(old, draft).await?;
        if self.json {
            return Ok(out.json(&policy)?);
        }
        say(&format!("the policy {} is {what}", policy.spec.name));
        told(&service.policy_contract(policy.id).await?, false, out)
    }
}

impl PolicyCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        match self.action {
            PolicyAction::Add(spec) => {
                let new = PolicySpec {
                    name: spec.name.name.clone(),
                    environments: Vec::new(),
                    data_classes: Vec::new(),
                    classes: MatchMode::Any,
                    retention: Default::default(),
                    labels: Vec::new(),
                    promise: None,
                    check_after_backup: false,
                    enabled: true,
                };
                spec.save(opened, None, spec.over(new), "made", out).await?;
            }
            PolicyAction::Edit(EditPolicy { spec, rename }) => {
                let old = opened.policy(&spec.name.name).await?;
                let mut new = spec.over(old.spec);
                new.name = rename.unwrap_or(new.name);
                spec.save(opened, Some((old.id, old.revision)), new, "changed", out).await?;
            }
            PolicyAction::Remove(RemovePolicy { name: PolicyName { name }, yes }) => {
                let policy = opened.policy(&name).await?;
                ask::confirm(yes, &format!("the policy {name} goes, with its schedules")).await?;
                service.remove_policy(policy.id).await?;
                say(&format!("the policy {name} is removed"));
            }
            PolicyAction::Enable(name) => set_enabled(opened, &name, true).await?,
            PolicyAction::Disable(name) => set_enabled(opened, &name, false).await?,
            PolicyAction::List(list) => list.run(opened, out).await?,
        }
        Ok(Exit::Done)
    }
}

async fn set_enabled(
    opened: &Opened,
    PolicyName { name }: &PolicyName,
    enabled: bool,
) -> Result<(), Failure> {
    let old = opened.policy(name).await?;
    opened.service.edit_policy(old.id, old.revision, PolicySpec { enabled, ..old.spec }).await?;
    say(&format!("the policy {name} is {}", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

impl ListPolicies {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let apps = opened.service.apps().await?;
        let schedules = opened.service.schedules().await?;
        let times = NextTimes::of(opened, None).await?;
        for policy in opened.service.policies().await? {
            let own: Vec<_> = schedules
                .iter()
                .filter(|schedule| schedule.spec.owner == Owner::Policy(policy.id))
                .collect();
            let apps: Vec<&str> = apps
                .iter()
                .filter(|app| policy.spec.applies_to(app))
                .map(|app| app.spec.name.as_str())
                .collect();
            if self.json {
                let mut value = serde_json::to_value(&policy).map_err(std::io::Error::from)?;
                value["schedules"] = json!(own);
                value["apps"] = json!(apps);
                out.json(&value)?;
                continue;
            }
            let PolicySpec {
                name,
                environments,
                data_classes,
                classes,
                labels,
                retention,
                promise,
                check_after_backup,
                enabled,
            } = &policy.spec;
            let mut parts = vec![name.clone()];
            parts.extend((!enabled).then(|| "disabled".to_owned()));
            parts.extend(
                (!environments.is_empty())
                    .then(|| format!("environment {}", shown(&environments.join(" or ")))),
            );
            let word = if *classes == MatchMode::All { " and " } else { " or " };
            parts.extend(
                (!data_classes.is_empty())
                    .then(|| format!("data class {}", shown(&data_classes.join(word)))),
            );
            parts.extend(
                (!labels.is_empty()).then(|| format!("label {}", shown(&labels.join(" or ")))),
            );
            parts.push(format!("keeps {}", kept(*retention)));
            parts.extend(promise.map(|promise| format!("promises {promise}")));
            parts.extend(check_after_backup.then(|| "checks each backup".to_owned()));
            parts.push(format!(
                "applies to {}",
                if apps.is_empty() { "no app".to_owned() } else { apps.join(", ") }
            ));
            out.line(&parts.join("   "))?;
            for schedule in own {
                out.line(&format!("{:>7}  {}", schedule.id, schedule::line(schedule, &times)))?;
            }
        }
        Ok(())
    }
}
