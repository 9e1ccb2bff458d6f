//! Checks, what they found, and what a backup could not read.

use serde_json::{Value, json};

use crate::client::Api;

/// Checks all restore points, then the newest one.
pub async fn checked(api: &Api, app: &Value, snapshot: &str) {
    let path = format!("/apps/{app}/points/{snapshot}");
    assert_eq!(api.get(&path).await["check"], Value::Null);
    for input in [json!({ "points": 0 }), json!({ "snapshot": snapshot })] {
        let mut asked = input.clone();
        asked["kind"] = json!("check");
        let (task, _) = api.run(app, asked).await;
        // Of one restore point, when it was made is noted too.
        let mut kept = task["input"].clone();
        let taken = kept.as_object_mut().unwrap().remove("taken");
        assert_eq!((&task["state"], &kept), (&json!("succeeded"), &input), "{task}");
        assert_eq!(taken.is_some(), input["snapshot"].is_string(), "{task}");
        if taken.is_some() {
            let about = task["about"].as_str().unwrap();
            assert!(
                about.starts_with("check the restore point 20") && about.contains(&snapshot[..8]),
                "{about}"
            );
        }
        let check = &api.get(&path).await["check"];
        assert_eq!((&check["state"], &check["task"]), (&json!("verified"), &task["id"]));
    }
    let both = json!({ "kind": "check", "snapshot": snapshot, "points": 2 });
    let refused = api.refused(400, "POST", &format!("/apps/{app}/tasks"), both).await;
    assert!(refused.contains("not both"), "{refused}");
}

/// What could not be read is told in its folder, on the first page.
pub async fn missing(api: &Api, point: &str) {
    let home = api.get(&format!("{point}/entries?path=/home&limit=1")).await;
    let missing = &home["missing"][0];
    assert_eq!(
        (&missing["path"], &missing["in_part"], &missing["last"]),
        (&json!("/home/bad.bin"), &json!(false), &Value::Null)
    );
    let next = api.get(&format!("{point}/entries?path=/home&limit=1&offset=1")).await;
    let other = api.get(&format!("{point}/entries?path=/home/folder")).await;
    assert_eq!((&next["missing"], &other["missing"]), (&json!([]), &json!([])));
}

/// Removes the locks that plakar's commands leave when they have ended.
pub fn unlocked(locks: &str) {
    for lock in std::fs::read_dir(locks).unwrap().flatten() {
        std::fs::remove_file(lock.path()).unwrap();
    }
}
