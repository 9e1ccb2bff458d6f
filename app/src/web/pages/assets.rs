//! What pages are drawn with. All of it is in the executable.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A file, and its address with a hash of its content.
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
    address: LazyLock<String>,
}

macro_rules! asset {
    ($file:literal, $kind:literal) => {
        Asset {
            path: concat!("/static/", $file),
            kind: $kind,
            text: include_str!(concat!("../../../static/", $file)),
            address: LazyLock::new(|| {
                let mut hasher = DefaultHasher::new();
                include_str!(concat!("../../../static/", $file)).hash(&mut hasher);
                format!("/static/{}?v={:016x}", $file, hasher.finish())
            }),
        }
    };
}

static STYLESHEET: Asset = asset!("console.css", "text/css; charset=utf-8");
static SCRIPT: Asset = asset!("console.js", "text/javascript; charset=utf-8");
static ICON: Asset = asset!("icon.svg", "image/svg+xml");

pub fn stylesheet() -> &'static str {
    &STYLESHEET.address
}

pub fn script() -> &'static str {
    &SCRIPT.address
}

pub fn icon() -> &'static str {
    &ICON.address
}

pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [&STYLESHEET, &SCRIPT, &ICON].into_iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(async move |RawQuery(query): RawQuery| serve(asset, query.as_deref())))
    })
}

fn serve(asset: &Asset, query: Option<&str>) -> Response {
    // Under another hash, or none, it may be another file next time.
    let this = query.is_some_and(|query| asset.address.ends_with(&format!("?{query}")));
    let caching = if this { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, caching)], asset.text).into_response()
}
