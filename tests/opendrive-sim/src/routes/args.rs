//! A call's arguments, wherever they stand: in the path, the query, a JSON body or a multipart
//! form.

use bytes::Bytes;
use http_body_util::{BodyDataStream, BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use multer::{Field, Multipart};
use serde_json::{Map, Value};

use super::Endpoint;
use crate::drive::Refusal;

/// No JSON request comes near this many bytes.
const JSON_LIMIT: usize = 1 << 20;

/// The part of a chunk's form that holds the bytes; rclone sends it last.
const DATA_PART: &str = "file_data";

pub(super) struct Args(Map<String, Value>);

impl Args {
    /// A text argument; empty when absent.
    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number, written as such or as text; 400 when it is neither.
    pub(super) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, Refusal> {
        let number = match self.0.get(key) {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.to_string().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| Refusal::new(400, format!("Invalid value specified for `{key}`")))
    }

    /// The same, but `None` when it is absent or an empty text.
    pub(super) fn optional<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Refusal> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(_) => self.number(key).map(Some),
        }
    }

    /// A time in seconds since 1970, if one is given; the drive takes none before that.
    pub(super) fn time(&self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.optional::<i64>(key)? {
            Some(time) if time < 0 => {
                Err(Refusal::new(400, format!("Invalid value specified for `{key}`")))
            }
            time => Ok(time),
        }
    }

    /// `true` as rclone writes it, a string; or 1.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.text(key), "true" | "1")
            || matches!(self.0.get(key), Some(Value::Bool(true)))
            || self.number(key).is_ok_and(|number: u64| number == 1)
    }
}

/// The bytes of a chunk, still to be read; nothing in all other calls.
pub(super) struct Payload(Option<Field<'static>>);

impl Payload {
    /// Reads what the client still sends: over HTTP/1.1 it would miss an answer given before that.
    /// Gives its bytes.
    pub(super) async fn drain(mut self) -> u64 {
        let mut bytes = 0;
        while let Ok(Some(data)) = self.next().await {
            bytes += data.len() as u64;
        }
        bytes
    }

    /// The next bytes; `None` at the end. An error means that the client broke off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        match &mut self.0 {
            Some(field) => {
                field.chunk().await.map_err(|_| Refusal::new(400, "The chunk broke off"))
            }
            None => Ok(None),
        }
    }
}

/// Reads all arguments; of a chunk everything up to its bytes.
pub(super) async fn read(
    endpoint: Endpoint,
    rest: &str,
    head: &Parts,
    body: Incoming,
) -> Result<(Args, Payload), Refusal> {
    let mut map = Map::new();
    for (key, value) in endpoint.path_args().iter().zip(rest.split('/')) {
        map.insert((*key).into(), value.into());
    }
    for (key, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        map.insert(key.into_owned(), value.into_owned().into());
    }
    if endpoint.is_chunk() {
        return read_form(map, head, body).await;
    }
    let body = Limited::new(body, JSON_LIMIT).collect().await;
    let body =
        body.map_err(|_| Refusal::new(400, "The request's body could not be read"))?.to_bytes();
    if !body.is_empty() {
        let sent: Map<String, Value> = serde_json::from_slice(&body)
            .map_err(|_| Refusal::new(400, "The request is not a JSON object"))?;
        map.extend(sent);
    }
    Ok((Args(map), Payload(None)))
}

async fn read_form(
    mut map: Map<String, Value>,
    head: &Parts,
    body: Incoming,
) -> Result<(Args, Payload), Refusal> {
    let bad_form = || Refusal::new(400, "The request is not a multipart form");
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary =
        multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| bad_form())?;
    let mut form = Multipart::new(BodyDataStream::new(body), boundary);
    while let Some(field) = form.next_field().await.map_err(|_| bad_form())? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if name == DATA_PART {
            return Ok((Args(map), Payload(Some(field))));
        }
        map.insert(name, field.text().await.map_err(|_| bad_form())?.into());
    }
    Err(Refusal::new(400, "The form has no part `file_data`"))
}
