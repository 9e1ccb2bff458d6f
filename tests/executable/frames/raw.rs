//! Frames that are none.

use std::process::Stdio;
use std::time::Duration;

use support::planted::assert_plain;
use support::{executable, noise};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONNECTORS: [&str; 3] = ["importer", "exporter", "storage"];

/// The first bytes of every HTTP/2 connection (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Gives bytes to the executable, and its end if `close`; how it ended and what it said, if it did
/// within the time.
async fn feed(
    connector: &str,
    input: &[u8],
    close: bool,
) -> Option<(std::process::ExitStatus, String)> {
    let mut command = tokio::process::Command::new(executable());
    command
        .arg(connector)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let work = async {
        let (mut ignored, mut said) = (Vec::new(), String::new());
        let write = async {
            // It may hang up before it has taken all.
            let _ = stdin.write_all(input).await;
            if close {
                drop(stdin);
                return None;
            }
            Some(stdin)
        };
        let (_open, _, _, status) = tokio::join!(
            write,
            stdout.read_to_end(&mut ignored),
            stderr.read_to_string(&mut said),
            child.wait()
        );
        (status.unwrap(), said)
    };
    // Not `within`: whoever asks names the case.
    tokio::time::timeout(Duration::from_secs(30), work).await.ok()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn bytes_that_are_no_http2_end_the_connection_and_not_in_a_crash() {
    let settings = frame(4, 0, 0, &[]);
    let preface = |more: &[u8]| [PREFACE, &settings, more].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("half a preface", PREFACE[..12].to_vec()),
        ("a preface", PREFACE.to_vec()),
        ("half a frame", preface(&frame(0, 0, 1, &[0; 100])[..50])),
        ("noise", noise(1, 100_000)),
        ("noise behind a preface", preface(&noise(2, 100_000))),
        ("HTTP/1", b"GET / HTTP/1.1\r\nHost: plugin\r\n\r\n".to_vec()),
        ("data of no stream", preface(&frame(0, 1, 1, b"data"))),
        ("a frame that is too long", preface(&frame(0, 0, 1, &vec![0; (1 << 24) - 1]))),
        ("headers that are none", preface(&frame(1, 5, 1, &[0xff; 200]))),
        (
            "headers without an end",
            preface(&[frame(1, 0, 1, &[0x82]), frame(9, 0, 1, &[0x84]).repeat(100_000)].concat()),
        ),
        ("a stream of an even number", preface(&frame(1, 5, 2, &[0x82, 0x84, 0x86]))),
        ("settings in a flood", preface(&frame(4, 0, 0, &[0, 3, 0, 0, 0, 1]).repeat(50_000))),
        ("pings in a flood", preface(&frame(6, 0, 0, &[0; 8]).repeat(50_000))),
        (
            "resets in a flood",
            preface(
                &[frame(1, 5, 1, &[0x83, 0x84, 0x86]), frame(3, 0, 1, &[0; 4])]
                    .concat()
                    .repeat(10_000),
            ),
        ),
    ];
    for connector in CONNECTORS {
        for (what, input) in &cases {
            let (status, said) = feed(connector, input, true)
                .await
                .unwrap_or_else(|| panic!("{connector}, {what}: it hangs"));
            assert!(
                status.code().is_some_and(|code| code <= 1),
                "{connector}, {what}: {status} {said}"
            );
            assert!(
                !said.contains("panic") && said.lines().count() <= 1,
                "{connector}, {what}: {said}"
            );
            said.lines().for_each(assert_plain);
        }
    }
    // What can never become a connection ends it, even while Plakar keeps its end open.
    for what in ["noise", "HTTP/1"] {
        let input = &cases.iter().find(|(name, _)| *name == what).unwrap().1;
        assert!(feed("importer", input, false).await.is_some(), "{what}: it hangs");
    }
}

#[tokio::test]
async fn a_ping_with_which_grpc_measures_is_answered_too() {
    let mut command = tokio::process::Command::new(executable());
    command.arg("importer").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for payload in [*b"anything", [2, 4, 16, 16, 9, 14, 7, 7], [2, 4, 16, 16, 9, 14, 7, 7]] {
        let ping = frame(6, 0, 0, &payload);
        let input = if payload == *b"anything" {
            [PREFACE, &frame(4, 0, 0, &[]), &ping].concat()
        } else {
            ping
        };
        stdin.write_all(&input).await.unwrap();
        let answer = frame(6, 1, 0, &payload);
        let mut come = Vec::new();
        support::within(Duration::from_secs(30), async {
            while !come.windows(answer.len()).any(|part| part == answer) {
                assert!(stdout.read_buf(&mut come).await.unwrap() > 0, "it has ended: {come:?}");
            }
        })
        .await;
    }
}
