//! The connection to Plakar: of what comes in only the place of measuring pings may be another, and
//! what goes out is the same bytes, however both are cut.

use bolero::TypeGenerator;
use plakar_opendrive::plugin::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{block_on, fuzz, runtime};

/// What HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The payload of gRPC's measuring pings (grpc-go, internal/transport/bdp_estimator.go).
const MEASURING: [u8; 8] = [2, 4, 16, 16, 9, 14, 7, 7];

#[derive(Debug, Clone, TypeGenerator)]
enum Frame {
    Measuring,
    Ping([u8; 8]),
    Data(Vec<u8>),
    /// One with what looks like a ping in it.
    Disguised(u8),
}

#[derive(Debug, Clone, TypeGenerator)]
struct Line {
    frames: Vec<Frame>,
    /// After how many bytes each part ends that comes in.
    cuts: Vec<u8>,
    /// How much each read has room for.
    room: u8,
    /// What is written between.
    written: Vec<u16>,
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
}

fn bytes(part: &Frame) -> Vec<u8> {
    match part {
        Frame::Measuring => frame(6, &MEASURING),
        Frame::Ping(payload) => frame(6, payload),
        Frame::Data(payload) => frame(0, payload),
        Frame::Disguised(before) => {
            frame(0, &[&vec![0; usize::from(*before)][..], &frame(6, &MEASURING)].concat())
        }
    }
}

/// The frames of a stream without its preface.
fn frames(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(&[high, middle, low]) = stream.first_chunk() {
        let length = 9 + u32::from_be_bytes([0, high, middle, low]) as usize;
        let (frame, rest) = stream.split_at(length.min(stream.len()));
        found.push(frame.to_vec());
        stream = rest;
    }
    assert!(stream.is_empty(), "{} bytes that are no frame", stream.len());
    found
}

#[test]
fn frames_of_a_connection() {
    let runtime = runtime();
    fuzz("the connection to Plakar", |line: &Line| {
        block_on(&runtime, async {
            let (mut plakar_writes, input) = tokio::io::duplex(1 << 20);
            // Room for all of it: nobody reads before the end.
            let (output, mut plakar_reads) = tokio::io::duplex(16 << 20);
            let (mut connection, _) = Connection::new(Box::new(input), Box::new(output));
            let all: Vec<u8> =
                PREFACE.iter().copied().chain(line.frames.iter().flat_map(bytes)).collect();
            let (mut rest, mut come) = (all.as_slice(), Vec::new());
            let (mut cuts, mut lengths) = (line.cuts.iter(), line.written.iter());
            let mut written = Vec::new();
            let mut room = vec![0; usize::from(line.room) + 1];
            let mut wait = std::time::Duration::ZERO;
            loop {
                let cut = cuts.next().map_or(rest.len(), |cut| usize::from(*cut).min(rest.len()));
                let (part, after) = rest.split_at(cut);
                plakar_writes.write_all(part).await.unwrap();
                rest = after;
                if let Some(length) = lengths.next() {
                    let part = vec![written.len() as u8; usize::from(*length)];
                    connection.write_all(&part).await.unwrap();
                    written.extend(part);
                }
                if rest.is_empty() {
                    // All that was kept comes now.
                    wait = std::time::Duration::from_secs(1);
                }
                while let Ok(count) = tokio::time::timeout(wait, connection.read(&mut room)).await {
                    come.extend_from_slice(&room[..count.unwrap()]);
                }
                if rest.is_empty() {
                    break;
                }
            }
            connection.shutdown().await.unwrap();
            drop(connection);
            let mut gone = Vec::new();
            plakar_reads.read_to_end(&mut gone).await.unwrap();
            assert!(gone == written, "{} bytes of {} went out", gone.len(), written.len());

            assert!(come.starts_with(PREFACE), "{come:?}");
            let is_measuring = |part: &Vec<u8>| *part == bytes(&Frame::Measuring);
            let apart = |stream: &[u8]| -> (Vec<_>, Vec<_>) {
                frames(&stream[PREFACE.len()..]).into_iter().partition(is_measuring)
            };
            assert_eq!(apart(&come), apart(&all));
        });
    });
}
