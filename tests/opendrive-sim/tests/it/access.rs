//! The proxy, logins and sessions.

use std::time::{Duration, Instant};

use opendrive_sim::texts;
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{Client, connect_to, start};

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let simulator = start();
    let client = Client::new(&simulator, false);
    for (username, password) in
        [("user@example.com", "wrong"), ("other@example.com", simulator.password()), ("", "")]
    {
        let reply = client
            .post("session/login.json", json!({"username": username, "passwd": password}))
            .await;
        assert_eq!(reply.refused(401), "Invalid username or password");
    }
    assert_eq!(simulator.calls().of("session/login"), 3);
    assert_eq!(simulator.calls().by_status[&401], 3);
}

#[tokio::test]
async fn each_login_has_its_own_session() {
    let simulator = start();
    let (a, b) = (Client::login(&simulator).await, Client::login(&simulator).await);
    assert_ne!(a.session, b.session);
    let used = a.get(&format!("users/info.json/{}", a.session)).await.ok();
    assert_eq!((used.text("StorageUsed"), used.text("MaxStorage")), ("0".into(), "1048576".into()));
}

#[tokio::test]
async fn calls_need_a_session() {
    let simulator = start();
    let mut client = Client::new(&simulator, false);
    client.session = "invented".into();
    client.list("0").await.refused(401);
    client.make_folder("0", "a").await.refused(401);
    client.chunk("F1", "/tmp/x", 0, &vec![0; 1 << 20]).await.refused(401);
    assert!(simulator.drive().tree().is_empty());
}

#[tokio::test]
async fn expired_sessions_stay_expired() {
    let simulator = start();
    let mut client = Client::login(&simulator).await;
    let old = client.clone();
    simulator.expire_sessions();
    assert_eq!(client.list("0").await.refused(401), texts::SESSION_OVER);
    client.login_again(&simulator).await;
    client.list("0").await.ok();
    assert_eq!(old.list("0").await.refused(401), texts::SESSION_OVER);
}

#[tokio::test]
async fn proxy_leads_to_one_host_only() {
    let simulator = start();
    for target in ["example.com:443", "dev.opendrive.com:80", "127.0.0.1:22"] {
        let mut stream = TcpStream::connect(simulator.address()).await.expect("the proxy");
        assert!(connect_to(&mut stream, target).await.starts_with("HTTP/1.1 403"), "{target}");
    }
}

#[tokio::test]
async fn unknown_calls_are_not_found() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    client.get("no/such.json").await.refused(404);
    client.delete("folder/list.json/a/0").await.refused(404);
    assert_eq!(simulator.calls().of("unknown"), 2);
}

#[tokio::test]
async fn latency_and_calls_in_flight() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    // Long enough that all three have come before the first is answered.
    let latency = Duration::from_secs(2);
    simulator.set_latency(latency);
    simulator.reset_calls();
    let begun = Instant::now();
    tokio::join!(client.list("0"), client.list("0"), client.list("0"));
    assert!(begun.elapsed() >= latency);
    let calls = simulator.calls();
    assert_eq!(
        (calls.total, calls.of("folder/list"), calls.peak_in_flight, calls.in_flight),
        (3, 3, 3, 0)
    );
    let log = simulator.call_log();
    assert_eq!(log.len(), 3);
    for record in log {
        assert!(record.end - record.start >= latency, "{record:?}");
        assert_eq!(
            (record.endpoint, record.status, record.session),
            ("folder/list", 200, client.session.clone())
        );
    }
}

#[test]
fn starts_and_stops_outside_async_code() {
    let simulator = start();
    let (address, ca_file) = (simulator.address(), simulator.ca_file().to_owned());
    assert!(std::net::TcpStream::connect(address).is_ok());
    assert!(ca_file.exists());
    drop(simulator);
    assert!(!ca_file.exists());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn environment_leads_here() {
    let simulator = start();
    let env: std::collections::HashMap<_, _> = simulator.env().into_iter().collect();
    assert_eq!(env["HTTPS_PROXY"], simulator.proxy_url());
    assert_eq!(env["RCLONE_CA_CERT"], simulator.ca_file().to_string_lossy());
    assert_eq!(env["NO_PROXY"], "");
}
