//! Counting and recording the calls of the API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How many records a log holds at most; later calls are only counted.
const LOG_LIMIT: usize = 1_000_000;

/// What was called since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Calls of any endpoint, refused and failed ones too. Connections and control requests don't count.
    pub total: u64,
    /// Calls by endpoint, e.g. `session/login`, `folder/list`, `download/file`, `upload/create_file`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Finished calls by HTTP status; 0 is a connection dropped without an answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Bytes of file content handed to the connection by downloads.
    pub bytes_down: u64,
    /// Bytes of file content received in upload chunks.
    pub bytes_up: u64,
    /// Calls being worked on right now; a download counts until its last byte is sent.
    pub in_flight: u64,
    /// The most calls that were in flight at one time.
    pub peak_in_flight: u64,
}

impl Calls {
    /// Calls of one endpoint; 0 for one that was never called.
    pub fn of(&self, endpoint: &str) -> u64 {
        self.by_endpoint.get(endpoint).copied().unwrap_or(0)
    }
}

/// One finished call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// The endpoint, e.g. `download/file`.
    pub endpoint: &'static str,
    /// The path of the file or folder concerned; empty for the root and for calls about none.
    pub item: String,
    /// Where a ranged download or an upload chunk began.
    pub offset: Option<u64>,
    /// Bytes of file content that were moved.
    pub length: u64,
    /// The HTTP status; 0 when the connection was dropped instead.
    pub status: u16,
    /// Which login this call belonged to: the session id.
    pub session: String,
    /// When the call arrived, since the simulator's start.
    pub start: Duration,
    /// When its last byte was handed to the connection.
    pub end: Duration,
}

#[derive(Default)]
struct Inner {
    calls: Calls,
    log: Vec<CallRecord>,
}

/// The counters and the log, shared by all calls.
#[derive(Clone)]
pub(crate) struct CallLog {
    start: Instant,
    keep: bool,
    inner: Arc<Mutex<Inner>>,
}

impl CallLog {
    pub(crate) fn new(keep: bool) -> Self {
        Self { start: Instant::now(), keep, inner: Arc::default() }
    }

    /// Counts a call that has arrived; it ends when the returned value is dropped.
    pub(crate) fn begin(&self, endpoint: &'static str, item: String, session: String) -> InFlight {
        let mut inner = self.lock();
        let calls = &mut inner.calls;
        calls.total += 1;
        calls.in_flight += 1;
        calls.peak_in_flight = calls.peak_in_flight.max(calls.in_flight);
        match calls.by_endpoint.get_mut(endpoint) {
            Some(count) => *count += 1,
            None => {
                calls.by_endpoint.insert(endpoint.into(), 1);
            }
        }
        let now = self.start.elapsed();
        let record = CallRecord { endpoint, item, offset: None, length: 0, status: 0, session, start: now, end: now };
        InFlight { log: self.clone(), record, up: false }
    }

    pub(crate) fn calls(&self) -> Calls {
        self.lock().calls.clone()
    }

    pub(crate) fn records(&self) -> Vec<CallRecord> {
        self.lock().log.clone()
    }

    /// Zeroes all counters but that of the calls in flight, and empties the log.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        let in_flight = inner.calls.in_flight;
        inner.calls = Calls { in_flight, peak_in_flight: in_flight, ..Calls::default() };
        inner.log = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call being worked on.
pub(crate) struct InFlight {
    log: CallLog,
    record: CallRecord,
    up: bool,
}

impl InFlight {
    pub(crate) fn status(&mut self, status: u16) {
        self.record.status = status;
    }

    pub(crate) fn offset(&mut self, offset: u64) {
        self.record.offset = Some(offset);
    }

    pub(crate) fn sent(&mut self, bytes: u64) {
        self.record.length += bytes;
    }

    pub(crate) fn received(&mut self, bytes: u64) {
        self.up = true;
        self.record.length += bytes;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.record.end = self.log.start.elapsed();
        let keep = self.log.keep;
        let mut inner = self.log.lock();
        let calls = &mut inner.calls;
        calls.in_flight = calls.in_flight.saturating_sub(1);
        *calls.by_status.entry(self.record.status).or_default() += 1;
        *if self.up { &mut calls.bytes_up } else { &mut calls.bytes_down } += self.record.length;
        if keep && inner.log.len() < LOG_LIMIT {
            let record = CallRecord {
                item: std::mem::take(&mut self.record.item),
                session: std::mem::take(&mut self.record.session),
                ..self.record
            };
            inner.log.push(record);
        }
    }
}
