//! The record of changes: by which way each came, and the same of it by every front end.

use std::path::Path;
use std::sync::Arc;

use plakar_driver::Plakar;
use serde_json::{Value, json};
use source_app::service::Service;
use source_app::state::{AppKind, State};
use web_console::StateTokens;

use crate::histories::source;
use crate::web::{Site, client, sign_in};
use crate::{command, run};

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_recorded_with_the_way_that_they_came() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let app = source(&state, "drive");
    let ran = |arguments: &[&str]| {
        let output = run(&directory, arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let token = ran(&["token", "add", "script", "--full"]);
    let plakar = Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap();
    let service = Service::open(&directory, plakar).unwrap();
    let site = Site::of(web_console::router(service.clone())).await;
    site.server.accept_tokens(Arc::new(StateTokens(service)));

    // By the command line, by a token, by a page, and by the API of a page.
    ran(&["pause", "drive", "--until", "2d"]);
    let policy = json!({ "name": "nightly", "classes": "any", "enabled": true, "retention": { "daily": 7 } });
    let by_token = client().post(site.url("/api/policies")).bearer_auth(token.trim());
    assert_eq!(by_token.json(&policy).send().await.unwrap().status(), 201);
    let browser = sign_in(&client(), &site.server).await;
    let csrf = browser.csrf.as_str();
    let word = [("csrf", csrf), ("kind", "environment"), ("environment", "attic")];
    assert_eq!(browser.post("/settings/words").form(&word).send().await.unwrap().status(), 303);
    let mut changed = policy.clone();
    changed["retention"] = json!({ "daily": 14, "weekly": 4 });
    changed["revision"] = json!(1);
    let edit = browser.client.put(site.url("/api/policies/1")).header("cookie", &browser.cookie);
    let edit = edit.header("x-csrf-token", csrf).json(&changed);
    assert_eq!(edit.send().await.unwrap().status(), 200);
    ran(&["resume", "drive"]);
    ran(&["token", "revoke", "script", "--yes"]);

    let (text, _) = command(&directory, &["changes", "--json"]);
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let short: Vec<String> = told
        .iter()
        .map(|one| {
            let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            ["way", "token", "subject", "name", "action"].map(word).join(" | ")
        })
        .collect();
    assert_eq!(
        short,
        [
            "command line | - | token | script | removed",
            "command line | - | pause | drive | removed",
            "console | - | policy | nightly | changed",
            "console | - | environment | attic | added",
            "token | script | policy | nightly | added",
            "command line | - | pause | drive | added",
            "command line | - | token | script | added",
            "command line | - | app | drive | added",
        ]
    );
    let edited = &told[2]["fields"];
    assert_eq!(
        edited,
        &json!([
            { "field": "retention.daily", "before": "7", "after": "14" },
            { "field": "retention.weekly", "before": "0", "after": "4" },
        ])
    );
    // The same by the API and by the page.
    let api: Value = browser.get("/api/changes").send().await.unwrap().json().await.unwrap();
    assert_eq!(api["items"].as_array().unwrap(), &told);
    let page = browser.get("/settings/changes").send().await.unwrap().text().await.unwrap();
    for part in ["Policy nightly", "token script", "retention.daily: <span>7</span>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (text, _) = command(&directory, &["changes", "--limit", "3"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("  token script removed, by command line"), "{text}");
    assert!(lines.contains(&"  retention.daily: 7 -> 14"), "{text}");
    let secret = token.trim().trim_start_matches("pot_");
    assert!(!page.contains(secret) && !api.to_string().contains(secret));

    // Those of one app, also when it is gone.
    state.remove_app(app.id).unwrap();
    let of_app = command(&directory, &["changes", "--app", "drive", "--json"]).0;
    assert_eq!(of_app.lines().count(), 4, "{of_app}");
    let none = run(&directory, &["changes", "--app", "nobody"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("there is no app \"nobody\""), "{said}");
    let again = state.app_named(AppKind::Source, "drive");
    assert!(again.is_err());
}
