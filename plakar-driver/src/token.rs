//! Random tokens.

use crate::error::{Error, Result};

/// 128 bits that nobody can guess, as hex.
pub(crate) fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Answer(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
