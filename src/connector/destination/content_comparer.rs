//! A file on the remote, compared with bytes that come in.

use bytes::{Buf, Bytes};

use crate::rclone::{Error, Object, Reader};

/// A file on the remote that is read along with bytes that come in.
pub(super) struct ContentComparer {
    reader: Reader,
    rest: Bytes,
}

impl ContentComparer {
    pub(super) async fn open(object: &Object) -> Result<Self, Error> {
        Ok(Self { reader: object.read(0, None).await?, rest: Bytes::new() })
    }

    /// Whether these bytes come next in the file.
    pub(super) async fn matches(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.rest.is_empty() {
                match self.reader.chunk().await {
                    Ok(Some(chunk)) => self.rest = chunk,
                    Ok(None) | Err(_) => return false,
                }
            }
            let count = bytes.len().min(self.rest.len());
            if bytes[..count] != self.rest[..count] {
                return false;
            }
            bytes = &bytes[count..];
            self.rest.advance(count);
        }
        true
    }
}
