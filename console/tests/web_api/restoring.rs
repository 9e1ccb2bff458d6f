//! Backing up, what is in a restore point, and restoring it.

use opendrive_sim::{Fault, What};
use serde_json::{Value, json};

use crate::client::Api;
use crate::world::World;
use crate::{checking, options, pruning};

/// Gives the newest restore point, in which one file is missing.
pub async fn backing_up(api: &Api, world: &World, app: &Value) -> String {
    let (task, _) = api.run(app, json!({ "kind": "test" })).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let status = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world
        .simulator
        .add_fault(Fault::new(status).endpoint("download/file").item("bad.bin").always());
    // It takes long enough for what it takes to be looked at.
    world.simulator.add_fault(Fault::new(What::Delay { ms: 3_000 }));
    let (task, log) = api.run(app, json!({ "kind": "backup" })).await;
    assert_eq!(
        (&task["state"], &task["errors"]),
        (&json!("completed with errors"), &json!(1)),
        "{task}"
    );
    assert!(
        log.contains("failed: ")
            && log.contains("bad.bin")
            && log.contains("completed with errors"),
        "{log}"
    );
    world.simulator.set_faults(Vec::new());
    let snapshot = task["snapshot"].as_str().unwrap().to_owned();
    checking::checked(api, app, &snapshot).await;
    let dashboard = api.get(&format!("/apps/{app}")).await;
    assert_eq!(
        (&dashboard["last"]["snapshot"], &dashboard["last_success"]),
        (&json!(snapshot), &Value::Null)
    );
    assert_eq!(dashboard["resource"].as_array().unwrap().len(), 4);
    snapshot
}

pub async fn points(api: &Api, app: &Value, other: &Value, snapshot: &str) {
    let page = api.get(&format!("/apps/{app}/points?limit=1")).await;
    assert_eq!(
        (&page["items"][0]["id"], &page["total"], &page["more"]),
        (&json!(snapshot), &json!(1), &json!(false))
    );
    assert_eq!(
        api.get(&format!("/apps/{app}/points?offset=9007199254740991")).await["items"],
        json!([])
    );
    assert_eq!(api.get(&format!("/apps/{other}/points")).await["total"], 0);
    let path = format!("/apps/{app}/points/{snapshot}");
    let point = api.get(&path).await;
    assert_eq!(
        (&point["environment"], &point["files"], &point["errors"]),
        (&json!("testing"), &json!(5), &json!(1))
    );
    let page = api.get(&format!("{path}/entries?path=/home/folder&offset=1&limit=3")).await;
    assert_eq!(
        (&page["items"][0]["path"], &page["total"], &page["more"]),
        (&json!("/home/folder/letter 1.txt"), &json!(5), &json!(true))
    );
    assert_eq!(api.get(&format!("{path}/entries")).await["items"][0]["kind"], "folder");
    checking::missing(api, &path).await;
    options::options(api, app).await;
    let found = api.get(&format!("{path}/search?text=LETTER&path=/home&limit=2&offset=4")).await;
    assert_eq!((found["items"].as_array().unwrap().len(), &found["more"]), (1, &json!(false)));
    let errors = api.get(&format!("{path}/errors?limit=10")).await;
    assert_eq!(
        (&errors["total"], &errors["items"][0]["path"]),
        (&json!(1), &json!("/home/bad.bin"))
    );
    let file = api
        .call("GET", &format!("{path}/download?path=/home/folder/letter%201.txt"), Value::Null)
        .await;
    assert_eq!((file.status, &file.headers["content-length"]), (200, &"8".parse().unwrap()));
    // Of another app, none of it is there; nor is what is not in the restore point.
    for what in ["", "/entries", "/search?text=x", "/errors", "/download?path=/home"] {
        api.refused(404, "GET", &format!("/apps/{other}/points/{snapshot}{what}"), Value::Null)
            .await;
    }
    for work in [
        json!({ "kind": "check", "snapshot": snapshot }),
        json!({ "kind": "restore", "snapshot": snapshot, "path": "/", "to": "source" }),
    ] {
        api.refused(404, "POST", &format!("/apps/{other}/tasks"), work).await;
    }
    for what in ["/entries?path=/none", "/download?path=/none", "/download?path=/home/bad.bin"] {
        api.refused(404, "GET", &format!("{path}{what}"), Value::Null).await;
    }
    for what in [
        "/entries?path=home",
        "/entries?path=/a/../b",
        "/download?path=/%00",
        "/download?path=/home/..",
        "/search?text=%20",
    ] {
        api.refused(400, "GET", &format!("{path}{what}"), Value::Null).await;
    }
}

pub async fn restoring(api: &Api, world: &World, app: &Value, other: &Value, snapshot: &str) {
    let path = format!("/apps/{app}/tasks");
    let work = |to: Value| json!({ "kind": "restore", "snapshot": snapshot, "path": "/home/folder", "to": to });
    // The source itself is written to only when that is confirmed.
    let refused = api.refused(400, "POST", &path, work(json!("source"))).await;
    assert!(refused.contains(" files with ") && refused.contains("to the source"), "{refused}");
    let (task, _) = api.run(app, work(json!({ "destination": "restored" }))).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let folder = world.user.path("restored");
    let (task, _) = api.run(app, work(json!({ "folder": folder }))).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    assert_eq!(std::fs::read(format!("{folder}/letter 3.txt")).unwrap(), b"Dear 3,\n");
    // Several together, which keep their names.
    let several = json!(["/home/folder/letter 1.txt", "/home/folder/letter 2.txt"]);
    let work_of =
        |to: Value| json!({ "kind": "restore", "snapshot": snapshot, "paths": several, "to": to });
    let refused = api.refused(400, "POST", &path, work_of(json!("source"))).await;
    assert!(refused.contains("2 ticked entries") && refused.contains("2 files"), "{refused}");
    let into = world.user.path("several");
    let (task, log) = api.run(app, work_of(json!({ "folder": into }))).await;
    assert_eq!(task["state"], "succeeded", "{log}");
    assert_eq!(std::fs::read(format!("{into}/letter 2.txt")).unwrap(), b"Dear 2,\n");
    assert!(!std::path::Path::new(&format!("{into}/letter 3.txt")).exists());
    let both = json!({ "kind": "restore", "snapshot": snapshot, "path": "/", "paths": several, "to": "source" });
    api.refused(400, "POST", &path, both).await;
    let place = format!("/apps/{app}/points/{snapshot}/archive");
    let archive = api.call("POST", &place, json!({ "paths": several })).await;
    assert_eq!(
        (archive.status, &archive.headers["content-type"]),
        (200, &"application/zip".parse().unwrap())
    );
    api.refused(404, "POST", &place, json!({ "paths": ["/none"] })).await;
    api.refused(400, "POST", &place, json!({ "paths": [] })).await;
    for to in [
        json!("here"),
        json!({ "folder": "relative" }),
        json!({ "folder": "/a/../b" }),
        json!({ "destination": "restored", "x": 1 }),
        json!({}),
    ] {
        api.refused(400, "POST", &path, work(to)).await;
    }
    api.refused(404, "POST", &path, work(json!({ "destination": "none" }))).await;
    for kind in ["test", "backup", "prune", "maintenance"] {
        let work = json!({ "kind": kind, "snapshot": snapshot });
        assert!(api.refused(400, "POST", &path, work).await.contains("unknown field"));
    }
    pruning::pruning(api, app, other, snapshot).await;
    checking::unlocked(&world.user.path("store/locks"));
    let (task, log) = api.run(other, json!({ "kind": "maintenance" })).await;
    assert_eq!(task["state"], "succeeded", "{log}");
}
