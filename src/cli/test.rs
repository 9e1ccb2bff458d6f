//! `test`: what a person wants to know when a backup fails.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::drive::drive;
use super::place::LookupArgs;
use super::remotes;
use crate::connector::paths::join;
use crate::connector::{Identity, OpenError, Settings, explain, open_remote};
use crate::rclone::{Entry, Error, ErrorKind, Remote};
use terminal::exit::{Exit, Failure};
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, count, shown, size, unless_left};

/// Number of calls that are timed.
const TIMED_CALLS: u32 = 5;

/// Maximum number of folders that are listed to find a file that proves a password.
const MAX_LISTINGS: u64 = 16;

/// What to do where a password decrypts nothing.
const ANOTHER_PASSWORD: &str = "Take password and password2 from the rclone configuration that wrote what is there, and its filename_encryption.";

/// Maximum difference of clocks that are the same: the server tells seconds, in answers that take
/// their time, in seconds.
const MAX_CLOCK_DIFFERENCE_SECONDS: f64 = 3.0;

/// Try the login, the folder, the quota and how fast the drive answers, with a hint for what fails
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// opendrive://FOLDER or @NAME
    remote: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was found, step by step; the first that fails is the last.
#[derive(Default, Serialize)]
struct TestReport<'a> {
    ok: bool,
    steps: Vec<TestStep>,
    /// How long a call takes, in milliseconds.
    latency_ms: Option<Latency>,
    /// How far this machine's clock is ahead of the server's, in seconds.
    clock_ahead_s: Option<f64>,
    #[serde(skip)]
    exit: Option<Exit>,
    /// Where each step is printed at once: some take their time.
    #[serde(skip)]
    out: Option<&'a mut Output>,
    /// Why it could not be.
    #[serde(skip)]
    broken: Option<io::Error>,
}

#[derive(Serialize)]
struct TestStep {
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

impl TestArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let mut report =
            TestReport { out: (!self.json).then_some(&mut *out), ..TestReport::default() };
        match self.lookup.read().and_then(|mut lookup| lookup.find(&self.remote)) {
            // Not about the remote: as for any other command.
            Err(failure) if failure.exit != Exit::Configuration => return Err(failure),
            Err(failure) => report.fail("configuration", &failure, Some("`plakar source show` lists what Plakar knows; `plakar-opendrive config NAME --location opendrive:///FOLDER --import source --overwrite` makes it anew")),
            Ok(settings) => {
                let Identity { origin, kind, root } = &settings.identity;
                report.pass("configuration", format!("{kind} ({origin}), folder {root}"));
                drive(async {
                    report.examine(&settings).await;
                    Ok(())
                })?;
            }
        }
        if self.remote.starts_with('@') && !self.lookup.is_a_file() {
            remotes::say_missing();
        }
        report.ok = report.exit.is_none();
        let exit = report.exit.unwrap_or(Exit::Done);
        if let Some(error) = report.broken.take() {
            unless_left(Err(error))?;
        }
        if self.json {
            report.out = None;
            let report = serde_json::to_value(&report).map_err(io::Error::from)?;
            unless_left(out.json(&report))?;
        }
        Ok(exit)
    }
}

impl TestReport<'_> {
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
        self.pass(
            "login",
            format!(
                "{} on {}, in {}",
                identity.origin,
                identity.kind,
                milliseconds(start.elapsed())
            ),
        );
        match remote.quota().await {
            Ok(quota) => {
                let known = |bytes: Option<u64>| {
                    bytes.map_or_else(|| "an unknown number of bytes".to_owned(), size)
                };
                let full = quota.free.is_some_and(|free| free <= 0);
                let hint = full
                    .then_some("The drive is full: a destination or a store cannot be written to.");
                self.step(TestStep {
                    name: "quota",
                    ok: true,
                    detail: format!("{} of {} used", known(quota.used), known(quota.total)),
                    hint,
                });
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.pass("quota", format!("{} does not tell it", identity.kind))
            }
            Err(error) => return self.refuse("quota", explain(settings, &error)),
        }
        let entries = match remote.list("").await {
            Ok(entries) => entries,
            Err(error) => return self.refuse("folder", explain(settings, &error)),
        };
        let number =
            |is: fn(&Entry) -> bool| entries.iter().filter(|entry| is(entry)).count() as u64;
        let (folders, files) = (number(Entry::is_folder), number(|entry| entry.object.is_some()));
        let mut detail = format!(
            "{} holds {}, {}",
            identity.root,
            count(folders, "folder"),
            count(files, "file")
        );
        let undecryptable = number(|entry| entry.undecryptable);
        if undecryptable > 0 {
            detail.push_str(&format!(
                ", and {} that cannot be decrypted",
                count(undecryptable, "name")
            ));
        }
        let hint = (undecryptable > 0).then_some(
            "A backup names each as an error: move them out of the folder that crypt encrypts.",
        );
        self.step(TestStep { name: "folder", ok: true, detail, hint });
        if remote.features().encrypted {
            match opens(&remote, &entries).await {
                Ok(detail) => self.pass("password", detail),
                Err(error) => {
                    let failure = Failure::new(
                        Exit::Refused,
                        format!("what is there cannot be decrypted: {error}"),
                    );
                    return self.fail("password", &failure, Some(ANOTHER_PASSWORD));
                }
            }
        }
        if let Err(error) = self.time(&remote).await {
            return self.refuse("latency", explain(settings, &error));
        }
        match remote.clock_ahead().await {
            Ok(Some(ahead)) => self.clock(ahead),
            Ok(None) => {}
            Err(error) => return self.refuse("clock", explain(settings, &error)),
        }
        self.plakar(settings, &entries);
    }

    fn clock(&mut self, ahead: f64) {
        self.clock_ahead_s = Some(ahead);
        if ahead.abs() < MAX_CLOCK_DIFFERENCE_SECONDS {
            return self.pass("clock", "as the server's".to_owned());
        }
        let side = if ahead > 0.0 { "ahead of" } else { "behind" };
        let hint = Some(
            "Snapshots get their times from this machine: let it set its clock by the network.",
        );
        self.step(TestStep {
            name: "clock",
            ok: true,
            detail: format!("{:.0} s {side} the server's", ahead.abs()),
            hint,
        });
    }

    async fn time(&mut self, remote: &Remote) -> Result<(), Error> {
        let mut times = Vec::new();
        for _ in 0..TIMED_CALLS {
            let start = Instant::now();
            match remote.quota().await {
                // The listing of the base is one call as well.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    drop(remote.list("").await?)
                }
                quota => drop(quota?),
            }
            times.push(start.elapsed());
        }
        times.sort();
        let (min, median) = (times[0], times[times.len() / 2]);
        self.pass(
            "latency",
            format!(
                "{} at best, {} in the middle of {TIMED_CALLS} calls",
                milliseconds(min),
                milliseconds(median)
            ),
        );
        self.latency_ms =
            Some(Latency { min: min.as_secs_f64() * 1e3, median: median.as_secs_f64() * 1e3 });
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
        self.step(TestStep { name, ok: true, detail, hint: None });
    }

    fn refuse(&mut self, name: &'static str, error: OpenError) {
        let hint = advice(&error);
        self.fail(name, &error.into(), hint);
    }

    fn fail(&mut self, name: &'static str, failure: &Failure, hint: Option<&'static str>) {
        self.exit = Some(failure.exit);
        self.step(TestStep {
            name,
            ok: false,
            detail: failure.message.clone().unwrap_or_default(),
            hint,
        });
    }

    fn step(&mut self, step: TestStep) {
        if let (Some(out), None) = (&mut self.out, &self.broken) {
            self.broken = step.print(out).err();
        }
        self.steps.push(step);
    }
}

