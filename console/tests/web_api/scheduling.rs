//! The steps of the walk about schedules, policies and their exports.

use serde_json::{Value, json};

use crate::client::Api;

/// Gives a schedule and a policy.
pub async fn schedules(api: &Api, app: &Value) -> (Value, Value) {
    let policy = json!({ "name": "pii", "data_classes": ["PII"], "classes": "all", "retention": { "monthly": 12 }, "enabled": true });
    let made = api.ok(201, "POST", "/policies", policy.clone()).await;
    let policy_id = made["id"].clone();
    assert!(api.refused(409, "POST", "/policies", policy.clone()).await.contains("pii"));
    let mut change = policy;
    (change["revision"], change["retention"]) = (json!(1), json!({ "yearly": 3 }));
    let path = format!("/policies/{policy_id}");
    assert_eq!(api.ok(200, "PUT", &path, change.clone()).await["retention"]["yearly"], 3);
    assert!(api.refused(409, "PUT", &path, change).await.contains("changed meanwhile"));
    assert_eq!(api.get(&path).await["revision"], 2);
    assert_eq!(api.get("/policies").await["items"].as_array().unwrap().len(), 1);
    let contract = api.get(&format!("{path}/contract")).await;
    assert!(contract["words"][0].as_str().unwrap().contains("you can go back"), "{contract}");

    let schedule = |owner: Value, cron: &str| json!({ "owner": owner, "kind": "backup", "cron": cron, "time_zone": "Europe/Berlin", "enabled": true, "catch_up": true });
    let made = api
        .ok(201, "POST", "/schedules", schedule(json!({ "policy": policy_id }), "0 3 * * 0"))
        .await;
    let own =
        api.ok(201, "POST", "/schedules", schedule(json!({ "app": app }), "daily at 02:30")).await;
    assert_eq!((&own["cron"], &own["owner"]), (&json!("30 2 * * *"), &json!({ "app": app })));
    for (owner, cron) in [
        (json!({ "app": app }), "daily at 25:00"),
        (json!({ "app": app }), "* *"),
        (json!({ "app": app, "policy": 1 }), "0 3 * * 0"),
    ] {
        api.refused(400, "POST", "/schedules", schedule(owner, cron)).await;
    }
    api.refused(404, "POST", "/schedules", schedule(json!({ "app": 999_999 }), "0 3 * * 0")).await;
    let path = format!("/schedules/{}", own["id"]);
    let mut change = schedule(json!({ "app": app }), "0 4 * * *");
    change["revision"] = own["revision"].clone();
    assert_eq!(api.ok(200, "PUT", &path, change.clone()).await["cron"], "0 4 * * *");
    assert!(api.refused(409, "PUT", &path, change).await.contains("changed meanwhile"));
    assert_eq!(api.get(&path).await["revision"], 2);
    assert_eq!(api.get("/schedules").await["items"].as_array().unwrap().len(), 2);
    let effective = api.get(&format!("/apps/{app}/schedules")).await;
    let mut origins: Vec<String> = effective["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["origin"].to_string())
        .collect();
    origins.sort();
    assert_eq!(origins, ["\"app\"", "{\"policy\":\"pii\"}"]);
    let site = api.get("/apps").await;
    assert_eq!(
        (site["apps"].as_array().unwrap().len(), site["next"].as_array().unwrap().len()),
        (4, 4)
    );
    exports(api, app).await;
    (made["id"].clone(), policy_id)
}

pub async fn exports(api: &Api, app: &Value) {
    let path = format!("/apps/{app}/export");
    for (query, names) in [
        (
            "form=systemd&executable=/opt/x",
            &["plakar-opendrive-home.service", "plakar-opendrive-home.timer"][..],
        ),
        (
            "form=kubernetes&executable=/opt/x&image=me/x:1&claim=home&namespace=backups",
            &["plakar-opendrive-home.yaml"],
        ),
        ("form=crontab&executable=/opt/x&time_zone=Europe/Berlin", &["crontab"]),
    ] {
        let files = api.get(&format!("{path}?{query}")).await;
        let files = files["items"].as_array().unwrap();
        assert_eq!(
            files.iter().map(|file| file["name"].as_str().unwrap()).collect::<Vec<_>>(),
            names
        );
        let text = files[0]["text"].as_str().unwrap();
        assert!(text.contains("/opt/x"), "{text}");
        // Here they run what is due in the console's own state; a pod has its own.
        let is_here = !query.starts_with("form=kubernetes");
        assert_eq!(text.contains("--state"), is_here, "{text}");
    }
    for query in [
        "",
        "form=systemd",
        "form=launchd&executable=/x",
        "form=systemd&executable=x",
        "form=systemd&executable=/x&image=x",
        "form=systemd&executable=/x&user=a%0Ab",
        "form=crontab&executable=/x&time_zone=Nowhere",
        "form=kubernetes&executable=/x&image=a%20b&claim=x",
    ] {
        api.refused(400, "GET", &format!("{path}?{query}"), Value::Null).await;
    }
}
