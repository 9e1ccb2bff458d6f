//! The shell of the console: each rule, and each attack that it is there for.

#[path = "../common/web.rs"]
mod web;

mod attacks;
mod coming_in;
mod limits;
mod password;
mod rules;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use web::Site;
use web_console::server::{Limits, Listen, Session};

/// A site with a page, a form, an API and files, which counts what gets through to it.
struct Counted {
    site: Site,
    reached: Arc<AtomicUsize>,
}

impl Counted {
    async fn new() -> Self {
        Self::with(Listen::loopback(0), Limits::default()).await
    }

    async fn with(listen: Listen, limits: Limits) -> Self {
        let reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reached);
        let router = routes().layer(from_fn(move |request, next: Next| {
            count.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        }));
        Self { site: Site::with(router, listen, limits).await, reached }
    }

    /// How many requests got through since this was asked for last.
    fn reached(&self) -> usize {
        self.reached.swap(0, Ordering::SeqCst)
    }
}

impl std::ops::Deref for Counted {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

fn routes() -> Router {
    let css = || async { ([(header::CONTENT_TYPE, "text/css")], "p { margin: 0 }") };
    let endless = || async {
        Body::from_stream(futures::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]))
        }))
    };
    Router::new()
        .route("/", get(|| async { "home" }))
        .route("/csrf", get(|session: Session| async move { session.csrf().to_owned() }))
        .route("/panic", get(|| async { panic!("a fault of a route's own") as &'static str }))
        .route("/endless", get(endless))
        .route("/form", post(|body: String| async move { body }))
        .route(
            "/api/things",
            get(|| async { "[]" })
                .post(|body: String| async move { body })
                .delete(|| async { "gone" }),
        )
        .route("/static/console.css", get(css))
        .route("/static/console.0123abcd.css", get(css))
}

/// The status of an answer as it came.
fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
