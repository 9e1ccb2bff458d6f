//! What stands before every route. (A placeholder: the branch h-web has the real one.)

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

/// The signed-in browser; put among a request's extensions by the server.
#[derive(Clone, Debug)]
pub struct Session {
    csrf: Arc<str>,
}

impl Session {
    /// For the hidden field `csrf` of each form.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self { csrf: "none".into() }))
    }
}
