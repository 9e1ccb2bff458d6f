//! A file on the remote, compared with bytes that come in.

use bytes::{Buf, Bytes};
use md5::{Digest, Md5};

use crate::rclone::{Error, Object, Reader};

/// A file on the remote that is read along with bytes that come in.
pub(super) struct ContentComparer {
    reader: Reader,
    rest: Bytes,
    same: PassedBytes,
}

/// How many bytes have passed, and their hash.
#[derive(Default)]
pub(super) struct PassedBytes {
    count: u64,
    md5: Md5,
}

impl ContentComparer {
    pub(super) async fn open(object: &Object) -> Result<Self, Error> {
        let reader = object.read(0, None).await?;
        Ok(Self { reader, rest: Bytes::new(), same: PassedBytes::default() })
    }

    /// Whether these bytes come next in the file.
    pub(super) async fn matches(&mut self, bytes: &[u8]) -> bool {
        let mut left = bytes;
        while !left.is_empty() {
            if self.rest.is_empty() {
                match self.reader.chunk().await {
                    Ok(Some(chunk)) => self.rest = chunk,
                    Ok(None) | Err(_) => return false,
                }
            }
            let count = left.len().min(self.rest.len());
            if left[..count] != self.rest[..count] {
                return false;
            }
            left = &left[count..];
            self.rest.advance(count);
        }
        self.same.add(bytes);
        true
    }

    /// Ends it, and gives the bytes that came next in the file: those before the first call that
    /// found a difference.
    pub(super) fn same(self) -> PassedBytes {
        self.same
    }
}

impl PassedBytes {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        self.md5.update(bytes);
    }

    /// Whether they are the same bytes.
    pub(super) fn equals(self, others: Self) -> bool {
        self.count == others.count && self.md5.finalize() == others.md5.finalize()
    }
}
