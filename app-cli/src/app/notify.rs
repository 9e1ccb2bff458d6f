//! `app notify`.

use source_app::service::{ReceiverStatus, TestResult};

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, count, shown};

/// Show who is told how apps are, and try whether messages arrive
///
/// The file notify.toml in the folder of the state says who is told: webhooks, pings, ntfy, mail,
/// commands. They are told once when a backup fails, has errors or is overdue, when a check fails
/// or prunes are held, again every few days while it lasts, and once when all is well again.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct NotifyCommand {
    #[command(subcommand)]
    action: NotifyAction,
}

#[derive(Debug, clap::Subcommand)]
enum NotifyAction {
    Status(NotifyStatusArgs),
    Test(NotifyTest),
}

/// List receivers with what is known of each
///
/// The exit status is 1 if notify.toml cannot be used or a receiver does not answer.
#[derive(Debug, clap::Args)]
struct NotifyStatusArgs {
    /// Print one JSON object: file, exists, fault, reminder_days and receivers
    #[arg(long)]
    json: bool,
}

/// Send a test message to each receiver, or to one, and say whether it answered
#[derive(Debug, clap::Args)]
struct NotifyTest {
    /// The receiver; all without it
    receiver: Option<String>,
    /// Print a JSON object for each, in a line: receiver, kind, arrived and words
    #[arg(long)]
    json: bool,
}

impl NotifyCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            NotifyAction::Status(status) => status.run(opened, out).await,
            NotifyAction::Test(test) => test.run(opened, out).await,
        }
    }
}

impl NotifyStatusArgs {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let status = opened.service.notify_status().await?;
        let is_bad = |one: &ReceiverStatus| !one.record.reason.is_empty();
        let bad = status.fault.is_some() || status.receivers.iter().any(is_bad);
        if self.json {
            out.json(&status)?;
        } else if let Some(fault) = &status.fault {
            return Err(Failure::new(
                Exit::Failed,
                format!("nobody is told how apps are: {fault}"),
            ));
        } else if status.receivers.is_empty() {
            say(&format!(
                "nobody is told how apps are: {} {}; docs/console.md says how to write it",
                status.file.display(),
                if status.exists { "has no receiver" } else { "is not there" }
            ));
        } else {
            for receiver in &status.receivers {
                lines(receiver).iter().try_for_each(|line| out.line(line))?;
            }
        }
        Ok(if bad { Exit::Failed } else { Exit::Done })
    }
}

fn lines(receiver: &ReceiverStatus) -> Vec<String> {
    let record = &receiver.record;
    let mut parts =
        vec![record.name.clone(), coloured(ASIDE, receiver.kind.as_str()), shown(&receiver.place)];
    parts.push(match (record.reason.is_empty(), record.delivered_at) {
        (false, _) => coloured(BAD, "does not answer"),
        (true, Some(_)) => coloured(GOOD, "answers"),
        (true, None) => "not used yet".into(),
    });
    parts.extend(record.delivered_at.map(|at| format!("last delivery {}", time(at))));
    parts.extend(
        (record.outstanding > 0)
            .then(|| format!("{} outstanding", count(record.outstanding, "message"))),
    );
    let mut lines = vec![parts.join("  ")];
    if !record.reason.is_empty() {
        let at = record.failed_at.map(time).unwrap_or_default();
        lines.push(format!("  {at}  {}", shown(&record.reason)));
    }
    if record.dropped > 0 {
        lines.push(format!("  {} given up", count(record.dropped, "message")));
    }
    lines.extend(receiver.unknown_apps.iter().map(|app| format!("  there is no app {app}")));
    lines
}

impl NotifyTest {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let results = opened.service.notify_test(self.receiver.as_deref()).await?;
        for result in &results {
            if self.json {
                out.json(result)?;
                continue;
            }
            let TestResult { receiver, kind, arrived, words } = result;
            let how = match arrived {
                true => coloured(GOOD, "arrived"),
                false => coloured(BAD, "did not arrive"),
            };
            let kind = coloured(ASIDE, kind.as_str());
            out.line(&format!("{receiver}  {kind}  {how}: {}", shown(words)))?;
        }
        if results.is_empty() && !self.json {
            say("notify.toml has no receiver: nobody is told");
        }
        Ok(if results.iter().all(|one| one.arrived) { Exit::Done } else { Exit::Failed })
    }
}
