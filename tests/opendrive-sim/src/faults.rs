//! Faults: what goes wrong, where, when and how often.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::content;
use crate::routes::Endpoint;

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
    /// whole. Fires only on downloads with more bytes than that. Over HTTP/2 only the stream is reset.
    CutBody {
        /// Bytes of the answer's body that still arrive.
        after: u64,
    },
    /// Do nothing and close the whole connection without an answer.
    Reset,
    /// Do what was asked, then close the whole connection without an answer.
    LoseAnswer,
    /// Make all sessions invalid before this call (so this call fails too, unless it is a login).
    ExpireSessions,
    /// Make the session of this call invalid before it, and leave the others alone.
    ExpireSession,
    /// Flip one byte in the middle of a download. Fires only on downloads of at least one byte.
    CorruptBody,
    /// Flip the first byte of a chunk before it is stored, so that the stored file's hash differs.
    CorruptUpload,
    /// Report a wrong hash in `upload/close_file_upload`, or in `file/info` if that endpoint is named.
    LieHash,
    /// Report one byte too many in `upload/close_file_upload`, or in `file/info` if that endpoint is named.
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

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}

/// One entry of the plan: which calls it concerns and what happens to them.
///
/// It fires on each call that matches in endpoint and item, after the first `skip` of them,
/// until it has fired `times` times. Several faults may fire on one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint as [`Calls::by_endpoint`](crate::Calls::by_endpoint) names it; any when absent.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The item's path (`Documents/a.txt`) or last name (`a.txt`), case-insensitive; `/` is the root. Any when absent.
    #[serde(default)]
    pub item: Option<String>,
    /// How many matching calls pass untouched first.
    #[serde(default)]
    pub skip: u64,
    /// How often it fires; once by default. In JSON, `null` stands for no limit.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// Fire on a matching call only with this probability (0 to 1), by chance drawn from `seed`.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Makes the chance repeatable.
    #[serde(default)]
    pub seed: u64,
    /// What happens.
    pub what: What,
}

fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// A fault that fires once, on the first call that it can apply to.
    pub fn new(what: What) -> Self {
        Self { endpoint: None, item: None, skip: 0, times: once(), probability: None, seed: 0, what }
    }

    /// A folder that can't be listed, however often it is tried: 403.
    pub fn unlistable(path: &str) -> Self {
        let what = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
        Self::new(what).endpoint("folder/list").item(&format!("/{}", path.trim_matches('/'))).always()
    }

    /// Only calls of this endpoint.
    pub fn endpoint(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Only calls about this path or name.
    pub fn item(mut self, item: &str) -> Self {
        self.item = Some(item.into());
        self
    }

    /// Let so many matching calls pass first.
    pub fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Fire so often.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Fire without limit.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Fire without limit, but on a matching call only with this probability.
    pub fn chance(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some(probability);
        self.seed = seed;
        self.always()
    }

    fn concerns(&self, endpoint: Endpoint, item: &str, body: Option<u64>) -> bool {
        let named = self.endpoint.as_deref();
        let applies = match &self.what {
            What::CutBody { after } => endpoint == Endpoint::Download && body.is_some_and(|size| size > *after),
            What::CorruptBody => endpoint == Endpoint::Download && body.is_some_and(|size| size > 0),
            What::CorruptUpload => endpoint == Endpoint::UploadChunk,
            What::LieHash | What::LieSize => endpoint == Endpoint::CloseUpload || (endpoint == Endpoint::FileInfo && named.is_some()),
            What::LagNames { .. } => endpoint == Endpoint::CreateFile,
            _ => true,
        };
        applies && named.is_none_or(|name| name == endpoint.name()) && self.item.as_deref().is_none_or(|wanted| matches_item(wanted, item))
    }
}

fn matches_item(wanted: &str, item: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let item = item.to_lowercase();
    match wanted.strip_prefix('/') {
        Some(path) => path == item,
        None => wanted == item || item.rsplit('/').next() == Some(&wanted),
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
}

struct Planned {
    fault: Fault,
    matched: u64,
    fired: u64,
}

/// The plan of a simulator.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Mutex<Vec<Planned>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(Planned { fault, matched: 0, fired: 0 });
    }

    pub(crate) fn replace(&self, faults: Vec<Fault>) {
        *self.lock() = faults.into_iter().map(|fault| Planned { fault, matched: 0, fired: 0 }).collect();
    }

    pub(crate) fn all(&self) -> Vec<(Fault, u64)> {
        self.lock().iter().map(|planned| (planned.fault.clone(), planned.fired)).collect()
    }

    pub(crate) fn unused(&self) -> Vec<Fault> {
        self.lock().iter().filter(|planned| planned.fired == 0).map(|planned| planned.fault.clone()).collect()
    }

    /// Fires what the plan holds for this call. `body` is the size of the download that it would answer.
    pub(crate) fn take(&self, endpoint: Endpoint, item: &str, body: Option<u64>) -> Effects {
        let mut effects = Effects::default();
        for planned in self.lock().iter_mut() {
            if !planned.fault.concerns(endpoint, item, body) {
                continue;
            }
            planned.matched += 1;
            let fault = &planned.fault;
            if planned.matched <= fault.skip || fault.times.is_some_and(|times| planned.fired >= times) {
                continue;
            }
            if let Some(probability) = fault.probability {
                let mut draw = [0; 8];
                content::generated_bytes(fault.seed, planned.matched * 8, &mut draw);
                if (u64::from_le_bytes(draw) as f64) >= probability * (u64::MAX as f64) {
                    continue;
                }
            }
            planned.fired += 1;
            effects.apply(&fault.what);
        }
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Effects {
    fn apply(&mut self, what: &What) {
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
            What::LagNames { seconds } => self.lag = Duration::try_from_secs_f64(*seconds).unwrap_or_default(),
            What::Answer(answer) => self.answer = Some(answer.clone()),
        }
    }
}
