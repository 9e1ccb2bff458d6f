//! The control interface: JSON over plain HTTP on the proxy's own port, below `/_sim/`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::behaviour::Behaviour;
use crate::body::ReplyBody;
use crate::faults::Fault;
use crate::state::State;

#[derive(Deserialize)]
struct Latency {
    ms: f64,
}

#[derive(Deserialize)]
struct Quota {
    bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Folder {
    path: String,
}

#[derive(Deserialize)]
struct Generated {
    path: String,
    size: u64,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    mtime: i64,
}

/// What went wrong with a control request: its status, and a sentence for the person who wrote it.
type Problem = (StatusCode, String);

pub(crate) async fn handle(request: Request<Incoming>, state: &State) -> Response<ReplyBody> {
    let method = request.method().as_str().to_owned();
    let uri = request.uri().clone();
    let Some(name) = uri.path().strip_prefix("/_sim/") else {
        return respond(
            StatusCode::NOT_FOUND,
            "text/plain",
            "This is the OpenDrive simulator, see /_sim/calls\n",
        );
    };
    let query = |key: &str| {
        let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
    };
    let path = query("path").unwrap_or_default();
    let mtime =
        query("mtime").and_then(|mtime| mtime.parse().ok()).unwrap_or_else(crate::drive::now);
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return respond(StatusCode::BAD_REQUEST, "text/plain", error.to_string()),
    };
    // Hashing and copying a large drive may take a while.
    let answer = tokio::task::block_in_place(|| answer(&method, name, &path, mtime, &body, state));
    answer.unwrap_or_else(|(status, message)| {
        let error = json!({"error": {"code": status.as_u16(), "message": message}});
        respond(status, "application/json", error.to_string())
    })
}

fn answer(
    method: &str,
    name: &str,
    path: &str,
    mtime: i64,
    body: &Bytes,
    state: &State,
) -> Result<Response<ReplyBody>, Problem> {
    let drive = &state.drive;
    match (method, name) {
        ("GET", "calls") => Ok(json_answer(&state.calls.calls())),
        ("GET", "log") => Ok(json_answer(&state.calls.records())),
        ("POST", "reset") => {
            state.calls.reset();
            Ok(empty())
        }
        ("POST", "latency") => {
            let Latency { ms } = parse(body)?;
            let latency =
                Duration::try_from_secs_f64(ms / 1000.0).map_err(|error| bad(error.to_string()))?;
            state.set_latency(latency);
            Ok(empty())
        }
        ("GET", "behaviour") => Ok(json_answer(&*state.behaviour.get())),
        ("POST", "behaviour") => {
            let changes: serde_json::Map<String, serde_json::Value> = parse(body)?;
            state.behaviour.change(|behaviour| change(behaviour, changes))?;
            Ok(empty())
        }
        ("POST", "reset-volume") => {
            state.volume_used.store(0, Ordering::Relaxed);
            Ok(empty())
        }
        ("POST", "solve-captcha") => {
            state.sessions.forget_failures();
            Ok(empty())
        }
        ("GET", "faults") => {
            let plan: Vec<_> = state.faults.all();
            let plan: Vec<_> =
                plan.iter().map(|(fault, fired)| json!({"fault": fault, "fired": fired})).collect();
            Ok(json_answer(&plan))
        }
        ("POST", "faults") => {
            state.faults.replace(parse::<Vec<Fault>>(body)?);
            Ok(empty())
        }
        ("GET", "unused-faults") => Ok(json_answer(&state.faults.unused())),
        ("POST", "expire-sessions") => {
            state.sessions.expire_all();
            Ok(empty())
        }
        ("GET", "tree") => Ok(json_answer(&drive.tree())),
        ("GET", "duplicate-folders") => Ok(json_answer(&drive.duplicate_folders())),
        ("GET", "open-uploads") => Ok(json_answer(&state.open_uploads())),
        ("GET", "file") => match drive.read_file(path) {
            Some(bytes) => Ok(respond(StatusCode::OK, "application/octet-stream", bytes)),
            None => Err((
                StatusCode::NOT_FOUND,
                format!("no file {path:?}, or its content was discarded"),
            )),
        },
        ("PUT", "file") => {
            drive.try_put_file(path, body.clone(), mtime).map(|()| empty()).map_err(bad)
        }
        ("DELETE", "file") if drive.remove(path) => Ok(empty()),
        ("DELETE", "file") => Err((StatusCode::NOT_FOUND, format!("no file or folder {path:?}"))),
        ("POST", "folder") => {
            drive.try_make_folder(&parse::<Folder>(body)?.path).map(|()| empty()).map_err(bad)
        }
        ("POST", "generated") => {
            let Generated { path, size, seed, mtime } = parse(body)?;
            drive.try_put_generated(&path, size, seed, mtime).map(|()| empty()).map_err(bad)
        }
        ("POST", "quota") => {
            drive.set_quota(parse::<Quota>(body)?.bytes);
            Ok(empty())
        }
        _ => Err((StatusCode::NOT_FOUND, format!("no control call {method} {name:?}"))),
    }
}

/// Changes the fields that are named.
fn change(
    behaviour: &mut Behaviour,
    changes: serde_json::Map<String, serde_json::Value>,
) -> Result<(), Problem> {
    let mut whole = serde_json::to_value(&*behaviour).map_err(|error| bad(error.to_string()))?;
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(changes);
    }
    *behaviour = serde_json::from_value(whole).map_err(|error| bad(error.to_string()))?;
    Ok(())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| bad(error.to_string()))
}

fn bad(message: String) -> Problem {
    (StatusCode::BAD_REQUEST, message)
}

fn empty() -> Response<ReplyBody> {
    respond(StatusCode::OK, "application/json", "{}")
}

fn json_answer(value: &impl Serialize) -> Response<ReplyBody> {
    match serde_json::to_vec(value) {
        Ok(body) => respond(StatusCode::OK, "application/json", body),
        Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    }
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(body, None));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
