//! A client that holds each answer against the description.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use plakar_driver::Plakar;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use source_app::service::Service;
use source_app::state::{ChangeFilter, ChangeWay, State};
use web_console::api;

use crate::description::{Description, Operation};

/// Nothing that is waited for takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// The operations that change settings, where they are not refused. What the others do is in the
/// history of tasks, or is nothing that is kept.
pub const CHANGES: &[&str] = &[
    "assignApp",
    "editApp",
    "removeApp",
    "pauseApp",
    "resumeApp",
    "releasePrune",
    "pinPoint",
    "unpinPoint",
    "editResource",
    "addWord",
    "removeWord",
    "pauseAll",
    "resumeAll",
    "openStore",
    "addSchedule",
    "editSchedule",
    "removeSchedule",
    "addPolicy",
    "editPolicy",
    "removePolicy",
    "changeCredential",
    "addToken",
    "revokeToken",
    "addPackage",
    "addResource",
    "removeResource",
    "makeApps",
];

/// The operations that change something, but no settings.
const OTHERS: &[&str] =
    &["startTask", "cancelTask", "retryTask", "downloadSeveral", "readStore", "testNotifications"];

#[test]
fn each_operation_that_is_not_read_only_is_told_what_it_records() {
    let operations = Description::get().operations.iter();
    let writing = operations.filter(|operation| operation.method != "GET");
    let described: BTreeSet<&str> = writing.map(|operation| operation.id.as_str()).collect();
    assert_eq!(described, CHANGES.iter().chain(OTHERS).copied().collect());
}

/// A running server and what it was asked.
pub struct Api {
    pub address: String,
    pub client: reqwest::Client,
    secret: String,
    state: State,
    seen: Arc<Mutex<BTreeSet<(String, u16)>>>,
    /// The operations that a change of settings was recorded of.
    changed: Arc<Mutex<BTreeSet<String>>>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Api {
    /// A server of the state in a directory, on a port of its own. No answer may have `secret` in
    /// it.
    pub async fn start(state: &Path, plakar: Plakar, secret: &str) -> Self {
        let service = Service::open(state, plakar).unwrap();
        let state = State::open(state).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().nest("/api", api::router(service));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap();
        let (changed, secret) = (Arc::default(), secret.to_owned());
        Self { address, client, secret, state, seen: Arc::default(), changed }
    }

    /// Another server of the same state, which counts among the seen with this one.
    pub async fn with(&self, state: &Path, plakar: Plakar) -> Self {
        let other = Self::start(state, plakar, &self.secret).await;
        let (seen, changed) = (Arc::clone(&self.seen), Arc::clone(&self.changed));
        Self { seen, changed, ..other }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}/api{path}", self.address))
    }

