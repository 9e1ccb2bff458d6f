//! Trying an upload again.

use std::time::Duration;

use crate::rclone::{Error, ErrorKind, Result};
use terminal::text;

/// Maximum number of times that an upload is tried which fails in a way that may pass.
const MAX_UPLOAD_TRIES: u32 = 3;

/// Whether an upload may succeed when tried again.
pub(super) fn may_pass(error: &Error) -> bool {
    // A new name may not be found for a while, and is in the way all the same; and when the answer
    // to the last call of an upload is lost, its repetition finds nothing.
    error.is_temporary()
        || matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Exists | ErrorKind::NotFound)
}

/// Does an upload to a path, and again if it fails in a way that may pass; `pause` is the wait
/// before the second time, and doubles.
///
/// # Errors
/// That of the last time.
pub(super) async fn upload_with_retries<T, F: Future<Output = Result<T>>>(
    path: &str,
    mut pause: Duration,
    upload: impl Fn() -> F,
) -> Result<T> {
    for _ in 1..MAX_UPLOAD_TRIES {
        match upload().await {
            Err(error) if may_pass(&error) => {
                tracing::info!("{}: {error}; trying again", text::quoted(path));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
    upload().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often an upload is made whose tries end like this, and how the whole ends.
    async fn tries(outcomes: &[std::result::Result<(), ErrorKind>]) -> (usize, bool) {
        let count = Cell::new(0);
        let upload = || {
            let number = count.replace(count.get() + 1);
            std::future::ready(outcomes[number].map_err(|kind| Error::new(kind, "no")))
        };
        let outcome = upload_with_retries("a", Duration::ZERO, upload).await;
        (count.get(), outcome.is_ok())
    }

    #[tokio::test]
    async fn only_what_may_pass_is_tried_again_and_not_for_ever() {
        assert_eq!(tries(&[Ok(())]).await, (1, true));
        assert_eq!(
            tries(&[Err(ErrorKind::Corrupt), Err(ErrorKind::NotFound), Ok(())]).await,
            (3, true)
        );
        assert_eq!(tries(&[Err(ErrorKind::Exists); 4]).await, (3, false));
        assert_eq!(tries(&[Err(ErrorKind::NoSpace), Ok(())]).await, (1, false));
    }
}
