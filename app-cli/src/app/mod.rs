//! `app`: assign source apps, test, back up, browse, restore and schedule them, by the service that
//! the console uses too.

mod adopt;
mod all_points;
mod assign;
mod assign_all;
mod backup_options;
mod changes;
mod compare;
mod connection;
mod contract;
mod credential;
mod diagnose;
mod drill;
mod edit;
mod estimate;
mod export;
mod fields;
mod follow;
mod get;
mod hook;
mod import;
mod lines;
mod list;
mod metrics;
mod notify;
mod package;
mod pause;
mod points;
mod policy;
mod protection;
mod prune;
mod recovery;
mod release;
mod repeated;
mod resource;
mod run;
mod schedule;
mod second_store;
mod show;
mod status;
mod stores;
mod tasks;
mod timing;
mod token;
mod usage;
mod words;
mod work;

use std::path::PathBuf;

use crate::opened::Opened;

use crate::failure::Failure;
use terminal::exit::Exit;
use terminal::output::Output;

/// Assign source apps, then test, back up, browse, restore and schedule them
///
/// A source app is a resource (an account and a folder) that is backed up into a store; a
/// destination app is one that is restored to. Both are configurations of Plakar's, by any of its
/// installed integrations. A POINT is latest, or the id of a restore point or its beginning. Every
/// list is printed with --json as one JSON object in a line.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct AppCommand {
    #[command(subcommand)]
    action: AppAction,
    /// Where apps, tasks and schedules are kept [default: plakar-opendrive in $XDG_STATE_HOME or
    /// ~/.local/state]
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum AppAction {
    Assign(Box<assign::Assign>),
    AssignAll(Box<assign_all::AssignAll>),
    Adopt(Box<adopt::Adopt>),
    Import(import::Import),
    Edit(Box<edit::EditApp>),
    Remove(edit::RemoveApp),
    List(list::ListApps),
    Show(show::Show),
    Status(status::Status),
    Recovery(recovery::Recovery),
    Test(work::Test),
    Backup(work::Backup),
    Check(work::Check),
    Preview(backup_options::Preview),
    Estimate(estimate::Estimate),
    Prune(prune::Prune),
    Maintenance(work::Maintenance),
    Drill(drill::Drill),
    Compare(compare::Compare),
    Sync(work::Sync),
    Stores(stores::Stores),
    Restore(work::Restore),
    Release(release::Release),
    Pin(prune::Pin),
    Unpin(prune::Unpin),
    Points(points::Points),
    Ls(points::Ls),
    Find(points::Find),
    Errors(points::Errors),
    Get(get::Get),
    Tasks(tasks::Tasks),
    Log(tasks::Log),
    Usage(usage::ShowUsage),
    Cancel(tasks::Cancel),
    Retry(tasks::Retry),
    Schedule(schedule::ScheduleCommand),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Policy(policy::PolicyCommand),
    Credential(credential::CredentialCommand),
    Notify(notify::NotifyCommand),
    Hook(hook::HookCommand),
    Token(token::TokenCommand),
    Metrics(metrics::Metrics),
    Diagnose(diagnose::Diagnose),
    Package(package::Package),
    Changes(changes::Changes),
    Resource(resource::ResourceCommand),
    Words(words::WordsCommand),
    Run(run::Run),
}

