//! The form that chooses a theme.

use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::error::PageError;
use super::form_data::FormData;
use super::theme::{COOKIE, Theme, is_ours};

/// For how long a browser keeps it.
const KEPT: &str = "Max-Age=31536000";

/// Sets the cookie.
pub async fn choose(posted: FormData) -> Result<Response, PageError> {
    let word = posted.get("theme");
    let wrong = || PageError::input("There is no such theme: choose light, dark or system.");
    let theme = Theme::named(word).ok_or_else(wrong)?;
    let back = Some(posted.get("back")).filter(|path| is_ours(path)).unwrap_or("/");
    let cookie = Cookie::build((COOKIE, theme.as_str()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .build();
    let cookie = AppendHeaders([(SET_COOKIE, format!("{cookie}; {KEPT}"))]);
    Ok((cookie, Redirect::to(back)).into_response())
}
