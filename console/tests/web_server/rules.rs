//! Tokens, methods, headers, and what goes wrong.

use serde_json::json;

use crate::web::{client, sign_in};
use crate::{Counted, status};

#[tokio::test]
async fn a_form_needs_the_token_of_its_session() {
    let site = Counted::new().await;
    let (owner, other) =
        (sign_in(&client(), &site.server).await, sign_in(&client(), &site.server).await);
    assert_eq!(owner.get("/csrf").send().await.unwrap().text().await.unwrap(), owner.csrf);
    site.reached();
    for form in [
        &[][..],
        &[("csrf", "")],
        &[("csrf", &other.csrf)],
        &[("csrf", &owner.csrf[1..])],
        &[("CSRF", &owner.csrf)],
        &[("csrf", ""), ("csrf", &owner.csrf)],
    ] {
        let answer = owner.post("/form").form(form).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{form:?}");
        assert!(answer.text().await.unwrap().contains("nothing was changed"));
    }
    assert_eq!(
        owner
            .post("/form?csrf=".to_owned().as_str())
            .query(&[("csrf", &owner.csrf)])
            .form(&[("a", "b")])
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    // The ways in which a form of another page can be sent without a preflight, and one that we do
    // not read.
    for kind in ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""] {
        let body = format!("csrf={}", owner.csrf);
        let answer =
            owner.post("/form").header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 415, "{kind}");
    }
    assert_eq!(site.reached(), 0);
    let answer =
        owner.post("/form").form(&[("name", "a b"), ("csrf", &owner.csrf)]).send().await.unwrap();
    assert_eq!(
        answer.text().await.unwrap(),
        format!("name=a+b&csrf={}", owner.csrf),
        "the route gets the whole form"
    );
    let answer = owner
        .post("/form")
        .header("x-csrf-token", &owner.csrf)
        .form(&[("name", "a")])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "a script may send the header");
}

#[tokio::test]
async fn a_change_by_the_api_is_json_with_the_header() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    site.reached();
    let (body, token) = (json!({ "csrf": owner.csrf }), ("x-csrf-token", &owner.csrf));
    assert_eq!(owner.post("/api/things").json(&body).send().await.unwrap().status(), 403);
    assert_eq!(
        owner
            .post("/api/things")
            .json(&body)
            .header("x-csrf-token", "")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(owner.post("/api/things").send().await.unwrap().status(), 403);
    for kind in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/jsonx",
        "x/application/json",
    ] {
        let request = owner
            .post("/api/things")
            .header(token.0, token.1)
            .header("content-type", kind)
            .body(format!("csrf={}", owner.csrf));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 415, "{kind}");
        assert_eq!(
            answer.text().await.unwrap(),
            r#"{"error":{"code":"media_type","faults":[],"message":"Send Content-Type: application/json."}}"#
        );
    }
    let unnamed = owner.post("/api/things").header(token.0, token.1).body("{}");
    assert_eq!(unnamed.send().await.unwrap().status(), 415, "a body without its type");
    let authorised = owner
        .client
        .post(site.url("/api/things"))
        .header("authorization", format!("Bearer {}", owner.csrf))
        .json(&body);
    assert_eq!(authorised.send().await.unwrap().status(), 401, "the cookie and nothing else");
    assert_eq!(site.reached(), 0);
    assert_eq!(
        owner.post_json("/api/things", &body).send().await.unwrap().text().await.unwrap(),
        body.to_string()
    );
    let bare = owner
        .client
        .delete(site.url("/api/things"))
        .header("cookie", &owner.cookie)
        .header(token.0, token.1);
    assert_eq!(bare.send().await.unwrap().text().await.unwrap(), "gone", "no body has no type");
}

#[tokio::test]
async fn methods() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    site.reached();
    let send = async |line: &str| {
        let (host, cookie) = (site.address(), &owner.cookie);
        site.raw(&format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ))
        .await
    };
    for line in [
        "OPTIONS /",
        "OPTIONS /api/things",
        "OPTIONS /login",
        "TRACE /",
        "get /",
        "PROPFIND /",
        "X /",
    ] {
        let answer = send(line).await;
        assert_eq!(status(&answer), 405, "{line}");
        assert!(
            answer.contains("allow: GET, HEAD")
                && !answer.to_lowercase().contains("access-control"),
            "{answer}"
        );
    }
    // The cookie is not thrown back at a page that may not read it.
    assert!(!send("TRACE /").await.contains(&owner.cookie));
    assert_eq!(site.reached(), 0);
    let answer = send("HEAD /").await;
    assert!(
        status(&answer) == 200
            && answer.ends_with("\r\n\r\n")
            && answer.contains("content-security-policy"),
        "{answer}"
    );
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    let mut answers = Vec::new();
    for path in [
        "/",
        "/none",
        "/panic",
        "/logout",
        "/login",
        "/enter",
        "/enter.js",
        "/static/console.css",
        "/static/none",
        "/api/things",
        "/api/none",
    ] {
        answers.push((path, owner.get(path).send().await.unwrap()));
    }
    let without = client();
    answers.push(("no session", without.get(site.url("/")).send().await.unwrap()));
    answers.push((
        "no session of the API",
        without.get(site.url("/api/things")).send().await.unwrap(),
    ));
    answers.push(("no token", owner.post("/form").send().await.unwrap()));
    answers.push((
        "wrong host",
        without.get(site.url("/")).header("host", "evil.example").send().await.unwrap(),
    ));
    for (what, answer) in &answers {
        let header =
            |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
            "{what}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(name), value, "{name} of {what}");
        }
        assert!(header("permissions-policy").contains("camera=()"), "{what}");
        assert_eq!(header("strict-transport-security"), "", "there is no TLS");
        assert_eq!(header("server"), "");
    }
    let hashed = owner.get("/static/console.0123abcd.css").send().await.unwrap();
    assert_eq!(hashed.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert!(hashed.headers().contains_key("content-security-policy"));
}

#[tokio::test]
async fn a_panic_is_its_own_requests_alone() {
    let site = Counted::new().await;
    let owner = sign_in(&client(), &site.server).await;
    let answer = owner.get("/panic").send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let text = answer.text().await.unwrap();
    assert!(text.contains("fault of the console") && !text.contains("of a route"), "{text}");
    assert_eq!(owner.get("/").send().await.unwrap().status(), 200);
}
