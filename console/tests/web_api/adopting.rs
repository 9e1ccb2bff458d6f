//! Encrypted stores, marks, and recovery sheets.

use serde_json::json;

use crate::assigning::source;
use crate::client::Api;
use crate::world::World;

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// An app with an encrypted store, and what it needs to be taken over.
pub async fn adopting(api: &Api, world: &World) {
    let mut safe = source(world, "safe");
    (safe["store"], safe["create_store"]) = (json!(world.user.path("safe")), json!(true));
    let answer = api.ok(400, "POST", "/apps", safe.clone()).await;
    assert_eq!(answer["error"]["faults"][0]["key"], "store.passphrase");
    safe["store_options"] = json!({ "passphrase": PASSPHRASE });
    let app = api.ok(201, "POST", "/apps", safe).await;
    assert_eq!((&app["store"], &app["resource"]["name"]), (&json!("safe"), &json!("my drive")));
    let stores = api.get("/stores").await;
    let known = &stores["items"].as_array().unwrap().iter().find(|store| store["name"] == "safe");
    let safe = known.unwrap();
    assert_eq!(
        (&safe["location"], &safe["known"]),
        (&json!(world.user.path("safe")), &json!(null))
    );
    let sheet = api.get(&format!("/apps/{}/recovery", app["id"])).await;
    assert_eq!((&sheet["encrypted"], &sheet["points"]), (&json!(true), &json!(0)));
    assert!(!sheet.to_string().contains(PASSPHRASE), "{sheet}");

    assert_eq!(api.get("/marks?store=safe").await["items"], json!([]));
    let entries = api.get("/entries?kind=source").await;
    assert_eq!(entries["items"], json!([{ "name": "drive", "location": "opendrive://" }]));
    let open = json!({ "store": world.user.path("safe") });
    assert_eq!(api.ok(200, "POST", "/stores", open).await, json!({ "store": "safe" }));
    // Plakar knows it no more.
    world.user.ok(&["store", "rm", "safe"]);
    let open = json!({ "store": world.user.path("safe"), "options": { "passphrase": PASSPHRASE } });
    assert_eq!(api.ok(200, "POST", "/stores", open).await, json!({ "store": "safe" }));
    // A command would run as this program's user.
    let (marker, mut copied) = (world.user.path("ran"), source(world, "copied"));
    let command = format!("touch {marker}");
    for (key, value) in [
        ("passphrase", format!("cmd:{command}")),
        ("passphrase", format!("secret-reference:cmd:{command}")),
        ("passphrase_cmd", command),
    ] {
        let options = json!({ key: value });
        let open = json!({ "store": world.user.path("other"), "options": options });
        let message = api.refused(400, "POST", "/stores", open).await;
        assert!(message.contains("a command is not set from the console"), "{message}");
        copied["second_store"] =
            json!({ "place": world.user.path("other"), "options": options, "create": true });
        let message = api.refused(400, "POST", "/apps", copied.clone()).await;
        assert!(message.contains("a command is not set from the console"), "{message}");
    }
    assert!(!std::path::Path::new(&marker).exists());
    let wrong = json!({ "store": world.user.path("safe"), "options": { "passphrase": "not it" } });
    let message = api.refused(502, "POST", "/stores", wrong).await;
    assert!(message.contains("passphrase is another one"), "{message}");
}
