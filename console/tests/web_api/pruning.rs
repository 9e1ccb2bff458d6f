//! Prunes by their plans, pins, and the verdicts.

use serde_json::{Value, json};

use crate::client::Api;

/// Nothing goes without the token of a plan.
pub async fn pruning(api: &Api, app: &Value, other: &Value, snapshot: &str) {
    let plan = api.get(&format!("/apps/{app}/prune")).await;
    assert_eq!(
        (&plan["points"][0]["id"], &plan["points"][0]["keep"]),
        (&json!(snapshot), &json!(true))
    );
    let path = format!("/apps/{other}/tasks");
    api.refused(400, "POST", &path, json!({ "kind": "prune" })).await;
    let foreign = json!({ "kind": "prune", "token": plan["token"] });
    assert!(api.refused(409, "POST", &path, foreign).await.contains("the plan has changed"));
    let token = api.get(&format!("/apps/{other}/prune")).await["token"].clone();
    let (task, log) = api.run(other, json!({ "kind": "prune", "token": token })).await;
    assert_eq!((&task["state"], &task["input"]["token"]), (&json!("succeeded"), &token), "{log}");
    let point = format!("/apps/{app}/points/{snapshot}");
    let pin = format!("{point}/pin");
    for (method, body, pinned) in [("PUT", json!({}), true), ("DELETE", Value::Null, false)] {
        api.ok(204, method, &pin, body).await;
        assert_eq!(api.get(&point).await["pinned"], pinned);
    }
    let status = api.get("/status").await;
    assert_eq!(
        (&status["verdict"], &status["apps"][1]["verdict"]),
        (&json!("not protected"), &json!("not protected"))
    );
    assert_eq!(status["apps"][0]["verdict"], "at risk", "{status}");
    assert_eq!(status["apps"][2]["verdict"], "excluded", "{status}");
}
