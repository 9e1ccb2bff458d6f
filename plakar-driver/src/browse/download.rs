//! Downloads: a file as it was, or a folder as an archive. Never less that looks whole.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use plakar_words::{FORMAT, FirstWord, OUTPUT, REBASE, with};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use tokio_util::sync::CancellationToken;

use crate::browse::api::in_address;
use crate::browse::browser::Browser;
use crate::browse::points::{Entry, EntryKind};
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath, file_name};
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::last_words::LastWords;
use crate::process::lines::{Stream, pump};

/// How many bytes of an archive are held back until plakar has ended well: an archive without its
/// end is seen to be cut.
const HELD_BACK_BYTES: usize = 64 << 10;

/// What is likely where plakar gives no reason.
const UNREADABLE: &str = "a part of it is damaged or missing in the store, or the store does not answer; check the restore point";

/// Something to download.
pub struct Download {
    /// The name to save it under, made safe.
    pub name: String,
    /// Its MIME type, of a short list of harmless ones; a browser must be told to save it all the
    /// same.
    pub content_type: String,
    /// Its length, if known.
    pub size: Option<u64>,
    /// The content. An error means that what came before is not all: break the connection off.
    pub content: BoxStream<'static, io::Result<Bytes>>,
}

/// The form of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `.zip`
    Zip,
    /// `.tar.gz`
    Tarball,
}

impl Browser {
    /// A file's content. A link gives what it leads to in the snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Input`] for what is no file.
    pub async fn download(
        self: Arc<Self>,
        id: &SnapshotId,
        path: &SnapshotPath,
    ) -> Result<Download> {
        let entry = self.entry(id, path).await?;
        if entry.kind != EntryKind::File {
            return Err(Error::Input(format!("{} is not a file", file_name(path.name()))));
        }
        let answer = self
            .send(
                &format!("/api/snapshot/reader/{}", in_address(id, path)),
                &[("download", "true".to_owned())],
            )
            .await?;
        if answer.status().as_u16() != 200 || answer.content_length() != Some(entry.size) {
            let (status, length) = (answer.status(), answer.content_length());
            return Err(Error::Answer(format!(
                "{status} and {length:?} bytes for a file of {} bytes",
                entry.size
            )));
        }
        let chunks = answer
            .bytes_stream()
            .map(|chunk| chunk.map_err(|error| io::Error::other(error.without_url().to_string())));
        let content = whole(chunks.boxed(), entry.size, self).boxed();
        Ok(Download {
            name: file_name(path.name()),
            content_type: harmless(&entry),
            size: Some(entry.size),
            content,
        })
    }
}

/// The same bytes, and an error if there are not so many. Holds the browser until the end.
fn whole(
    chunks: BoxStream<'static, io::Result<Bytes>>,
    size: u64,
    browser: Arc<Browser>,
) -> impl futures::Stream<Item = io::Result<Bytes>> {
    futures::stream::unfold(Some((chunks, size, browser)), |state| async move {
        let (mut chunks, left, browser) = state?;
        match chunks.next().await {
            Some(Ok(chunk)) => match left.checked_sub(chunk.len() as u64) {
                Some(left) => Some((Ok(chunk), Some((chunks, left, browser)))),
                None => Some((Err(io::Error::other("the file is longer than it was")), None)),
            },
            Some(Err(error)) => Some((Err(error), None)),
            None if left == 0 => None,
            None => Some((
                Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{left} bytes are missing: {UNREADABLE}"),
                )),
                None,
            )),
        }
    })
}

/// A backed-up page or picture with a script in it must not run in the console.
fn harmless(entry: &Entry) -> String {
    let kind = entry.content_type.split(';').next().unwrap_or_default().trim();
    let known = [
        "text/plain",
        "application/pdf",
        "application/zip",
        "image/png",
        "image/jpeg",
        "image/gif",
        "audio/mpeg",
        "video/mp4",
    ];
    if known.contains(&kind) { kind.to_owned() } else { "application/octet-stream".to_owned() }
}

/// Why there is no archive, if that is what plakar wrote in its place: also with the exit status 0, where
/// it cannot read the states of the store.
fn refusal(written: &VecDeque<Bytes>) -> Option<String> {
    let all: Vec<u8> = written.iter().flatten().copied().collect();
    let (mut first, mut words) = (FirstWord::default(), LastWords::default());
    for line in String::from_utf8_lossy(&all).lines() {
        first.take(line);
        words.take(line);
    }
    first.is_reason().then(|| words.reason())
}

