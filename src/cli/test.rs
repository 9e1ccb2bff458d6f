//! `test`: what a person wants to know when a backup fails.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{ASIDE, BAD, GOOD, Output, coloured, count, shown, size};
use super::place::Where;
use super::drive;
use crate::connector::{Identity, OpenError, Settings, explain, open_remote};
use crate::rclone::{Entry, Error, ErrorKind, Remote};

/// How many calls are timed.
const CALLS: u32 = 5;

/// Try the login, the folder, the quota and how fast the drive answers, with a hint for what fails
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// opendrive://FOLDER or @NAME
    remote: String,
    #[command(flatten)]
    names: Where,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was found, step by step; the first that fails is the last.
#[derive(Default, Serialize)]
struct Report {
    ok: bool,
    steps: Vec<Step>,
    /// How long a call takes, in milliseconds.
    latency_ms: Option<Latency>,
    /// How far this machine's clock is ahead of the server's, in seconds.
    clock_ahead_s: Option<f64>,
    #[serde(skip)]
    exit: Option<Exit>,
}

#[derive(Serialize)]
struct Step {
    name: &'static str,
    ok: bool,
    detail: String,
    hint: Option<&'static str>,
}

#[derive(Serialize)]
struct Latency {
    min: f64,
    median: f64,
}

impl Test {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let mut report = Report::default();
        match self.names.read().and_then(|mut names| names.find(&self.remote)) {
            // Not about the remote: as for any other command.
            Err(failure) if failure.exit != Exit::Configuration => return Err(failure),
            Err(failure) => report.fail("configuration", &failure, Some("`plakar source show` lists what Plakar knows; `plakar-opendrive config NAME | plakar source import -overwrite` makes it anew")),
            Ok(settings) => {
                let Identity { origin, kind, root } = &settings.identity;
                report.pass("configuration", format!("{kind} ({origin}), folder {root}"));
                drive(async {
                    report.examine(&settings).await;
                    Ok(())
                })?;
            }
        }
        report.ok = report.exit.is_none();
        if self.json {
            out.json(&report)?;
        } else {
            report.print(out)?;
        }
        Ok(report.exit.unwrap_or(Exit::Done))
    }
}

impl Report {
    async fn examine(&mut self, settings: &Settings) {
        let identity = &settings.identity;
        let start = Instant::now();
        let remote = match open_remote(settings).await {
            Ok(remote) => remote,
            Err(error) => {
                let step = match &error {
                    OpenError::Config(_) => "configuration",
                    OpenError::Remote { kind: ErrorKind::IsFile, .. } => "folder",
                    OpenError::Remote { .. } => "login",
                };
                return self.refuse(step, error);
            }
        };
        self.pass("login", format!("{} on {}, in {}", identity.origin, identity.kind, milliseconds(start.elapsed())));
        match remote.about().await {
            Ok(about) => {
                let known = |bytes: Option<u64>| bytes.map_or_else(|| "an unknown number of bytes".to_owned(), size);
                self.pass("quota", format!("{} of {} used", known(about.used), known(about.total)));
                if about.free.is_some_and(|free| free <= 0) {
                    self.hint("The drive is full: a destination or a store cannot be written to.");
                }
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => self.pass("quota", format!("{} does not tell it", identity.kind)),
            Err(error) => return self.refuse("quota", explain(settings, &error)),
        }
        let entries = match remote.list("").await {
            Ok(entries) => entries,
            Err(error) => return self.refuse("folder", explain(settings, &error)),
        };
        let folders = entries.iter().filter(|entry| entry.is_folder()).count();
        let held = format!("{}, {}", count(folders as u64, "folder"), count((entries.len() - folders) as u64, "file"));
        self.pass("folder", format!("{} holds {held}", identity.root));
        if let Err(error) = self.time(&remote).await {
            return self.refuse("latency", explain(settings, &error));
        }
        self.plakar(settings, &entries);
    }

    async fn time(&mut self, remote: &Remote) -> Result<(), Error> {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let start = Instant::now();
            match remote.about().await {
                // The listing of the base is one call as well.
                Err(error) if error.kind() == ErrorKind::Unsupported => drop(remote.list("").await?),
                about => drop(about?),
            }
            times.push(start.elapsed());
        }
        times.sort();
        let (min, median) = (times[0], times[times.len() / 2]);
        self.pass("latency", format!("{} at best, {} in the middle of {CALLS} calls", milliseconds(min), milliseconds(median)));
        self.latency_ms = Some(Latency { min: min.as_secs_f64() * 1e3, median: median.as_secs_f64() * 1e3 });
        Ok(())
    }

