//! The HTTP API of a `plakar ui`: asking, and understanding what it says.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::browse::points::{Header, RestorePoint, Single};
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath, percent};

/// Timeout of an answer, other than a file's content: more than the five minutes for which a connector
/// waits for a drive that has too many calls (`go/drive/retry.go`), and then says so. A comparison
/// that asks a thousand times must not end over one of them.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6 * 60);

/// Maximum pause between two requests of somebody who waits for a page, which asks several things.
const MAX_PAUSE: Duration = Duration::from_millis(30);

/// How long what nobody waits for gives way.
const GIVE_WAY_TIMEOUT: Duration = Duration::from_secs(1);

/// What is kept of a path in an address; a slash parts it.
const KEPT_IN_PATH: &[u8] = b"/-._~";

/// Where a `plakar ui` listens, and the token that it wants. The token never leaves this process.
pub(crate) struct Api {
    client: reqwest::Client,
    address: String,
    token: String,
    waiting: Mutex<Waiters>,
}

/// Who waits for an answer.
#[derive(Default)]
struct Waiters {
    now: usize,
    /// When the last one had an answer.
    last: Option<Instant>,
}

/// Somebody waits as long as this is there.
pub(crate) struct WaitingGuard<'a>(&'a Api);

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.now -= 1;
        waiting.last = Some(Instant::now());
    }
}

impl Api {
    pub(crate) fn new(address: String, token: String) -> Result<Self> {
        // No proxy: it is this machine. No redirect: there is none that is meant.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = client.map_err(|error| Error::Answer(error.to_string()))?;
        Ok(Self { client, address, token, waiting: Mutex::default() })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiters> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody waits for what is asked now.
    pub(crate) fn waits(&self) -> WaitingGuard<'_> {
        self.waiting().now += 1;
        WaitingGuard(self)
    }

    /// Gives way to those who wait, for a while.
    pub(crate) async fn give_way(&self) {
        let begun = Instant::now();
        let busy = || {
            let waiting = self.waiting();
            waiting.now > 0 || waiting.last.is_some_and(|last| last.elapsed() < MAX_PAUSE)
        };
        while busy() && begun.elapsed() < GIVE_WAY_TIMEOUT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether anybody answers there.
    pub(crate) async fn listens(&self) -> bool {
        tokio::net::TcpStream::connect(&self.address).await.is_ok()
    }

    pub(crate) async fn send(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<reqwest::Response> {
        let query: Vec<String> =
            query.iter().map(|(key, value)| format!("{key}={}", percent(value, b"-._~"))).collect();
        let address = format!("http://{}{path}?{}", self.address, query.join("&"));
        let answer = self.client.get(address).bearer_auth(&self.token).send().await;
        answer.map_err(|error| {
            Error::Answer(format!("no answer from plakar ui: {}", error.without_url()))
        })
    }

    async fn bytes(&self, path: &str, query: &[(&str, String)]) -> Result<Bytes> {
        let answered = async {
            let answer = self.send(path, query).await?;
            let status = answer.status().as_u16();
            let bytes = answer
                .bytes()
                .await
                .map_err(|error| Error::Answer(error.without_url().to_string()))?;
            match status {
                200 => Ok(bytes),
                404 => Err(Error::NotFound("it".into())),
                _ => Err(Error::Refused(message(&bytes))),
            }
        };
        tokio::time::timeout(ANSWER_TIMEOUT, answered)
            .await
            .unwrap_or(Err(Error::TimedOut(ANSWER_TIMEOUT)))
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T> {
        understood(&self.bytes(path, query).await?)
    }

    /// What is said of a path in a snapshot, not yet read.
    pub(crate) async fn of_path(
        &self,
        what: &str,
        id: &SnapshotId,
        path: &SnapshotPath,
        query: &[(&str, String)],
    ) -> Result<Bytes> {
        let address = format!("/api/snapshot/vfs/{what}{}", in_address(id, path));
        let named = |error| {
            if matches!(error, Error::NotFound(_)) {
                Error::NotFound(format!("{path} in {}", id.short()))
            } else {
                error
            }
        };
        self.bytes(&address, query).await.map_err(named)
    }

    pub(crate) async fn restore_point(&self, id: &SnapshotId) -> Result<RestorePoint> {
        let header: Result<Single<Header>> = self.get(&format!("/api/snapshot/{id}"), &[]).await;
        let named = |error| match error {
            // Of a snapshot that it has no more plakar says that the parameter is none.
            Error::Refused(reason) if reason.contains("Invalid parameter") => gone(id),
            Error::NotFound(_) => gone(id),
            error => error,
        };
        header.map_err(named)?.item.restore_point()
    }
}

fn gone(id: &SnapshotId) -> Error {
    Error::NotFound(format!("the restore point {}", id.short()))
}

pub(crate) fn understood<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::Answer(error.to_string()))
}

/// `ID:/path` in an address, where nothing of the path can be taken for anything else.
pub(crate) fn in_address(id: &SnapshotId, path: &SnapshotPath) -> String {
    format!("{id}:{}", percent(path.as_str(), KEPT_IN_PATH))
}

fn message(bytes: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = json["error"]["message"]
        .as_str()
        .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), str::to_owned);
    match text.trim() {
        "" => "plakar gave no reason".to_owned(),
        text => text.chars().take(500).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connector_that_waits_for_its_drive_is_waited_for() {
        // It never answers.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let api = Api::new(listener.local_addr().unwrap().to_string(), String::new()).unwrap();
        let begun = tokio::time::Instant::now();
        let answer = api.get::<serde_json::Value>("/api/info", &[]).await;
        assert!(matches!(answer, Err(Error::TimedOut(_))), "{answer:?}");
        assert!(begun.elapsed() > Duration::from_secs(5 * 60), "{:?}", begun.elapsed());
    }

    #[test]
    fn nothing_of_a_path_is_taken_for_an_address() {
        let id = SnapshotId::new(&"0a".repeat(32)).unwrap();
        let path = SnapshotPath::new("/a b/%2e%2e/?x=#y:z\n").unwrap();
        assert_eq!(in_address(&id, &path), format!("{id}:/a%20b/%252e%252e/%3Fx%3D%23y%3Az%0A"));
    }
}
