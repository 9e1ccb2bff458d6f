//! Stores, and second copies in them.

use serde_json::{Value, json};

use crate::client::Api;
use crate::world::World;

/// What is known of stores, what is in them, and a copy from one to another.
pub async fn storing(api: &Api, world: &World, app: &Value, snapshot: &str) {
    let folder = format!("/stores/{}", world.user.path("store").replace('/', "%2F"));
    let store = api.get(&folder).await;
    assert_eq!((&store["named"], &store["location"]), (&json!(false), &store["name"]));
    assert!(store["free"].as_u64().unwrap() > 0 && store["apps"][0]["second"] == false, "{store}");
    let read = api.ok(200, "POST", &format!("{folder}/read"), json!({})).await;
    assert_eq!(read["known"]["encrypted"], false);
    assert!(read["known"]["stored"].as_u64().unwrap() > 0, "{read}");
    let points = api.get(&format!("{folder}/points")).await;
    let ours = points["items"].as_array().unwrap().iter().find(|point| point["id"] == snapshot);
    assert_eq!(ours.unwrap()["app"], *app);
    for (method, path, body) in [
        ("GET", "/stores/none", Value::Null),
        ("GET", "/stores/none/points", Value::Null),
        ("POST", "/stores/none/read", json!({})),
    ] {
        let message = api.refused(404, method, path, body).await;
        assert!(message.contains("there is no store none"), "{message}");
    }

    // The app has no second store yet.
    let start = format!("/apps/{app}/tasks");
    let message = api.refused(400, "POST", &start, json!({ "kind": "sync" })).await;
    assert!(message.contains("has no second store"), "{message}");
    let shown = api.get(&format!("/apps/{app}")).await;
    assert_eq!(
        (&shown["second_copy"], &shown["app"]["second_store"]),
        (&json!(null), &json!(null))
    );
    let second = json!({ "place": world.user.path("away"), "create": true, "unencrypted": true });
    let range = json!({ "max_age_days": 30 });
    let revision = &shown["app"]["revision"];
    let alone = json!({ "revision": revision, "copy_range": range });
    let message = api.refused(400, "PUT", &format!("/apps/{app}"), alone).await;
    assert!(message.contains("there is no second store"), "{message}");
    let edit = json!({ "revision": revision, "second_store": second, "copy_range": range });
    let edited = api.ok(200, "PUT", &format!("/apps/{app}"), edit).await;
    assert_eq!(edited["second_store"], world.user.path("away"));
    let begun = api.ok(202, "POST", &start, json!({ "kind": "sync" })).await;
    let (ended, log) = api.end(&begun["id"]).await;
    assert_eq!(ended["state"], "succeeded", "{log}");
    assert_eq!(ended["figures"]["points"], ended["figures"]["points_in_both"], "{ended}");
    let shown = api.get(&format!("/apps/{app}")).await;
    assert_eq!(shown["second_copy"]["of"], ended["figures"]["points"]);
    assert_eq!(shown["second_copy"]["range_words"], "not older than 30 days");
    assert_eq!(ended["figures"]["points_left_out"], 0);
    let away = format!("/stores/{}", world.user.path("away").replace('/', "%2F"));
    let away = api.get(&away).await;
    assert_eq!((&away["copies"][0]["app"], &away["apps"][0]["second"]), (app, &json!(true)));
    let edit = json!({ "revision": edited["revision"], "second_store": { "place": "" } });
    api.ok(200, "PUT", &format!("/apps/{app}"), edit).await;
}
