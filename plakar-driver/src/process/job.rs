//! Running plakar: an argument list, no shell, nothing of the job left behind.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use plakar_words::FirstWord;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::process::command::{CONFIGURATION_TIMEOUT, Plakar};
use crate::process::guard::{OTHER_PROGRAM, OWN_CACHE, SHARED_CACHE};
use crate::process::job_end::{JobEnd, refused};
use crate::process::last_words::LastWords;
use crate::process::lines::{Line, Redactor, Stream, pump};
use crate::process::references::{self, REMOVED_AFTER};
use crate::process::running::Running;
use crate::process::spent::{DriveSpent, MARK_VARIABLE};
use crate::token::random_token;

/// What our connector says by itself of what holds it up; the environment may have it say more or
/// less.
const NEWS_LEVEL: &str = "info";

/// A console of its own, which nobody sees: Ctrl-C in ours is for us, who end the job in order.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// How long a line is waited for that is in a pipe still when the process has ended.
const LAST_LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long all of them are waited for: what left the process's group may write on for ever.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum of standard output that is kept of a command whose output is wanted whole, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// A job that is made ready.
pub(crate) struct Job {
    plakar: Plakar,
    arguments: Vec<OsString>,
    input: Vec<u8>,
    timeout: Duration,
    cancel: CancellationToken,
    environment: Vec<(OsString, OsString)>,
    redactor: Redactor,
    /// What its guard runs.
    what: &'static str,
    keeps_references: bool,
}

impl Plakar {
    /// A job: plakar with these arguments.
    pub(crate) fn job<I: Into<OsString>>(&self, arguments: impl IntoIterator<Item = I>) -> Job {
        Job {
            plakar: self.clone(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            input: Vec::new(),
            timeout: CONFIGURATION_TIMEOUT,
            cancel: CancellationToken::new(),
            environment: Vec::new(),
            redactor: Redactor::default(),
            what: SHARED_CACHE,
            keeps_references: false,
        }
    }
}

impl Job {
    /// Bytes for its standard input, which is empty otherwise.
    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// How long it may take before it is ended.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// It is ended when this is cancelled.
    pub(crate) fn cancelled_by(mut self, cancel: &CancellationToken) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// A variable for it alone.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// It starts with an empty cache, which is removed after it: what it knows of a store, it has
    /// read from the store. Plakar reads all of the store's states then, and unpacks its packages.
    pub(crate) fn own_cache(mut self) -> Self {
        self.what = OWN_CACHE;
        self
    }

    /// It is no plakar, but a program that keeps its own name and its folder for temporary files.
    pub(crate) fn other_program(mut self) -> Self {
        self.what = OTHER_PROGRAM;
        self.keeps_references()
    }

    /// It works on the configuration itself: what is named there stays a name.
    pub(crate) fn keeps_references(mut self) -> Self {
        self.keeps_references = true;
        self
    }

