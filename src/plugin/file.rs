//! A file's bytes on their way to Plakar.

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::status::file_status;
use crate::connector::source::FileReader;
use crate::panics::caught;
use crate::rclone;

/// Maximum number of chunks of a file that wait for Plakar to take them, beside the one that is
/// being read.
const MAX_WAITING_CHUNKS: usize = 2;

type ChunkResult = Result<Bytes, Status>;

/// The chunks of a file, none of them empty. They end with an error when it is `closed` before its
/// end.
///
/// # Errors
/// If the first one cannot be read.
pub(super) async fn chunks(
    mut reader: FileReader,
    closed: CancellationToken,
) -> Result<BoxStream<'static, ChunkResult>, Status> {
    // A small file goes out at once, its end with it.
    let Some(first) = reader.chunk().await.map_err(|error| file_status(&error))? else {
        return Ok(stream::empty().boxed());
    };
    let first = stream::iter([Ok(first)]);
    if reader.is_over() {
        return Ok(first.boxed());
    }
    let (sender, chunks) = mpsc::channel(MAX_WAITING_CHUNKS);
    // A task of its own, so that the next chunk is read while this one is on its way. It ends
    // when Plakar closes the file: nobody receives then.
    let rest = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.chunk().await?.map(|chunk| (chunk, reader)))
    });
    tokio::spawn(async move { closed.run_until_cancelled(pump(rest.boxed(), sender)).await });
    Ok(first.chain(until_the_end(chunks)).boxed())
}

/// What the pump sends. Plakar takes a stream that ends for the whole file, so the end has to be
/// said.
enum PumpedChunk {
    Chunk(ChunkResult),
    End,
}

fn until_the_end(pieces: mpsc::Receiver<PumpedChunk>) -> impl Stream<Item = ChunkResult> {
    stream::unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(PumpedChunk::Chunk(Ok(chunk))) => Some((Ok(chunk), Some(pieces))),
            Some(PumpedChunk::Chunk(Err(status))) => Some((Err(status), None)),
            Some(PumpedChunk::End) => None,
            None => Some((Err(Status::aborted("the file was closed before its end")), None)),
        }
    })
}

/// Sends a file's chunks until it ends or nobody wants them any more.
async fn pump(
    mut rest: BoxStream<'static, rclone::Result<Bytes>>,
    sender: mpsc::Sender<PumpedChunk>,
) {
    let sent = caught(async {
        loop {
            let chunk = tokio::select! {
                chunk = rest.next() => chunk,
                () = sender.closed() => return,
            };
            let (piece, over) = match chunk {
                Some(Ok(chunk)) => (PumpedChunk::Chunk(Ok(chunk)), false),
                Some(Err(error)) => (PumpedChunk::Chunk(Err(file_status(&error))), true),
                None => (PumpedChunk::End, true),
            };
            if sender.send(piece).await.is_err() || over {
                return;
            }
        }
    });
    if let Err(bug) = sent.await {
        let _ = sender.send(PumpedChunk::Chunk(Err(Status::internal(bug)))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_while_a_file_is_read_is_no_end_of_the_file() {
        let (sender, pieces) = mpsc::channel(MAX_WAITING_CHUNKS);
        let rest = stream::iter(0..2).map(|number| match number {
            0 => Ok(Bytes::from_static(b"the beginning")),
            _ => panic!("in a reader"),
        });
        let pumping = tokio::spawn(pump(rest.boxed(), sender));
        let mut chunks = until_the_end(pieces).boxed();
        assert_eq!(chunks.next().await.unwrap().unwrap(), "the beginning");
        let status = chunks.next().await.expect("the file ended as if it were whole").unwrap_err();
        assert_eq!(status.message(), "a bug: in a reader");
        assert!(chunks.next().await.is_none());
        pumping.await.unwrap();
    }

    #[tokio::test]
    async fn only_a_file_that_was_read_to_its_end_ends_without_an_error() {
        let (sender, pieces) = mpsc::channel(MAX_WAITING_CHUNKS);
        pump(stream::iter([Ok(Bytes::from_static(b"all"))]).boxed(), sender).await;
        let chunks: Vec<_> = until_the_end(pieces).collect().await;
        assert!(matches!(&chunks[..], [Ok(_)]), "{chunks:?}");
        let (sender, pieces) = mpsc::channel(MAX_WAITING_CHUNKS);
        drop(sender);
        let chunks: Vec<_> = until_the_end(pieces).collect().await;
        assert!(matches!(&chunks[..], [Err(_)]), "{chunks:?}");
    }
}
