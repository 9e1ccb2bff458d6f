//! `probe`: what only a real account can settle.

mod report;

use std::future::Future;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::place::LookupArgs;
use crate::cli::failure::remote_failure;
use crate::connector::{Settings, open_remote};
use crate::rclone::ErrorKind;
use crate::rclone::probe::{Probe, ProbeQuestion};
use report::{ProbeReport, megabytes};
use terminal::ask::{can_ask, line};
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, shown, unless_left};
use terminal::runtime::{cannot_begin, on_runtime, until_signal};
use terminal::signals::Signals;

/// Maximum traffic that is used without asking, in bytes.
const MAX_UNASKED_BYTES: u64 = 50_000_000;

/// Timeout for removing the scratch folder.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(120);

/// Try on your own account what this product assumes of OpenDrive, in a scratch folder that is
/// removed again
///
/// Prints what the drive answers to each question (statuses, names of fields, sentences of errors),
/// and whether the assumption holds. Nothing of the user's is read or changed, and what is printed
/// has no contents, ids, names or secrets in it, so that it can be sent to others. Exit status: 1
/// if an assumption does not hold, 6 if the drive left a question open or the folder could not be
/// removed.
#[derive(Debug, clap::Args)]
pub(super) struct ProbeArgs {
    /// opendrive://FOLDER or @NAME, where the scratch folder is made
    remote: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Ask these questions only, by their numbers: 1,7
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    only: Vec<u32>,
    /// Use more than 50 MB of traffic without asking
    #[arg(long)]
    yes: bool,
    /// Print one JSON object, at the end
    #[arg(long)]
    json: bool,
}

impl ProbeArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.lookup.read()?.find(&self.remote)?;
        on_runtime(async {
            let mut signals = Signals::listen().map_err(cannot_begin)?;
            // It lives until the scratch folder is gone.
            let (probe, chosen) = until_signal(&mut signals, self.prepare(&settings)).await?;
            let mut report = ProbeReport::new(&probe, (!self.json).then_some(&mut *out))?;
            let outcome =
                until_signal(&mut signals, ask(&probe, &chosen, &settings, &mut report)).await;
            let removed = remove(&probe, &settings, &mut signals).await;
            report.finish(outcome.is_ok(), removed)?;
            let exit = report.exit();
            if self.json {
                let value = report.json()?;
                unless_left(out.json(&value))?;
            }
            outcome.map(|()| exit)
        })
    }

    /// Opens the remote, says what will be done, and finds out which questions to ask.
    async fn prepare(&self, settings: &Settings) -> Result<(Probe, Vec<ChosenQuestion>), Failure> {
        let remote = open_remote(settings).await?;
        let probe = remote.probe().await.map_err(|error| match error.kind() {
            ErrorKind::Unsupported => Failure::usage(error.message()),
            _ => remote_failure(settings, &error),
        })?;
        if let Some(unknown) = self
            .only
            .iter()
            .find(|number| probe.questions.iter().all(|question| question.number != **number))
        {
            let known: Vec<String> =
                probe.questions.iter().map(|question| question.number.to_string()).collect();
            return Err(Failure::usage(format!(
                "--only: there is no question {unknown}: there are {}",
                known.join(", ")
            )));
        }
        let questions: Vec<ProbeQuestion> = probe
            .questions
            .iter()
            .filter(|question| self.only.is_empty() || self.only.contains(&question.number))
            .cloned()
            .collect();
        announce(&probe, &questions, settings);
        let questions = self.consent(questions).await?;
        Ok((probe, questions))
    }

    /// Leaves the questions out that need much traffic, unless somebody agrees to it.
    async fn consent(&self, questions: Vec<ProbeQuestion>) -> Result<Vec<ChosenQuestion>, Failure> {
        let needed = |questions: &mut dyn Iterator<Item = &ProbeQuestion>| {
            questions.map(|question| question.max_bytes).sum::<u64>()
        };
        let total = needed(&mut questions.iter());
        if total <= MAX_UNASKED_BYTES || self.yes {
            return Ok(questions
                .into_iter()
                .map(|question| ChosenQuestion { question, ask: true })
                .collect());
        }
        let question = format!(
            "This may use up to {} of traffic: use it? (yes, or no to leave out what needs most)",
            megabytes(total)
        );
        if can_ask() && matches!(line(&question).await?.to_ascii_lowercase().as_str(), "y" | "yes")
        {
            return Ok(questions
                .into_iter()
                .map(|question| ChosenQuestion { question, ask: true })
                .collect());
        }
        let mut choices: Vec<ChosenQuestion> =
            questions.into_iter().map(|question| ChosenQuestion { question, ask: true }).collect();
        while needed(&mut choices.iter().filter(|choice| choice.ask).map(|choice| &choice.question))
            > MAX_UNASKED_BYTES
        {
            let most = choices
                .iter_mut()
                .filter(|choice| choice.ask)
                .max_by_key(|choice| choice.question.max_bytes);
            most.into_iter().for_each(|choice| choice.ask = false);
        }
        Ok(choices)
    }
}

/// A question, and whether it is asked.
struct ChosenQuestion {
    question: ProbeQuestion,
    ask: bool,
}

/// Says what will be done, and what it may cost.
fn announce(probe: &Probe, questions: &[ProbeQuestion], settings: &Settings) {
    let identity = &settings.identity;
    say(&format!(
        "makes the scratch folder {} in {} of {}, and removes it at the end",
        probe.folder,
        shown(&identity.root),
        shown(&identity.origin)
    ));
    let mut text = String::from("It may use, of traffic, at most:\n");
    for ProbeQuestion { number, question, max_bytes, .. } in questions {
        text += &format!("{:>10}  {number:>2}  {}\n", megabytes(*max_bytes), shown(question));
    }
    // Nobody may listen.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Asks one question after the other.
async fn ask(
    probe: &Probe,
    choices: &[ChosenQuestion],
    settings: &Settings,
    report: &mut ProbeReport<'_>,
) -> Result<(), Failure> {
    probe.begin().await.map_err(|error| remote_failure(settings, &error))?;
    for ChosenQuestion { question, ask } in choices {
        if !ask {
            report.leave_out(question)?;
            continue;
        }
        report.begin(question);
        let start = Instant::now();
        let found =
            probe.ask(question.number).await.map_err(|error| remote_failure(settings, &error))?;
        report.add(question, found, start.elapsed())?;
    }
    Ok(())
}

/// Removes the scratch folder, whatever has happened; another signal ends that too.
async fn remove(probe: &Probe, settings: &Settings, signals: &mut Signals) -> bool {
    let problem = tokio::select! {
        ended = within(CLEANUP_TIMEOUT, probe.end()) => match ended {
            Some(Ok(())) => return true,
            Some(Err(error)) => error.to_string(),
            None => "the drive does not answer".to_owned(),
        },
        signal = signals.next() => format!("interrupted by {}", signal.name()),
    };
    say(&format!(
        "the scratch folder {} in {} could not be removed ({}): remove it by hand",
        probe.folder,
        shown(&settings.identity.root),
        shown(&problem)
    ));
    false
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
