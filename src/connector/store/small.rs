//! What is small and is read whole: `CONFIG` and locks.

use bytes::{Bytes, BytesMut};

use crate::rclone::{Error, ErrorKind, Object, Result};

/// Maximum that is read of one, in bytes; they have a few hundred. It is as much as Plakar takes in
/// one message but for its frame.
const MAX_SMALL_BYTES: usize = 4_000_000;

/// All bytes of a small object.
pub(super) async fn contents(object: &Object) -> Result<Bytes> {
    let mut reader = object.read(0, None).await?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_SMALL_BYTES {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "{} has more than {MAX_SMALL_BYTES} bytes, which Plakar never writes",
                    object.path()
                ),
            ));
        }
    }
    Ok(bytes.freeze())
}
