//! One call of the API: what it is, what the plan of faults does to it, and its answer.

mod args;
mod download;
mod endpoint;
mod file;
mod folder;
mod records;
mod session;
mod upload;

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use crate::body::ReplyBody;
use crate::calls::InFlight;
use crate::drive::Refusal;
use crate::faults::{Answer, Effects};
use crate::state::State;
use args::Args;
pub(crate) use endpoint::Endpoint;

/// What a handler gives: the JSON of a success, or why not.
type Outcome = Result<Vec<u8>, Refusal>;

/// Answers one call; `None` means that the connection is to be dropped without an answer.
pub(crate) async fn handle(request: Request<Incoming>, state: &State) -> Option<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let Some((endpoint, rest)) = Endpoint::find(&head.method, head.uri.path()) else {
        let call = state.calls.begin("unknown", head.uri.path().into(), String::new());
        return Some(refuse(Refusal::new(404, "Unknown method"), None, call));
    };
    let (args, payload) = match args::read(endpoint, rest, &head, body).await {
        Ok(read) => read,
        Err(refusal) => {
            let call = state.calls.begin(endpoint.name(), String::new(), String::new());
            return Some(refuse(refusal, None, call));
        }
    };
    let item = endpoint.item(&args, state);
    let session = args.text("session_id").to_owned();
    let mut call = state.calls.begin(endpoint.name(), item.clone(), session);

    let plan = (endpoint == Endpoint::Download).then(|| download::plan(&args, head.headers.get(header::RANGE), state));
    let body = plan.as_ref().and_then(|plan| plan.as_ref().ok()).map(download::Plan::length);
    let effects = state.faults.take(endpoint, &item, body);
    wait(state.latency() + effects.delay).await;
    if effects.expire {
        state.sessions.expire_all();
    }
    if effects.expire_own {
        state.sessions.expire(args.text("session_id"));
    }
    if effects.reset {
        return None;
    }
    if let Some(to) = &effects.redirect {
        payload.drain().await;
        return Some(redirect(to, call));
    }
    if let Some(planted) = effects.answer {
        payload.drain().await;
        return Some(planted_answer(planted, call));
    }
    if let Some(refusal) = refusal(endpoint, &args, &effects, state) {
        payload.drain().await;
        let retry_after = effects.status.and_then(|(_, _, retry_after)| retry_after);
        return Some(refuse(refusal, retry_after, call));
    }
    let outcome = match (endpoint, plan) {
        (_, Some(Ok(plan))) if effects.lose_answer => {
            drop(plan);
            return None;
        }
        (_, Some(Ok(plan))) => return Some(plan.answer(&effects, call)),
        (_, Some(Err(refusal))) => Err(refusal),
        (Endpoint::UploadChunk, None) => upload::chunk(&args, payload, &effects, state, &mut call).await,
        (Endpoint::CloseUpload, None) => upload::close(&args, &effects, state).await,
        (_, None) => perform(endpoint, &args, &effects, state),
    };
    if effects.lose_answer {
        return None;
    }
    Some(match outcome {
        Ok(body) => answer(body, call),
        Err(refusal) => refuse(refusal, None, call),
    })
}

fn perform(endpoint: Endpoint, args: &Args, effects: &Effects, state: &State) -> Outcome {
    match endpoint {
        Endpoint::Login => session::login(args, state),
        Endpoint::UserInfo => session::user_info(args, state),
        Endpoint::ListFolder => folder::list(args, state),
        Endpoint::ItemByName => folder::item_by_name(args, state),
        Endpoint::CreateFolder => folder::create(args, state),
        Endpoint::RemoveFolder => folder::remove(args, state),
        Endpoint::RenameFolder => folder::rename(args, state),
        Endpoint::MoveCopyFolder => folder::move_copy(args, state),
        Endpoint::FileInfo => file::info(args, effects, state),
        Endpoint::FileSettings => file::settings(args, state),
        Endpoint::FileAccess => file::access(args, state),
        Endpoint::RenameFile => file::rename(args, state),
        Endpoint::MoveCopyFile => file::move_copy(args, state),
        Endpoint::DeleteFile => file::delete(args, state),
        Endpoint::CreateFile => upload::create_file(args, effects, state),
        Endpoint::OpenUpload => upload::open(args, state),
        // Answered by `handle`, as they wait for bytes or send some.
        Endpoint::Download | Endpoint::UploadChunk | Endpoint::CloseUpload => Err(Refusal::new(500, "Not here")),
    }
}

/// What keeps a call from being done: a fault, or its session.
fn refusal(endpoint: Endpoint, args: &Args, effects: &Effects, state: &State) -> Option<Refusal> {
    if let Some((code, message, _)) = &effects.status {
        return Some(Refusal::new(*code, message.clone()));
    }
    if endpoint == Endpoint::Login {
        return None;
    }
    state.sessions.check(args.text("session_id")).err().map(|message| Refusal::new(401, message))
}

async fn wait(time: Duration) {
    // A timer rounds up to the next millisecond: none for nothing.
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn answer(body: Vec<u8>, mut call: InFlight) -> Response<ReplyBody> {
    call.status(200);
    let mut response = Response::new(ReplyBody::whole(body, Some(call)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer that a fault holds.
fn planted_answer(planted: Answer, mut call: InFlight) -> Response<ReplyBody> {
    /// What an endless answer repeats is made at least this long, so that it comes fast.
    const PIECE: usize = 1 << 20;
    let Answer { code, body, endless, gzip } = planted;
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    call.status(status.as_u16());
    // Each part is a member of its own, which is as good as one (RFC 1952).
    let pack = |bytes: Vec<u8>| if gzip { compress(&bytes) } else { bytes };
    let body = if endless.is_empty() {
        ReplyBody::whole(pack(body), Some(call))
    } else {
        let rest = endless.repeat(PIECE.div_ceil(endless.len())).into_bytes();
        ReplyBody::Endless { first: pack(body).into(), rest: pack(rest).into(), _call: call }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory can't fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn refuse(refusal: Refusal, retry_after: Option<u64>, mut call: InFlight) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({"error": {"code": status.as_u16(), "message": refusal.message}}).to_string();
    call.status(status.as_u16());
    let mut response = Response::new(ReplyBody::whole(error, Some(call)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn redirect(to: &str, mut call: InFlight) -> Response<ReplyBody> {
    call.status(307);
    let mut response = Response::new(ReplyBody::whole("", Some(call)));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}
