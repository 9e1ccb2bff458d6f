//! The record of changes.

use serde_json::{Value, json};

use crate::client::Api;
use crate::refusals::Given;

/// The record of all of it.
pub async fn changes(api: &Api, given: &Given) {
    let first = api.get("/changes?limit=2").await;
    assert_eq!(
        (&first["items"][0]["subject"], &first["items"][0]["action"], &first["items"][0]["name"]),
        (&json!("token"), &json!("removed"), &json!("a"))
    );
    let second = api.get(&format!("/changes?limit=2&before={}", first["next"])).await;
    assert!(second["items"][0]["id"].as_i64() < first["items"][1]["id"].as_i64());
    // Of an app that is gone, too, with what is of it.
    let of_app = api.get(&format!("/changes?app={}&limit=500", given.app)).await;
    let items = of_app["items"].as_array().unwrap();
    let subjects: std::collections::BTreeSet<&str> =
        items.iter().filter_map(|one| one["subject"].as_str()).collect();
    assert_eq!(subjects, ["app", "held prune", "pause", "pin", "schedule"].into());
    assert_eq!((&items[0]["action"], &of_app["next"]), (&json!("removed"), &Value::Null));
    let edited = items.iter().find(|one| one["action"] == "changed" && one["subject"] == "app");
    assert!(edited.is_some_and(|one| one["token"].is_null()), "{edited:?}");
    let verified = api.get("/changes/verification").await;
    assert_eq!((&verified["fault"], &verified["newest"]), (&Value::Null, &first["items"][0]["id"]));
    let export = api.request("GET", "/changes/export").send().await.unwrap().text().await.unwrap();
    let count = verified["changes"].as_u64().unwrap() as usize;
    assert_eq!(export.lines().count(), count + 1, "{export}");
    assert!(export.contains(verified["public_key"].as_str().unwrap()), "{export}");
    api.call("GET", "/changes/export", Value::Null).await;
}
