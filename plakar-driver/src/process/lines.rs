//! The lines that plakar prints, without secrets.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::mpsc;

/// Maximum length of a line, in bytes; the rest is cut off: only a hostile file name is as long.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Minimum length of a secret that is struck out, in bytes: a shorter one hides more than it
/// protects.
const MIN_SECRET_BYTES: usize = 4;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// A line that plakar printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub stream: Stream,
    /// Without its end, and without secrets.
    pub text: String,
}

/// Secret values that are struck out of what is logged.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        // Lines are looked at one by one: of a key of several lines each is a secret.
        let lines = |secret: String| -> Vec<String> {
            secret.lines().map(|line| line.trim().to_owned()).collect()
        };
        let all = secrets.into_iter().flat_map(lines);
        let mut secrets: Vec<String> =
            all.filter(|secret| secret.len() >= MIN_SECRET_BYTES).collect();
        // One that contains another goes first, or a part of it would stay.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// The secrets of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::new(self.0.into_iter().chain(other.0))
    }

    pub(crate) fn apply(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), "********");
            }
        }
    }
}

/// Sends a stream's lines on, until it ends or nobody listens.
pub(crate) async fn pump(
    stream: Stream,
    mut reader: impl AsyncBufRead + Unpin,
    lines: mpsc::Sender<Line>,
) {
    let mut bytes = Vec::new();
    while let Ok(buffer) = reader.fill_buf().await
        && !buffer.is_empty()
    {
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        bytes
            .extend_from_slice(&part[..part.len().min(MAX_LINE_BYTES.saturating_sub(bytes.len()))]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() && lines.send(line(stream, &mut bytes)).await.is_err() {
            return;
        }
    }
    if !bytes.is_empty() {
        let _ = lines.send(line(stream, &mut bytes)).await;
    }
}

fn line(stream: Stream, bytes: &mut Vec<u8>) -> Line {
    let text = String::from_utf8_lossy(bytes).trim_end_matches('\r').to_owned();
    bytes.clear();
    Line { stream, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_not_lost() {
        let text = format!("one\r\n\n{}\nlast", "x".repeat(MAX_LINE_BYTES + 7));
        let (sender, mut lines) = mpsc::channel(10);
        pump(Stream::Out, text.as_bytes(), sender).await;
        let mut texts = Vec::new();
        while let Some(line) = lines.recv().await {
            texts.push(line.text);
        }
        assert_eq!(
            (texts[0].as_str(), texts[1].as_str(), texts[2].len(), texts[3].as_str(), texts.len()),
            ("one", "", MAX_LINE_BYTES, "last", 4)
        );
    }

    #[test]
    fn a_secret_that_contains_another_leaves_nothing() {
        let redactor = Redactor::new(["hunter".into(), "hunter2;#".into(), "no".into()]);
        let mut text = "login hunter2;# and hunter, no more".to_owned();
        redactor.apply(&mut text);
        assert_eq!(text, "login ******** and ********, no more");
    }

    #[test]
    fn of_a_secret_of_several_lines_none_is_shown() {
        let key = "-----BEGIN KEY-----\nMIIBVgIBADAN\r\n  BgkqhkiG9w0B\n-----END KEY-----\n";
        let redactor = Redactor::new([key.into(), "hunter2\n".into()]);
        for line in ["MIIBVgIBADAN", "BgkqhkiG9w0B", "hunter2"] {
            let mut text = format!("the key {line} is none");
            redactor.apply(&mut text);
            assert_eq!(text, "the key ******** is none");
        }
    }
}
