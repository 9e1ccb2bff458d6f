//! One call of the API: what it is, what the plan of faults does to it, and its answer.

mod archive;
mod args;
mod close;
mod create;
mod download;
mod endpoint;
mod export;
mod file;
mod folder;
mod records;
mod session;
mod upload;

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use crate::behaviour::Behaviour;
use crate::body::ReplyBody;
use crate::calls::InFlight;
use crate::drive::Refusal;
use crate::faults::{Answer, Effects};
use crate::state::State;
use crate::texts;
use args::Args;
pub(crate) use endpoint::Endpoint;

/// What a handler gives: the JSON of a success, or why not.
type Outcome = Result<Vec<u8>, Refusal>;

/// What a handler knows of its call.
struct CallContext<'a> {
    args: &'a Args,
    effects: &'a Effects,
    behaviour: &'a Behaviour,
    state: &'a Arc<State>,
    /// When the call arrived.
    arrived: Instant,
}

/// Answers one call from this address; `None` means that the connection is to be dropped without an
/// answer.
pub(crate) async fn handle(
    request: Request<Incoming>,
    address: IpAddr,
    state: &Arc<State>,
) -> Option<Response<ReplyBody>> {
    let arrived = Instant::now();
    let behaviour = state.behaviour.get();
    let (head, body) = request.into_parts();
    let Some((endpoint, rest)) = Endpoint::find(&head.method, head.uri.path()) else {
        let call = state.calls.begin("unknown", head.uri.path().into(), String::new());
        return Some(refuse(Refusal::new(404, ""), None, call));
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
    if endpoint.is_download() && !call.begin_download(address, behaviour.max_downloads) {
        wait(state.latency()).await;
        return Some(refuse(Refusal::new(429, texts::TOO_MANY_DOWNLOADS), None, call));
    }

    let plan = (endpoint == Endpoint::Download)
        .then(|| download::plan(&args, head.headers.get(header::RANGE), &behaviour, state));
    let body = match &plan {
        Some(plan) => plan.as_ref().ok().map(download::Plan::length),
        None => extent(endpoint, &args, state),
    };
    let mut effects = state.faults.take(endpoint, &item, body);
    wait(state.latency() + effects.delay).await;
    if effects.expire {
        state.sessions.expire_all();
    }
    if effects.expire_own {
        state.sessions.expire(args.text("session_id"));
    }
    if let Some(path) = &effects.remove {
        state.drive.remove(path);
    }
    if effects.reset {
        return None;
    }
    let planted = effects.answer.take();
    let context =
        CallContext { args: &args, effects: &effects, behaviour: &behaviour, state, arrived };
    if let Some(refused) = refusal(endpoint, &context, planted) {
        call.received(payload.drain().await);
        return Some(refused.answer(call));
    }
    let outcome = match (endpoint, plan) {
        (_, Some(Ok(plan))) if effects.lose_answer => {
            drop(plan);
            return None;
        }
        (_, Some(Ok(plan))) => return Some(plan.answer(&context, call)),
        (_, Some(Err(refusal))) => Err(refusal),
        (Endpoint::UploadChunk | Endpoint::UploadChunk2, None) => {
            upload::chunk(endpoint, &context, payload, &mut call).await
        }
        (Endpoint::CloseUpload, None) => match close::close(&context).await {
            close::Closed::Now(outcome) => outcome,
            close::Closed::GivenUp => return (!effects.lose_answer).then(|| edge(504, call)),
        },
        (_, None) => perform(endpoint, &context),
    };
    if effects.lose_answer || effects.cut_upload.is_some() {
        return None;
    }
    Some(match outcome {
        Ok(body) if endpoint == Endpoint::ExportCsv => answer(body, "text/csv", call),
        Ok(body) if endpoint == Endpoint::DownloadAll => archive::answer(body, &context, call),
        Ok(body) => answer(body, "application/json", call),
        Err(refusal) => refuse(refusal, None, call),
    })
}

/// How many bytes a chunk brings, or how many entries a whole listing has; 0 for a close that was
/// made before.
fn extent(endpoint: Endpoint, args: &Args, state: &State) -> Option<u64> {
    match endpoint {
        Endpoint::UploadChunk | Endpoint::UploadChunk2 => args.number("chunk_size").ok(),
        Endpoint::ListFolder => folder::whole_listing(args, state),
        Endpoint::CloseUpload => close::is_repeated(args, state).then_some(0),
        _ => None,
    }
}

fn perform(endpoint: Endpoint, context: &CallContext) -> Outcome {
    match endpoint {
        Endpoint::Login => session::login(context),
        Endpoint::SessionExists => session::exists(context),
        Endpoint::Logout => session::logout(context),
        Endpoint::UserInfo => session::user_info(context),
        Endpoint::ListFolder => folder::list(context),
        Endpoint::ItemByName => folder::item_by_name(context),
        Endpoint::IdByPath => folder::id_by_path(context),
        Endpoint::ExportCsv => export::csv(context),
        Endpoint::DownloadAll => archive::zip(context),
        Endpoint::CreateFolder => folder::create(context),
        Endpoint::TrashFolder => folder::trash(context),
        Endpoint::RemoveFolder => folder::remove(context),
        Endpoint::RenameFolder => folder::rename(context),
        Endpoint::MoveCopyFolder => folder::move_copy(context),
        Endpoint::FileInfo => file::info(context),
        Endpoint::FileSettings => file::settings(context),
        Endpoint::FileAccess => file::access(context),
        Endpoint::RenameFile => file::rename(context),
        Endpoint::MoveCopyFile => file::move_copy(context),
        Endpoint::TrashFile => file::trash(context),
        Endpoint::DeleteFile => file::delete(context),
        Endpoint::HasContent => upload::has_content(context),
        Endpoint::CreateFile => create::create_file(context),
        Endpoint::OpenUpload => upload::open(context),
        // Answered by `handle`, as they wait for bytes or send some.
        Endpoint::Download
        | Endpoint::UploadChunk
        | Endpoint::UploadChunk2
        | Endpoint::CloseUpload => Err(Refusal::new(500, "Not here")),
    }
}

/// What a call gets that is not done.
enum Refused {
    Redirect(String),
    Planted(Answer),
    Edge(u16),
    Plainly(Refusal, Option<u64>),
}

impl Refused {
    fn answer(self, call: InFlight) -> Response<ReplyBody> {
        match self {
            Self::Redirect(to) => redirect(&to, call),
            Self::Planted(answer) => planted_answer(answer, call),
            Self::Edge(code) => edge(code, call),
            Self::Plainly(refusal, retry_after) => refuse(refusal, retry_after, call),
        }
    }
}

/// What keeps a call from being done: a fault, or its session.
fn refusal(endpoint: Endpoint, context: &CallContext, planted: Option<Answer>) -> Option<Refused> {
    let effects = context.effects;
    if let Some(to) = &effects.redirect {
        return Some(Refused::Redirect(to.clone()));
    }
    if let Some(answer) = planted {
        return Some(Refused::Planted(answer));
    }
    if let Some(code) = effects.edge {
        return Some(Refused::Edge(code));
    }
    if let Some((code, message, retry_after)) = &effects.status {
        return Some(Refused::Plainly(Refusal::new(*code, message.clone()), *retry_after));
    }
    if matches!(endpoint, Endpoint::Login | Endpoint::SessionExists | Endpoint::Logout) {
        return None;
    }
    let refusal = context.state.sessions.check(context.args.text("session_id")).err()?;
    Some(Refused::Plainly(
        Refusal { status: context.behaviour.session_over_status, ..refusal },
        None,
    ))
}

/// A page as the drive's edge servers answer it.
fn edge(code: u16, mut call: InFlight) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"
    );
    call.status(status.as_u16());
    let mut response = Response::new(ReplyBody::whole(page, Some(call)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

async fn wait(time: Duration) {
    // A timer rounds up to the next millisecond: none for nothing.
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn answer(body: Vec<u8>, content_type: &'static str, mut call: InFlight) -> Response<ReplyBody> {
    call.status(200);
    let mut response = Response::new(ReplyBody::whole(body, Some(call)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
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
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn refuse(refusal: Refusal, retry_after: Option<u64>, mut call: InFlight) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({"error": {"code": refusal.code, "message": refusal.message}}).to_string();
    call.status(status.as_u16());
    let mut response = Response::new(ReplyBody::whole(error, Some(call)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
