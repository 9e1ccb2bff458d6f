//! Accounts, and their passwords changed in one place.

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{NoParameters, StrictJson, StrictQuery};
use super::views::ListView;
use source_app::service::{Account, AccountChange, Service};

pub(super) async fn list(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<Account>>> {
    Ok(Json(ListView { items: service.accounts().await? }))
}

pub(super) async fn change(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(change): StrictJson<AccountChange>,
) -> ApiResult<Json<Account>> {
    Ok(Json(service.change_account(change).await?))
}
