//! What others make the owner's browser send.

use crate::web::{client, sign_in};
use crate::{Counted, status};

/// Everything there is: nothing of it may answer to a name that is not ours.
const TARGETS: [&str; 12] = [
    "GET /",
    "GET /login",
    "POST /login",
    "GET /enter",
    "POST /enter",
    "GET /enter.js",
    "GET /static/console.css",
    "GET /static/none",
    "GET /none",
    "GET /api/things",
    "POST /api/things",
    "OPTIONS /",
];

#[tokio::test]
async fn a_name_that_was_pointed_here_gets_nothing() {
    let site = Counted::new().await;
    let (port, owner) = (site.address().port(), sign_in(&client(), &site.server).await);
    site.reached();
    let hosts = [
        format!("evil.example:{port}"),
        "evil.example".into(),
        format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.1".into(),
        "127.0.0.1:1".into(),
        format!("localhost.:{port}"),
        format!("0.0.0.0:{port}"),
        format!("192.0.2.1:{port}"),
        format!("x@127.0.0.1:{port}"),
        String::new(),
    ];
    for target in TARGETS {
        for host in &hosts {
            let origin = format!("Origin: http://{host}\r\nSec-Fetch-Site: same-origin");
            let answer = site
                .raw(&format!("{target} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\nCookie: {}\r\nConnection: close\r\n\r\n", owner.cookie))
                .await;
            assert_eq!(status(&answer), 421, "{target} of {host:?}: {answer}");
            assert!(
                answer.contains("--name") && answer.contains("content-security-policy"),
                "{answer}"
            );
            assert!(!answer.contains("evil"), "what was sent is not shown: {answer}");
        }
    }
    assert_eq!(site.reached(), 0);
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        format!("[::1]:{port}"),
    ] {
        let answer = site
            .raw(&format!(
                "GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
                owner.cookie
            ))
            .await;
        assert_eq!(status(&answer), 200, "{host}");
    }
}

#[tokio::test]
async fn the_host_is_said_once_and_in_one_place() {
    let site = Counted::new().await;
    let own = format!("Host: {}\r\n", site.address());
    let url = format!("http://{}/login", site.address());
    let evil = "Host: evil.example\r\n";
    for (line, hosts) in [
        ("GET /login HTTP/1.1", String::new()),
        ("GET /login HTTP/1.0", String::new()),
        ("GET /login HTTP/1.1", format!("{own}{own}")),
        ("GET /login HTTP/1.1", format!("{own}{evil}")),
        ("GET /login HTTP/1.1", format!("{evil}{own}")),
        (&format!("GET {url} HTTP/1.1"), own.clone()),
        (&format!("GET {url} HTTP/1.1"), evil.into()),
        ("GET http://evil.example/login HTTP/1.1", own.clone()),
        ("CONNECT evil.example:80 HTTP/1.1", own.clone()),
    ] {
        let answer = site.raw(&format!("{line}\r\n{hosts}Connection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), 400, "{line} {hosts:?}");
    }
    let answer = site.raw(&format!("GET /login HTTP/1.1\r\n{own}Connection: close\r\n\r\n")).await;
    assert_eq!(status(&answer), 200);
}

#[tokio::test]
async fn other_pages_change_nothing() {
    let site = Counted::new().await;
    let own = format!("http://{}", site.address());
    let owner = sign_in(&client(), &site.server).await;
    let port = site.address().port();
    // With everything that such a page cannot have, so that the rule itself is seen.
    let post = |headers: &[(&str, &str)]| {
        let request = owner.post("/form").form(&[("csrf", &owner.csrf)]);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let localhost = format!("http://localhost:{port}");
    let secure = format!("https://127.0.0.1:{port}");
    site.reached();
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[("origin", "http://127.0.0.1:3000")],
        &[("origin", &localhost)],
        &[("origin", &secure)],
        &[("origin", "null")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("origin", &own), ("origin", &own)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", &own), ("sec-fetch-site", "same-site")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
    ] {
        assert_eq!(post(headers).await.unwrap().status(), 403, "{headers:?}");
        // The way in is no exception: nobody is signed in, or out, by another page.
        for path in ["/enter", "/login"] {
            let request = headers
                .iter()
                .fold(owner.post(path), |request, (name, value)| request.header(*name, *value));
            let answer =
                request.form(&[("code", site.server.new_login_url())]).send().await.unwrap();
            assert_eq!(
                (answer.status(), answer.headers().get("set-cookie")),
                (403.try_into().unwrap(), None),
                "{path} {headers:?}"
            );
        }
    }
    assert_eq!(site.reached(), 0);
    for headers in [
        &[][..],
        &[("origin", &*own)],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        // What browsers say for a form of a page that sends no referrer.
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(post(headers).await.unwrap().status(), 200, "{headers:?}");
    }
    assert_eq!(site.reached(), 5);
}

#[tokio::test]
async fn other_pages_read_nothing() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    let get = |path: &str, headers: &[(&str, &str)]| {
        headers
            .iter()
            .fold(owner.get(path), |request, (name, value)| request.header(*name, *value))
            .send()
    };
    site.reached();
    for path in ["/api/things", "/", "/static/console.css", "/none", "/login"] {
        for headers in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
                ("sec-fetch-dest", "script"),
            ][..],
            &[
                ("sec-fetch-site", "same-site"),
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty"),
            ],
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ],
            &[("origin", "http://127.0.0.1:3000")],
        ] {
            let answer = get(path, headers).await.unwrap();
            assert_eq!(answer.status(), 403, "{path} {headers:?}");
            assert!(
                !answer.headers().keys().any(|name| name.as_str().starts_with("access-control"))
            );
        }
    }
    assert_eq!(site.reached(), 0);
    let link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(get("/", &link).await.unwrap().status(), 200, "a link may lead here");
}

#[tokio::test]
async fn paths_have_no_second_meaning() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    site.reached();
    let send = async |path: &str, cookie: &str| {
        let (host, cookie) = (site.address(), format!("Cookie: a=b{cookie}"));
        status(
            &site
                .raw(&format!(
                    "GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n"
                ))
                .await,
        )
    };
    for path in [
        "//evil.example/",
        "/static/../api/things",
        "/static/%2e%2e/api/things",
        "/static/%2E./api/things",
        "/static//../",
        "/./",
        "/login/..",
        "/\\evil",
        "*",
    ] {
        assert_eq!(send(path, &format!("; {}", owner.cookie)).await, 400, "{path}");
    }
    // Not decoded, so neither public nor a known route.
    for path in [
        "/..;/api/things",
        "/;/static/x",
        "/%73tatic/console.css",
        "/login;/api",
        "/login%2f..%2fapi",
        "/LOGIN",
        "/login%00",
        "/staticx",
    ] {
        assert_eq!(send(path, "").await, 303, "{path}");
    }
    assert_eq!(site.reached(), 0);
}