    /// What Plakar would do with it.
    fn plakar(&mut self, settings: &Settings, entries: &[Entry]) {
        let Identity { origin, kind, root } = &settings.identity;
        let store = if entries.iter().any(|entry| entry.name == "CONFIG" && !entry.is_folder()) {
            "opens the one that is there"
        } else if entries.is_empty() {
            "makes one"
        } else {
            "makes one beside what is there"
        };
        self.pass("plakar", format!("a source saves {root} of {kind}, origin {origin}; a destination writes there; a store {store}"));
    }

    fn pass(&mut self, name: &'static str, detail: String) {
        self.steps.push(Step { name, ok: true, detail, hint: None });
    }

    fn hint(&mut self, hint: &'static str) {
        if let Some(step) = self.steps.last_mut() {
            step.hint = Some(hint);
        }
    }

    fn refuse(&mut self, name: &'static str, error: OpenError) {
        let hint = advice(&error);
        self.fail(name, &error.into(), hint);
    }

    fn fail(&mut self, name: &'static str, failure: &Failure, hint: Option<&'static str>) {
        self.exit = Some(failure.exit);
        self.steps.push(Step { name, ok: false, detail: failure.message.clone().unwrap_or_default(), hint });
    }

    fn print(&self, out: &mut Output) -> Result<(), Failure> {
        for Step { name, ok, detail, hint } in &self.steps {
            let state = if *ok { coloured(GOOD, "ok    ") } else { coloured(BAD, "failed") };
            out.line(&format!("{state}  {name:<13}  {}", shown(detail)))?;
            if let Some(hint) = hint {
                out.line(&format!("{}  {hint}", coloured(ASIDE, &format!("{:>6}  {:<13}", "", "hint"))))?;
            }
        }
        Ok(())
    }
}

/// What to do about a failure.
fn advice(error: &OpenError) -> Option<&'static str> {
    let OpenError::Remote { kind, message, temporary } = error else {
        return Some("`plakar source set NAME KEY=VALUE` corrects an option, `plakar source unset NAME KEY` removes it.");
    };
    match kind {
        ErrorKind::Authentication => Some(
            "Log in at https://www.opendrive.com with the same name and password; \
             `plakar-opendrive config NAME | plakar source import -overwrite` stores another one.",
        ),
        ErrorKind::Permission => Some("The account may log in and not do this: look at its plan, and at who owns the folder."),
        ErrorKind::NotFound => Some("A source needs the folder: make it, or write another. A destination or a store makes it itself."),
        ErrorKind::IsFile => Some("Write the folder that the file is in."),
        ErrorKind::RateLimited => {
            Some("The drive has had too many calls: wait a few minutes; tpslimit in the configuration keeps below its limit.")
        }
        ErrorKind::NoSpace => Some("Make room on the drive, or take a larger plan."),
        // go/core/tls.go
        _ if message.contains("certificate") => {
            Some("Is the clock of this machine right? If a proxy opens connections, RCLONE_CA_CERT names the file of its authority.")
        }
        ErrorKind::Timeout => Some("The drive does not answer: try again later."),
        _ if *temporary => Some("Is this machine online? A proxy is taken from HTTPS_PROXY."),
        _ => None,
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
