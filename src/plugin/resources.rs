//! A store's resources on their way, for both plugin APIs.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use tonic::Status;

use super::status::resource_status;
use crate::connector::store::{Answer, Mac, Put};
use crate::rclone;

/// The chunks of a resource as messages. Nearly always it is one that is at hand already, and there
/// are tens of thousands of such answers.
pub struct Chunks<T> {
    chunks: Inner,
    message: fn(Bytes) -> T,
}

enum Inner {
    /// One chunk, or none at all.
    Whole(Option<Bytes>),
    /// As they come.
    Pieces(BoxStream<'static, rclone::Result<Bytes>>),
}

impl<T> Chunks<T> {
    /// A single chunk.
    pub(super) fn one(chunk: Bytes, message: fn(Bytes) -> T) -> Self {
        Self { chunks: Inner::Whole(Some(chunk)), message }
    }

    /// All that was found.
    pub(super) fn new(found: Answer, message: fn(Bytes) -> T) -> Self {
        let chunks = match found {
            Answer::Whole(bytes) => Inner::Whole((!bytes.is_empty()).then_some(bytes)),
            Answer::Pieces(pieces) => Inner::Pieces(pieces),
        };
        Self { chunks, message }
    }
}

impl<T> Stream for Chunks<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = self.message;
        let chunk = match &mut self.chunks {
            Inner::Whole(chunk) => chunk.take().map(Ok),
            Inner::Pieces(pieces) => ready!(pieces.as_mut().poll_next(context)),
        };
        Poll::Ready(chunk.map(|chunk| chunk.map(message).map_err(|error| resource_status(&error))))
    }
}

/// Adds a chunk to a put that has not failed yet.
pub(super) async fn write(put: &mut Result<Put, Status>, chunk: Bytes) {
    if let Ok(open) = put
        && let Err(error) = open.write(chunk).await
    {
        *put = Err(resource_status(&error));
    }
}

/// The name of a resource.
pub(super) fn mac(bytes: &[u8]) -> Result<Mac, Status> {
    bytes.try_into().map_err(|_| Status::invalid_argument(format!("a MAC of {} bytes; one has 32", bytes.len())))
}
