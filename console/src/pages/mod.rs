//! The pages.

mod app;
mod app_form;
mod assets;
mod assign;
pub mod error;
mod export;
pub mod format;
pub mod forms;
mod head;
mod notices;
mod overview;
mod points;
mod policies;
mod refused;
mod running;
mod schedules;
mod settings;
mod shell;
mod tasks;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Redirect, Response};

use error::PageError;
use source_app::service::Service;

pub use head::{AppHead, Tab};
pub use shell::{Section, Shell, Visit};

/// What a page's handler gives.
type PageResult = Result<Response, PageError>;

/// The pages' routes.
pub fn router(service: Service) -> Router {
    Router::new()
        .merge(overview::routes())
        .merge(app::routes())
        .merge(points::routes())
        .merge(schedules::routes())
        .merge(policies::routes())
        .merge(export::routes())
        .merge(assign::routes())
        .merge(settings::routes())
        .merge(tasks::routes())
        .fallback(async || PageError::not_found("There is no such page."))
        .layer(from_fn(error::as_page))
        .merge(assets::routes())
        .with_state(service)
}

/// A page.
fn page(template: &impl Template) -> PageResult {
    let text = template.render().map_err(|error| PageError::inside(&error))?;
    Ok(Html(text).into_response())
}

/// A page with what is wrong in a form.
fn faulty(template: &impl Template) -> PageResult {
    let mut response = page(template)?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Leads to a page that shows a notice; `notice` is one of the codes in `notices.rs`.
fn done(path: &str, notice: &str) -> Response {
    Redirect::to(&format!("{path}?notice={notice}")).into_response()
}
