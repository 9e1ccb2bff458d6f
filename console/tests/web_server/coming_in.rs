//! Codes, sessions, and going out.

use crate::web::{client, set_cookie, sign_in};
use crate::{Counted, status};

#[tokio::test]
async fn the_first_address_lets_its_first_user_in() {
    let site = Counted::new().await;
    let (port, client) = (site.address().port(), client());
    let url = site.server.first_url();
    let (page, code) = url.split_once('#').unwrap();
    assert_eq!(page, format!("http://127.0.0.1:{port}/enter"));
    assert!(code.len() >= 32, "128 bits in hexadecimal: {code}");

    // What the browser asks for has no code, and its page works with and without the script.
    let text = client.get(page).send().await.unwrap().text().await.unwrap();
    for part in [
        "<html lang=\"en\">",
        "<label for=\"code\">",
        "<form method=\"post\" action=\"/enter\"",
        "src=\"/enter.js\"",
        "/static/console.css",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let script = client.get(site.url("/enter.js")).send().await.unwrap();
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    assert!(script.text().await.unwrap().contains("history.replaceState"));

    let enter = |code: String| client.post(page).form(&[("code", code)]).send();
    let wrong = enter("0".repeat(32)).await.unwrap();
    assert_eq!(
        (wrong.status(), wrong.headers().get("set-cookie")),
        (403.try_into().unwrap(), None)
    );
    assert!(wrong.text().await.unwrap().contains("each works once"));
    let good = enter(code.to_owned()).await.unwrap();
    assert_eq!(
        (good.status(), &good.headers()["location"]),
        (303.try_into().unwrap(), &"/".parse().unwrap())
    );
    let cookie = set_cookie(&good).to_owned();
    let (pair, flags) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with(&format!("plakar-opendrive-{port}=")), "{pair}");
    assert_eq!(
        flags, "HttpOnly; SameSite=Strict; Path=/",
        "no domain, and no expiry: it ends with the browser"
    );
    let home = client.get(site.url("/")).header("cookie", pair).send().await.unwrap();
    assert_eq!(home.text().await.unwrap(), "home");

    let again = enter(code.to_owned()).await.unwrap();
    assert_eq!(
        (again.status(), again.headers().get("set-cookie")),
        (403.try_into().unwrap(), None)
    );
    let other = site.server.new_login_url();
    assert_eq!(
        enter(format!(" {other}\n")).await.unwrap().status(),
        303,
        "the whole address does as well"
    );
}

#[tokio::test]
async fn without_a_session_there_is_only_the_way_in() {
    let site = Counted::new().await;
    let client = client();
    for path in [
        "/",
        "/form",
        "/none",
        "/static",
        "/logout",
        "/panic",
        "/favicon.ico",
        "/login/",
        "/enter/x",
        "/api",
        "/api/",
        "/apis",
    ] {
        let is_api = path == "/api" || path == "/api/";
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let answer =
                client.request(method.parse().unwrap(), site.url(path)).send().await.unwrap();
            let expected = if !is_api && ["GET", "HEAD"].contains(&method) { 303 } else { 401 };
            assert_eq!(answer.status(), expected, "{method} {path}");
            if expected == 303 {
                assert_eq!(answer.headers()["location"], "/login");
            }
        }
    }
    let answer = client.get(site.url("/api/things")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"error":{"code":"no_session","faults":[],"message":"There is no session, or it ended: sign in, or send a token."}}"#
    );
    assert_eq!(site.reached(), 0);

    let open = ["/login", "/enter", "/enter.js", "/signed-out", "/static/console.css"];
    for path in open {
        assert_eq!(client.get(site.url(path)).send().await.unwrap().status(), 200, "{path}");
    }
    assert_eq!(client.get(site.url("/static/none.css")).send().await.unwrap().status(), 404);
    for path in ["/enter.js", "/signed-out", "/static/console.css"] {
        assert_eq!(client.post(site.url(path)).send().await.unwrap().status(), 401, "{path}");
    }
    let text = client.get(site.url("/login")).send().await.unwrap().text().await.unwrap();
    assert!(
        text.contains("plakar-opendrive console") && !text.contains("type=\"password\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_session_id_is_never_taken_from_outside() {
    let site = Counted::new().await;
    let client = client();
    let name = format!("plakar-opendrive-{}", site.address().port());
    let fixed = format!("{name}={}", "f".repeat(64));
    let (page, code) = (site.url("/enter"), site.server.new_login_url());
    let answer =
        client.post(&page).header("cookie", &fixed).form(&[("code", code)]).send().await.unwrap();
    assert!(!set_cookie(&answer).starts_with(&fixed));
    assert_eq!(
        client.get(site.url("/")).header("cookie", &fixed).send().await.unwrap().status(),
        303
    );
    // One that was good ends when its browser signs in anew.
    let old = sign_in(&client, &site.server).await;
    let code = site.server.new_login_url();
    let answer = old.post("/enter").form(&[("code", code)]).send().await.unwrap();
    let new = set_cookie(&answer).split(';').next().unwrap();
    assert_ne!(new, old.cookie);
    assert_eq!(old.get("/").send().await.unwrap().status(), 303);
    assert_eq!(client.get(site.url("/")).header("cookie", new).send().await.unwrap().status(), 200);
    // Two cookies of the name, as another port of this host can make it: ours counts.
    assert_eq!(
        client
            .get(site.url("/"))
            .header("cookie", format!("{fixed}; {new}"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let site = Counted::new().await;
    let client = client();
    let (one, two, three) = (
        sign_in(&client, &site.server).await,
        sign_in(&client, &site.server).await,
        sign_in(&client, &site.server).await,
    );
    let signed_in =
        async |who: &crate::web::SignedIn| who.get("/").send().await.unwrap().status() == 200;
    assert_eq!(one.post("/logout").send().await.unwrap().status(), 403, "without the token");
    assert_eq!(
        one.post("/logout").form(&[("csrf", &two.csrf)]).send().await.unwrap().status(),
        403,
        "with another's"
    );
    assert!(signed_in(&one).await);
    let out = one.post("/logout").form(&[("csrf", &one.csrf)]).send().await.unwrap();
    assert_eq!(
        (out.status(), &out.headers()["location"]),
        (303.try_into().unwrap(), &"/signed-out".parse().unwrap())
    );
    let cookie = set_cookie(&out);
    let name = one.cookie.split('=').next().unwrap();
    assert!(
        cookie.starts_with(&format!("{name}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0;")),
        "{cookie}"
    );
    assert!(!signed_in(&one).await && signed_in(&two).await && signed_in(&three).await);
    let out = two.post("/logout/all").form(&[("csrf", &two.csrf)]).send().await.unwrap();
    assert_eq!(out.status(), 303);
    assert!(!signed_in(&two).await && !signed_in(&three).await);
    assert!(signed_in(&sign_in(&client, &site.server).await).await, "and one can come in again");
}

#[tokio::test]
async fn a_cookie_of_another_console_is_none_of_ours() {
    let (site, other) = (Counted::new().await, Counted::new().await);
    let signed_in = sign_in(&client(), &other.server).await;
    let answer = site
        .raw(&format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
            site.address(),
            signed_in.cookie
        ))
        .await;
    assert_eq!(status(&answer), 303);
}
