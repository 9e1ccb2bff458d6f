//! Running plakar: an argument list, no shell, nothing of the job left behind.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::process::guard::{OWN_CACHE, SHARED_CACHE};
use crate::process::job_end::JobEnd;
use crate::process::last_words::LastWords;
use crate::process::lines::{Line, Redactor, Stream, pump};
use crate::process::running::Running;
use crate::process::vitals::Vitals;

/// Timeout of what may take any time: as good as none.
pub(crate) const NO_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Timeout of what only reads or writes plakar's own configuration.
pub(crate) const CONFIGURATION_TIMEOUT: Duration = Duration::from_secs(60);

/// What our connector says by itself of what holds it up; the environment may have it say more or
/// less.
const NEWS_LEVEL: &str = "info";

/// Maximum of standard output that is kept of a command whose output is wanted whole, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// The real plakar, and what it runs with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Plakar(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    program: PathBuf,
    guard: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    /// A folder for its configuration, if it is not the user's own.
    configuration: Option<PathBuf>,
    /// Where its jobs are made known.
    vitals: Option<Vitals>,
}

/// Without the environment: it may hold passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("program", &self.program)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

impl Plakar {
    /// The plakar of this process's environment: the variable `PLAKAR`, or the first in `PATH`.
    ///
    /// `guard` is the command that runs [`guard::run`](crate::process::guard::run) with the
    /// arguments that follow.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn find(guard: Vec<OsString>) -> Result<Self> {
        let program = std::env::var_os("PLAKAR")
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| "plakar".into());
        Self::new(Path::new(&program), guard, std::env::vars_os().collect())
    }

    /// This plakar, with this whole environment.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn new(
        program: &Path,
        guard: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self> {
        let missing = || Error::NotInstalled(program.to_owned());
        let program = if program.components().count() > 1 {
            std::path::absolute(program).ok().filter(|path| path.is_file()).ok_or_else(missing)?
        } else {
            let path = environment
                .iter()
                .find(|(name, _)| name == "PATH")
                .map(|(_, value)| value.as_os_str());
            let named = |folder: PathBuf| {
                folder.join(format!("{}{}", program.display(), std::env::consts::EXE_SUFFIX))
            };
            std::env::split_paths(path.unwrap_or_default())
                .map(named)
                .find(|path| path.is_file())
                .ok_or_else(missing)?
        };
        Ok(Self(Arc::new(Settings {
            program,
            guard,
            environment,
            configuration: None,
            vitals: None,
        })))
    }

    /// The same plakar with a configuration in this folder, which knows nothing of the user's: for
    /// what is tried before it is kept.
    #[must_use]
    pub fn apart(&self, folder: &Path) -> Self {
        let configuration = Some(folder.to_owned());
        Self(Arc::new(Settings { configuration, ..(*self.0).clone() }))
    }

    /// Whether its environment has a passphrase for stores that have none in the configuration.
    pub fn has_passphrase_variable(&self) -> bool {
        self.variable("PLAKAR_PASSPHRASE").is_some()
    }

    /// The same, with jobs whose processes are seen there.
    pub fn watched(&self, vitals: &Vitals) -> Self {
        Self(Arc::new(Settings { vitals: Some(vitals.clone()), ..(*self.0).clone() }))
    }

    fn variable(&self, name: &str) -> Option<&OsStr> {
        let given = self.0.environment.iter().rev().find(|(given, _)| given == name);
        given.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    fn folder(&self, variable: &str, below_home: &str) -> Result<PathBuf> {
        let given = self.variable(variable).map(PathBuf::from);
        let home = || self.variable("HOME").map(|home| Path::new(home).join(below_home));
        let folder = given.or_else(home).ok_or_else(|| {
            Error::Input(
                "the variable HOME is missing: plakar keeps its configuration there".into(),
            )
        })?;
        Ok(folder.join("plakar"))
    }

    /// Where plakar keeps sources, destinations and stores.
    pub(crate) fn configuration_folder(&self) -> Result<PathBuf> {
        match &self.0.configuration {
            Some(folder) => Ok(folder.clone()),
            None => self.folder("XDG_CONFIG_HOME", ".config"),
        }
    }

    /// Where plakar unpacks its packages.
    pub(crate) fn cache_folder(&self) -> Result<PathBuf> {
        self.folder("XDG_CACHE_HOME", ".cache")
    }

    /// Where its temporary files are.
    pub(crate) fn temporary_folder(&self) -> PathBuf {
        self.variable("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
    }

    /// A job: plakar with these arguments.
    pub(crate) fn job<I: Into<OsString>>(&self, arguments: impl IntoIterator<Item = I>) -> Job {
        let own = self.0.configuration.iter();
        let own = own.flat_map(|folder| ["-configdir".into(), folder.clone().into_os_string()]);
        Job {
            plakar: self.clone(),
            arguments: own.chain(arguments.into_iter().map(Into::into)).collect(),
            input: Vec::new(),
            timeout: CONFIGURATION_TIMEOUT,
            cancel: CancellationToken::new(),
            environment: Vec::new(),
            redactor: Redactor::default(),
            own_cache: false,
        }
    }
}

/// A job that is made ready.
pub(crate) struct Job {
    plakar: Plakar,
    arguments: Vec<OsString>,
    input: Vec<u8>,
    timeout: Duration,
    cancel: CancellationToken,
    environment: Vec<(OsString, OsString)>,
    redactor: Redactor,
    own_cache: bool,
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
        self.own_cache = true;
        self
    }

    /// Secrets that no line must show.
    pub(crate) fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Starts it, for a caller who reads the output himself.
    pub(crate) async fn start(self) -> Result<(Running, ChildStdout, tokio::process::ChildStderr)> {
        let settings = &self.plakar.0;
        let (guard, guards_arguments) = settings
            .guard
            .split_first()
            .ok_or_else(|| Error::Input("no guard was given".into()))?;
        let mut command = Command::new(guard);
        command
            .args(guards_arguments)
            .arg(self.input.len().to_string())
            .arg(if self.own_cache { OWN_CACHE } else { SHARED_CACHE })
            .arg(&settings.program)
            .args(&self.arguments)
            .env_clear()
            .env("PLAKAR_OPENDRIVE_LOG", NEWS_LEVEL)
            .envs(settings.environment.iter().cloned())
            .envs([("TERM", "dumb"), ("NO_COLOR", "1")])
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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
            },
            stdout,
            stderr,
        ))
    }

    /// Runs it to its end and hands each line over as it comes, without secrets.
    pub(crate) async fn lines(self, sink: &mut (dyn FnMut(&Line) + Send)) -> Result<JobEnd> {
        let (redactor, vitals) = (self.redactor.clone(), self.plakar.0.vitals.clone());
        let (mut running, stdout, stderr) = self.start().await?;
        let _watched = vitals.zip(running.child.id()).map(|(vitals, id)| vitals.watch(id));
        let (sender, mut lines) = mpsc::channel(256);
        tokio::spawn(pump(Stream::Out, BufReader::new(stdout), sender.clone()));
        tokio::spawn(pump(Stream::Error, BufReader::new(stderr), sender));
        let mut words = LastWords::default();
        let mut take = |mut line: Line| {
            redactor.apply(&mut line.text);
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
        while let Ok(Some(line)) = tokio::time::timeout(Duration::from_secs(5), lines.recv()).await
        {
            take(line);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_a_plakar_has_no_password_in_it() {
        let environment = vec![("PLAKAR_PASSPHRASE".into(), "hunter2".into())];
        let plakar =
            Plakar::new(&std::env::current_exe().unwrap(), vec!["guard".into()], environment)
                .unwrap();
        let printed = format!("{plakar:?}");
        assert!(printed.contains("guard") && !printed.contains("hunter2"), "{printed}");
    }
}
