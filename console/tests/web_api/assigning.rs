//! Integrations, forms, and assigning apps.

use serde_json::{Value, json};

use crate::adopting::adopting;
use crate::client::Api;
use crate::resources::nothing_yet;
use crate::world::World;

/// A source of the folder `home` of the drive, into the world's store.
pub fn source(world: &World, name: &str) -> Value {
    json!({
        "kind": "source", "name": name, "environment": "production", "data_classes": ["PII", "critical"],
        "resource": { "name": "my drive", "class": "file-storage" },
        "options": { "location": "opendrive://home", "username": world.simulator.username(), "password": world.simulator.password() },
        "store": world.user.path("store"), "retention": { "daily": 7 },
    })
}

pub async fn integrations(api: &Api) {
    assert_eq!(
        api.get("/suggestions").await["environments"],
        json!(["production", "development", "testing"])
    );
    assert_eq!(
        api.get("/classes").await["items"],
        json!([{ "class": "file-storage", "subclass": "" }])
    );
    let choices = api.get("/choices?kind=source&class=file-storage").await;
    assert_eq!(choices["items"][0]["integration"], "rclone");
    assert_eq!(
        api.get("/choices?kind=source&class=database&subclass=mysql").await["items"],
        json!([])
    );
    let form =
        api.get("/form?kind=source&class=file-storage&integration=rclone&protocol=opendrive").await;
    let password =
        form["fields"].as_array().unwrap().iter().find(|field| field["key"] == "password").unwrap();
    assert_eq!(password["kind"], "secret");
    let message =
        api.refused(400, "GET", "/form?kind=source&class=file-storage", Value::Null).await;
    assert!(message.contains("choose one of"), "{message}");
    assert_eq!(api.get("/stores").await["items"], json!([]));
}

/// Two sources and a destination; gives the sources.
pub async fn assigning(api: &Api, world: &World) -> (Value, Value) {
    assert_eq!(api.get("/apps").await, nothing_yet());
    let mut wrong = source(world, "home");
    wrong["options"] =
        json!({ "location": "s3://x", "usrname": "x", "password": world.simulator.password() });
    wrong["protocol"] = json!("opendrive");
    let answer = api.ok(400, "POST", "/apps", wrong).await;
    let keys: Vec<&str> = answer["error"]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fault| fault["key"].as_str())
        .collect();
    assert!(keys.contains(&"usrname") && keys.contains(&"location"), "{answer}");
    // The wrong value may be a secret.
    let mut wrong = source(world, "home");
    wrong["options"]["password"] = json!(123_456_789);
    let answer = api.ok(400, "POST", "/apps", wrong).await;
    assert_eq!(answer["error"]["faults"][0]["key"], "options.password");
    assert!(!answer.to_string().contains("123456789"), "{answer}");

    let answer = api.call("POST", "/apps", source(world, "home")).await;
    let id = answer.json["id"].clone();
    assert_eq!(
        (answer.status, answer.headers["location"].to_str().unwrap()),
        (201, format!("/api/apps/{id}").as_str()),
        "{}",
        answer.json
    );
    let other = api.ok(201, "POST", "/apps", source(world, "other")).await["id"].clone();
    adopting(api, world).await;
    let mut destination = source(world, "restored");
    for left_out in ["store", "retention", "environment", "data_classes"] {
        destination.as_object_mut().unwrap().remove(left_out);
    }
    destination["kind"] = json!("destination");
    destination["options"]["location"] = json!("opendrive://Restored");
    let destination = api.ok(201, "POST", "/apps", destination).await["id"].clone();
    assert!(api.refused(409, "POST", "/apps", source(world, "home")).await.contains("home"));
    assert!(
        api.refused(400, "GET", &format!("/apps/{destination}/points"), Value::Null)
            .await
            .contains("is a destination")
    );

    let path = format!("/apps/{id}");
    let app = api.ok(200, "PUT", &path, json!({ "revision": 1, "environment": "testing" })).await;
    assert_eq!(
        (&app["revision"], &app["environment"], &app["name"]),
        (&json!(2), &json!("testing"), &json!("home"))
    );
    assert!(
        api.refused(409, "PUT", &path, json!({ "revision": 1, "environment": "x" }))
            .await
            .contains("changed meanwhile")
    );
    assert!(
        api.refused(400, "PUT", &path, json!({ "environment": "x" })).await.contains("revision")
    );
    let options = json!({ "location": "opendrive://home", "username": world.simulator.username() });
    api.ok(200, "PUT", &path, json!({ "revision": 2, "options": options })).await;
    let fields = api.get(&format!("{path}/configuration")).await;
    let field = |key: &str| {
        fields["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["field"]["key"] == key)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (field("location")["value"].clone(), field("location")["set"].clone()),
        (json!("opendrive://home"), json!(true))
    );
    assert_eq!(
        (field("password")["value"].clone(), field("password")["set"].clone()),
        (Value::Null, json!(true))
    );
    (id, other)
}

/// A folder of the account that the sources have.
pub fn music(world: &World) -> Value {
    json!({
        "protocol": "opendrive", "username": world.simulator.username(), "policy": "pii",
        "store": world.user.path("store"), "locations": ["opendrive://home"],
    })
}

/// Several apps of one account; none of them stays.
pub async fn several(api: &Api, world: &World) {
    let mut wish = music(world);
    wish["policy"] = json!("none");
    let message = api.refused(404, "POST", "/several-apps", wish.clone()).await;
    assert!(message.contains("no policy named"), "{message}");
    (wish["policy"], wish["check"]) = (json!("pii"), json!(true));
    assert_eq!(api.ok(200, "POST", "/several-apps", wish.clone()).await["items"], json!([]));
    wish["check"] = json!(false);
    let made = api.ok(201, "POST", "/several-apps", wish).await;
    // Both `home` and the entry of that name are taken.
    assert_eq!(made["items"][0]["name"], "home-2", "{made}");
    assert_eq!(made["items"][0]["data_classes"], json!(["PII"]));
    let path = format!("/apps/{}", made["items"][0]["id"]);
    api.ok(204, "DELETE", &path, Value::Null).await;
}
