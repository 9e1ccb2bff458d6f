//! Browsing a store, through one `plakar ui` for each store.
//!
//! It listens on loopback with a token of its own, which never leaves this process, and only the
//! requests below are made: its API can do more than read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plakar_words::{ADDRESS, NO_BROWSER};
use serde::de::DeserializeOwned;
use tokio::io::BufReader;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use crate::browse::api::{Api, WaitingGuard, understood};
use crate::browse::index::Index;
use crate::browse::indexes::{Indexes, Wanted};
use crate::browse::points::{
    Amount, Entry, Header, Items, Page, RawEntry, RawError, RestorePoint, Single,
};
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath};
use crate::outcome::Failure;
use crate::process::command::{NO_TIMEOUT, Plakar};
use crate::process::job_end::refused;
use crate::process::lines::{Line, Redactor, Stream, pump};
use crate::process::running::Running;
use crate::token::random_token;

/// Timeout to open a store.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The same with an empty cache: all states are read first.
const START_ALONE_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// How long one answer is waited for then, before it is looked whether plakar runs still: the port may
/// be another program's, which answers nothing.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum number of ports that are tried: another program can take the free one before plakar does.
const MAX_PORTS: u32 = 5;

/// What plakar's reason begins with when it cannot listen (Go's net.OpError).
const CANNOT_LISTEN: &str = "listen tcp ";

/// Maximum number of headers that are fetched at once.
const MAX_PAGE_HEADERS: u64 = 500;

/// Maximum number of snapshots that a new one is looked for among: other machines back up too.
const MAX_NEWEST_POINTS: u64 = 20;

/// Why there is no list, and what to do.
const UNREADABLE_LIST: &str = "the list of restore points cannot be read: a packfile with the header of at least one is missing in the store; \
     bring it back from a copy of the store, or list those that can be read with `plakar at STORE ls` and restore one with `plakar at STORE restore -to FOLDER ID`";

/// A `plakar ui` of one store. It ends when this is dropped.
pub struct Browser {
    running: Mutex<Running>,
    pub(crate) api: Arc<Api>,
    store: Store,
    /// Of what plakar's configuration had of the store when this was started.
    configured: Option<[u8; 32]>,
    indexes: Arc<Indexes>,
    used: Mutex<Instant>,
    known: AsyncMutex<KnownPoints>,
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: String,
    /// Whether it can be read with its passphrase only.
    pub encrypted: bool,
    /// What compresses what goes into it, such as `LZ4`, or `none`.
    pub compression: String,
    /// The version of Plakar that reads it.
    pub plakar: String,
    /// Bytes that it takes; not every connector can tell.
    pub stored: Option<u64>,
}

/// The headers of a store, and how it looked when they were fetched.
#[derive(Default)]
struct KnownPoints {
    mark: Option<(u64, Option<SnapshotId>)>,
    points: Vec<RestorePoint>,
}

impl Browser {
    pub(crate) async fn start(
        plakar: &Plakar,
        store: &Store,
        indexes: &Arc<Indexes>,
    ) -> Result<Self> {
        Self::started(plakar, store, indexes, false).await
    }

    /// The same with a cache of its own, for a store whose id another one has too.
    pub(crate) async fn start_alone(
        plakar: &Plakar,
        store: &Store,
        indexes: &Arc<Indexes>,
    ) -> Result<Self> {
        Self::started(plakar, store, indexes, true).await
    }

    async fn started(
        plakar: &Plakar,
        store: &Store,
        indexes: &Arc<Indexes>,
        alone: bool,
    ) -> Result<Self> {
        for _ in 1..MAX_PORTS {
            match Self::on_free_port(plakar, store, indexes, alone).await {
                Err(Error::Refused(reason)) if reason.starts_with(CANNOT_LISTEN) => (),
                started => return started,
            }
        }
        Self::on_free_port(plakar, store, indexes, alone).await
    }

