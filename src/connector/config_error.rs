//! A configuration that is refused.

use terminal::text;

/// A configuration that cannot be used: one line that says what is wrong and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(text::line(&message.into()))
    }
}