    /// Secrets that no line must show.
    pub(crate) fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Starts it, for a caller who reads the output himself.
    pub(crate) async fn start(self) -> Result<(Running, ChildStdout, ChildStderr)> {
        let settings = &self.plakar.0;
        let resolved = match &settings.secrets {
            Some(secrets) if !self.keeps_references => {
                let configuration = self.plakar.configuration_folder()?;
                references::resolve(&configuration, &self.arguments, &**secrets).await?
            }
            _ => None,
        };
        let configuration = match &resolved {
            Some(resolved) => Some(resolved.folder.path().to_owned()),
            None => settings.configuration.clone(),
        };
        let (guard, guards_arguments) = settings
            .guard
            .split_first()
            .ok_or_else(|| Error::Input("no guard was given".into()))?;
        let mut command = Command::new(guard);
        command
            .args(guards_arguments)
            .arg(self.input.len().to_string())
            .arg(self.what)
            .arg(&settings.program)
            .args(configuration.iter().flat_map(|folder| {
                [OsStr::new(plakar_words::CONFIGURATION_FOLDER), folder.as_os_str()]
            }))
            .args(&self.arguments)
            .env_clear()
            .env("PLAKAR_OPENDRIVE_LOG", NEWS_LEVEL)
            .envs(settings.environment.iter().cloned())
            .envs([("TERM", "dumb"), ("NO_COLOR", "1")])
            .envs(self.environment)
            .envs(resolved.iter().map(|resolved| (REMOVED_AFTER, resolved.folder.path())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // On Unix the guard leaves our terminal by itself.
        #[cfg(windows)]
        command.creation_flags(CREATE_NO_WINDOW);
        let mut child =
            command.spawn().map_err(Error::io(format!("cannot start {}", guard.display())))?;
        let (Some(mut lifeline), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::Answer("a pipe is missing".into()));
        };
        // It may end without reading it; then its reason counts.
        let _ = lifeline.write_all(&self.input).await;
        let _ = lifeline.flush().await;
        let deadline = Instant::now() + self.timeout;
        Ok((
            Running {
                child,
                lifeline: Some(lifeline),
                timeout: self.timeout,
                deadline,
                cancel: self.cancel,
                resolved,
            },
            stdout,
            stderr,
        ))
    }

    /// Runs it to its end and hands each line over as it comes, without secrets.
    pub(crate) async fn lines(self, sink: &mut (dyn FnMut(&Line) + Send)) -> Result<JobEnd> {
        let (redactor, vitals) = (self.redactor.clone(), self.plakar.0.vitals.clone());
        let is_plakar = self.what != OTHER_PROGRAM;
        let mark = random_token()?;
        let job = self.variable(MARK_VARIABLE, &mark);
        let (mut running, stdout, stderr) = job.start().await?;
        let redactor = redactor.and(running.secrets());
        let _watched = vitals.as_ref().zip(running.child.id()).map(|(vitals, id)| vitals.watch(id));
        let (sender, mut lines) = mpsc::channel(256);
        tokio::spawn(pump(Stream::Out, BufReader::new(stdout), sender.clone()));
        tokio::spawn(pump(Stream::Error, BufReader::new(stderr), sender));
        let (mut first, mut words) = (FirstWord::default(), LastWords::default());
        let mut take = |mut line: Line| {
            // For us alone: it is no last word, and nothing that a job reads.
            if line.stream == Stream::Error
                && let Some((before, spent)) = DriveSpent::read(&line.text, &mark)
            {
                vitals.iter().for_each(|vitals| vitals.add_spent(spent));
                if before.is_empty() {
                    return;
                }
                line.text.truncate(before.len());
            }
            redactor.apply(&mut line.text);
            if line.stream == Stream::Out {
                first.take(&line.text);
            }
            sink(&line);
            words.take(&line.text);
        };
        let how = {
            let ended = running.ended();
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    Some(line) = lines.recv() => take(line),
                    how = &mut ended => break how,
                }
            }
        };
        // What is in the pipes still. A process that left its group might hold them open.
        let latest = Instant::now() + LAST_LINES_TIMEOUT;
        while let deadline = latest.min(Instant::now() + LAST_LINE_TIMEOUT)
            && let Ok(Some(line)) = tokio::time::timeout_at(deadline, lines.recv()).await
        {
            take(line);
        }
        let how = match how {
            Ok(0) if is_plakar && first.is_reason() => Err(refused(1, words.reason())),
            how => how,
        };
        Ok(JobEnd { how, words })
    }

    /// Runs it to its end and gives its standard output whole.
    ///
    /// # Errors
    /// Its reason, if the exit code is not 0.
    pub(crate) async fn output(self) -> Result<String> {
        let mut text = String::new();
        let mut collect = |line: &Line| {
            if line.stream == Stream::Out && text.len() < MAX_OUTPUT_BYTES {
                text.push_str(&line.text);
                text.push('\n');
            }
        };
        self.lines(&mut collect).await?.success()?;
        if text.len() >= MAX_OUTPUT_BYTES {
            return Err(Error::Answer("it is too long".into()));
        }
        Ok(text)
    }
}
