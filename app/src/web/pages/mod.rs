//! The pages.

mod shell;

use axum::Router;

use crate::service::Service;

pub use shell::{Section, Shell};

/// The pages' routes.
pub fn router(service: Service) -> Router {
    Router::new().with_state(service)
}
