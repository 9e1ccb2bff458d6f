//! The console: pages, and a JSON API over the same service, behind the server's checks.

pub mod api;
pub mod pages;
mod problem;
mod routes;
pub mod server;

use axum::Router;

use source_app::service::Service;

/// All routes of the console.
pub fn router(service: Service) -> Router {
    Router::new().nest("/api", api::router(service.clone())).merge(pages::router(service))
}
