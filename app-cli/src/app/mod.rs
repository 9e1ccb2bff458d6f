//! `app`: assign source apps, test, back up, browse, restore and schedule them, by the service that
//! the console uses too.

mod adopt;
mod assign;
mod connection;
mod edit;
mod export;
mod fields;
mod follow;
mod get;
mod lines;
mod list;
mod points;
mod policy;
mod protection;
mod prune;
mod recovery;
mod run;
mod schedule;
mod show;
mod status;
mod tasks;
mod timing;
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
    Adopt(Box<adopt::Adopt>),
    Edit(Box<edit::EditApp>),
    Remove(edit::RemoveApp),
    List(list::ListApps),
    Show(show::Show),
    Status(status::Status),
    Recovery(recovery::Recovery),
    Test(work::Test),
    Backup(work::Backup),
    Check(work::Check),
    Prune(prune::Prune),
    Maintenance(work::Maintenance),
    Restore(work::Restore),
    Pin(prune::Pin),
    Unpin(prune::Unpin),
    Points(points::Points),
    Ls(points::Ls),
    Find(points::Find),
    Errors(points::Errors),
    Get(get::Get),
    Tasks(tasks::Tasks),
    Log(tasks::Log),
    Cancel(tasks::Cancel),
    Retry(tasks::Retry),
    Schedule(schedule::ScheduleCommand),
    Policy(policy::PolicyCommand),
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
            AppAction::Restore(restore) => opened.run(|opened| restore.run(opened, out)),
            AppAction::Retry(retry) => opened.run(|opened| retry.run(opened, out)),
            AppAction::Run(run) => opened.run(|opened| run.run(opened, out)),
            AppAction::Assign(assign) => opened.until_signal(|opened| assign.run(opened, out)),
            AppAction::Adopt(adopt) => opened.until_signal(|opened| adopt.run(opened, out)),
            AppAction::Recovery(sheet) => opened.until_signal(|opened| sheet.run(opened, out)),
            AppAction::Edit(edit) => opened.until_signal(|opened| edit.run(opened, out)),
            AppAction::Remove(remove) => opened.until_signal(|opened| remove.run(opened, out)),
            AppAction::List(list) => opened.until_signal(|opened| list.run(opened, out)),
            AppAction::Show(show) => opened.until_signal(|opened| show.run(opened, out)),
            AppAction::Status(status) => opened.until_signal(|opened| status.run(opened, out)),
            AppAction::Pin(pin) => opened.until_signal(|opened| pin.run(opened)),
            AppAction::Unpin(unpin) => opened.until_signal(|opened| unpin.run(opened)),
            AppAction::Points(points) => opened.until_signal(|opened| points.run(opened, out)),
            AppAction::Ls(ls) => opened.until_signal(|opened| ls.run(opened, out)),
            AppAction::Find(find) => opened.until_signal(|opened| find.run(opened, out)),
            AppAction::Errors(errors) => opened.until_signal(|opened| errors.run(opened, out)),
            AppAction::Get(get) => opened.until_signal(|opened| get.run(opened, out)),
            AppAction::Tasks(tasks) => opened.until_signal(|opened| tasks.run(opened, out)),
            AppAction::Log(log) => opened.until_signal(|opened| log.run(opened, out)),
            AppAction::Cancel(cancel) => opened.until_signal(|opened| cancel.run(opened, out)),
            AppAction::Schedule(schedule) => {
                opened.until_signal(|opened| schedule.run(opened, out))
            }
            AppAction::Policy(policy) => opened.until_signal(|opened| policy.run(opened, out)),
        }
    }
}
