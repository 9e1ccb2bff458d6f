//! What a request gives, read strictly.

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

use super::error::{ApiError, ApiResult};
use plakar_driver::{SnapshotId, SnapshotPath};

/// Maximum size of a body, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;

/// For requests without parameters, and bodies that say nothing: `{}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParameters {}

/// The parameters in a path.
pub(super) struct StrictPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for StrictPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(rejection)) => Err(ApiError::input(
                format!("the address cannot be read: {}", rejection.into_kind()),
            )),
            Err(rejection) => Err(ApiError::input(rejection.body_text())),
        }
    }
}

/// The parameters of a query. One that is unknown, or given twice, is refused.
pub(super) struct StrictQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let why = std::error::Error::source(&rejection).map(ToString::to_string);
                Err(ApiError::input(format!(
                    "the query cannot be read: {}",
                    why.unwrap_or_default()
                )))
            }
        }
    }
}

/// A body of JSON. A field that is unknown, or given twice, is refused.
pub(super) struct StrictJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        if !is_json(request.headers()) {
            return Err(ApiError::media_type());
        }
        let bytes = bytes(request, state).await?;
        // Serde would take a list for the fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::input("the body: write a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(wrong)?;
        json.end().map_err(|error| ApiError::input(format!("the body: {error}")))?;
        Ok(Self(value))
    }
}

/// A change in a body of JSON, with the `revision` that it is made to.
pub(super) struct Change<T> {
    pub(super) revision: i64,
    pub(super) change: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Change<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let StrictJson(mut fields) =
            StrictJson::<Map<String, Value>>::from_request(request, state).await?;
        let revision = fields.remove("revision").as_ref().and_then(Value::as_i64).ok_or_else(|| {
            ApiError::value(
                "revision",
                "revision: write the number that it had when it was read; who changed it meanwhile loses nothing".into(),
            )
        })?;
        let change = serde_path_to_error::deserialize(Value::Object(fields)).map_err(wrong)?;
        Ok(Self { revision, change })
    }
}

/// A request must have no body.
pub(super) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let empty = bytes(request, state).await.is_ok_and(|bytes| bytes.is_empty());
        if empty {
            Ok(Self)
        } else {
            Err(ApiError::input("this request takes no body; leave it out"))
        }
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> ApiResult<Bytes> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(MAX_BODY_BYTES),
        _ => ApiError::input("the body ended too early"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// What is wrong with a body and where, without the value: it may be a password.
fn wrong(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let (key, inner) = (error.path().to_string(), error.into_inner());
    let message = inner.to_string();
    // "invalid type: integer `1`, expected a string": what was expected is ours, all before it is
    // the sender's.
    let message = match message.rsplit_once(", expected ") {
        Some((said, expected)) if !said.starts_with("unknown field") => format!("write {expected}"),
        _ => message,
    };
    match key.as_str() {
        "." | "?" => ApiError::input(format!("the body: {message}")),
        key => ApiError::value(key, format!("{key}: {message}")),
    }
}

/// The id of a snapshot, of an address.
pub(super) struct SnapshotParameter(pub SnapshotId);

impl<'de> Deserialize<'de> for SnapshotParameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        SnapshotId::new(&String::deserialize(deserializer)?).map(Self).map_err(Error::custom)
    }
}

/// A path in a snapshot, of a query or a body.
#[derive(Clone)]
pub(super) struct PathParameter(pub SnapshotPath);

impl Default for PathParameter {
    fn default() -> Self {
        Self(SnapshotPath::root())
    }
}

impl<'de> Deserialize<'de> for PathParameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        SnapshotPath::new(&String::deserialize(deserializer)?).map(Self).map_err(Error::custom)
    }
}
