//! Browsing a store, through one `plakar ui` for each store.
//!
//! It listens on loopback with a token of its own, which never leaves this process, and only the requests
//! below are made: its API can do more than read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::io::BufReader;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::backup::Failure;
use super::command::{Running, UNLIMITED};
use super::ended::refused;
use super::lines::{Line, Redactor, Stream, pump};
use super::names::percent;
use super::points::{Entry, EntryKind, Found, Header, Items, One, Page, RawEntry, RawError, RestorePoint};
use super::store::Store;
use super::{Error, Plakar, Result, SnapshotId, SnapshotPath};

/// So long it may take to open a store.
const START_LIMIT: Duration = Duration::from_secs(120);

/// So long an answer may take, other than a file's content.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// What is kept of a path in an address; a slash parts it.
const PATH: &[u8] = b"/-._~";

/// So many headers are fetched at once.
const HEADERS: u64 = 500;

/// A `plakar ui` of one store. It ends when this is dropped.
pub struct Browser {
    running: Mutex<Running>,
    client: reqwest::Client,
    address: String,
    token: String,
    used: Mutex<Instant>,
    known: AsyncMutex<Known>,
}

/// The headers of a store, and how it looked when they were fetched.
#[derive(Default)]
struct Known {
    mark: Option<(u64, Option<SnapshotId>)>,
    points: Vec<RestorePoint>,
}

impl Browser {
    pub(super) async fn start(plakar: &Plakar, store: &Store) -> Result<Self> {
        let token = random()?;
        // Plakar can't tell the port that it was given, so it gets one that is free now.
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(Error::io("no free port"))?.to_string();
        let arguments = ["at", &store.reference(), "ui", "-addr", &address, "-no-spawn"];
        let job = plakar.job(arguments).limit(UNLIMITED).variable("PLAKAR_UI_TOKEN", &token);
        let (running, stdout, stderr) = job.start().await?;
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, lines) = mpsc::channel(16);
        tokio::spawn(pump(Stream::Out, BufReader::new(stdout), sender.clone()));
        tokio::spawn(pump(Stream::Error, BufReader::new(stderr), sender));
        let kept = tokio::spawn(keep(lines, Arc::clone(&last)));
        // No proxy: it is this machine. No redirect: there is none that is meant.
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| Error::Answer(error.to_string()))?;
        let (running, used, known) = (Mutex::new(running), Mutex::new(Instant::now()), AsyncMutex::default());
        let browser = Self { running, client, address, token, used, known };
        let started = Instant::now();
        loop {
            if let Some(code) = browser.exit_code() {
                let _ = tokio::time::timeout(Duration::from_secs(5), kept).await;
                let secrets = store.secrets(plakar).await.unwrap_or_default();
                return Err(refused(code, reason(&last, &secrets)));
            }
            if browser.get::<serde_json::Value>("/api/info", &[]).await.is_ok_and(|info| info["repository_id"].is_string()) {
                return Ok(browser);
            }
            if started.elapsed() > START_LIMIT {
                return Err(Error::TimedOut(START_LIMIT));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn exit_code(&self) -> Option<i32> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).exit_code()
    }

    pub(super) fn runs(&self) -> bool {
        self.exit_code().is_none()
    }

    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn send(&self, path: &str, query: &[(&str, String)]) -> Result<reqwest::Response> {
        self.touch();
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", percent(value, b"-._~"))).collect();
        let address = format!("http://{}{path}?{}", self.address, query.join("&"));
        let answer = self.client.get(address).bearer_auth(&self.token).send().await;
        answer.map_err(|error| Error::Answer(format!("no answer from plakar ui: {}", error.without_url())))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        let answered = async {
            let answer = self.send(path, query).await?;
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.map_err(|error| Error::Answer(error.without_url().to_string()))?;
            match status {
                200 => serde_json::from_slice(&bytes).map_err(|error| Error::Answer(error.to_string())),
                404 => Err(Error::NotFound("it".into())),
                _ => Err(Error::Refused(message(&bytes))),
            }
        };
        tokio::time::timeout(ANSWER_LIMIT, answered).await.unwrap_or(Err(Error::TimedOut(ANSWER_LIMIT)))
    }

    async fn in_snapshot<T: DeserializeOwned>(
        &self,
        what: &str,
        id: &SnapshotId,
        path: &SnapshotPath,
        query: &[(&str, String)],
    ) -> Result<T> {
        let address = format!("/api/snapshot/vfs/{what}{}", in_address(id, path));
        let named = |error| if matches!(error, Error::NotFound(_)) { Error::NotFound(format!("{path} in {}", id.short())) } else { error };
        self.get(&address, query).await.map_err(named)
    }

    /// The restore points of an app, or all snapshots, newest first.
    ///
    /// # Errors
    /// As for all here: plakar's reason, or an answer that is not understood.
    pub async fn restore_points(&self, app: Option<&str>) -> Result<Vec<RestorePoint>> {
        let mut known = self.known.lock().await;
        let newest = self.headers(0, 1).await?;
        let total = newest.total;
        let mark = (total, newest.items.into_iter().next().map(Header::restore_point).transpose()?.map(|point| point.id));
        if known.mark.as_ref() != Some(&mark) {
            let mut points = Vec::new();
            while (points.len() as u64) < total {
                let page = self.headers(points.len() as u64, HEADERS).await?;
                if page.items.is_empty() {
                    break;
                }
                for header in page.items {
                    points.push(header.restore_point()?);
                }
            }
            points.sort_by(|a, b| (b.taken, &b.id).cmp(&(a.taken, &a.id)));
            *known = Known { mark: Some(mark), points };
        }
        let wanted = |point: &&RestorePoint| app.is_none_or(|app| point.app.as_deref() == Some(app));
        Ok(known.points.iter().filter(wanted).cloned().collect())
    }

    async fn headers(&self, offset: u64, limit: u64) -> Result<Items<Header>> {
        let query = [("offset", offset.to_string()), ("limit", limit.to_string()), ("sort", "-Timestamp".to_owned())];
        self.get("/api/repository/snapshots", &query).await
    }

    /// A snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn restore_point(&self, id: &SnapshotId) -> Result<RestorePoint> {
        let header: Result<One<Header>> = self.get(&format!("/api/snapshot/{id}"), &[]).await;
        let named =
            |error| if matches!(error, Error::NotFound(_)) { Error::NotFound(format!("the restore point {}", id.short())) } else { error };
        header.map_err(named)?.item.restore_point()
    }

    /// One entry, with the digest of its content. A link is followed: it is what it leads to.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn entry(&self, id: &SnapshotId, path: &SnapshotPath) -> Result<Entry> {
        Ok(self.in_snapshot::<One<RawEntry>>("", id, path, &[]).await?.item.entry())
    }

    /// What is in a folder, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn children(&self, id: &SnapshotId, folder: &SnapshotPath, offset: u64, limit: u64) -> Result<Page<Entry>> {
        if limit == 0 {
            return Err(Error::Input("a page has at least one entry".into()));
        }
        // Below the root, the first is "..", which counts as one.
        let first = offset + u64::from(*folder != SnapshotPath::root());
        let query = [("offset", first.to_string()), ("limit", limit.to_string())];
        let found: Items<RawEntry> = self.in_snapshot("children/", id, folder, &query).await?;
        let items: Vec<Entry> = found.items.into_iter().map(RawEntry::entry).collect();
        let more = offset + (items.len() as u64) < found.total && !items.is_empty();
        Ok(Page { items, total: Some(found.total), more })
    }

    /// The files and links below a folder whose name has this text in it, or matches it if it has a `*` or `?`; without regard to case.
    ///
    /// # Errors
    /// As for all here.
    pub async fn search(&self, id: &SnapshotId, folder: &SnapshotPath, text: &str, offset: u64, limit: u64) -> Result<Page<Entry>> {
        let limit = limit.clamp(1, 1000).to_string();
        // From the root plakar takes twenty times as long as from a folder: nothing is outside of what was backed up.
        let whole = if *folder == SnapshotPath::root() { SnapshotPath::new(&self.restore_point(id).await?.root)? } else { folder.clone() };
        let query = [("pattern", pattern(text)), ("recursive", "true".to_owned()), ("offset", offset.to_string()), ("limit", limit)];
        let found: Found = self.in_snapshot("search/", id, &whole, &query).await?;
        let items = found.items.into_iter().map(RawEntry::entry).filter(|entry| entry.kind != EntryKind::Folder).collect();
        Ok(Page { items, total: None, more: found.has_next })
    }

    /// What failed when the snapshot was made.
    ///
    /// # Errors
    /// As for all here.
    pub async fn errors(&self, id: &SnapshotId, offset: u64, limit: u64) -> Result<Page<Failure>> {
        let query = [("offset", offset.to_string()), ("limit", limit.max(1).to_string())];
        let found: Items<RawError> = self.in_snapshot("errors/", id, &SnapshotPath::root(), &query).await?;
        let items: Vec<Failure> = found.items.into_iter().map(|error| Failure { path: error.name, reason: error.error }).collect();
        let more = offset + (items.len() as u64) < found.total && !items.is_empty();
        Ok(Page { items, total: Some(found.total), more })
    }
}

