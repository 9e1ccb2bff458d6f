//! What the console's shell logs. A process of its own: the one place that sees every line is the
//! whole process's.

#[path = "common/web.rs"]
mod web;

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use web::{Site, client, sign_in};

/// Writes down everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
    }
}

#[tokio::test]
async fn the_log_knows_no_secret() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let site = Site::of(Router::new().route("/", get(|| async { "home" }))).await;
    let owner = sign_in(&client(), &site.server).await;
    let unused = site.server.new_login_url();
    owner.get(&format!("/?secret={}", owner.csrf)).send().await.unwrap();
    owner.post("/enter").form(&[("code", "wrong-code")]).send().await.unwrap();
    owner.post("/login").form(&[("password", "wrong-password")]).send().await.unwrap();
    owner.post_json("/api/things", &json!({ "password": "wrong-password" })).send().await.unwrap();
    client().get(site.url("/")).header("host", "evil\u{e4}\t.example").send().await.unwrap();
    owner.post("/logout/all").form(&[("csrf", &owner.csrf)]).send().await.unwrap();
    let log = log.0.lock().unwrap().clone();
    for part in [
        "signed in by a one-time code",
        "a one-time code was refused",
        "unknown host",
        "all sessions were ended",
        "path=\"/api/things\"",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
    let (id, code) = (owner.cookie.split('=').nth(1).unwrap(), unused.split('#').nth(1).unwrap());
    for secret in [id, code, &owner.csrf, "wrong-code", "wrong-password", "secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
