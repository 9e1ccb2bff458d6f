//! The control interface, spoken to by hand over plain HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::client::{Client, start};

/// A request to the control interface: the status and the body of its answer.
pub fn control(
    address: SocketAddr,
    method: &str,
    path: &str,
    host: &str,
    body: &[u8],
) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("the simulator");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).expect("a write");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
    (status, answer[end..].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_over_json() {
    let simulator = start();
    let address = simulator.address();
    let send = |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        control(address, method, path, "localhost:1", &body)
    };
    let get = |path: &str| -> Value {
        let (status, body) = send("GET", path, Value::Null);
        assert_eq!(status, 200, "{path}");
        serde_json::from_slice(&body).expect("JSON")
    };
    let post = |path: &str, body: Value| assert_eq!(send("POST", path, body).0, 200, "{path}");

    post("/_sim/folder", json!({"path": "a/b"}));
    assert_eq!(
        control(address, "PUT", "/_sim/file?path=a/f%20%C3%BC&mtime=5", "127.0.0.1:9", b"bytes").0,
        200
    );
    post("/_sim/generated", json!({"path": "g", "size": 100, "seed": 3, "mtime": 6}));
    let tree = get("/_sim/tree");
    assert_eq!(
        tree["a/f ü"],
        json!({"is_dir": false, "size": 5, "mtime": 5, "md5": crate::client::md5(b"bytes")})
    );
    assert_eq!(tree["g"]["size"], 100);
    assert_eq!(send("GET", "/_sim/file?path=a/f+%C3%BC", Value::Null), (200, b"bytes".to_vec()));
    assert_eq!(send("DELETE", "/_sim/file?path=a", Value::Null).0, 200);
    assert_eq!(send("GET", "/_sim/file?path=a/f", Value::Null).0, 404);
    assert_eq!(send("PUT", "/_sim/file?path=a:b", Value::Null).0, 400);

    let client = Client::login(&simulator).await;
    post(
        "/_sim/faults",
        json!([{"endpoint": "folder/list", "times": null, "what": {"status": {"code": 503}}},
                                {"item": "nowhere", "what": "reset"}]),
    );
    client.list("0").await.refused(503);
    assert_eq!(get("/_sim/unused-faults").as_array().map(Vec::len), Some(1));
    assert_eq!(get("/_sim/faults")[0]["fired"], 1);
    post(
        "/_sim/faults",
        json!([{"endpoint": "folder/list", "what": {"answer": {"body": "<html>"}}}]),
    );
    assert_eq!(client.list("0").await.body, b"<html>");
    post("/_sim/faults", json!([]));
    post("/_sim/latency", json!({"ms": 20}));
    client.list("0").await.ok();
    let calls = get("/_sim/calls");
    assert_eq!(
        (&calls["by_endpoint"]["folder/list"], &calls["by_status"]["503"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(get("/_sim/log").as_array().map(Vec::len), Some(4));
    post("/_sim/reset", Value::Null);
    assert_eq!(get("/_sim/calls")["total"], 0);
    post("/_sim/expire-sessions", Value::Null);
    client.list("0").await.refused(401);
    post("/_sim/quota", json!({"bytes": 100}));
    assert_eq!(simulator.drive().usage(), (100, Some(100)));
    assert_eq!(get("/_sim/duplicate-folders"), json!({"now": 0, "ever": 0}));
    assert_eq!(get("/_sim/open-uploads"), json!([]));
    assert_eq!(get("/_sim/behaviour")["max_downloads"], 6);
    post(
        "/_sim/behaviour",
        json!({"max_downloads": null, "download_speed": 200_000, "temp_location": "at_open"}),
    );
    let behaviour = simulator.behaviour();
    assert_eq!(
        (behaviour.max_downloads, behaviour.download_speed, behaviour.ranges),
        (None, Some(200_000), true)
    );
    assert_eq!(get("/_sim/behaviour")["temp_location"], "at_open");
    assert_eq!(send("POST", "/_sim/behaviour", json!({"max_download": 1})).0, 400);
    assert_eq!(simulator.behaviour(), behaviour, "nothing of it was done");
    post("/_sim/reset-volume", Value::Null);
    post("/_sim/solve-captcha", Value::Null);
    let faults = json!([{"what": "refuse_write", "probability": 0.1, "seconds": 20.0, "times": null},
                        {"what": {"slow_close": {"seconds": 40.0}}}, {"what": {"volume_used_up": {}}}, {"what": {"edge": {"code": 401}}},
                        {"what": {"stall_body": {"after": 5}}}, {"what": {"lag_files": {"seconds": 2.5}}}]);
    post("/_sim/faults", faults);
    assert_eq!(simulator.faults().len(), 6);
    assert_eq!(send("POST", "/_sim/faults", json!([{"what": "nonsense"}])).0, 400);
    assert_eq!(send("GET", "/_sim/nonsense", Value::Null).0, 404);
}

#[test]
fn other_hosts_are_refused() {
    let simulator = start();
    for host in ["example.com", "dev.opendrive.com", "127.0.0.1.example.com:80", "10.0.0.1:80", ""]
    {
        assert_eq!(
            control(simulator.address(), "GET", "/_sim/calls", host, b"").0,
            403,
            "{host:?}"
        );
    }
    for host in ["127.0.0.1", "localhost", "[::1]:80", "127.0.0.1:1234"] {
        assert_eq!(
            control(simulator.address(), "GET", "/_sim/calls", host, b"").0,
            200,
            "{host:?}"
        );
    }
    assert_eq!(
        control(simulator.address(), "GET", "http://127.0.0.1/_sim/calls", "127.0.0.1", b"").0,
        403
    );
    assert_eq!(control(simulator.address(), "GET", "/", "127.0.0.1", b"").0, 404);
}
