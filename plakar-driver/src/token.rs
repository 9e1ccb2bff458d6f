//! Random tokens.

use crate::error::{Error, Result};

/// Random bytes that nobody can guess, as hex.
///
/// # Errors
/// The machine has no random numbers.
pub fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Answer(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// 128 bits that nobody can guess, as hex.
pub(crate) fn random_token() -> Result<String> {
    random_hex::<16>()
}
