//! Calls at the start and at the end of tasks, as healthchecks.io and its like take them: an address
//! with `/start`, itself, `/fail`, `/log`.

use super::http::{Address, answered};
use crate::state::TaskKind;

/// An address that is called.
#[derive(Clone, Debug)]
pub(super) struct PingReceiver {
    pub(super) address: Address,
    pub(super) tasks: Vec<TaskKind>,
}

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingKind {
    /// A task begins.
    Start,
    /// It went well.
    Success,
    /// It did not.
    Fail,
    /// Neither.
    Log,
}

impl PingReceiver {
    pub(super) fn host(&self) -> String {
        self.address.host()
    }

    pub(super) async fn send(&self, kind: PingKind, text: &str) -> Result<String, String> {
        let end = match kind {
            PingKind::Start => "start",
            PingKind::Success => "",
            PingKind::Fail => "fail",
            PingKind::Log => "log",
        };
        let mut url = self.address.url.clone();
        if !end.is_empty() {
            let mut segments =
                url.path_segments_mut().map_err(|()| "its address has no path".to_owned())?;
            segments.pop_if_empty().push(end);
        }
        answered(self.address.post_to(url).body(text.to_owned())).await
    }
}
