//! The service as a command uses it, and its errors as a command's.

use std::ffi::OsString;
use std::path::PathBuf;

use plakar_driver::{self as plakar, Plakar};
use source_app::service::{Error, Problem, Service};
use source_app::state::{App, AppId, AppKind, Policy, default_directory};

use crate::failure::Failure;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::runtime::{cannot_begin, ended_by, on_runtime};
use terminal::signals::Signals;
use terminal::text;

/// The argument by which this executable is the guard of a plakar that it starts.
pub(crate) const GUARD: &str = "app-guard";

/// The guard's whole life, if this process is one: before anything else is made ready.
pub(crate) fn guard() -> Option<u8> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == GUARD)
        .then(|| u8::try_from(plakar::guard::run(arguments)).unwrap_or(u8::MAX))
}

/// An opened service.
pub(crate) struct Opened {
    pub(crate) service: Service,
    /// Where the state is, if it was said.
    pub(crate) directory: Option<PathBuf>,
}

impl Opened {
    pub(crate) fn new(directory: Option<PathBuf>) -> Result<Self, Failure> {
        let directory = directory.map(std::path::absolute).transpose();
        let directory = directory.map_err(|error| {
            Failure::usage(format!("--state: {error}: write the path of a folder"))
        })?;
        let place = directory.clone().map_or_else(default_directory, Ok).map_err(Error::State)?;
        let itself = std::env::current_exe();
        let itself = itself.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot find this executable: {error}"))
        })?;
        let plakar = Plakar::find(vec![itself.into_os_string(), OsString::from(GUARD)])
            .map_err(Error::Plakar)?;
        Ok(Self { service: Service::open(&place, plakar)?, directory })
    }

    /// Runs a command that deals with signals itself.
    pub(crate) fn run<'a, T>(
        &'a self,
        work: impl AsyncFnOnce(&'a Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        on_runtime(async {
            let done = work(self).await?;
            // What follows the end of a task, such as the copy of the state, is not cut off.
            self.service.wait().await;
            Ok(done)
        })
    }

    /// Runs a command to its end, or until a signal comes. A change that has begun comes to its end
    /// all the same, unless there is a second signal.
    pub(crate) fn until_signal<'a, T>(
        &'a self,
        work: impl AsyncFnOnce(&'a Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        on_runtime(async {
            let mut signals = Signals::listen().map_err(cannot_begin)?;
            let signal = tokio::select! {
                outcome = work(self) => return outcome,
                signal = signals.next() => signal,
            };
            if !self.service.is_at_work() {
                return Err(ended_by(signal).into());
            }
            say(&format!(
                "{}: a change has begun and comes to its end; once more leaves at once",
                signal.name()
            ));
            tokio::select! {
                () = self.service.wait() => {
                    let message = format!("ended by {}, after the change", signal.name());
                    Err(Failure::new(Exit::Signal(signal), message))
                }
                signal = signals.next() => Err(ended_by(signal).into()),
            }
        })
    }

    /// The source of a name.
    pub(crate) async fn source(&self, name: &str) -> Result<App, Failure> {
        match self.service.app_named(AppKind::Source, name).await {
            Err(error) if error.problem() == Problem::NotFound => {
                let no_source = match self.service.app_named(AppKind::Destination, name).await {
                    Ok(_) => format!("{} is a destination: name a source", text::quoted(name)),
                    Err(_) => format!("there is no source app {}", text::quoted(name)),
                };
                Err(Failure::new(
                    Exit::NotFound,
                    format!("{no_source}; `plakar-opendrive app list` shows all"),
                ))
            }
            found => Ok(found?),
        }
    }

    /// The app of a name: a source, or else a destination.
    pub(crate) async fn app(&self, named: &AppName) -> Result<App, Failure> {
        let AppName { name, destination } = named;
        for kind in [AppKind::Source, AppKind::Destination] {
            if *destination && kind == AppKind::Source {
                continue;
            }
            match self.service.app_named(kind, name).await {
                Err(error) if error.problem() == Problem::NotFound => {}
                found => return Ok(found?),
            }
        }
        let what = if *destination { "destination app" } else { "app" };
        let name = text::quoted(name);
        Err(Failure::new(
            Exit::NotFound,
            format!("there is no {what} {name}; `plakar-opendrive app list` shows all"),
        ))
    }

    /// The policy of a name.
    pub(crate) async fn policy(&self, name: &str) -> Result<Policy, Failure> {
        let policies = self.service.policies().await?;
        let missing = || {
            format!(
                "there is no policy {}; `plakar-opendrive app policy list` shows all",
                text::quoted(name)
            )
        };
        policies
            .into_iter()
            .find(|policy| policy.spec.name == name)
            .ok_or_else(|| Failure::new(Exit::NotFound, missing()))
    }

    /// The names of all apps by their ids.
    pub(crate) async fn names(&self) -> Result<std::collections::HashMap<AppId, String>, Failure> {
        Ok(self.service.apps().await?.into_iter().map(|app| (app.id, app.spec.name)).collect())
    }
}

/// Which app.
#[derive(Debug, clap::Args)]
pub(crate) struct AppName {
    /// The app
    pub(crate) name: String,
    /// The destination of this name, if there is a source of it too
    #[arg(long)]
    pub(crate) destination: bool,
}

impl From<String> for AppName {
    fn from(name: String) -> Self {
        Self { name, destination: false }
    }
}
