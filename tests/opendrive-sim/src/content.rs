//! The bytes of a file: in memory, in a temporary file, generated, or thrown away.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use md5::{Digest, Md5};

/// Fills `buf` with the bytes that generated content of this `seed` has at `offset`.
///
/// A pure function of both, so any range can be checked without keeping the content. It is made of
/// one SplitMix64 step for each 8 bytes, which runs at several GB/s in an optimised build.
pub fn generated_bytes(seed: u64, offset: u64, buf: &mut [u8]) {
    let mut word = offset / 8;
    let skip = (offset % 8) as usize;
    let mut rest = buf;
    if skip != 0 {
        let bytes = generated_word(seed, word).to_le_bytes();
        let count = rest.len().min(8 - skip);
        let (head, tail) = rest.split_at_mut(count);
        head.copy_from_slice(&bytes[skip..skip + count]);
        rest = tail;
        word += 1;
    }
    let mut chunks = rest.chunks_exact_mut(8);
    for chunk in &mut chunks {
        chunk.copy_from_slice(&generated_word(seed, word).to_le_bytes());
        word += 1;
    }
    let last = chunks.into_remainder();
    let bytes = generated_word(seed, word).to_le_bytes();
    last.copy_from_slice(&bytes[..last.len()]);
}

#[inline]
fn generated_word(seed: u64, word: u64) -> u64 {
    let mut z = seed.wrapping_add(word.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A file's content. Clones share the bytes and the hash.
#[derive(Clone)]
pub(crate) struct Content {
    size: u64,
    data: Data,
    md5: Arc<OnceLock<String>>,
}

#[derive(Clone)]
enum Data {
    Memory(Bytes),
    Spooled(Arc<File>),
    Generated { seed: u64 },
    Discarded,
}

impl Content {
    pub(crate) fn empty() -> Self {
        Self::memory(Bytes::new())
    }

    /// Content in memory, hashed at once.
    pub(crate) fn memory(bytes: Bytes) -> Self {
        let md5 = hex(&Md5::digest(&bytes));
        Self::hashed(bytes.len() as u64, Data::Memory(bytes), md5)
    }

    /// Generated content; its hash is computed when first asked for.
    pub(crate) fn generated(size: u64, seed: u64) -> Self {
        Self { size, data: Data::Generated { seed }, md5: Arc::default() }
    }

    pub(crate) fn uploaded(bytes: Bytes, md5: String) -> Self {
        Self::hashed(bytes.len() as u64, Data::Memory(bytes), md5)
    }

    pub(crate) fn spooled(file: File, size: u64, md5: String) -> Self {
        Self::hashed(size, Data::Spooled(Arc::new(file)), md5)
    }

    pub(crate) fn discarded(size: u64, md5: String) -> Self {
        Self::hashed(size, Data::Discarded, md5)
    }

    fn hashed(size: u64, data: Data, md5: String) -> Self {
        Self { size, data, md5: Arc::new(OnceLock::from(md5)) }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn is_discarded(&self) -> bool {
        matches!(self.data, Data::Discarded)
    }

    pub(crate) fn hash_is_known(&self) -> bool {
        self.md5.get().is_some()
    }

    /// The MD5, if it was ever computed.
    pub(crate) fn known_md5(&self) -> Option<&str> {
        self.md5.get().map(String::as_str)
    }

    /// Computes the hash now, unless it is known.
    pub(crate) fn hash(&self) {
        self.md5();
    }

    /// The MD5 as 32 lower-case hex digits; takes long for huge generated content, once.
    pub(crate) fn md5(&self) -> &str {
        self.md5.get_or_init(|| {
            let mut hasher = Md5::new();
            let mut buf = vec![0; 256 << 10];
            let mut offset = 0;
            while offset < self.size {
                let count = (self.size - offset).min(buf.len() as u64) as usize;
                if let Data::Generated { seed } = self.data {
                    generated_bytes(seed, offset, &mut buf[..count]);
                }
                hasher.update(&buf[..count]);
                offset += count as u64;
            }
            hex(&hasher.finalize())
        })
    }

    /// The bytes from `offset` on, `len` of them; the range must lie inside the content.
    ///
    /// Discarded content is an error, as is a temporary file that cannot be read.
    pub(crate) fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        match &self.data {
            Data::Memory(bytes) => Ok(bytes.slice(offset as usize..offset as usize + len)),
            Data::Spooled(file) => {
                let mut buf = vec![0; len];
                file.read_exact_at(&mut buf, offset)?;
                Ok(buf.into())
            }
            Data::Generated { seed } => {
                let mut buf = vec![0; len];
                generated_bytes(*seed, offset, &mut buf);
                Ok(buf.into())
            }
            Data::Discarded => Err(io::Error::other("the content was discarded")),
        }
    }
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_content_does_not_depend_on_where_reading_starts() {
        let mut whole = vec![0; 1000];
        generated_bytes(7, 0, &mut whole);
        for offset in [0, 1, 7, 8, 9, 500, 999] {
            for len in [0, 1, 3, 8, 17, 300] {
                let end = (offset + len).min(whole.len());
                let mut part = vec![0; end - offset];
                generated_bytes(7, offset as u64, &mut part);
                assert_eq!(part, whole[offset..end], "offset {offset}, length {len}");
            }
        }
        assert_ne!(whole[..8], whole[8..16]);
    }

    #[test]
    fn hash_of_nothing() {
        assert_eq!(Content::empty().md5(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Content::generated(0, 3).md5(), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
