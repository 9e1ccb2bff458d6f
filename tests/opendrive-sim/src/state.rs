//! What all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::behaviour::Current;
use crate::calls::CallLog;
use crate::drive::Drive;
use crate::faults::Faults;
use crate::options::Options;
use crate::sessions::Sessions;
use crate::uploads::{OpenUpload, Uploads};

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) behaviour: Current,
    pub(crate) drive: Drive,
    pub(crate) sessions: Sessions,
    pub(crate) uploads: Uploads,
    pub(crate) faults: Faults,
    pub(crate) calls: CallLog,
    pub(crate) connections: AtomicU64,
    /// Bytes of the daily volume that downloads have used.
    pub(crate) volume_used: Arc<AtomicU64>,
    latency_micros: AtomicU64,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        let state = Self {
            drive: Drive::new(options.quota),
            sessions: Sessions::default(),
            uploads: Uploads::default(),
            faults: Faults::default(),
            calls: CallLog::new(options.log_calls),
            connections: AtomicU64::new(0),
            volume_used: Arc::default(),
            latency_micros: AtomicU64::new(0),
            behaviour: Current::new(options.behaviour.clone()),
            options,
        };
        state.set_latency(state.options.latency);
        state
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency_micros
            .store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn open_uploads(&self) -> Vec<OpenUpload> {
        let tree = self.drive.lock();
        self.uploads.all(|file| tree.file_path(file))
    }
}