impl Plakar {
    /// A folder as an archive, with names from that folder on. Plakar's archives hold files only:
    /// no links, no empty folders.
    ///
    /// # Errors
    /// Plakar cannot be run. What goes wrong later is an error at the end of the content.
    pub async fn archive(
        &self,
        store: &Store,
        id: &SnapshotId,
        path: &SnapshotPath,
        format: ArchiveFormat,
        cancel: &CancellationToken,
    ) -> Result<Download> {
        let (word, extension, content_type) = match format {
            ArchiveFormat::Zip => ("zip", "zip", "application/zip"),
            ArchiveFormat::Tarball => ("tarball", "tar.gz", "application/gzip"),
        };
        let arguments = [
            "at",
            &store.reference(),
            "archive",
            &with(OUTPUT, "-"),
            &with(FORMAT, word),
            REBASE,
            &path.of(id),
        ];
        let (secrets, cancel) = (store.secrets(self).await?, cancel.clone());
        let (mut running, mut stdout, stderr) =
            self.job(arguments).timeout(NO_TIMEOUT).start().await?;
        let secrets = secrets.and(running.secrets());
        let (said, mut lines) = mpsc::channel(16);
        tokio::spawn(pump(Stream::Error, BufReader::new(stderr), said));
        let last = tokio::spawn(async move {
            let mut words = LastWords::default();
            while let Some(line) = lines.recv().await {
                words.take(&line.text);
            }
            words.reason()
        });
        let (sender, chunks) = mpsc::channel::<io::Result<Bytes>>(8);
        tokio::spawn(async move {
            let (mut held, mut is_sent): (VecDeque<Bytes>, bool) = (VecDeque::new(), false);
            let copied = async {
                loop {
                    let mut buffer = bytes::BytesMut::with_capacity(HELD_BACK_BYTES);
                    if stdout.read_buf(&mut buffer).await? == 0 {
                        return Ok::<bool, io::Error>(true);
                    }
                    held.push_back(buffer.freeze());
                    while held.iter().skip(1).map(Bytes::len).sum::<usize>() >= HELD_BACK_BYTES {
                        let Some(chunk) = held.pop_front() else { break };
                        is_sent = true;
                        if sender.send(Ok(chunk)).await.is_err() {
                            // Nobody reads on.
                            return Ok(false);
                        }
                    }
                }
            };
            let copied = tokio::select! {
                copied = copied => copied,
                () = sender.closed() => Ok(false),
                () = cancel.cancelled() => Ok(false),
            };
            if matches!(copied, Ok(false)) {
                running.end().await;
                let _ = sender.send(Err(io::Error::other("interrupted"))).await;
                return;
            }
            let ended = running.ended().await;
            // Of what is longer, the end alone is held.
            let refusal = if is_sent { None } else { refusal(&held) };
            let failure = match (copied, ended) {
                (Ok(_), Ok(0)) if refusal.is_none() => None,
                (Err(error), _) => Some(error.to_string()),
                (_, Err(error)) => Some(error.to_string()),
                _ => {
                    let said = tokio::time::timeout(Duration::from_secs(5), last).await;
                    let said = said.ok().and_then(Result::ok).unwrap_or_default();
                    let mut last = refusal.unwrap_or(said);
                    secrets.apply(&mut last);
                    // Plakar may say why in the archive itself, or nowhere.
                    let reason = if last.trim().is_empty() { UNREADABLE } else { last.trim() };
                    Some(format!("plakar could not read all of it: {reason}"))
                }
            };
            let rest: Vec<_> = match failure {
                None => held.into_iter().map(Ok).collect(),
                Some(reason) => vec![Err(io::Error::other(reason))],
            };
            for chunk in rest {
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let content = futures::stream::unfold(chunks, |mut chunks| async move {
            Some((chunks.recv().await?, chunks))
        })
        .boxed();
        let name = if path.name().is_empty() { id.short() } else { path.name() };
        Ok(Download {
            name: format!("{}.{extension}", file_name(name)),
            content_type: content_type.to_owned(),
            size: None,
            content,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plakar_says_in_place_of_an_archive_is_no_archive() {
        let of = |parts: &[&str]| {
            refusal(&parts.iter().map(|part| Bytes::copy_from_slice(part.as_bytes())).collect())
        };
        let away = Some("the drive is away");
        let said = of(&["plakar: rpc error: code = Internal desc = the drive", " is away\n"]);
        assert_eq!(said.as_deref(), away);
        let greeting = "Welcome to plakar !\n\nBy default, plakar checks\nEOT\n";
        assert_eq!(of(&[greeting, "plakar: the drive is away\n"]).as_deref(), away);
        assert_eq!(of(&["PK\u{3}\u{4}\nplakar: x"]), None);
        assert_eq!(of(&[]), None);
    }
}
