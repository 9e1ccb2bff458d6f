//! Test Connection.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::configuration::kinds::Kind;
use crate::error::Result;
use crate::names::Name;
use crate::process::command::Plakar;

/// Timeout of a connector to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(60);

impl Plakar {
    /// Asks the connector of an entry to reach its drive.
    ///
    /// A store answers well too when no store has been made there yet: see [`Plakar::store_state`].
    ///
    /// # Errors
    /// The connector's reason, as [`Error::Refused`](crate::Error::Refused), or no answer within 60
    /// s.
    pub async fn ping(&self, kind: Kind, name: &Name, cancel: &CancellationToken) -> Result<()> {
        let secrets = self.secrets(kind, name).await?;
        let job = self
            .job([kind.word(), "ping", name.as_str()])
            .timeout(PING_TIMEOUT)
            .cancelled_by(cancel)
            .redact(secrets);
        job.output().await.map(drop)
    }
}