/// `ID:/path` in an address, where nothing of the path can be taken for anything else.
pub(super) fn in_address(id: &SnapshotId, path: &SnapshotPath) -> String {
    format!("{id}:{}", percent(path.as_str(), PATH))
}

/// Plakar takes a glob first, then a regular expression for any part of the name: this is the latter.
fn pattern(text: &str) -> String {
    let whole = text.contains(['*', '?']);
    let part = |letter: char| match letter {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        letter if letter.is_alphanumeric() || letter == '_' || !letter.is_ascii() => letter.to_string(),
        letter => format!("\\x{{{:x}}}", u32::from(letter)),
    };
    let inner: String = text.chars().map(part).collect();
    if whole { format!("(?is)^{inner}$") } else { format!("(?is){inner}") }
}

fn message(bytes: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = json["error"]["message"].as_str().map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), str::to_owned);
    text.trim().chars().take(500).collect()
}

/// 128 bits that nobody can guess, as hex.
pub(super) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Answer(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
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
    let mut reason = said.map_or_else(|| "plakar ui ended without a reason".to_owned(), str::to_owned);
    secrets.apply(&mut reason);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_text_but_for_stars_and_question_marks() {
        assert_eq!(pattern("Letter"), "(?is)Letter");
        assert_eq!(pattern("a.[b"), "(?is)a\\x{2e}\\x{5b}b");
        assert_eq!(pattern("*.tx?"), "(?is)^.*\\x{2e}tx.$");
    }

    #[test]
    fn nothing_of_a_path_is_taken_for_an_address() {
        let id = SnapshotId::new(&"0a".repeat(32)).unwrap();
        let path = SnapshotPath::new("/a b/%2e%2e/?x=#y:z\n").unwrap();
        assert_eq!(in_address(&id, &path), format!("{id}:/a%20b/%252e%252e/%3Fx%3D%23y%3Az%0A"));
    }
}
