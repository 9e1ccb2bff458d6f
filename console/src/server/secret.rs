//! Random secrets and what is kept of them.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

/// The hash of a secret: enough to know it again, useless to who reads the memory. Secrets are
/// random and long, so a plain hash does.
pub(super) type SecretHash = [u8; 32];

/// `N` random bytes in hexadecimal digits.
///
/// # Panics
///
/// The system gives no random numbers, without which nothing here is safe.
pub(super) fn random<const N: usize>() -> String {
    plakar_driver::random_hex::<N>().expect("the system gives random numbers")
}

/// The hash of a secret, for one purpose: the hash for another tells nothing of it.
pub(super) fn hash(purpose: &str, secret: &str) -> SecretHash {
    let mut digested = [0; 32];
    digested.copy_from_slice(digest(&SHA256, format!("{purpose}\0{secret}").as_bytes()).as_ref());
    digested
}

/// Bytes as hexadecimal digits, two for each.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
