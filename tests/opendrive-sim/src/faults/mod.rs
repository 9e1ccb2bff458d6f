//! Faults: what goes wrong, where, when and how often.

mod what;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::content;
use crate::routes::Endpoint;
use crate::texts;
pub use what::{Answer, What};
pub(crate) use what::{Effects, SlowClose};

/// One entry of the plan: which calls it concerns and what happens to them.
///
/// It fires on each call that matches in endpoint and item, after the first `skip` of them, until
/// it has fired `times` times. Several faults may fire on one call. With `seconds` it fires on
/// every matching call for that long each time, which counts once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint as [`Calls::by_endpoint`](crate::Calls::by_endpoint) names it; any when absent.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The item's path (`Documents/a.txt`) or last name (`a.txt`), case-insensitive; `/` is the
    /// root. Any when absent.
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
    /// Once it fires, go on for so many seconds, on every matching call and without chance.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// What happens.
    pub what: What,
}

fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// A fault that fires once, on the first call that it can apply to.
    pub fn new(what: What) -> Self {
        Self {
            endpoint: None,
            item: None,
            skip: 0,
            times: once(),
            probability: None,
            seed: 0,
            seconds: None,
            what,
        }
    }

    /// A folder that cannot be listed, however often it is tried: 403.
    pub fn unlistable(path: &str) -> Self {
        let what = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
        Self::new(what)
            .endpoint("folder/list")
            .item(&format!("/{}", path.trim_matches('/')))
            .always()
    }

    /// All calls are refused for so many seconds from the first one on: 429 without `Retry-After`.
    pub fn throttled(seconds: f64) -> Self {
        Self::refused(429, texts::TOO_MANY_REQUESTS).lasting(seconds)
    }

    /// All calls are refused for so many seconds from the first one on, with 403 "rate limit".
    pub fn throttled_403(seconds: f64) -> Self {
        Self::refused(403, texts::RATE_LIMIT).lasting(seconds)
    }

    /// A refusal with this status and message, once and of any call; for the messages see
    /// [`crate::texts`].
    pub fn refused(code: u16, message: &str) -> Self {
        Self::new(What::Status { code, message: message.into(), retry_after: None })
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

    /// Each time it fires, go on for so many seconds: on every matching call, without chance,
    /// counted once.
    pub fn lasting(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }

    fn concerns(&self, endpoint: Endpoint, item: &str, body: Option<u64>) -> bool {
        let named = self.endpoint.as_deref();
        let applies = match &self.what {
            What::CutBody { after } | What::StallBody { after, .. } => {
                endpoint == Endpoint::Download && body.is_some_and(|size| size > *after)
            }
            What::VolumeUsedUp { .. } => endpoint == Endpoint::Download,
            What::CutUpload { after } => {
                endpoint.is_chunk() && body.is_some_and(|size| size > *after)
            }
            What::LargeListing { over } => {
                endpoint == Endpoint::ListFolder && body.is_some_and(|entries| entries > *over)
            }
            What::RefuseWrite => endpoint.writes(),
            What::LagFiles { .. } => endpoint == Endpoint::CloseUpload,
            What::SlowClose { .. } => endpoint == Endpoint::CloseUpload && body.is_none(),
            What::CorruptBody => {
                endpoint == Endpoint::Download && body.is_some_and(|size| size > 0)
            }
            What::CorruptUpload => endpoint.is_chunk(),
            What::LieHash | What::LieSize => {
                endpoint == Endpoint::CloseUpload
                    || (endpoint == Endpoint::FileInfo && named.is_some())
            }
            What::LagNames { .. } => endpoint == Endpoint::CreateFile,
            _ => true,
        };
        applies
            && named.is_none_or(|name| name == endpoint.name())
            && self.item.as_deref().is_none_or(|wanted| matches_item(wanted, item))
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

struct Planned {
    fault: Fault,
    matched: u64,
    /// How often it began to fire: less than `fired` when it goes on for some time.
    begun: u64,
    fired: u64,
    until: Option<Instant>,
}

impl Planned {
    fn new(fault: Fault) -> Self {
        Self { fault, matched: 0, begun: 0, fired: 0, until: None }
    }

    /// Whether it fires on a call that matches.
    fn fires(&mut self) -> bool {
        self.matched += 1;
        let fault = &self.fault;
        let now = Instant::now();
        if self.until.is_none_or(|until| until <= now) {
            if self.matched <= fault.skip || fault.times.is_some_and(|times| self.begun >= times) {
                return false;
            }
            if let Some(probability) = fault.probability {
                let mut draw = [0; 8];
                content::generated_bytes(fault.seed, self.matched * 8, &mut draw);
                if (u64::from_le_bytes(draw) as f64) >= probability * (u64::MAX as f64) {
                    return false;
                }
            }
            self.begun += 1;
            self.until = fault.seconds.map(|seconds| now + what::seconds(seconds));
        }
        self.fired += 1;
        true
    }
}

/// The plan of a simulator.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Mutex<Vec<Planned>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().push(Planned::new(fault));
    }

    pub(crate) fn replace(&self, faults: Vec<Fault>) {
        *self.lock() = faults.into_iter().map(Planned::new).collect();
    }

    pub(crate) fn all(&self) -> Vec<(Fault, u64)> {
        self.lock().iter().map(|planned| (planned.fault.clone(), planned.fired)).collect()
    }

    pub(crate) fn unused(&self) -> Vec<Fault> {
        self.lock()
            .iter()
            .filter(|planned| planned.fired == 0)
            .map(|planned| planned.fault.clone())
            .collect()
    }

    /// Fires what the plan holds for this call. `body` is the size of the download that it would
    /// answer, or of the chunk that it brings, or how many entries it would list; a close has one
    /// if it was made before.
    pub(crate) fn take(&self, endpoint: Endpoint, item: &str, body: Option<u64>) -> Effects {
        let mut effects = Effects::default();
        for planned in self.lock().iter_mut() {
            if planned.fault.concerns(endpoint, item, body) && planned.fires() {
                effects.apply(&planned.fault.what);
            }
        }
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
