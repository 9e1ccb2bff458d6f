//! The steps of the walk about resources, words and pauses.

use serde_json::{Value, json};

use crate::client::Api;

/// The overview before there is any app.
pub fn nothing_yet() -> Value {
    let sentence = "Nothing is backed up yet: add a drive.";
    json!({ "apps": [], "next": [], "days": [], "sentence": sentence, "uncovered": [] })
}

/// Gives the resource of a source that has the environment `production`.
pub async fn resources(api: &Api, app: &Value) -> Value {
    let id = api.get(&format!("/apps/{app}")).await["app"]["resource_id"].clone();
    let found = api.get("/resources?text=DRIVE&class=file-storage").await;
    assert_eq!(found["items"][0]["id"], id, "{found}");
    assert_eq!(api.get("/resources?tag=none").await["items"], json!([]));
    let path = format!("/resources/{id}");
    let message = api.refused(409, "DELETE", &path, Value::Null).await;
    assert!(message.contains("remove its apps first"), "{message}");
    let shown = api.get(&path).await;
    assert!(shown["points"].as_array().is_some_and(|points| !points.is_empty()), "{shown}");
    let mut change = json!({ "name": "my drive", "class": "file-storage", "tags": ["family"] });
    change["revision"] = shown["resource"]["revision"].clone();
    change["excluded"] = json!("is a test");
    assert_eq!(api.ok(200, "PUT", &path, change.clone()).await["tags"], json!(["family"]));
    let message = api.refused(409, "PUT", &path, change.clone()).await;
    assert!(message.contains("changed meanwhile"), "{message}");
    // Its apps are excluded with it, and say so.
    let status = api.get("/status").await;
    let of_app = status["apps"].as_array().unwrap().iter().find(|one| one["id"] == *app).unwrap();
    assert_eq!(of_app["reasons"][0]["words"], "Its resource is excluded from coverage: is a test.");
    change["revision"] = api.get(&path).await["resource"]["revision"].clone();
    change["excluded"] = json!("");
    change["tags"] = json!(["a, b"]);
    let message = api.refused(400, "PUT", &path, change.clone()).await;
    assert!(message.contains("tag \"a, b\" holds a comma"), "{message}");
    change["tags"] = json!([]);
    api.ok(200, "PUT", &path, change).await;
    // Our connector told of no wait and of no volume that is used up, which is known then, and what
    // it asked of the drive.
    let budget = api.get(&format!("/apps/{app}/budget")).await;
    let day = &budget["app"]["day"];
    assert_eq!((&day["waits"], &day["used_up"]), (&json!(0), &json!(0)), "{budget}");
    assert!(day["calls"].as_u64() > Some(0) && day["read"].is_u64(), "{budget}");
    assert_eq!(&budget["account"]["day"]["calls"], &day["calls"]);
    assert_eq!(&budget["volume"]["read"], &day["read"]);
    assert_eq!(budget["volume"]["used_up"], 0, "{budget}");
    // Plakar's last line tells what it wrote to the store.
    let made = api.get(&format!("/tasks?app={app}&kind=backup")).await;
    let written = made["items"].as_array().unwrap().iter();
    let written = written.filter_map(|task| task["figures"]["written"].as_u64()).max();
    assert!(written > Some(0), "{made}");
    by_hand(api).await;
    words(api).await;
    pauses(api, app).await;
    id
}

/// One that no app backs up.
async fn by_hand(api: &Api) {
    let photos = json!({ "name": "photos", "location": "opendrive://Photos" });
    let made = api.ok(201, "POST", "/resources", photos.clone()).await;
    assert_eq!((&made["by_hand"], &made["class"]), (&json!(true), &json!("file-storage")));
    let message = api.refused(409, "POST", "/resources", photos).await;
    assert!(message.contains("there is already a resource named photos"), "{message}");
    let status = api.get("/status").await;
    assert_eq!(status["verdict"], "not protected");
    assert_eq!(status["uncovered"][0]["reasons"][0]["code"], "nothing_backed_up", "{status}");
    let path = format!("/resources/{}", made["id"]);
    assert_eq!(api.get(&path).await["uncovered"], true);
    api.ok(204, "DELETE", &path, Value::Null).await;
    api.refused(404, "DELETE", &path, Value::Null).await;
    assert_eq!(api.get("/status").await["uncovered"], json!([]));
}

async fn words(api: &Api) {
    let word = json!({ "kind": "environment", "word": "attic" });
    let added = api.ok(201, "POST", "/classification", word.clone()).await;
    // The policies that there are ask for no environment.
    assert_eq!((&added["matched"], &added["warning"]), (&json!(true), &Value::Null));
    let message = api.refused(409, "POST", "/classification", word).await;
    assert!(message.contains("is there already"), "{message}");
    let class = json!({ "kind": "data class", "word": "letters" });
    let added = api.ok(201, "POST", "/classification", class).await;
    let warning = added["warning"].as_str().unwrap();
    assert!(warning.starts_with("No policy matches the data class letters"), "{warning}");
    let all = api.get("/classification").await;
    assert_eq!(all["environments"][3]["word"], "attic", "{all}");
    let remove = |word: &str| format!("/classification?kind=environment&word={word}");
    api.ok(204, "DELETE", &remove("attic"), Value::Null).await;
    let message = api.refused(409, "DELETE", &remove("production"), Value::Null).await;
    assert!(message.contains("is used by the app"), "{message}");
    api.refused(404, "DELETE", &remove("attic"), Value::Null).await;
}

async fn pauses(api: &Api, app: &Value) {
    let until = (chrono::Utc::now() + chrono::TimeDelta::hours(3)).to_rfc3339();
    let body = json!({ "until": until });
    let path = format!("/apps/{app}/pause");
    api.ok(204, "PUT", &path, body.clone()).await;
    let paused = api.get("/scheduling").await["paused"].clone();
    assert_eq!((paused.as_array().unwrap().len(), &paused[0]["id"]), (1, app), "{paused}");
    assert!(api.get(&format!("/apps/{app}")).await["paused_until"].is_string());
    api.ok(204, "DELETE", &path, Value::Null).await;
    api.ok(204, "PUT", "/pause", body).await;
    let shown = api.get("/scheduling").await;
    assert!(shown["paused_until"].is_string() && shown["days"].as_array().unwrap().len() == 7);
    api.ok(204, "DELETE", "/pause", Value::Null).await;
    assert_eq!(api.get("/scheduling").await["paused_until"], Value::Null);
    let message =
        api.refused(400, "PUT", "/pause", json!({ "until": "2000-01-01T00:00:00Z" })).await;
    assert!(message.contains("is over already; write a time to come"), "{message}");
}
