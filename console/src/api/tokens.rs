//! Tokens by which programs use this API. They are made and revoked by people: a token that leaked
//! must not make others.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::answer::created;
use super::caller::Caller;
use super::error::{ApiError, ApiResult};
use super::extract::{NoBody, NoParameters, StrictJson, StrictPath, StrictQuery};
use super::number::Id;
use super::views::ListView;
use crate::server::Grant;
use source_app::service::{Service, TokenSpec};
use source_app::state::ApiToken;

/// A request that did not come with a token.
pub(super) struct ByPerson;

impl<S: Sync> FromRequestParts<S> for ByPerson {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        match parts.extensions.get::<Grant>() {
            None => Ok(Self),
            Some(_) => Err(ApiError::foreign(
                "tokens are made and revoked by whoever is signed in, not by a token; open the console, or use `plakar-opendrive app token`",
            )),
        }
    }
}

pub(super) async fn list(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<ApiToken>>> {
    Ok(Json(ListView { items: service.tokens().await? }))
}

pub(super) async fn add(
    _: ByPerson,
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(spec): StrictJson<TokenSpec>,
) -> ApiResult<Response> {
    let made = service.add_token(spec).await?;
    Ok(created(&format!("/tokens/{}", made.about.id), &made))
}

pub(super) async fn revoke(
    _: ByPerson,
    Caller(service): Caller,
    StrictPath(token): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.revoke_token(token.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}