impl AppCommand {
    pub(crate) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let opened = Opened::new(self.state)?;
        match self.action {
            // These deal with signals themselves: a task is cancelled in order.
            AppAction::Test(test) => opened.run(|opened| test.run(opened, out)),
            AppAction::Backup(backup) => opened.run(|opened| backup.run(opened, out)),
            AppAction::Check(check) => opened.run(|opened| check.run(opened, out)),
            AppAction::Prune(prune) => opened.run(|opened| prune.run(opened, out)),
            AppAction::Maintenance(work) => opened.run(|opened| work.run(opened, out)),
            AppAction::Drill(drill) => opened.run(|opened| drill.run(opened, out)),
            AppAction::Compare(compare) => opened.run(|opened| compare.run(opened, out)),
            AppAction::Sync(sync) => opened.run(|opened| sync.run(opened, out)),
            AppAction::Stores(stores) => opened.until_signal(|opened| stores.run(opened, out)),
            AppAction::Restore(restore) => opened.run(|opened| restore.run(opened, out)),
            AppAction::Retry(retry) => opened.run(|opened| retry.run(opened, out)),
            AppAction::Run(run) => opened.run(|opened| run.run(opened, out)),
            AppAction::Assign(assign) => opened.until_signal(|opened| assign.run(opened, out)),
            AppAction::AssignAll(all) => opened.until_signal(|opened| all.run(opened, out)),
            AppAction::Import(import) => opened.until_signal(|opened| import.run(opened, out)),
            AppAction::Adopt(adopt) => opened.until_signal(|opened| adopt.run(opened, out)),
            AppAction::Recovery(sheet) => opened.until_signal(|opened| sheet.run(opened, out)),
            AppAction::Edit(edit) => opened.until_signal(|opened| edit.run(opened, out)),
            AppAction::Remove(remove) => opened.until_signal(|opened| remove.run(opened, out)),
            AppAction::List(list) => opened.until_signal(|opened| list.run(opened, out)),
            AppAction::Show(show) => opened.until_signal(|opened| show.run(opened, out)),
            AppAction::Status(status) => opened.until_signal(|opened| status.run(opened, out)),
            AppAction::Preview(preview) => opened.until_signal(|opened| preview.run(opened, out)),
            AppAction::Estimate(estimate) => {
                opened.until_signal(|opened| estimate.run(opened, out))
            }
            AppAction::Release(release) => opened.until_signal(|opened| release.run(opened)),
            AppAction::Pin(pin) => opened.until_signal(|opened| pin.run(opened)),
            AppAction::Unpin(unpin) => opened.until_signal(|opened| unpin.run(opened)),
            AppAction::Points(points) => opened.until_signal(|opened| points.run(opened, out)),
            AppAction::Ls(ls) => opened.until_signal(|opened| ls.run(opened, out)),
            AppAction::Find(find) => opened.until_signal(|opened| find.run(opened, out)),
            AppAction::Errors(errors) => opened.until_signal(|opened| errors.run(opened, out)),
            AppAction::Get(get) => opened.until_signal(|opened| get.run(opened, out)),
            AppAction::Tasks(tasks) => opened.until_signal(|opened| tasks.run(opened, out)),
            AppAction::Log(log) => opened.until_signal(|opened| log.run(opened, out)),
            AppAction::Usage(usage) => opened.until_signal(|opened| usage.run(opened, out)),
            AppAction::Cancel(cancel) => opened.until_signal(|opened| cancel.run(opened, out)),
            AppAction::Schedule(schedule) => {
                opened.until_signal(|opened| schedule.run(opened, out))
            }
            AppAction::Credential(credential) => {
                opened.until_signal(|opened| credential.run(opened, out))
            }
            AppAction::Notify(notify) => opened.until_signal(|opened| notify.run(opened, out)),
            AppAction::Hook(hook) => opened.until_signal(|opened| hook.run(opened, out)),
            AppAction::Token(token) => opened.until_signal(|opened| token.run(opened, out)),
            AppAction::Metrics(metrics) => opened.until_signal(|opened| metrics.run(opened, out)),
            AppAction::Package(package) => opened.until_signal(|opened| package.run(opened, out)),
            AppAction::Diagnose(diagnose) => {
                opened.until_signal(|opened| diagnose.run(opened, out))
            }
            AppAction::Changes(changes) => opened.until_signal(|opened| changes.run(opened, out)),
            AppAction::Pause(pause) => opened.until_signal(|opened| pause.run(opened)),
            AppAction::Resume(resume) => opened.until_signal(|opened| resume.run(opened)),
            AppAction::Resource(resource) => {
                opened.until_signal(|opened| resource.run(opened, out))
            }
            AppAction::Words(words) => opened.until_signal(|opened| words.run(opened, out)),
            AppAction::Policy(policy) => opened.until_signal(|opened| policy.run(opened, out)),
        }
    }
}
