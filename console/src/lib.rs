//! The console: pages, and a JSON API over the same service, behind the server's checks.
//!
//! `server` stands before every route, also those that do not exist: Host, Origin, session, CSRF
//! token, content security policy. `pages` is HTML by askama, which escapes all it is given; `api`
//! is described by docs/openapi.yaml, which a test holds against the running server.

pub mod api;
pub mod pages;
mod probes;
mod problem;
mod routes;
pub mod server;
mod tokens;

use axum::Router;

use source_app::service::Service;
use source_app::state::Author;

pub use tokens::StateTokens;

/// All routes of the console.
pub fn router(service: Service) -> Router {
    let service = service.by(Author::console());
    Router::new()
        .nest("/api", api::router(service.clone()))
        .merge(probes::router(service.clone()))
        .merge(pages::router(service))
}
