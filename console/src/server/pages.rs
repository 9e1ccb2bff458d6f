//! The server's own few pages: coming in, going out, and what went wrong.

use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use serde::Deserialize;

use super::access_control::AccessControl;
use super::session::Session;

/// What is open without a session: the ways in, what they look like, and whether the server is well.
pub(super) fn is_public(path: &str, is_safe: bool) -> bool {
    match path {
        "/login" | "/enter" => true,
        "/enter.js" | "/signed-out" | "/health" | "/ready" => is_safe,
        _ => is_safe && path.starts_with("/static/"),
    }
}

pub(super) fn routes(access: Arc<AccessControl>) -> Router {
    Router::new()
        .route("/enter", get(enter).post(entered))
        .route("/enter.js", get(script))
        .route("/login", get(login).post(logged_in))
        .route("/logout", get(logout).post(logged_out))
        .route("/logout/all", post(all_logged_out))
        .route("/signed-out", get(signed_out))
        .with_state(access)
}

/// An error, for people or for programs.
pub(super) fn error(status: StatusCode, text: &str, is_api: bool) -> Response {
    if is_api {
        let code = match status {
            StatusCode::UNAUTHORIZED => "no_session",
            StatusCode::FORBIDDEN => "foreign",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "media_type",
            StatusCode::METHOD_NOT_ALLOWED => "method",
            StatusCode::INTERNAL_SERVER_ERROR => "inside",
            StatusCode::TOO_MANY_REQUESTS => "too_many",
            _ => "input",
        };
        // The form that docs/openapi.yaml describes.
        let error = serde_json::json!({ "code": code, "message": text, "faults": [] });
        return (status, Json(serde_json::json!({ "error": error }))).into_response();
    }
    let title = status.canonical_reason().unwrap_or("Error");
    page(status, &ServerErrorPage { title, text, sign_in: status == StatusCode::UNAUTHORIZED })
}

#[derive(Template)]
#[template(path = "server/error.html")]
struct ServerErrorPage<'a> {
    title: &'a str,
    text: &'a str,
    sign_in: bool,
}

#[derive(Template)]
#[template(path = "server/enter.html")]
struct EnterPage<'a> {
    error: &'a str,
}

#[derive(Template)]
#[template(path = "server/login.html")]
struct LoginPage<'a> {
    has_password: bool,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "server/logout.html")]
struct LogoutPage<'a> {
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "server/signed_out.html")]
struct SignedOutPage;

fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn enter() -> Response {
    page(StatusCode::OK, &EnterPage { error: "" })
}

async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("enter.js"))
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

async fn entered(
    State(access): State<Arc<AccessControl>>,
    old: Option<Session>,
    jar: CookieJar,
    Form(form): Form<CodeForm>,
) -> Response {
    // The whole address may be pasted.
    let code = form.code.rsplit('#').next().unwrap_or_default().trim();
    match access.enter(code) {
        Some(cookie) => {
            tracing::info!("somebody signed in by a one-time code");
            begin(&access, old, jar, cookie)
        }
        None => {
            tracing::warn!("a one-time code was refused");
            let error = "This code is wrong, too old, or was used before; each works once.";
            page(StatusCode::FORBIDDEN, &EnterPage { error })
        }
    }
}

async fn login(State(access): State<Arc<AccessControl>>) -> Response {
    page(StatusCode::OK, &LoginPage { has_password: access.has_password(), error: "" })
}

#[derive(Deserialize)]
struct PasswordForm {
    password: String,
}

async fn logged_in(
    State(access): State<Arc<AccessControl>>,
    old: Option<Session>,
    jar: CookieJar,
    Form(form): Form<PasswordForm>,
) -> Response {
    let refused = |status, error: &str| {
        page(status, &LoginPage { has_password: access.has_password(), error })
    };
    let Some(password) = &access.password else {
        return refused(StatusCode::FORBIDDEN, "This console has no password.");
    };
    match password.is(form.password).await {
        Ok(true) => {
            tracing::info!("somebody signed in by the password");
            begin(&access, old, jar, access.sessions.begin(SystemTime::now()))
        }
        Ok(false) => {
            tracing::warn!("a wrong password was given");
            refused(StatusCode::FORBIDDEN, "This is not the password.")
        }
        Err(wait) => {
            let seconds = wait.as_secs() + 1;
            let text = format!(
                "There were too many wrong passwords. Wait {seconds} s, or use a one-time code."
            );
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, &text);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            response
        }
    }
}

/// Lets a browser in; a session that it had ends.
fn begin(
    access: &AccessControl,
    old: Option<Session>,
    jar: CookieJar,
    cookie: Cookie<'static>,
) -> Response {
    if let Some(old) = old {
        access.sessions.end(&old);
    }
    (jar.add(cookie), Redirect::to("/")).into_response()
}

async fn logout(session: Session) -> Response {
    page(StatusCode::OK, &LogoutPage { csrf: session.csrf() })
}

async fn logged_out(
    State(access): State<Arc<AccessControl>>,
    session: Session,
    jar: CookieJar,
) -> Response {
    access.sessions.end(&session);
    (jar.add(access.sessions.removal()), Redirect::to("/signed-out")).into_response()
}

async fn all_logged_out(
    State(access): State<Arc<AccessControl>>,
    _: Session,
    jar: CookieJar,
) -> Response {
    access.sessions.end_all();
    tracing::info!("all sessions were ended");
    (jar.add(access.sessions.removal()), Redirect::to("/signed-out")).into_response()
}

async fn signed_out() -> Response {
    page(StatusCode::OK, &SignedOutPage)
}
