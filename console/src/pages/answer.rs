//! What handlers answer with: a page, a form again with its faults, or the way to another page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::error::{PageError, http_status};
use source_app::service::{Error, Problem};

/// What a page's handler gives.
pub(super) type PageResult = Result<Response, PageError>;

/// A page.
pub(super) fn render(template: &impl Template) -> PageResult {
    let text = template.render().map_err(|error| PageError::inside(&error))?;
    Ok(Html(text).into_response())
}

/// A form again, with what is wrong in it.
pub(super) fn render_invalid(form: &impl Template) -> PageResult {
    render_with(form, StatusCode::UNPROCESSABLE_ENTITY)
}

/// A form again that the service refused, with the status that says why.
pub(super) fn render_refused(form: &impl Template, error: &Error) -> PageResult {
    match error.problem() {
        Problem::Input => render_invalid(form),
        problem => render_with(form, http_status(problem)),
    }
}

fn render_with(template: &impl Template, status: StatusCode) -> PageResult {
    let mut response = render(template)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Leads to a page that shows a notice; `notice` is one of the codes in `notices.rs`.
pub(super) fn redirect(path: &str, notice: &str) -> Response {
    Redirect::to(&format!("{path}?notice={notice}")).into_response()
}
