//! Logins and what they gave out.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All sessions ever given out, and whether each is still good.
#[derive(Default)]
pub(crate) struct Sessions {
    inner: Mutex<HashMap<String, bool>>,
}

impl Sessions {
    pub(crate) fn create(&self) -> String {
        let mut sessions = self.lock();
        // Hasher keys are random: unlike a counter's, an id of another run is never valid here.
        let id = format!("{:016x}{:04x}", RandomState::new().hash_one(sessions.len()), sessions.len());
        sessions.insert(id.clone(), true);
        id
    }

    /// Why this session isn't valid, as the drive says it.
    pub(crate) fn check(&self, id: &str) -> Result<(), &'static str> {
        match self.lock().get(id) {
            Some(true) => Ok(()),
            Some(false) => Err("Session has expired"),
            None => Err("Session does not exist. Please re-login"),
        }
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