    async fn on_free_port(
        plakar: &Plakar,
        store: &Store,
        indexes: &Arc<Indexes>,
        alone: bool,
    ) -> Result<Self> {
        let token = random_token()?;
        // Plakar cannot tell the port that it was given, so it gets one that is free now.
        let free = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr());
        let address = free.map_err(Error::io("no free port"))?.to_string();
        let arguments = ["at", &store.reference(), "ui", ADDRESS, &address, NO_BROWSER];
        let job = plakar.job(arguments).timeout(NO_TIMEOUT).variable("PLAKAR_UI_TOKEN", &token);
        let job = if alone { job.own_cache() } else { job };
        let configured = plakar.configured_digest(store);
        let (running, stdout, stderr) = job.start().await?;
        let named = running.secrets();
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, lines) = mpsc::channel(16);
        tokio::spawn(pump(Stream::Out, BufReader::new(stdout), sender.clone()));
        tokio::spawn(pump(Stream::Error, BufReader::new(stderr), sender));
        let kept = tokio::spawn(keep(lines, Arc::clone(&last)));
        let (running, used, known) =
            (Mutex::new(running), Mutex::new(Instant::now()), AsyncMutex::default());
        let api = Arc::new(Api::new(address, token)?);
        let browser = Self {
            running,
            api,
            store: store.clone(),
            configured,
            indexes: Arc::clone(indexes),
            used,
            known,
        };
        let started = Instant::now();
        let limit = if alone { START_ALONE_TIMEOUT } else { START_TIMEOUT };
        loop {
            if let Some(code) = browser.exit_code() {
                let _ = tokio::time::timeout(Duration::from_secs(5), kept).await;
                // What is not known cannot be struck out.
                let secrets = match store.secrets(plakar).await {
                    Err(Error::NotFound(_)) => Redactor::default(),
                    secrets => secrets?,
                };
                return Err(refused(code, reason(&last, &secrets.and(named))));
            }
            let asked = browser.api.get::<serde_json::Value>("/api/info", &[]);
            let left = limit.saturating_sub(started.elapsed()).min(FIRST_ANSWER_TIMEOUT);
            let answer = tokio::time::timeout(left, asked).await;
            if answer.is_ok_and(|info| info.is_ok_and(|info| info["repository_id"].is_string())) {
                return Ok(browser);
            }
            if started.elapsed() > limit {
                return Err(Error::TimedOut(limit));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn exit_code(&self) -> Option<i32> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).exit_code()
    }

    /// Whether it can be asked: one that was killed listens no more, some time before its guard has
    /// noticed.
    pub(crate) async fn runs(&self) -> bool {
        self.exit_code().is_none() && self.api.listens().await
    }

    /// Whether plakar's configuration has the store as it was when this was started: it has read it
    /// once, and would go on in another place, or with another login.
    pub(crate) fn is_configured(&self, plakar: &Plakar) -> bool {
        let now = plakar.configured_digest(&self.store);
        now.is_none() || now == self.configured
    }

    pub(crate) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(crate) fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody who waits for a page asks, as long as this is there.
    fn asks(&self) -> WaitingGuard<'_> {
        self.touch();
        self.api.waits()
    }

    pub(crate) async fn send(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<reqwest::Response> {
        self.touch();
        self.api.send(path, query).await
    }

    pub(crate) async fn in_snapshot<T: DeserializeOwned>(
        &self,
        what: &str,
        id: &SnapshotId,
        path: &SnapshotPath,
        query: &[(&str, String)],
    ) -> Result<T> {
        let _asks = self.asks();
        understood(&self.api.of_path(what, id, path, query).await?)
    }

    /// The index of a snapshot if there is one; none yet if nothing is known of it.
    pub(crate) fn known_index(&self, id: &SnapshotId) -> Option<Option<Arc<Index>>> {
        self.indexes.known(&self.store, id)
    }

    pub(crate) fn needs_no_index(&self, id: &SnapshotId) {
        self.indexes.small(&self.store, id);
    }

    pub(crate) fn index_is_being_made(&self, id: &SnapshotId) -> bool {
        self.indexes.is_being_made(&self.store, id)
    }

    /// The index of a snapshot. It is begun, but not waited for.
    pub(crate) fn want_index(&self, id: &SnapshotId) -> Wanted {
        self.touch();
        self.indexes.want(&self.store, id, &self.api)
    }

    /// The restore points of an app, or all snapshots, newest first.
    ///
    /// # Errors
    /// As for all here: plakar's reason, or an answer that is not understood.
    pub async fn restore_points(&self, app: Option<&str>) -> Result<Vec<RestorePoint>> {
        let mut known = self.known.lock().await;
        let newest = self.headers(0, 1).await?;
        let total = newest.total;
        let mark = (
            total,
            newest
                .items
                .into_iter()
                .next()
                .map(Header::restore_point)
                .transpose()?
                .map(|point| point.id),
        );
        if known.mark.as_ref() != Some(&mark) {
            let mut points = Vec::new();
            while (points.len() as u64) < total {
                let page = self.headers(points.len() as u64, MAX_PAGE_HEADERS).await?;
                if page.items.is_empty() {
                    break;
                }
                for header in page.items {
                    points.push(header.restore_point()?);
                }
            }
            points.sort_by(|a, b| (b.taken, &b.id).cmp(&(a.taken, &a.id)));
            self.indexes.keep_only(&self.store, points.iter().map(|point| &point.id));
            *known = KnownPoints { mark: Some(mark), points };
        }
        let wanted =
            |point: &&RestorePoint| app.is_none_or(|app| point.app.as_deref() == Some(app));
        Ok(known.points.iter().filter(wanted).cloned().collect())
    }

    /// The newest snapshots, as they are in the store now.
    pub(crate) async fn newest_points(&self) -> Result<Vec<RestorePoint>> {
        let newest = self.headers(0, MAX_NEWEST_POINTS).await?;
        newest.items.into_iter().map(Header::restore_point).collect()
    }

    async fn headers(&self, offset: u64, limit: u64) -> Result<Items<Header>> {
        let query = [
            ("offset", offset.to_string()),
            ("limit", limit.to_string()),
            ("sort", "-Timestamp".to_owned()),
        ];
        let _asks = self.asks();
        // Plakar gives none of them if one cannot be opened (plakar v1.1.4, api_repository.go).
        self.api.get("/api/repository/snapshots", &query).await.map_err(|error| match error {
            Error::NotFound(_) => Error::Refused(UNREADABLE_LIST.into()),
            error => error,
        })
    }

    /// What the store says of itself.
    ///
    /// # Errors
    /// As for all here.
    pub async fn repository(&self) -> Result<Repository> {
        let _asks = self.asks();
        let info: serde_json::Value = self.api.get("/api/info", &[]).await?;
        let all: serde_json::Value = self.api.get("/api/repository/info", &[]).await?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let configuration = &all["item"]["configuration"];
        Ok(Repository {
            id: text(&info["repository_id"]),
            encrypted: !configuration["encryption"].is_null(),
            compression: match &configuration["compression"] {
                serde_json::Value::Null => "none".to_owned(),
                compression => text(&compression["algorithm"]),
            },
            plakar: text(&info["version"]),
            // -1 if it is not known.
            stored: all["item"]["snapshots"]["storage_size"].as_u64(),
        })
    }

    /// A snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn restore_point(&self, id: &SnapshotId) -> Result<RestorePoint> {
        let _asks = self.asks();
        self.api.restore_point(id).await
    }

    /// One entry, with the digest of its content. A link is followed: it is what it leads to.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn entry(&self, id: &SnapshotId, path: &SnapshotPath) -> Result<Entry> {
        Ok(self.in_snapshot::<Single<RawEntry>>("", id, path, &[]).await?.item.entry())
    }

    /// How much there is at a path and below.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn amount(&self, id: &SnapshotId, path: &SnapshotPath) -> Result<Amount> {
        Ok(self.in_snapshot::<Single<RawEntry>>("", id, path, &[]).await?.item.amount())
    }

    /// What failed when the snapshot was made.
    ///
    /// # Errors
    /// As for all here.
    pub async fn errors(&self, id: &SnapshotId, offset: u64, limit: u64) -> Result<Page<Failure>> {
        self.errors_below(id, &SnapshotPath::root(), offset, limit).await
    }

    /// What failed below a folder when the snapshot was made.
    ///
    /// # Errors
    /// As for all here.
    pub async fn errors_below(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Failure>> {
        let query = [("offset", offset.to_string()), ("limit", limit.max(1).to_string())];
        let found: Items<RawError> = self.in_snapshot("errors/", id, folder, &query).await?;
        let items: Vec<Failure> = found
            .items
            .into_iter()
            .map(|error| Failure { path: error.name, reason: error.error })
            .collect();
        let more = offset + (items.len() as u64) < found.total && !items.is_empty();
        Ok(Page { items, total: Some(found.total), more })
    }
}

async fn keep(mut lines: mpsc::Receiver<Line>, last: Arc<Mutex<VecDeque<String>>>) {
    while let Some(line) = lines.recv().await {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.truncate(10);
        last.push_front(line.text);
    }
}

fn reason(last: &Mutex<VecDeque<String>>, secrets: &Redactor) -> String {
    let last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let said = last.iter().find_map(|line| line.strip_prefix("plakar: "));
    let mut reason =
        said.map_or_else(|| "plakar ui ended without a reason".to_owned(), str::to_owned);
    secrets.apply(&mut reason);
    reason
}
