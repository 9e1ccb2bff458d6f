//! The whole way: each operation is called, and each answer that is described for it is seen.

use opendrive_sim::{Fault, What};
use plakar_driver::Plakar;
use serde_json::{Value, json};

use crate::adopting::{adopting, id_of};
use crate::client::Api;
use crate::refusals::{self, Given};
use crate::scheduling::schedules;
use crate::world::{World, environment, guard};

/// A source of the folder `home` of the drive, into the world's store.
fn source(world: &World, name: &str) -> Value {
    json!({
        "kind": "source", "name": name, "environment": "production", "data_classes": ["PII", "critical"],
        "resource": { "name": "my drive", "class": "file-storage" },
        "options": { "location": "opendrive://home", "username": world.simulator.username(), "password": world.simulator.password() },
        "store": world.user.path("store"), "retention": { "daily": 7 },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_it_is_described() {
    let world = World::new().await;
    let api = Api::start(
        &world.user.home().join("state"),
        world.plakar.clone(),
        world.simulator.password(),
    )
    .await;
    for n in 0..5 {
        world.put(&format!("home/folder/letter {n}.txt"), format!("Dear {n},\n").as_bytes());
    }
    world.put("home/bad.bin", b"bad");
    integrations(&api).await;
    let (source, other) = assigning(&api, &world).await;
    let snapshot = backing_up(&api, &world, &source).await;
    points(&api, &source, &other, &snapshot).await;
    restoring(&api, &world, &source, &other, &snapshot).await;
    let (schedule, policy) = schedules(&api, &source).await;
    tasks(&api, &world, &source).await;
    let task = api.get("/tasks?limit=1").await["items"][0]["id"].clone();
    let given = Given { app: source.clone(), task, schedule, policy, snapshot };
    refusals::all(&api, &given).await;
    refusals::no_routes(&api).await;
    broken(&api, &world, &given).await;
    removing(&api, &given, &other).await;
    let mut unseen = api.unseen();
    // The server in front of the API answers these; and there is no fault of the program that could
    // be asked for.
    unseen.retain(|(_, status)| ![401, 403, 500].contains(status));
    assert!(unseen.is_empty(), "described and never answered: {unseen:?}");
}

async fn integrations(api: &Api) {
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
async fn assigning(api: &Api, world: &World) -> (Value, Value) {
    assert_eq!(api.get("/apps").await, json!({ "apps": [], "next": [] }));
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
    adopting(api, world, source(world, "safe")).await;
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

/// Gives the newest restore point, in which one file is missing.
async fn backing_up(api: &Api, world: &World, app: &Value) -> String {
    let (task, _) = api.run(app, json!({ "kind": "test" })).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let status = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world
        .simulator
        .add_fault(Fault::new(status).endpoint("download/file").item("bad.bin").always());
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
    let (task, _) = api.run(app, json!({ "kind": "check", "snapshot": snapshot })).await;
    assert_eq!(
        (&task["state"], &task["input"]),
        (&json!("succeeded"), &json!({ "snapshot": snapshot })),
        "{task}"
    );
    let dashboard = api.get(&format!("/apps/{app}")).await;
    assert_eq!(
        (&dashboard["last"]["snapshot"], &dashboard["last_success"]),
        (&json!(snapshot), &Value::Null)
    );
    assert_eq!(dashboard["resource"].as_array().unwrap().len(), 4);
    snapshot
}

async fn points(api: &Api, app: &Value, other: &Value, snapshot: &str) {
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

async fn restoring(api: &Api, world: &World, app: &Value, other: &Value, snapshot: &str) {
    let path = format!("/apps/{app}/tasks");
    let work = |to: Value| json!({ "kind": "restore", "snapshot": snapshot, "path": "/home/folder", "to": to });
    let (task, _) = api.run(app, work(json!({ "destination": "restored" }))).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let folder = world.user.path("restored");
    let (task, _) = api.run(app, work(json!({ "folder": folder }))).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    assert_eq!(std::fs::read(format!("{folder}/letter 3.txt")).unwrap(), b"Dear 3,\n");
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
    for kind in ["test", "backup", "prune"] {
        assert!(
            api.refused(400, "POST", &path, json!({ "kind": kind, "snapshot": snapshot }))
                .await
                .contains("unknown field")
        );
    }
    let (task, log) = api.run(other, json!({ "kind": "prune" })).await;
    assert_eq!(task["state"], "succeeded", "{log}");
}

/// Lists, filters, pages; one that runs is busy and is cancelled.
async fn tasks(api: &Api, world: &World, app: &Value) {
    let first = api.get("/tasks?limit=2").await;
    let second = api.get(&format!("/tasks?limit=2&before={}", first["next"])).await;
    assert!(second["items"][0]["id"].as_i64() < first["items"][1]["id"].as_i64());
    let filtered = api.get(&format!("/tasks?app={app}&kind=backup&state=completed%20with%20errors&cause=manual&since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00%2B02:00")).await;
    assert_eq!((filtered["items"].as_array().unwrap().len(), &filtered["next"]), (1, &Value::Null));
    for query in ["kind=x", "state=x", "since=yesterday", "limit=501", "cause=", "before=0"] {
        api.refused(400, "GET", &format!("/tasks?{query}"), Value::Null).await;
    }
    let task = &filtered["items"][0]["id"];
    assert_eq!(&api.get(&format!("/tasks/{task}")).await["id"], task);
    assert_eq!(api.get(&format!("/tasks/{task}/log?offset=9007199254740991")).await["text"], "");
    assert_eq!(
        api.ok(200, "POST", &format!("/tasks/{task}/cancel"), json!({})).await["outcome"],
        "over"
    );

    world
        .simulator
        .add_fault(Fault::new(What::Delay { ms: 60_000 }).endpoint("download/file").always());
    let running =
        api.ok(202, "POST", &format!("/tasks/{task}/retry"), json!({})).await["id"].clone();
    assert!(
        api.refused(400, "POST", &format!("/tasks/{running}/retry"), json!({}))
            .await
            .contains("still running")
    );
    assert!(
        api.refused(423, "POST", &format!("/apps/{app}/tasks"), json!({ "kind": "backup" }))
            .await
            .contains("running")
    );
    api.refused(423, "POST", &format!("/tasks/{task}/retry"), json!({})).await;
    api.refused(423, "DELETE", &format!("/apps/{app}"), Value::Null).await;
    assert_eq!(
        api.ok(200, "POST", &format!("/tasks/{running}/cancel"), json!({})).await["outcome"],
        "asked"
    );
    assert_eq!(api.end(&running).await.0["state"], "cancelled");
    world.simulator.set_faults(Vec::new());
}

/// Plakar does not work any more.
async fn broken(api: &Api, world: &World, given: &Given) {
    let script = world.user.home().join("broken-plakar");
    std::fs::write(&script, "#!/bin/sh\necho 'error: it is out of order' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let plakar = Plakar::new(&script, guard(), environment(&world.user, &world.simulator)).unwrap();
    let broken = api.with(&world.user.home().join("state"), plakar).await;
    let Given { app, snapshot, .. } = given;
    let point = format!("/apps/{app}/points/{snapshot}");
    let safe = id_of(api, "safe").await;
    for path in [
        "/choices?kind=source&class=file-storage",
        "/form?kind=source&class=file-storage",
        "/classes",
        "/stores",
        "/marks?store=safe",
        "/entries?kind=source",
        &format!("/apps/{safe}/recovery"),
        &format!("/apps/{app}/configuration"),
        &format!("/apps/{app}/points"),
        &point,
        &format!("{point}/entries"),
        &format!("{point}/search?text=x"),
        &format!("{point}/errors"),
        &format!("{point}/download?path=/home"),
    ] {
        broken.refused(502, "GET", path, Value::Null).await;
    }
    let checked = api.get(&format!("/tasks?app={app}&kind=check")).await["items"][0]["id"].clone();
    let revision = api.get(&format!("/apps/{app}")).await["app"]["revision"].clone();
    for (method, path, body) in [
        ("POST", "/apps".to_owned(), source(world, "third")),
        ("POST", "/stores".to_owned(), json!({ "store": "safe" })),
        ("PUT", format!("/apps/{app}"), json!({ "revision": revision, "options": {} })),
        ("POST", format!("/apps/{app}/tasks"), json!({ "kind": "check", "snapshot": snapshot })),
        ("POST", format!("/tasks/{checked}/retry"), json!({})),
    ] {
        broken.refused(502, method, &path, body).await;
    }
    // It is gone, and its configuration can't be removed.
    let spare = api.ok(201, "POST", "/apps", source(world, "spare")).await["id"].clone();
    broken.refused(502, "DELETE", &format!("/apps/{spare}"), Value::Null).await;
}

async fn removing(api: &Api, given: &Given, other: &Value) {
    for path in [
        format!("/schedules/{}", given.schedule),
        format!("/policies/{}", given.policy),
        format!("/apps/{other}"),
        format!("/apps/{}", given.app),
        format!("/apps/{}", id_of(api, "safe").await),
    ] {
        api.ok(204, "DELETE", &path, Value::Null).await;
        api.refused(404, "DELETE", &path, Value::Null).await;
    }
    assert_eq!(api.get("/apps").await["apps"].as_array().unwrap().len(), 1);
}
