//! What is tried before it is kept.

use tempfile::TempDir;

use super::error::{Error, Result};
use super::handle::Service;
use plakar_driver::{CancellationToken, Kind, Name, Options, Plakar};

/// A Plakar with a configuration of its own, in a folder that is closed to others and goes with this:
/// a login that is refused was never in the user's configuration, not even for a moment.
pub(super) struct Trial {
    pub(super) plakar: Plakar,
    _folder: TempDir,
}

impl Trial {
    pub(super) fn new(plakar: &Plakar) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| {
            Error::Internal(format!("no folder for what is tried can be made: {error}"))
        })?;
        Ok(Self { plakar: plakar.apart(folder.path()), _folder: folder })
    }
}

impl Service {
    /// Has a connector log in with these options.
    ///
    /// # Errors
    /// It refused, for its reason; nothing is kept of them.
    pub(super) async fn try_login(&self, kind: Kind, name: &Name, options: &Options) -> Result<()> {
        let trial = Trial::new(&self.plakar)?;
        trial.plakar.configure(kind, name, options).await?;
        match trial.plakar.ping(kind, name, &CancellationToken::new()).await {
            Ok(()) => Ok(()),
            Err(plakar_driver::Error::Refused(reason)) => {
                Err(Error::Untested(format!("the connection was tested and refused: {reason}")))
            }
            Err(plakar_driver::Error::TimedOut(limit)) => Err(Error::Untested(format!(
                "the connection was tested and gave no answer within {} s",
                limit.as_secs()
            ))),
            Err(error) => Err(error.into()),
        }
    }
}
