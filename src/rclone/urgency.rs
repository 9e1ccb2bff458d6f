//! How urgently something is read.

use std::sync::{Mutex, MutexGuard};

use super::client::raise_urgency;

/// How urgently something is read: somebody waits for it, or it is read ahead until somebody does.
/// A remote that bounds its downloads lets what is urgent come first.
#[derive(Debug)]
pub struct Urgency(Mutex<UrgencyState>);

#[derive(Debug)]
struct UrgencyState {
    urgent: bool,
    /// The number of the call that reads.
    call: Option<u64>,
}

impl Urgency {
    /// For what somebody waits for.
    pub fn urgent() -> Self {
        Self(Mutex::new(UrgencyState { urgent: true, call: None }))
    }

    /// For what is read ahead.
    pub fn ahead() -> Self {
        Self(Mutex::new(UrgencyState { urgent: false, call: None }))
    }

    /// From now on somebody waits for it.
    pub fn raise(&self) {
        let mut state = self.state();
        if state.urgent {
            return;
        }
        state.urgent = true;
        let call = state.call;
        drop(state);
        // Not under the lock: it is a call into Go.
        if let Some(call) = call {
            raise_urgency(call);
        }
    }

    /// A call begins to read; tells whether it is urgent already.
    pub(super) fn begin(&self, call: u64) -> bool {
        let mut state = self.state();
        state.call = Some(call);
        state.urgent
    }

    /// The call is over.
    pub(super) fn end(&self) {
        self.state().call = None;
    }

    fn state(&self) -> MutexGuard<'_, UrgencyState> {
        // No code that can panic in between leaves it half changed.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
