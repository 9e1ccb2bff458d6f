//! Signing in by a password.

use std::time::{Duration, Instant};

use web_console::server::{Limits, Listen, PasswordHash, hash_password};

use crate::Counted;
use crate::web::{client, set_cookie};

const PASSWORD: &str = "correct horse battery";

async fn site() -> Counted {
    let password = PasswordHash::parse(&hash_password(PASSWORD).unwrap()).unwrap();
    Counted::with(Listen { password: Some(password), ..Listen::loopback(0) }, Limits::default())
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_lets_in() {
    let site = site().await;
    let client = client();
    assert_eq!(site.server.first_url(), site.url("/login"), "no secret in the address");
    let page = client.get(site.url("/login")).send().await.unwrap().text().await.unwrap();
    for part in [
        "<label for=\"password\">",
        "type=\"password\"",
        "autocomplete=\"current-password\"",
        "action=\"/login\"",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let login =
        |password: &str| client.post(site.url("/login")).form(&[("password", password)]).send();
    for wrong in ["", "correct horse batterx", &"x".repeat(10_000)] {
        let answer = login(wrong).await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers().get("set-cookie")),
            (403.try_into().unwrap(), None)
        );
        assert!(answer.text().await.unwrap().contains("This is not the password."));
    }
    // The wait has begun; it is short and ends. On a busy machine it may be over already: then the
    // next one is twice as long.
    let mut waits = [1, 2, 4, 8, 16, 32].into_iter();
    let (answer, wait) = loop {
        let wait: u64 = waits.next().expect("no wait has begun");
        let answer = login("wrong still").await.unwrap();
        if answer.status() != 403 {
            break (answer, wait);
        }
    };
    assert_eq!(answer.status(), 429);
    let told: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=wait).contains(&told), "{told} of {wait}");
    let entry = site.server.new_login_url();
    let entered = client.post(site.url("/enter")).form(&[("code", entry)]).send().await.unwrap();
    assert_eq!(entered.status(), 303, "a one-time code does not wait");
    let before = Instant::now();
    let answer = loop {
        let answer = login(PASSWORD).await.unwrap();
        if answer.status() != 429 {
            break answer;
        }
        assert!(before.elapsed() < Duration::from_secs(60), "locked out");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (303.try_into().unwrap(), &"/".parse().unwrap())
    );
    let cookie = set_cookie(&answer).split(';').next().unwrap();
    assert_eq!(
        client.get(site.url("/")).header("cookie", cookie).send().await.unwrap().status(),
        200
    );
    assert_eq!(login("wrong again").await.unwrap().status(), 403, "it begins anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_attempts_at_once_gain_nothing() {
    let site = site().await;
    let client = client();
    let attempts = (0..40).map(|n| {
        client.post(site.url("/login")).form(&[("password", format!("guess {n}"))]).send()
    });
    let answers = futures::future::join_all(attempts).await;
    let looked_at =
        answers.iter().filter(|answer| answer.as_ref().unwrap().status() == 403).count();
    let turned_away =
        answers.iter().filter(|answer| answer.as_ref().unwrap().status() == 429).count();
    assert!(
        (3..=5).contains(&looked_at) && looked_at + turned_away == 40,
        "{looked_at} and {turned_away}"
    );
}

#[tokio::test]
async fn without_a_password_there_is_none_to_guess() {
    let site = Counted::new().await;
    let answer = client().post(site.url("/login")).form(&[("password", "")]).send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers().get("set-cookie")),
        (403.try_into().unwrap(), None)
    );
}
