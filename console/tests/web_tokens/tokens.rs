//! What a token is good for, and what is none.

use serde_json::Value;
use source_app::state::TokenAccess;

use crate::Console;
use crate::web::sign_in;

/// Each operation of the description: method, and address with something in the place of ids.
fn operations() -> Vec<(String, String)> {
    let text = include_str!("../../../docs/openapi.yaml");
    let root: Value = serde_norway::from_str(text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in root["paths"].as_object().unwrap() {
        let path = path.replace("{snapshot}", &"0".repeat(64));
        let filled: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
        let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
        let address = format!("/api{}", filled.join("/"));
        operations.extend(methods.map(|method| (method.to_uppercase(), address.clone())));
    }
    operations
}

#[tokio::test]
async fn a_read_only_token_reads_and_a_revoked_one_is_nothing() {
    let console = Console::new().await;
    let token = console.token("monitor", TokenAccess::ReadOnly).await;
    let all = operations();
    let changes = all.iter().filter(|(method, _)| method != "GET").count();
    assert!(changes > 15 && all.len() - changes > 20, "{all:?}");
    for (method, path) in &all {
        let ask = |token: &str| {
            console
                .answer(console.ask(method, path).bearer_auth(token).json(&serde_json::json!({})))
        };
        let (status, text) = ask(&token).await;
        if method == "GET" {
            assert!(![401, 403, 415].contains(&status), "{method} {path}: {status} {text}");
        } else {
            assert_eq!(status, 403, "{method} {path}: {text}");
            assert!(text.contains("This token is read-only"), "{text}");
        }
    }
    let state = &console.state;
    assert!(state.apps().unwrap().is_empty() && state.tokens().unwrap().len() == 1);
    // By another process, as the command line is.
    console.state.revoke_token(state.tokens().unwrap()[0].id).unwrap();
    for (method, path) in &all {
        let request = console.ask(method, path).bearer_auth(&token);
        let (status, text) = console.answer(request).await;
        // Too many wrong ones in a row are asked to wait.
        assert!(status == 401 || status == 429, "{method} {path}: {status} {text}");
    }
}

#[tokio::test]
async fn a_full_token_changes_without_a_cookie_but_makes_no_tokens() {
    let console = Console::new().await;
    let token = console.token("script", TokenAccess::Full).await;
    let policy = serde_json::json!({ "name": "careful", "classes": "any", "enabled": true });
    let add = || console.ask("POST", "/api/policies").bearer_auth(&token).json(&policy);
    let (status, text) = console.answer(add()).await;
    assert_eq!(status, 201, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    let path = format!("/api/policies/{}", made["id"]);
    // Host and Origin are what they are for everybody.
    let foreign = add().header("origin", "http://evil.example");
    assert_eq!(console.answer(foreign).await.0, 403);
    let unknown = add().header("host", "evil.example");
    assert_eq!(console.answer(unknown).await.0, 421);
    let new = serde_json::json!({ "name": "another", "access": "full" });
    for request in
        [console.ask("POST", "/api/tokens").json(&new), console.ask("DELETE", "/api/tokens/1")]
    {
        let (status, text) = console.answer(request.bearer_auth(&token)).await;
        assert_eq!(status, 403);
        assert!(text.contains("tokens are made and revoked by whoever is signed in"), "{text}");
    }
    // Pages are for people.
    assert_eq!(console.answer(console.ask("GET", "/").bearer_auth(&token)).await.0, 303);
    let form = console.ask("POST", "/settings/tokens").form(&[("name", "x"), ("access", "full")]);
    assert_eq!(console.answer(form.bearer_auth(&token)).await.0, 401);
    assert_eq!(console.state.tokens().unwrap().len(), 1);
    assert!(console.state.tokens().unwrap()[0].used.is_some());
    let gone = console.ask("DELETE", &path).bearer_auth(&token);
    assert_eq!(console.answer(gone).await.0, 204);
}

#[tokio::test]
async fn what_is_no_token_is_told_so_in_one_line() {
    let console = Console::new().await;
    let good = console.token("good", TokenAccess::ReadOnly).await;
    let ask = async |header: &str| {
        console.answer(console.ask("GET", "/api/apps").header("authorization", header)).await
    };
    for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer a b", "Bearer ", "Token x", &good] {
        let (status, text) = ask(header).await;
        assert_eq!(status, 401, "{header}");
        assert!(text.contains("write Bearer, a space and the token"), "{header}: {text}");
    }
    let twice = console.ask("GET", "/api/apps").bearer_auth(&good).bearer_auth(&good);
    assert_eq!(console.answer(twice).await.0, 401);
    // A cookie does not help a token that is none.
    let signed = sign_in(&console.client, &console.site.server).await;
    let none = format!("pot_{}", "0".repeat(64));
    let (status, text) = console.answer(signed.get("/api/apps").bearer_auth(&none)).await;
    assert_eq!(status, 401);
    assert!(text.contains("it was revoked: make one with"), "{text}");
    assert!(!text.contains('\n') && !text.contains("0000"), "{text}");
    // Guessing gets slower; a good one is good all the same.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let request = console.ask("GET", "/api/apps").bearer_auth(&none);
        let answer = request.send().await.unwrap();
        statuses.push(answer.status().as_u16());
        if answer.status() == 429 {
            let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=61).contains(&wait), "{wait}");
        }
    }
    // Whoever was held up for longer than a wait may try once more.
    assert!(statuses[0] == 401 && statuses.contains(&429), "{statuses:?}");
    assert_eq!(ask(&format!("bearer {good}")).await.0, 200);
}

#[tokio::test]
async fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let console = Console::new().await;
    let signed = sign_in(&console.client, &console.site.server).await;
    let new = serde_json::json!({ "name": "script", "access": "read-only" });
    let (status, text) = console.answer(signed.post_json("/api/tokens", &new)).await;
    assert_eq!(status, 201, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    let token = made["token"].as_str().unwrap();
    assert_eq!(token.len(), 4 + 64, "256 bits");
    let (_, list) = console.answer(signed.get("/api/tokens")).await;
    assert!(list.contains("script") && !list.contains(token), "{list}");
    for file in std::fs::read_dir(&console.place).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let secret = &token.as_bytes()[4..];
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{path:?}");
        }
    }
    let again = signed.post_json("/api/tokens", &new);
    let (status, text) = console.answer(again).await;
    assert_eq!(status, 409);
    assert!(text.contains("there is already a token named script"), "{text}");
    let wrong = serde_json::json!({ "name": "x", "access": "root" });
    let (status, text) = console.answer(signed.post_json("/api/tokens", &wrong)).await;
    assert_eq!(status, 400, "{text}");
}
