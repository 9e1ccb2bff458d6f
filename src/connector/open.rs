//! Opening the remote of a connector, and saying why it cannot be opened.

use super::config::{Identity, Settings};
use super::config_error::ConfigError;
use crate::rclone::{Error, ErrorKind, Rclone, Remote};
use terminal::text;

/// Maximum length of a path that is saved or restored, in bytes. The longest that Linux has is 4
/// KiB; what rclone shows as a look-alike takes three times as much.
pub(crate) const MAX_PATH_BYTES: usize = 16 << 10;

/// Why a connector cannot start, in one line for the user.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The remote refused.
    #[error("{message}")]
    Remote {
        /// The whole line.
        message: String,
        /// What sort of failure.
        kind: ErrorKind,
        /// Whether the same may succeed later.
        temporary: bool,
    },
}

/// Opens the remote of a connector; says in one line why it cannot.
pub(crate) async fn open_remote(settings: &Settings) -> Result<Remote, OpenError> {
    // Not by `explain`: these options have the same names in both forms of a configuration.
    Rclone::get()
        .limit(&settings.tpslimit, &settings.bwlimit)
        .await
        .map_err(|error| ConfigError::new(error.message()))?;
    Remote::open(&settings.remote).await.map_err(|error| explain(settings, &error))
}

/// Makes sure that a base that is to be made has the password of what is there: with another one,
/// crypt makes of the same name a folder beside. For a remote that is not encrypted there is
/// nothing to do.
pub(crate) async fn check_crypt_password(
    settings: &Settings,
    remote: &Remote,
) -> Result<(), OpenError> {
    if !remote.features().encrypted || settings.remote.path.is_empty() {
        return Ok(());
    }
    let mut top = settings.clone();
    top.remote.path.clear();
    "/".clone_into(&mut top.identity.root);
    match open_remote(&top).await?.list("").await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(explain(&top, &error)),
        _ => Ok(()),
    }
}

/// Why an entry of a crypt remote cannot be used.
pub(crate) const UNDECRYPTABLE: &str = "its name cannot be decrypted with the password of the crypt remote; this is its name on the remote that crypt wraps";

/// Puts what the user needs to know around an error about the base of a remote.
pub(crate) fn explain(settings: &Settings, error: &Error) -> OpenError {
    let Identity { origin, kind, root } = &settings.identity;
    let message = match error.kind() {
        ErrorKind::Config => {
            return OpenError::Config(ConfigError::new(settings.prefixed(error.message())));
        }
        ErrorKind::Authentication => {
            format!(
                "{kind} refused the login of {origin}: {}; check the user name and the password",
                error.message()
            )
        }
        // crypt looks for the name that the password makes of it.
        ErrorKind::NotFound if kind == "crypt" && root != "/" => {
            format!(
                "the folder {root} does not exist on crypt ({origin}), or was encrypted with another password"
            )
        }
        ErrorKind::NotFound => {
            let note = settings.location_note().map(|note| format!("; {note}")).unwrap_or_default();
            format!("the folder {root} does not exist on {kind} ({origin}){note}")
        }
        ErrorKind::IsFile => {
            format!("{root} on {kind} ({origin}) is a file: give the folder that it is in")
        }
        _ => format!("cannot open {root} on {kind} ({origin}): {}", error.message()),
    };
    OpenError::Remote {
        message: text::line(&message),
        kind: error.kind(),
        temporary: error.is_temporary(),
    }
}
