//! Drills, the change alarm, comparisons with the drive, and the search over all restore points.

use chrono::Utc;
use serde_json::{Value, json};
use source_app::model::{Comparison, ComparisonFigures, ExposedFolder};
use source_app::state::{HeldPrune, State};

use crate::client::Api;
use crate::world::World;

pub async fn drilling(api: &Api, world: &World, app: &Value, snapshot: &str) {
    let path = format!("/apps/{app}");
    assert_eq!(api.get(&path).await["proven"], Value::Null);
    let (task, log) = api.run(app, json!({ "kind": "drill", "files": 2, "seed": 7 })).await;
    assert_eq!(task["state"], "succeeded", "{log}");
    assert_eq!(task["input"], json!({ "files": 2, "seed": 7 }));
    let figures = &task["figures"]["drill"];
    assert_eq!((&figures["files"], &figures["seed"]), (&json!(2), &json!(7)));
    let proven = api.get(&path).await["proven"].clone();
    assert_eq!((&proven["task"], &proven["files"]), (&task["id"], &json!(2)), "{proven}");
    let status = api.get("/status").await;
    let ours = status["apps"].as_array().unwrap().iter().find(|one| one["id"] == *app).unwrap();
    assert_eq!(ours["proven"], proven);
    let many = json!({ "kind": "drill", "files": 1001 });
    let refused = api.refused(400, "POST", &format!("{path}/tasks"), many).await;
    assert!(refused.contains("write 1 to 1000"), "{refused}");

    // What only a backup and a comparison with the plugin's command line leave.
    let state = State::open(&world.user.home().join("state")).unwrap();
    let (id, at) = (app.as_i64().unwrap(), Utc::now());
    assert_eq!(api.get(&path).await["held"], Value::Null);
    let refused = api.refused(404, "DELETE", &format!("{path}/held-prune"), Value::Null).await;
    assert_eq!(refused, "the prunes of home are not held");
    let (reason, examples) = ("of 40 files 50 %".to_owned(), vec!["/a: gone".to_owned()]);
    state.hold_prune(id, &HeldPrune { at, task: 1, reason, examples }).unwrap();
    assert_eq!(api.get(&path).await["held"]["examples"], json!(["/a: gone"]));
    let token = api.get(&format!("{path}/prune")).await["token"].clone();
    let prune = json!({ "kind": "prune", "token": token });
    let refused = api.refused(409, "POST", &format!("{path}/tasks"), prune).await;
    assert!(refused.contains("are held since"), "{refused}");
    // A second alarm is not released by who has seen the first one.
    let (reason, examples) = ("of 40 files 90 %".to_owned(), vec!["/b: gone".to_owned()]);
    state.hold_prune(id, &HeldPrune { at, task: 2, reason, examples }).unwrap();
    let board = api.get(&path).await;
    let tasks = (&board["held"]["task"], &board["held_before"][0]["task"]);
    assert_eq!(tasks, (&json!(2), &json!(1)), "{board}");
    let release = |seen: &str| format!("{path}/held-prune{seen}");
    let refused = api.refused(409, "DELETE", &release("?task=1"), Value::Null).await;
    assert!(refused.contains("is that of task 2, not of task 1"), "{refused}");
    let refused = api.refused(409, "DELETE", &release(""), Value::Null).await;
    assert!(refused.contains("2 change alarms hold the prunes of home"), "{refused}");
    api.refused(400, "DELETE", &release("?task=x"), Value::Null).await;
    assert_eq!(api.get(&path).await["held"]["examples"], json!(["/b: gone"]));
    api.ok(204, "DELETE", &release("?task=2"), Value::Null).await;
    assert_eq!(api.get(&path).await["held"], Value::Null);
    let comparison = format!("{path}/comparison");
    assert_eq!(api.get(&comparison).await["comparison"], Value::Null);
    let report = Comparison {
        at,
        task: 1,
        point: snapshot.to_owned(),
        figures: ComparisonFigures { listed: 3, exposed: 1, ..ComparisonFigures::default() },
        folders: vec![ExposedFolder { path: "/a".into(), files: 1, bytes: 7 }],
        exposed: vec!["/a/b".into()],
        different: Vec::new(),
        gone: Vec::new(),
    };
    state.note_comparison(id, &serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(api.get(&comparison).await["comparison"]["exposed"], json!(["/a/b"]));

    let search = format!("{path}/search?text=LETTER&limit=2&offset=1");
    let found = loop {
        let found = api.get(&search).await;
        if found["reading"] == false {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((&found["total"], &found["more"]), (&json!(5), &json!(true)), "{found}");
    assert_eq!(found["items"][0]["path"], "/home/folder/letter 1.txt");
    assert_eq!(found["items"][0]["last"]["id"], snapshot);
    assert_eq!(found["unsearched"], json!([]));
    api.refused(400, "GET", &format!("{path}/search?text=%20"), Value::Null).await;
}
