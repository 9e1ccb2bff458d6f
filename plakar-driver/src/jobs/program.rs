//! Other programs than plakar, under the same guard: what a user has run around a task.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::configuration::Kind;
use crate::configuration::schema::is_secret;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::process::command::Plakar;
use crate::process::lines::{Line, Redactor};

/// What a guard says of a program that it cannot start.
const NOT_STARTED: &str = "guard: cannot start ";

/// The exit status of a guard that could not start the program.
const NOT_STARTED_CODE: i32 = 127;

/// A program, and what it runs with.
#[derive(Clone, Debug)]
pub struct ProgramJob<'a> {
    /// Where it is.
    pub program: &'a Path,
    /// Its arguments, without a shell.
    pub arguments: &'a [String],
    /// Variables for it, beside those of this process.
    pub variables: &'a [(&'static str, String)],
    /// How long it may take before it is ended.
    pub timeout: Duration,
    /// Entries of Plakar's configuration whose secrets no line of it must show.
    pub entries: &'a [(Kind, Name)],
    /// The store whose secrets no line of it must show.
    pub store: Option<&'a Store>,
}

impl Plakar {
    /// Runs another program to its end, with nothing on its standard input, and hands over each
    /// line that it prints, without secrets. It ends when cancelled, with all that it has started in
    /// its process group; what it leaves running there when it ends is ended five seconds later.
    ///
    /// # Errors
    /// [`Error::Refused`] if its exit status is not 0 or it cannot be started, with that and its last
    /// line; [`Error::TimedOut`]; [`Error::Cancelled`].
    pub async fn run_program(
        &self,
        job: &ProgramJob<'_>,
        said: &mut (dyn FnMut(&str) + Send),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let mut secrets = self.secret_variables();
        for (kind, name) in job.entries {
            secrets = secrets.and(self.secrets(*kind, name).await?);
        }
        if let Some(store) = job.store {
            secrets = secrets.and(store.secrets(self).await?);
        }
        let command = self.with_program(job.program).job(job.arguments).other_program();
        let command = job
            .variables
            .iter()
            .fold(command, |command, (name, value)| command.variable(name, value))
            .timeout(job.timeout)
            .cancelled_by(cancel)
            .redact(secrets);
        let mut last = String::new();
        let mut take = |line: &Line| {
            if !line.text.trim().is_empty() {
                line.text.trim().clone_into(&mut last);
            }
            said(&line.text);
        };
        match command.lines(&mut take).await?.how? {
            0 => Ok(()),
            NOT_STARTED_CODE if last.starts_with(NOT_STARTED) => {
                Err(Error::Refused(last.trim_start_matches("guard: ").to_owned()))
            }
            code => {
                let said = if last.is_empty() { String::new() } else { format!(": {last}") };
                Err(Error::Refused(format!("it ended with {code}{said}")))
            }
        }
    }

    /// Those variables of this process that are secrets by their names: the program has them too.
    fn secret_variables(&self) -> Redactor {
        let secret = self.variables().filter(|(name, _)| name.to_str().is_some_and(is_secret));
        Redactor::new(secret.map(|(_, value)| value.to_string_lossy().into_owned()))
    }
}
