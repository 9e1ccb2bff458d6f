//! Logins and what they gave out.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::drive::Refusal;
use crate::texts;

/// All sessions ever given out, and whether each is still good.
#[derive(Default)]
pub(crate) struct Sessions {
    inner: Mutex<HashMap<String, bool>>,
    /// Failed logins since the last good one.
    failures: AtomicU32,
}

impl Sessions {
    pub(crate) fn create(&self) -> String {
        let mut sessions = self.lock();
        // Hasher keys are random: unlike a counter's, an id of another run is never valid here.
        let id =
            format!("{:016x}{:04x}", RandomState::new().hash_one(sessions.len()), sessions.len());
        sessions.insert(id.clone(), true);
        id
    }

    /// Counts a login that has failed.
    pub(crate) fn fail(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How many logins have failed since the last good one.
    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_failures(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    pub(crate) fn is_valid(&self, id: &str) -> bool {
        self.lock().get(id) == Some(&true)
    }

    /// Refuses a session that is not valid, whether it ever was or not.
    pub(crate) fn check(&self, id: &str) -> Result<(), Refusal> {
        if self.is_valid(id) { Ok(()) } else { Err(Refusal::new(401, texts::SESSION_OVER)) }
    }

    pub(crate) fn expire(&self, id: &str) {
        if let Some(valid) = self.lock().get_mut(id) {
            *valid = false;
        }
    }

    pub(crate) fn expire_all(&self) {
        self.lock().values_mut().for_each(|valid| *valid = false);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
