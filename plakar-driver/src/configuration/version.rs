//! Which plakar it is.

use std::time::Duration;

use crate::error::Result;
use crate::process::command::Plakar;

/// Timeout of a question that needs no file.
const VERSION_TIMEOUT: Duration = Duration::from_secs(20);

impl Plakar {
    /// What plakar says of its version: that it can be run at all.
    ///
    /// # Errors
    /// It cannot be run.
    pub async fn version(&self) -> Result<String> {
        let said =
            self.job(["version"]).keeps_references().timeout(VERSION_TIMEOUT).output().await?;
        // The first time it welcomes its user before that.
        Ok(said.lines().last().unwrap_or_default().trim().to_owned())
    }
}
