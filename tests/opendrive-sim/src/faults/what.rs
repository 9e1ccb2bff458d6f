//! What a fault does to a call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::behaviour::VolumeAnswer;
use crate::texts;

/// What a fault does to a call.
///
/// In JSON: `{"status": {"code": 429, "message": "Rate exceeded", "retry_after": 1}}`,
/// `{"delay": {"ms": 50}}`, `"reset"` and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Answer with this HTTP status and the drive's error object; nothing is done.
    Status {
        /// The HTTP status, also given as the error's code.
        code: u16,
        /// The error's message.
        #[serde(default)]
        message: String,
        /// The header `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Wait this long on top of the latency, then go on.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Break the connection after so many bytes of a download whose `Content-Length` announces the
    /// whole. Fires only on downloads with more bytes than that. Over HTTP/2 only the stream is
    /// reset.
    CutBody {
        /// Bytes of the answer's body that still arrive.
        after: u64,
    },
    /// Do nothing and close the whole connection without an answer.
    Reset,
    /// Do what was asked, then close the whole connection without an answer. A [`What::SlowClose`]
    /// is only begun.
    LoseAnswer,
    /// Make all sessions invalid before this call (so this call fails too, unless it is a login).
    ExpireSessions,
    /// Make the session of this call invalid before it, and leave the others alone.
    ExpireSession,
    /// Flip one byte in the middle of a download. Fires only on downloads of at least one byte.
    CorruptBody,
    /// Flip the first byte of a chunk before it is stored, so that the stored file's hash differs.
    CorruptUpload,
    /// Report a wrong hash in `upload/close_file_upload`, or in `file/info` if that endpoint is
    /// named.
    LieHash,
    /// Report one byte too many in `upload/close_file_upload`, or in `file/info` if that endpoint
    /// is named.
    LieSize,
    /// Send the client on to another address (307); nothing is done.
    Redirect {
        /// The whole address.
        to: String,
    },
    /// A file made by this `upload/create_file` stays invisible to `folder/itembyname` for so long.
    LagNames {
        /// Seconds, fractions allowed.
        seconds: f64,
    },
    /// Do nothing and answer with this body, whatever it is.
    Answer(Answer),
    /// Do nothing and answer with a page of HTML, as an edge server of the drive's does.
    Edge {
        /// The HTTP status: 401, 403, 502 and so on.
        code: u16,
    },
    /// Refuse a write with 403 and [`texts::VIEW_ONLY`], as the real drive does at
    /// random. Fires only on calls that change the drive, the login not among them.
    RefuseWrite,
    /// Answer a download as when the daily volume is used up: 200, and no byte of the file.
    VolumeUsedUp {
        /// What is answered instead.
        #[serde(default)]
        answer: VolumeAnswer,
    },
    /// Make a close take long: the upload is taken, and done so much later whatever becomes of the
    /// call. Closes of it answer 423 meanwhile and the whole record afterwards. Fires on the first
    /// close only.
    SlowClose {
        /// How long it takes, in seconds; fractions allowed.
        seconds: f64,
        /// After how many seconds an edge server answers 504 in HTML instead of waiting for the
        /// end.
        #[serde(default)]
        gives_up: Option<f64>,
    },
    /// A file whose upload this `upload/close_file_upload` ends is 404 to `download/file` and
    /// `file/info` for so long.
    LagFiles {
        /// Seconds, fractions allowed.
        seconds: f64,
    },
    /// Stop a download after so many bytes. Fires only on downloads with more bytes than that.
    StallBody {
        /// Bytes of the answer's body that still arrive.
        after: u64,
        /// How long until it goes on; never when absent.
        #[serde(default)]
        ms: Option<u64>,
    },
    /// Break the connection after so many bytes of a chunk, which the drive keeps: `uploaded=N` is
    /// then within the chunk. Fires only on chunks with more bytes than that.
    CutUpload {
        /// Bytes of the chunk that the drive keeps.
        after: u64,
    },
    /// Remove a file or a folder before the call is done, as another client does.
    Remove {
        /// Its path on the drive.
        path: String,
    },
    /// Answer 502 in HTML to a `folder/list` without `offset`. Fires only on folders with more
    /// entries than that.
    LargeListing {
        /// Entries that are not too many.
        over: u64,
    },
}

