//! The service itself: what it is made of, and how long it lives.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::blocking::blocking;
use super::error::{Error, Result};
use super::named_secrets::NamedSecrets;
use super::runner::PlakarRunner;
use super::teller::Teller;
use crate::notify::{DispatchSettings, Dispatcher};
use crate::scheduler::{Scheduler, Settings, SystemClock};
use crate::state::{self, State};
use plakar_driver::{Browsers, Plakar};

/// How long a store's browser is kept after its last use.
const BROWSER_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// When plakar was asked last whether it can be used, and whether it could.
type LastAnswer = Arc<Mutex<Option<(Instant, bool)>>>;

/// The one interface to apps, tasks, schedules and restore points. Clones are one.
#[derive(Clone)]
pub struct Service {
    pub(super) state: State,
    pub(super) plakar: Plakar,
    pub(super) browsers: Browsers,
    pub(super) scheduler: Scheduler<SystemClock>,
    pub(super) runner: Arc<PlakarRunner>,
    pub(super) running: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) last_answer: LastAnswer,
}

impl Service {
    /// Opens the state in a directory. `plakar` does the work.
    ///
    /// # Errors
    /// The directory or the database cannot be used.
    pub fn open(directory: &Path, plakar: Plakar) -> Result<Self> {
        Self::open_with(directory, plakar, Settings::default())
    }

    /// The same, with other settings than those that are meant for everybody.
    ///
    /// # Errors
    /// As for [`Service::open`].
    pub fn open_with(directory: &Path, plakar: Plakar, settings: Settings) -> Result<Self> {
        let state = State::open(directory)?;
        let plakar = plakar.with_secrets(Arc::new(NamedSecrets));
        let browsers = Browsers::new(BROWSER_IDLE_TIMEOUT);
        let watch = settings.watch.clone();
        let scheduler = Scheduler::new(state.clone(), SystemClock, settings);
        let (running, stop) = (TaskTracker::new(), CancellationToken::new());
        let dispatch = DispatchSettings::default();
        let dispatcher = Dispatcher::new(state.clone(), dispatch, running.clone(), stop.clone());
        let teller = Teller::new(state.clone(), dispatcher);
        let (driver, shared) = (plakar.clone(), browsers.clone());
        let runner = PlakarRunner::new(driver, shared, state.clone(), watch, teller);
        let runner = Arc::new(runner);
        let last_answer = LastAnswer::default();
        Ok(Self { state, plakar, browsers, scheduler, runner, running, stop, last_answer })
    }

    /// Where the state is.
    pub fn directory(&self) -> &Path {
        self.state.directory()
    }

    /// The scheduler's loop, until [`Service::stop`].
    pub async fn run_schedules(&self) {
        self.scheduler.run(Arc::clone(&self.runner), self.stop.clone()).await;
    }

    /// Waits for the ends of the tasks that this process has started, for what follows them, and for
    /// changes that have begun.
    pub async fn wait(&self) {
        self.running.close();
        self.running.wait().await;
    }

    /// Ends the tasks of this process and waits for that: what was due is run once more, by whoever
    /// looks next.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.wait().await;
    }

    /// Whether something is under way that [`Service::wait`] waits for.
    pub fn is_at_work(&self) -> bool {
        !self.running.is_empty()
    }

    /// Does a change to its end, also when nobody waits for it any more: who leaves a page, or presses
    /// Ctrl-C, would leave half of it in the state and in Plakar's configuration.
    ///
    /// # Errors
    /// Its own, or that it broke off.
    pub(super) async fn to_the_end<T, F>(&self, change: impl FnOnce(Self) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let done = self.running.spawn(change(self.clone())).await;
        done.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// The state, off the threads that must not wait for a disk.
    pub(super) async fn state<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> state::Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.state.clone();
        blocking(move || work(&state)).await
    }
}
