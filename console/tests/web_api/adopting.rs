//! An encrypted store by the API, and what there is to take over.

use serde_json::{Value, json};

use crate::client::Api;
use crate::world::World;

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// An app with an encrypted store, and what it needs to be taken over.
pub async fn adopting(api: &Api, world: &World, mut safe: Value) {
    (safe["store"], safe["create_store"]) = (json!(world.user.path("safe")), json!(true));
    let answer = api.ok(400, "POST", "/apps", safe.clone()).await;
    assert_eq!(answer["error"]["faults"][0]["key"], "store.passphrase");
    safe["store_options"] = json!({ "passphrase": PASSPHRASE });
    let app = api.ok(201, "POST", "/apps", safe).await;
    assert_eq!((&app["store"], &app["resource"]["name"]), (&json!("safe"), &json!("my drive")));
    let stores = api.get("/stores").await;
    assert_eq!(stores["items"], json!([{ "name": "safe", "location": world.user.path("safe") }]));
    let sheet = api.get(&format!("/apps/{}/recovery", app["id"])).await;
    assert_eq!((&sheet["encrypted"], &sheet["points"]), (&json!(true), &json!(0)));
    assert!(!sheet.to_string().contains(PASSPHRASE), "{sheet}");

    assert_eq!(api.get("/marks?store=safe").await["items"], json!([]));
    let entries = api.get("/entries?kind=source").await;
    assert_eq!(entries["items"], json!([{ "name": "drive", "location": "opendrive://" }]));
    let open = json!({ "store": world.user.path("safe") });
    assert_eq!(api.ok(200, "POST", "/stores", open).await, json!({ "store": "safe" }));
    let wrong = json!({ "store": world.user.path("safe"), "options": { "passphrase": "not it" } });
    let message = api.refused(502, "POST", "/stores", wrong).await;
    assert!(message.contains("passphrase is another one"), "{message}");
}

/// The id of the app of a name.
pub async fn id_of(api: &Api, name: &str) -> Value {
    let apps = api.get("/apps").await;
    let found = apps["apps"].as_array().unwrap().iter().find(|one| one["app"]["name"] == name);
    found.unwrap()["app"]["id"].clone()
}
