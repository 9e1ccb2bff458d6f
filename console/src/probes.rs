//! What monitors ask: whether the console runs, whether work could be done, and figures.
//!
//! `/health` and `/ready` are open to everybody and say next to nothing; `/metrics` has names of
//! apps, and wants a token or a session unless it was opened.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use source_app::service::Service;

/// The routes, at the top.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(service)
}

async fn ready(State(service): State<Service>) -> Response {
    match service.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(what) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {what}\n")).into_response()
        }
    }
}

async fn metrics(State(service): State<Service>) -> Response {
    match service.metrics().await {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "no metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, "the database cannot be used\n").into_response()
        }
    }
}