/// An answer that a drive should not give. Its type is said to be JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status; 200 by default.
    #[serde(default = "fine")]
    pub code: u16,
    /// The bytes. In JSON a string, so that there they are UTF-8.
    #[serde(with = "text")]
    pub body: Vec<u8>,
    /// What follows the body again and again, until the client has enough; nothing when empty.
    #[serde(default)]
    pub endless: String,
    /// Compress with gzip; what is endless about a thousandfold.
    #[serde(default)]
    pub gzip: bool,
}

impl Answer {
    /// An answer with the status 200.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { code: fine(), body: body.into(), endless: String::new(), gzip: false }
    }
}

fn fine() -> u16 {
    200
}

/// Bytes as a string.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}

/// What the plan holds for one call.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) delay: Duration,
    pub(crate) expire: bool,
    pub(crate) expire_own: bool,
    pub(crate) reset: bool,
    pub(crate) lose_answer: bool,
    pub(crate) status: Option<(u16, String, Option<u64>)>,
    pub(crate) redirect: Option<String>,
    pub(crate) answer: Option<Answer>,
    pub(crate) cut: Option<u64>,
    pub(crate) corrupt: bool,
    pub(crate) lie_hash: bool,
    pub(crate) lie_size: bool,
    pub(crate) lag: Duration,
    pub(crate) edge: Option<u16>,
    pub(crate) volume: Option<VolumeAnswer>,
    pub(crate) slow_close: Option<SlowClose>,
    pub(crate) lag_file: Duration,
    pub(crate) stall: Option<Stall>,
    pub(crate) cut_upload: Option<u64>,
    /// The path of what is removed.
    pub(crate) remove: Option<String>,
}

/// How long a close takes, and after which time its caller hears 504.
#[derive(Clone, Copy)]
pub(crate) struct SlowClose {
    pub(crate) takes: Duration,
    pub(crate) gives_up: Option<Duration>,
}

/// Where a download stops and for how long; for ever when that is absent.
#[derive(Clone, Copy)]
pub(crate) struct Stall {
    pub(crate) after: u64,
    pub(crate) time: Option<Duration>,
}

impl Effects {
    pub(super) fn apply(&mut self, what: &What) {
        match what {
            What::Status { code, message, retry_after } => {
                self.status.get_or_insert_with(|| (*code, message.clone(), *retry_after));
            }
            What::Redirect { to } => self.redirect = Some(to.clone()),
            What::Delay { ms } => self.delay += Duration::from_millis(*ms),
            What::CutBody { after } => self.cut = Some(*after),
            What::Reset => self.reset = true,
            What::LoseAnswer => self.lose_answer = true,
            What::ExpireSessions => self.expire = true,
            What::ExpireSession => self.expire_own = true,
            What::CorruptBody | What::CorruptUpload => self.corrupt = true,
            What::LieHash => self.lie_hash = true,
            What::LieSize => self.lie_size = true,
            What::LagNames { seconds: time } => self.lag = seconds(*time),
            What::Answer(answer) => self.answer = Some(answer.clone()),
            What::Edge { code } => self.edge = Some(*code),
            What::RefuseWrite => {
                self.status.get_or_insert_with(|| (403, texts::VIEW_ONLY.into(), None));
            }
            What::VolumeUsedUp { answer } => self.volume = Some(*answer),
            What::SlowClose { seconds: time, gives_up } => {
                self.slow_close =
                    Some(SlowClose { takes: seconds(*time), gives_up: gives_up.map(seconds) });
            }
            What::LagFiles { seconds: time } => self.lag_file = seconds(*time),
            What::StallBody { after, ms } => {
                self.stall = Some(Stall { after: *after, time: ms.map(Duration::from_millis) })
            }
            What::CutUpload { after } => self.cut_upload = Some(*after),
            What::Remove { path } => self.remove = Some(path.clone()),
            What::LargeListing { .. } => self.edge = Some(502),
        }
    }
}

/// So many seconds; none for a number that is no time.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
