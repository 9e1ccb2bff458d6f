//! What pages are drawn with. All of it is in the executable, under names that change with it, so
//! that browsers can keep it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

/// A file, and its address with a hash of its content.
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
    address: LazyLock<String>,
}

macro_rules! asset {
    ($name:literal, $end:literal, $kind:literal) => {
        Asset {
            path: concat!("/static/", $name, ".", $end),
            kind: $kind,
            text: include_str!(concat!("../../static/", $name, ".", $end)),
            address: LazyLock::new(|| {
                let mut hasher = DefaultHasher::new();
                include_str!(concat!("../../static/", $name, ".", $end)).hash(&mut hasher);
                format!("/static/{}.{:016x}.{}", $name, hasher.finish(), $end)
            }),
        }
    };
}

static STYLESHEET: Asset = asset!("console", "css", "text/css; charset=utf-8");
static SCRIPT: Asset = asset!("console", "js", "text/javascript; charset=utf-8");
static ICON: Asset = asset!("icon", "svg", "image/svg+xml");

pub fn stylesheet() -> &'static str {
    &STYLESHEET.address
}

pub fn script() -> &'static str {
    &SCRIPT.address
}

pub fn icon() -> &'static str {
    &ICON.address
}

/// How long they may be kept the server says, by their names. The plain ones are for the server's
/// own pages.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [&STYLESHEET, &SCRIPT, &ICON].into_iter().fold(Router::new(), |router, asset| {
        let serve = get(async || ([(CONTENT_TYPE, asset.kind)], asset.text).into_response());
        router.route(&asset.address, serve.clone()).route(asset.path, serve)
    })
}
