//! Everything that one does to apps, for the command line and the console alike: they only show it.

mod assign;
mod dashboard;
mod error;
mod export;
mod integrations;
mod log;
mod points;
mod runner;
mod schedules;
mod stores;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use assign::{Assign, ConfiguredField, Edit};
pub use dashboard::{Dashboard, Site};
pub use error::{Error, Problem, Result};
pub use export::{Export, ExportAs};
pub use integrations::{Choice, Form};
pub use points::Point;
pub use stores::StoreChoice;
pub use work::{Place, Work};

use crate::scheduler::{Scheduler, Settings, SystemClock};
use crate::state::{self, State};
use plakar_driver::{Browsers, Plakar};
use runner::PlakarRunner;

/// So long a store's browser is kept after its last use.
const IDLE: Duration = Duration::from_secs(300);

/// The one interface to apps, tasks, schedules and restore points. Clones are one.
#[derive(Clone)]
pub struct Service {
    state: State,
    plakar: Plakar,
    browsers: Browsers,
    scheduler: Scheduler<SystemClock>,
    runner: Arc<PlakarRunner>,
    running: TaskTracker,
    stop: CancellationToken,
}

impl Service {
    /// Opens the state in a directory. `plakar` does the work.
    ///
    /// # Errors
    /// The directory or the database can't be used.
    pub fn open(directory: &Path, plakar: Plakar) -> Result<Self> {
        let state = State::open(directory)?;
        let browsers = Browsers::new(IDLE);
        let scheduler = Scheduler::new(state.clone(), SystemClock, Settings::default());
        let runner = Arc::new(PlakarRunner::new(plakar.clone(), browsers.clone(), state.clone()));
        Ok(Self { state, plakar, browsers, scheduler, runner, running: TaskTracker::new(), stop: CancellationToken::new() })
    }

    /// Where the state is.
    pub fn directory(&self) -> &Path {
        self.state.directory()
    }

    /// The scheduler's loop, until [`Service::stop`].
    pub async fn run_schedules(&self) {
        self.scheduler.run(Arc::clone(&self.runner), self.stop.clone()).await;
    }

    /// Cancels the tasks of this process and waits for their ends.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.running.close();
        self.running.wait().await;
    }

    /// The state, off the threads that must not wait for a disk.
    async fn state<T: Send + 'static>(&self, work: impl FnOnce(&State) -> state::Result<T> + Send + 'static) -> Result<T> {
        let state = self.state.clone();
        let done = tokio::task::spawn_blocking(move || work(&state)).await;
        done.map_err(|error| Error::Inside(error.to_string()))?.map_err(Error::from)
    }
}
