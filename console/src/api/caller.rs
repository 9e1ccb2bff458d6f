//! The service as whoever asks: the record of changes names the token that a program came with.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::server::Grant;
use source_app::service::Service;
use source_app::state::Author;

/// The service, for what changes settings.
pub(super) struct Caller(pub Service);

impl FromRequestParts<Service> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Infallible> {
        let author = match parts.extensions.get::<Grant>() {
            Some(grant) => Author::token(&grant.name),
            None => Author::console(),
        };
        Ok(Self(service.by(author)))
    }
}
