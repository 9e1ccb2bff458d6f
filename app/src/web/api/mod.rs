//! The JSON API.

use axum::Router;

use crate::service::Service;

/// The routes below `/api`.
pub fn router(service: Service) -> Router {
    Router::new().with_state(service)
}
