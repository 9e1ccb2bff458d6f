//! A store's resources on their way, for both plugin APIs.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use prost::Message;
use tonic::{Response, Status};

use super::status::resource_status;
use crate::connector::store::{Kind, Mac, PutWriter, ResourceContent};
use crate::rclone;

/// kloset's `ModeRead | ModeWrite` (v1.1.3, connectors/storage; v1.0.12, storage): bits that are
/// not those of files.
pub(super) const READ_AND_WRITE: i32 = 4 | 2;

/// Maximum length of a message that Plakar accepts, in bytes: it leaves gRPC's limit as it is
/// (`connectPlugin` in plakar v1.1.4, plugins/connect.go).
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// The answer that has the names of all resources of a kind. All come in one message, so where
/// Plakar would refuse it, in words of gRPC, it is an error that says what that means.
pub(super) fn listed<T: Message>(
    kind: Kind,
    count: usize,
    answer: T,
) -> Result<Response<T>, Status> {
    let bytes = answer.encoded_len();
    if bytes <= MAX_ANSWER_BYTES {
        return Ok(Response::new(answer));
    }
    let most = count * MAX_ANSWER_BYTES / bytes;
    Err(Status::resource_exhausted(format!(
        "the store has {count} {}s, and Plakar takes the names of {most} from an integration: nothing is lost, and nothing was changed; \
         docs/limits.md says how to go on",
        kind.name()
    )))
}

/// The chunks of a resource as messages. Nearly always it is one that is at hand already, and there
/// are tens of thousands of such answers.
pub struct ResourceChunks<T> {
    chunks: ChunkSource,
    message: fn(Bytes) -> T,
}

enum ChunkSource {
    /// One chunk, or none at all.
    Whole(Option<Bytes>),
    /// As they come.
    Pieces(BoxStream<'static, rclone::Result<Bytes>>),
}

impl<T> ResourceChunks<T> {
    /// All that was found.
    pub(super) fn new(found: ResourceContent, message: fn(Bytes) -> T) -> Self {
        let chunks = match found {
            ResourceContent::Whole(bytes) => {
                ChunkSource::Whole((!bytes.is_empty()).then_some(bytes))
            }
            ResourceContent::Pieces(pieces) => ChunkSource::Pieces(pieces),
        };
        Self { chunks, message }
    }
}

impl<T> Stream for ResourceChunks<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = self.message;
        let chunk = match &mut self.chunks {
            ChunkSource::Whole(chunk) => chunk.take().map(Ok),
            ChunkSource::Pieces(pieces) => ready!(pieces.as_mut().poll_next(context)),
        };
        Poll::Ready(chunk.map(|chunk| chunk.map(message).map_err(|error| resource_status(&error))))
    }
}

/// Adds a chunk to a put that has not failed yet.
pub(super) async fn write(put: &mut Result<PutWriter, Status>, chunk: Bytes) {
    if let Ok(open) = put
        && let Err(error) = open.write(chunk).await
    {
        *put = Err(resource_status(&error));
    }
}

/// The name of a resource.
pub(super) fn mac(bytes: &[u8]) -> Result<Mac, Status> {
    bytes.try_into().map_err(|_| {
        Status::invalid_argument(format!("a MAC of {} bytes; one has 32", bytes.len()))
    })
}