    /// Sends what the description allows, and checks that it does.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let description = Description::get();
        let (plain, query) = path.split_once('?').unwrap_or((path, ""));
        let operation =
            description.operation(method, plain).unwrap_or_else(|| panic!("{method} {path}"));
        let answer = self.send(method, path, (!body.is_null()).then_some(body.clone())).await;
        if answer.status < 300 {
            let known: Vec<&str> = description
                .parameters(operation, "query")
                .iter()
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let given: Vec<&str> = query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split('=').next().unwrap())
                .collect();
            assert!(given.iter().all(|name| known.contains(name)), "{method} {path}");
            assert_eq!(operation.value["requestBody"].is_null(), body.is_null(), "{method} {path}");
            if !body.is_null() {
                let faults = description.faults(
                    &operation.value["requestBody"]["content"]["application/json"]["schema"],
                    &body,
                );
                assert!(faults.is_empty(), "{method} {path} {body}: {faults:?}");
            }
        }
        answer
    }

    /// Sends whatever it is; the answer has to be as described.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(method, path, request).await
    }

    pub async fn answer(
        &self,
        method: &str,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Answer {
        let before = self.newest_change();
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&self.secret), "{method} {path} tells a secret: {text}");
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        let plain = path.split('?').next().unwrap();
        let Some(operation) = Description::get().operation(method, plain) else {
            return Answer { status, headers, json };
        };
        check(operation, status, &headers, &json, &bytes);
        self.seen.lock().unwrap().insert((operation.id.clone(), status));
        self.recorded(operation, status, before);
        Answer { status, headers, json }
    }

    fn newest_change(&self) -> i64 {
        let newest = ChangeFilter { limit: Some(1), ..ChangeFilter::default() };
        self.state.setting_changes(&newest).unwrap().first().map_or(0, |one| one.id)
    }

    /// What an operation changed is recorded once, without a secret; of what it refused, nothing.
    fn recorded(&self, operation: &Operation, status: u16, before: i64) {
        let made = self.state.setting_changes(&ChangeFilter::default()).unwrap();
        let made: Vec<_> = made.into_iter().filter(|one| one.id > before).collect();
        let place = format!("{} {status}: {made:?}", operation.id);
        // An app that Plakar's configuration keeps is gone all the same.
        let done = status < 300 || (operation.id == "removeApp" && status == 502);
        let changes = done && CHANGES.contains(&operation.id.as_str());
        assert!(made.len() <= usize::from(changes), "{place}");
        let Some(one) = made.first() else { return };
        assert!(one.author.way == ChangeWay::Console && !place.contains(&self.secret), "{place}");
        self.changed.lock().unwrap().insert(operation.id.clone());
    }

    /// The operations that change settings and have not done so yet.
    pub fn unchanged(&self) -> Vec<&'static str> {
        let changed = self.changed.lock().unwrap();
        CHANGES.iter().copied().filter(|id| !changed.contains(*id)).collect()
    }

    /// The answer's JSON; it must have this status.
    pub async fn ok(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.json);
        answer.json
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ok(200, "GET", path, Value::Null).await
    }

    /// The message of an error; it must have this status.
    pub async fn refused(&self, status: u16, method: &str, path: &str, body: Value) -> String {
        let json = self.ok(status, method, path, body).await;
        json["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Runs a task to its end and gives it with its log.
    pub async fn run(&self, app: &Value, work: Value) -> (Value, String) {
        let answer = self.call("POST", &format!("/apps/{app}/tasks"), work).await;
        assert_eq!(answer.status, 202, "{}", answer.json);
        assert_eq!(
            answer.headers["location"],
            format!("/api/tasks/{}", answer.json["id"]).as_str()
        );
        self.end(&answer.json["id"]).await
    }

    /// Follows a task's log to its end.
    pub async fn end(&self, task: &Value) -> (Value, String) {
        let (mut text, mut next) = (String::new(), json!(0));
        let follow = async {
            loop {
                let part = self.get(&format!("/tasks/{task}/log?offset={next}")).await;
                text += part["text"].as_str().unwrap();
                next = part["next"].clone();
                let open = ["queued", "running", "waiting"]
                    .contains(&part["task"]["state"].as_str().unwrap());
                match (part["more"].as_bool().unwrap(), open) {
                    (true, _) => (),
                    (false, true) => tokio::time::sleep(Duration::from_millis(20)).await,
                    (false, false) => break part["task"].clone(),
                }
            }
        };
        let task = tokio::time::timeout(LIMIT, follow).await.expect("the task does not end");
        (task, text)
    }

    /// What was described and has not been answered yet.
    pub fn unseen(&self) -> Vec<(String, u16)> {
        let seen = self.seen.lock().unwrap();
        let described = Description::get().operations.iter().flat_map(|operation| {
            let statuses = operation.value["responses"]
                .as_object()
                .unwrap()
                .keys()
                .map(|status| status.parse().unwrap());
            statuses.map(|status| (operation.id.clone(), status))
        });
        described.filter(|pair| !seen.contains(pair)).collect()
    }
}

fn check(operation: &Operation, status: u16, headers: &HeaderMap, json: &Value, bytes: &[u8]) {
    let description = Description::get();
    let place = format!(
        "{} {status}: {}",
        operation.id,
        String::from_utf8_lossy(&bytes[..bytes.len().min(2000)])
    );
    let response = description.resolve(&operation.value["responses"][status.to_string()]);
    assert!(response.is_object(), "not described: {place}");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        assert!(value.is_some() || header["required"] != true, "no {name}: {place}");
        let Some(value) = value else { continue };
        let value = value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number));
        assert!(jsonschema::is_valid(&header["schema"], &value), "{name} {value}: {place}");
    }
    let Some(content) = response["content"].as_object() else {
        return assert!(bytes.is_empty() && status == 204, "{place}");
    };
    let kind = headers["content-type"].to_str().unwrap();
    let described = content.get(kind).unwrap_or_else(|| panic!("{kind}: {place}"));
    if kind == "application/json" {
        let faults = description.faults(&described["schema"], json);
        assert!(faults.is_empty(), "{faults:?}: {place}");
    }
    let codes = [
        (400, "input"),
        (404, "not_found"),
        (409, "conflict"),
        (413, "too_large"),
        (415, "media_type"),
        (423, "busy"),
    ];
    let code = codes
        .into_iter()
        .chain([(500, "inside"), (502, "refused")])
        .find(|(known, _)| *known == status);
    assert_eq!(json["error"]["code"].as_str(), code.map(|(_, code)| code), "{place}");
}