impl TestStep {
    fn print(&self, out: &mut Output) -> io::Result<()> {
        let Self { name, ok, detail, hint } = self;
        let state = if *ok { coloured(GOOD, "ok    ") } else { coloured(BAD, "failed") };
        out.line(&format!("{state}  {name:<13}  {}", shown(detail)))?;
        if let Some(hint) = hint {
            out.line(&format!(
                "{}  {hint}",
                coloured(ASIDE, &format!("{:>6}  {:<13}", "", "hint"))
            ))?;
        }
        out.flush()
    }
}

/// Decrypts the beginning of a file, which proves the password; tells what was found.
async fn opens(remote: &Remote, base: &[Entry]) -> Result<String, Error> {
    let (mut waiting, mut listed, mut folder, mut listings) =
        (Vec::new(), Vec::new(), String::new(), 1);
    loop {
        let entries = if listings == 1 { base } else { &listed[..] };
        if let Some(file) = entries
            .iter()
            .filter(|entry| entry.size.is_none_or(|size| size > 0))
            .find_map(|entry| entry.object.as_ref())
        {
            let mut reader = file.read(0, Some(1)).await?;
            while reader.chunk().await?.is_some() {}
            return Ok(format!("it decrypts {:?}", file.path()));
        }
        let folders = entries.iter().filter(|entry| entry.is_folder());
        waiting.extend(folders.map(|entry| join(&folder, &entry.name)));
        let next = if listings < MAX_LISTINGS { waiting.pop() } else { None };
        let Some(next) = next else { break };
        folder = next;
        listings += 1;
        listed = match remote.list(&folder).await {
            // Its own name was decrypted.
            Err(error) if error.kind() == ErrorKind::Undecryptable => Vec::new(),
            entries => entries?,
        };
    }
    Ok(match base.is_empty() {
        true => "nothing is there that it could be tried on".to_owned(),
        false => format!(
            "it decrypts names; in {} there is no file to try it on",
            count(listings, "folder")
        ),
    })
}

/// What to do about a failure.
fn advice(error: &OpenError) -> Option<&'static str> {
    let OpenError::Remote { kind, message, temporary } = error else {
        return Some(
            "`plakar source set NAME KEY=VALUE` corrects an option, `plakar source unset NAME KEY` removes it.",
        );
    };
    match kind {
        ErrorKind::Authentication => Some(
            "Log in at https://www.opendrive.com with the same name and password; \
             `plakar-opendrive config NAME --location opendrive:///FOLDER --import source --overwrite` stores another one.",
        ),
        ErrorKind::Undecryptable => Some(ANOTHER_PASSWORD),
        ErrorKind::Permission => Some(
            "The account may log in and not do this: look at its plan, and at who owns the folder.",
        ),
        ErrorKind::NotFound => Some(
            "A source needs the folder: make it, or write another. A destination or a store makes it itself.",
        ),
        ErrorKind::IsFile => Some("Write the folder that the file is in."),
        ErrorKind::RateLimited => Some(
            "The drive has had too many calls: wait a few minutes; tpslimit in the configuration keeps below its limit.",
        ),
        ErrorKind::VolumeUsedUp => {
            Some("Try again after noon Pacific time, or take a larger plan.")
        }
        ErrorKind::NoSpace => Some("Make room on the drive, or take a larger plan."),
        // go/fault/certificates.go
        _ if message.contains("certificate") => Some(
            "Is the clock of this machine right? If a proxy opens connections, RCLONE_CA_CERT names the file of its authority.",
        ),
        ErrorKind::Timeout | ErrorKind::Unreachable => {
            Some("The drive does not answer: try again later.")
        }
        _ if *temporary => Some("Is this machine online? A proxy is taken from HTTPS_PROXY."),
        _ => None,
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
