//! Getting resources: from the cache of blocks, or piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::cache::Fetch;
use super::catalog::CachedObject;
use super::layout::{Kind, Mac};
use super::{Result, Store, volume};
use crate::rclone::{Error, ErrorKind, Reader, Urgency};

/// Maximum length of a piece that [`Store::get`] gives, in bytes.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// A part of a resource: `length` bytes from `offset` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// The bytes of a resource.
pub enum ResourceContent {
    /// All of them, in one piece.
    Whole(Bytes),
    /// Piece by piece, each of 1 MiB at most.
    Pieces(BoxStream<'static, Result<Bytes>>),
}

impl Store {
    /// A part of a resource that the cache has in one piece. The cache learns from it what is being
    /// read.
    fn cached(&self, kind: Kind, mac: &Mac, range: ByteRange) -> Option<Bytes> {
        if kind != Kind::Packfile {
            return None;
        }
        let kept = self.0.catalog.get()?.known(kind, mac)?;
        check(kept.size()?, range).ok()?;
        let bytes =
            self.0.cache.hit(mac, &kept, range.offset, usize::try_from(range.length).ok()?)?;
        (bytes.len() <= MAX_PIECE_BYTES).then_some(bytes)
    }

    /// Gives a resource, or a part of it: at once where the cache has it in one piece. A whole one
    /// is checked: its last piece comes only if size and hash are those that were listed.
    ///
    /// Once a read was given up because the drive does not answer, all others of this connection
    /// fail at once, until nobody has asked for a while. Plakar goes on after a failed read, with
    /// the next of thousands; and a snapshot that `sync from` could not read in part is taken for
    /// copied for good (plakar v1.1.4), so the sooner that ends, the better.
    ///
    /// # Errors
    /// `NotFound`, `Config` for a range beyond the end, or what the server says.
    pub async fn get(
        &self,
        kind: Kind,
        mac: &Mac,
        range: Option<ByteRange>,
    ) -> Result<ResourceContent> {
        if let Some(bytes) = range.and_then(|range| self.cached(kind, mac, range)) {
            return Ok(ResourceContent::Whole(bytes));
        }
        if let Some(refusal) = self.0.given_up.refusal() {
            return Err(refusal);
        }
        let answer = self.read(kind, mac, range).await.inspect_err(|error| self.give_up(error))?;
        let store = self.clone();
        Ok(match answer {
            ResourceContent::Whole(bytes) => ResourceContent::Whole(bytes),
            ResourceContent::Pieces(pieces) => ResourceContent::Pieces(
                pieces.inspect_err(move |error| store.give_up(error)).boxed(),
            ),
        })
    }

    /// The same content, of a state whose version is taken note of.
    async fn noting_version(&self, content: ResourceContent) -> ResourceContent {
        let pieces = match content {
            ResourceContent::Pieces(pieces) => pieces,
            ResourceContent::Whole(bytes) => {
                self.saw_state(&bytes).await;
                return ResourceContent::Whole(bytes);
            }
        };
        let pieces = pieces.enumerate().then({
            let store = self.clone();
            move |(number, piece)| {
                let store = store.clone();
                async move {
                    if let (0, Ok(first)) = (number, &piece) {
                        store.saw_state(first).await;
                    }
                    piece
                }
            }
        });
        ResourceContent::Pieces(pieces.boxed())
    }

    /// Takes note of a read that has failed because the drive is away.
    fn give_up(&self, error: &Error) {
        if error.kind() == ErrorKind::Unreachable && self.0.given_up.begin(error) {
            tracing::warn!(
                "the drive does not answer: no more is read of the store in this run; begin it again later (`plakar ui` and `mount` read again once nothing was asked for 10 s)"
            );
        }
    }

    async fn read(
        &self,
        kind: Kind,
        mac: &Mac,
        range: Option<ByteRange>,
    ) -> Result<ResourceContent> {
        let catalog = self.ready().await?;
        let kept = catalog.find(kind, mac).await?;
        let Some(range) = range else {
            return match kind {
                Kind::Lock => self.lock(mac).await.map(ResourceContent::Whole),
                Kind::State => {
                    let content = match self.0.cold_states.take(catalog, mac, &kept).await {
                        Some(bytes) => ResourceContent::Whole(bytes),
                        None => pieces(kept.object.read(0, None).await?),
                    };
                    Ok(self.noting_version(content).await)
                }
                _ => Ok(pieces(kept.object.read(0, None).await?)),
            };
        };
        if let Some(size) = kept.size() {
            check(size, range)?;
        }
        match (kind, kept.size()) {
            _ if range.length == 0 => Ok(ResourceContent::Whole(Bytes::new())),
            (Kind::Packfile, Some(_)) => {
                let blocks = self.0.cache.read(*mac, kept, range.offset, range.length);
                Ok(ResourceContent::Pieces(
                    blocks.flat_map(|block| stream::iter(split(block))).boxed(),
                ))
            }
            _ => Ok(pieces(kept.object.read(range.offset, Some(range.length)).await?)),
        }
    }
}

impl Fetch for CachedObject {
    fn size(&self) -> u64 {
        Self::size(self).unwrap_or_default()
    }

    fn fetch(
        self: Arc<Self>,
        offset: u64,
        length: usize,
        urgency: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>> {
        async move { volume::retry_while_used_up(|| self.object.fetch(offset, length, &urgency)).await }.boxed()
    }
}

/// Whether a range lies within a resource.
fn check(size: u64, range: ByteRange) -> Result<()> {
    match range.offset.checked_add(range.length) {
        Some(end) if end <= size => Ok(()),
        _ => {
            let ByteRange { offset, length } = range;
            Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{length} bytes from offset {offset} on are wanted, but there are only {size} bytes"
                ),
            ))
        }
    }
}

fn pieces(reader: Reader) -> ResourceContent {
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.chunk().await?.map(|chunk| (chunk, reader)))
    });
    ResourceContent::Pieces(pieces.boxed())
}

/// A block in pieces that fit into a message.
fn split(block: Result<Bytes>) -> impl Iterator<Item = Result<Bytes>> {
    let (mut rest, mut error) = match block {
        Ok(bytes) => (bytes, None),
        Err(error) => (Bytes::new(), Some(Err(error))),
    };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return error.take();
        }
        Some(Ok(rest.split_to(rest.len().min(MAX_PIECE_BYTES))))
    })
}
