//! Counting and recording the calls of the API.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How many records a log holds at most; later calls are only counted.
const LOG_LIMIT: usize = 1_000_000;

/// Statuses from here on are refusals.
const REFUSED: u16 = 400;

/// The status of a download too many.
const TOO_MANY: u16 = 429;

/// What was called since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Calls of any endpoint, refused and failed ones too. Connections and control requests don't
    /// count.
    pub total: u64,
    /// Calls by endpoint, e.g. `session/login`, `folder/list`, `download/file`,
    /// `upload/create_file`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Finished calls by HTTP status; 0 is a connection dropped without an answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Finished calls that were answered with a status of 400 or more, but for those in
    /// `refused_downloads`.
    pub refused: u64,
    /// The same by endpoint.
    pub refused_by_endpoint: BTreeMap<String, u64>,
    /// Downloads refused because their address had as many open as it may: 429 "Too many downloads
    /// from same IP".
    pub refused_downloads: u64,
    /// Bytes of file content handed to the connection by downloads.
    pub bytes_down: u64,
    /// Bytes of file content received in upload chunks, those of refused chunks included.
    pub bytes_up: u64,
    /// Bytes of the bodies of all other answers: records, listings, refusals. What a planted answer
    /// holds is not in it.
    pub bytes_answers: u64,
    /// Calls being worked on right now; a download counts until its last byte is sent.
    pub in_flight: u64,
    /// The most calls that were in flight at one time.
    pub peak_in_flight: u64,
    /// Downloads open right now, from the request to the last byte; refused ones don't count.
    pub downloads: u64,
    /// The most downloads that were open at one time, from all addresses.
    pub peak_downloads: u64,
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
    /// How many downloads each address has open.
    downloads: HashMap<IpAddr, u32>,
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
        let record = CallRecord {
            endpoint,
            item,
            offset: None,
            length: 0,
            status: 0,
            session,
            start: now,
            end: now,
        };
        InFlight {
            log: self.clone(),
            record,
            up: false,
            answered: 0,
            download: None,
            too_many: false,
        }
    }

    pub(crate) fn calls(&self) -> Calls {
        self.lock().calls.clone()
    }

    pub(crate) fn records(&self) -> Vec<CallRecord> {
        self.lock().log.clone()
    }

    /// Zeroes all counters but those of what is going on, and empties the log.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        let Calls { in_flight, downloads, .. } = inner.calls;
        inner.calls = Calls {
            in_flight,
            peak_in_flight: in_flight,
            downloads,
            peak_downloads: downloads,
            ..Calls::default()
        };
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
    answered: u64,
    /// The address that this download counts for.
    download: Option<IpAddr>,
    too_many: bool,
}

impl InFlight {
    /// Counts this call as an open download of this address; false if it has `limit` of them.
    pub(crate) fn begin_download(&mut self, address: IpAddr, limit: Option<u32>) -> bool {
        let mut inner = self.log.lock();
        let Inner { calls, downloads, .. } = &mut *inner;
        let open = downloads.entry(address).or_default();
        if limit.is_some_and(|limit| *open >= limit) {
            self.too_many = true;
            return false;
        }
        *open += 1;
        calls.downloads += 1;
        calls.peak_downloads = calls.peak_downloads.max(calls.downloads);
        self.download = Some(address);
        true
    }

    /// Bytes of an answer that is no content of a file.
    pub(crate) fn answered(&mut self, bytes: usize) {
        self.answered += bytes as u64;
    }

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
        let Inner { calls, downloads, .. } = &mut *inner;
        calls.in_flight = calls.in_flight.saturating_sub(1);
        if let Some(address) = self.download {
            calls.downloads = calls.downloads.saturating_sub(1);
            if let Some(open) = downloads.get_mut(&address) {
                *open -= 1;
            }
        }
        *calls.by_status.entry(self.record.status).or_default() += 1;
        if self.too_many && self.record.status == TOO_MANY {
            calls.refused_downloads += 1;
        } else if self.record.status >= REFUSED {
            calls.refused += 1;
            *calls.refused_by_endpoint.entry(self.record.endpoint.into()).or_default() += 1;
        }
        calls.bytes_answers += self.answered;
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
