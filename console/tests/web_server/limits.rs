//! What one peer may cost, and the end.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use web_console::server::{Limits, Listen};

use crate::web::{SignedIn, client, sign_in};
use crate::{Counted, status};

/// More than any of this takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

async fn with(limits: Limits) -> Counted {
    Counted::with(Listen::loopback(0), limits).await
}

/// Reads until the server hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the server hangs up");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_header_that_never_ends_is_given_up() {
    let site =
        with(Limits { header_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let before = Instant::now();
    let mut silent = TcpStream::connect(site.address()).await.unwrap();
    let mut dripping = TcpStream::connect(site.address()).await.unwrap();
    dripping.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let drip = async {
        // Each byte comes in time, the header does not.
        while dripping.write_all(b"a: b\r\n").await.is_ok() {
            assert!(before.elapsed() < LONG, "still listening");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(drip, async { assert_eq!(rest(&mut silent).await, "") });
    assert!(before.elapsed() >= Duration::from_millis(200), "not at once");
    // And so is one that stays after an answer. A busy machine may bring a header too late for one.
    let request = format!("GET /login HTTP/1.1\r\nHost: {}\r\n\r\n", site.address());
    let answer = loop {
        let mut idle = TcpStream::connect(site.address()).await.unwrap();
        let _ = idle.write_all(request.as_bytes()).await;
        let answer = rest(&mut idle).await;
        if !answer.is_empty() {
            break answer;
        }
        assert!(before.elapsed() < 2 * LONG, "never an answer");
    };
    assert_eq!(status(&answer), 200);
}

/// The header of a change, of which the body is still to come.
fn head(site: &Counted, owner: &SignedIn, more: &str) -> String {
    let (host, cookie, csrf) = (site.address(), &owner.cookie, &owner.csrf);
    format!(
        "POST /form HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_has_a_size() {
    let site = with(Limits { max_body_bytes: 100_000, ..Limits::default() }).await;
    let owner = sign_in(&client(), &site.server).await;
    site.reached();
    let sized = |size: usize| {
        owner
            .post("/form")
            .header("x-csrf-token", &owner.csrf)
            .form(&[("a", "x".repeat(size - 2))])
            .send()
    };
    assert_eq!(sized(100_000).await.unwrap().status(), 200);
    assert_eq!(site.reached(), 1);
    let answer = site.raw(&head(&site, &owner, "Content-Length: 100001")).await;
    assert_eq!(status(&answer), 413, "before a byte of it came");
    let chunked = format!(
        "{}186a1\r\n{}\r\n0\r\n\r\n",
        head(&site, &owner, "Transfer-Encoding: chunked"),
        "x".repeat(100_001)
    );
    assert_eq!(status(&site.raw(&chunked).await), 413);
    let own =
        format!("Host: {}\r\nContent-Type: application/x-www-form-urlencoded", site.address());
    let answer =
        site.raw(&format!("POST /enter HTTP/1.1\r\n{own}\r\nContent-Length: 20000\r\n\r\n")).await;
    assert_eq!(status(&answer), 413, "a stranger has less room");
    let answer =
        site.raw(&format!("POST /form HTTP/1.1\r\n{own}\r\nContent-Length: 20\r\n\r\n")).await;
    assert_eq!(status(&answer), 401, "and is not waited for elsewhere");
    let answer = site.raw(&head(&site, &owner, "Content-Length: 5\r\nContent-Length: 6")).await;
    assert_eq!(status(&answer), 400);
    assert_eq!(site.reached(), 0);
}

#[tokio::test]
async fn a_body_has_a_time() {
    let site = with(Limits { body_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let owner = sign_in(&client(), &site.server).await;
    site.reached();
    let slow = head(&site, &owner, "Content-Length: 5") + "ab";
    let answer = site.raw(&slow).await;
    assert_eq!(status(&answer), 408, "{answer}");
    // Two lengths are how a proxy and a server are made to disagree.
    let both = head(&site, &owner, "Content-Length: 5\r\nTransfer-Encoding: chunked");
    let answer = site.raw(&both).await;
    assert!([400, 408].contains(&status(&answer)), "{answer}");
    assert_eq!(site.reached(), 0);
}

#[tokio::test]
async fn a_header_has_a_size() {
    let site = Counted::new().await;
    let answer = site
        .raw(&format!(
            "GET /login HTTP/1.1\r\nHost: {}\r\nA: {}\r\n\r\n",
            site.address(),
            "x".repeat(70_000)
        ))
        .await;
    assert_eq!(status(&answer), 431);
    let many = (0..200).map(|n| format!("A{n}: b\r\n")).collect::<String>();
    assert_eq!(status(&site.raw(&format!("GET /login HTTP/1.1\r\n{many}\r\n")).await), 431);
}

#[tokio::test]
async fn the_number_of_connections_is_bounded() {
    let site = with(Limits {
        max_connections: 2,
        header_timeout: Duration::from_millis(500),
        ..Limits::default()
    })
    .await;
    let before = Instant::now();
    let held = [
        TcpStream::connect(site.address()).await.unwrap(),
        TcpStream::connect(site.address()).await.unwrap(),
    ];
    // The third waits in the queue until the first two are given up.
    let answer = timeout(LONG, client().get(site.url("/login")).send()).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(before.elapsed() >= Duration::from_millis(500), "{:?}", before.elapsed());
    drop(held);
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_keeps_nobody_out_and_who_is_slow_is_not_cut_off() {
    let site = with(Limits {
        max_connections: 2,
        header_timeout: Duration::from_millis(500),
        write_timeout: Duration::from_secs(2),
        ..Limits::default()
    })
    .await;
    let owner = sign_in(&client(), &site.server).await;
    let (host, cookie) = (site.address(), &owner.cookie);
    let ask = format!("GET /endless HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
    let endless = async || {
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        stream.write_all(ask.as_bytes()).await.unwrap();
        stream
    };
    let (mut slow, deaf) = (endless().await, endless().await);
    let mut some = vec![0; 1 << 20];
    let reading = async {
        for _ in 0..1000 {
            slow.read_exact(&mut some).await.expect("it goes on");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // Who comes third waits in the queue until the deaf one is given up.
    let third = client();
    tokio::select! {
        () = reading => panic!("it has no end"),
        answer = timeout(LONG, third.get(site.url("/login")).send()) => {
            assert_eq!(answer.expect("the third comes in").unwrap().status(), 200);
        }
    }
    slow.read_exact(&mut some).await.expect("it goes on");
    drop(deaf);
}

#[tokio::test]
async fn the_end_waits_for_answers_but_not_for_ever() {
    // The answer that is on its way has to come within it.
    let grace = Duration::from_secs(2);
    let mut site = with(Limits { shutdown_timeout: grace, ..Limits::default() }).await;
    let owner = sign_in(&client(), &site.server).await;
    let mut endless = owner.get("/endless").send().await.unwrap();
    endless.chunk().await.unwrap().unwrap();
    // A request that is on its way gets its answer.
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    let head = format!(
        "POST /form HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nX-CSRF-Token: {}\r\n",
        site.address(),
        owner.cookie,
        owner.csrf
    );
    stream
        .write_all(format!("{head}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    site.site.shutdown.cancel();
    let before = Instant::now();
    stream.write_all(b"true").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("true"), "{answer}");
    timeout(LONG, &mut site.site.serving).await.expect("it ends").unwrap();
    assert!(before.elapsed() >= grace, "the endless answer had its grace");
    let cut = async {
        while endless.chunk().await?.is_some() {}
        Ok::<_, reqwest::Error>(())
    };
    timeout(LONG, cut).await.unwrap().expect_err("cut off, not ended");
}

#[tokio::test]
async fn the_end_comes_at_once_when_nobody_waits() {
    let mut site = with(Limits { shutdown_timeout: LONG, ..Limits::default() }).await;
    let client = client();
    // Kept alive, and one that never said anything.
    client.get(site.url("/login")).send().await.unwrap().bytes().await.unwrap();
    let _silent = TcpStream::connect(site.address()).await.unwrap();
    site.site.shutdown.cancel();
    timeout(LONG / 2, &mut site.site.serving).await.expect("nothing to wait for").unwrap();
}
