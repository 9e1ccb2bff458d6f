//! The password: its hash in a file of the user's, and whether somebody knows it.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHashString, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2};
use tokio::sync::Semaphore;

use super::error::{Result, ServerError};
use super::throttle::Throttle;

/// Minimum length of a password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 12;

/// Maximum length of a password, in bytes.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Maximum size of a password file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 4096;

/// Maximum number of passwords that are checked at a time: each takes 19 MiB and a core.
const MAX_PARALLEL_CHECKS: usize = 2;

/// The hash of a password (argon2id, as a PHC string). It is not shown by `{:?}`.
#[derive(Clone)]
pub struct PasswordHash(PasswordHashString);

/// Hashes a password for the password file: argon2id with its usual cost (19 MiB, two passes), as a
/// PHC string.
///
/// # Errors
///
/// The password is too short or too long.
pub fn hash_password(password: &str) -> Result<String> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(ServerError::Invalid(format!(
            "the password is too short: write at least {MIN_PASSWORD_CHARS} characters"
        )));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(ServerError::Invalid(format!(
            "the password is too long: write at most {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    let failed = |error: argon2::password_hash::Error| {
        ServerError::Invalid(format!("the password cannot be hashed: {error}"))
    };
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| {
        ServerError::Invalid(format!("the system gives no random numbers: {error}"))
    })?;
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

impl PasswordHash {
    /// Takes what [`hash_password`] made.
    ///
    /// # Errors
    ///
    /// It is not a PHC string of argon2id.
    pub fn parse(text: &str) -> Result<Self> {
        let argon2id = |hash: &PasswordHashString| {
            Algorithm::try_from(hash.algorithm()) == Ok(Algorithm::Argon2id)
                && hash.hash().is_some()
        };
        PasswordHashString::new(text.trim()).ok().filter(argon2id).map(Self).ok_or_else(|| {
            ServerError::Invalid(
                "not a hash of a password, which begins with $argon2id$; make one with: plakar-opendrive console password".into(),
            )
        })
    }

    /// Reads the file of `--password-file`: one line, of a file that belongs to the user and is
    /// closed to others.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not safe, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let file = open(path)?;
        let mut text = String::new();
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(ServerError::file(path))?;
        Self::parse(&text).map_err(|error| {
            ServerError::Invalid(format!("--password-file {}: {error}", path.display()))
        })
    }

    fn is(&self, password: &str) -> bool {
        password.len() <= MAX_PASSWORD_BYTES
            && Argon2::default()
                .verify_password(password.as_bytes(), &self.0.password_hash())
                .is_ok()
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        Self::parse("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA").unwrap()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(unix)]
fn open(path: &Path) -> Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;

    let (shown, refused) = (path.display(), |why: String| Err(ServerError::Invalid(why)));
    // Without waiting for the other end of a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(_) if path.is_symlink() => {
            return refused(format!("--password-file {shown} is a link; name the file itself"));
        }
        file => file.map_err(ServerError::file(path))?,
    };
    let metadata = file.metadata().map_err(ServerError::file(path))?;
    if !metadata.is_file() {
        return refused(format!("--password-file {shown} is not a file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refused(format!(
            "--password-file {shown} belongs to another user; name a file of your own"
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return refused(format!(
            "--password-file {shown} is open to other users (mode {mode:o}); run: chmod 600 {shown}"
        ));
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(ServerError::file(path))
}

/// Checks passwords against the hash, not too many and not too fast.
pub(super) struct PasswordChecker {
    hash: PasswordHash,
    throttle: Throttle,
    permits: Arc<Semaphore>,
}

impl PasswordChecker {
    pub fn new(hash: PasswordHash) -> Self {
        Self {
            hash,
            throttle: Throttle::default(),
            permits: Arc::new(Semaphore::new(MAX_PARALLEL_CHECKS)),
        }
    }

    /// Whether this is the password.
    ///
    /// # Errors
    ///
    /// How long to wait before the next attempt.
    pub async fn is(&self, password: String) -> std::result::Result<bool, Duration> {
        self.throttle.attempt(Instant::now())?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let hash = self.hash.clone();
        // The permit goes along: a client that hangs up does not stop the work.
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash.is(&password)
        });
        let good = work.await.unwrap_or(false);
        if good {
            self.throttle.succeeded();
        }
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let password = "correct horse battery";
        let text = hash_password(password).unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert_ne!(text, hash_password(password).unwrap(), "salted");
        let hash = PasswordHash::parse(&format!("{text}\n")).unwrap();
        assert!(hash.is(password));
        assert!(!hash.is("correct horse batterx") && !hash.is(""));
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }

    #[test]
    fn bad_passwords_and_hashes_get_one_line() {
        assert_eq!(
            hash_password("elevenchars").unwrap_err().to_string(),
            "the password is too short: write at least 12 characters"
        );
        assert!(
            hash_password(&"a".repeat(MAX_PASSWORD_BYTES + 1))
                .unwrap_err()
                .to_string()
                .contains("too long")
        );
        let bare = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ";
        let argon2i = "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
        for text in ["", "my password in plain", bare, argon2i] {
            let error = PasswordHash::parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with("not a hash of a password") && !error.contains("plain"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_the_users_own_and_closed() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let refused = |path: &Path| PasswordHash::read(path).unwrap_err().to_string();
        assert!(refused(&path).contains("No such file"));
        std::fs::write(&path, format!("{}\n", hash_password("correct horse battery").unwrap()))
            .unwrap();
        for mode in [0o644, 0o640, 0o602] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let shown = path.display();
            assert_eq!(
                refused(&path),
                format!(
                    "--password-file {shown} is open to other users (mode {mode:o}); run: chmod 600 {shown}"
                )
            );
        }
        for mode in [0o600, 0o400] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            PasswordHash::read(&path).unwrap();
        }
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(refused(&link).ends_with("is a link; name the file itself"));
        assert!(refused(directory.path()).ends_with("is not a file"));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, "secret in plain").unwrap();
        let error = refused(&path);
        assert!(error.contains("console password") && !error.contains("secret"), "{error}");
    }
}
