//! The whole way: each operation is called, and each answer that is described for it is seen.

use opendrive_sim::{Fault, What};
use plakar_driver::Plakar;
use serde_json::{Value, json};

use crate::assigning::{assigning, integrations, source};
use crate::changing::changes;
use crate::client::Api;
use crate::packaging::{installed_api, packaging};
use crate::refusals::{self, Given};
use crate::resources::resources;
use crate::restoring::{backing_up, points, restoring};
use crate::scheduling::schedules;
use crate::storing::storing;
use crate::telling::telling;
use crate::world::{World, environment, guard, write_program};

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
    storing(&api, &world, &source, &snapshot).await;
    restoring(&api, &world, &source, &other, &snapshot).await;
    crate::drilling::drilling(&api, &world, &source, &snapshot).await;
    let (schedule, policy) = schedules(&api, &source).await;
    let installed = installed_api(&api, &world).await;
    tasks(&api, &world, &source, &installed).await;
    packaging(&api, &installed).await;
    let task = api.get("/tasks?limit=1").await["items"][0]["id"].clone();
    let resource = resources(&api, &source).await;
    crate::assigning::several(&api, &world).await;
    let token = telling(&api, &world).await;
    let given = Given { app: source.clone(), task, schedule, policy, resource, token, snapshot };
    refusals::all(&api, &given).await;
    refusals::no_routes(&api).await;
    broken(&api, &world, &given).await;
    removing(&api, &given, &other).await;
    api.ok(204, "DELETE", &format!("/tokens/{}", given.token), Value::Null).await;
    changes(&api, &given).await;
    let mut unseen = api.unseen();
    // The server in front of the API answers these; and there is no fault of the program that could
    // be asked for.
    unseen.retain(|(_, status)| ![401, 403, 500].contains(status));
    assert!(unseen.is_empty(), "described and never answered: {unseen:?}");
    let unchanged = api.unchanged();
    assert!(
        unchanged.is_empty(),
        "they changed something, and nothing was recorded: {unchanged:?}"
    );
}

/// Lists, filters, pages; one that runs is busy and is cancelled.
async fn tasks(api: &Api, world: &World, app: &Value, installed: &Api) {
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
    let usage = api.get(&format!("/tasks/{task}/usage")).await;
    if cfg!(target_os = "linux") {
        let points = usage["points"].as_array().unwrap();
        // Plakar holds more than ten megabytes, once it has begun: the first look may come before.
        let memory = points.iter().filter_map(|point| point["memory"].as_u64()).max();
        assert!(memory > Some(10 << 20), "{usage}");
        assert!(points[0]["seconds"].as_f64().unwrap() < 60.0, "{usage}");
    }
    assert_eq!(api.get(&format!("/tasks/{task}/log?offset=9007199254740991")).await["text"], "");
    assert_eq!(
        api.ok(200, "POST", &format!("/tasks/{task}/cancel"), json!({})).await["outcome"],
        "over"
    );

    world
        .simulator
        .add_fault(Fault::new(What::Delay { ms: 3_600_000 }).endpoint("download/file").always());
    // A maintenance may leave its lock behind: plakar ends before it is removed.
    crate::checking::unlocked(&world.user.path("store/locks"));
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
    let message = installed.refused(423, "POST", "/package", json!({})).await;
    assert!(message.contains("is running, and needs Plakar's package"), "{message}");
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
    write_program(&script, "#!/bin/sh\necho 'error: it is out of order' >&2\nexit 1\n");
    let mut environment = environment(&world.user, &world.simulator);
    let share = world.user.home().join("installed/share/plakar-opendrive");
    environment.push(("PLAKAR_OPENDRIVE_SHARE".into(), share.into()));
    let plakar = Plakar::new(&script, guard(), environment).unwrap();
    let broken = api.with(&world.user.home().join("state"), plakar).await;
    let Given { app, snapshot, .. } = given;
    let point = format!("/apps/{app}/points/{snapshot}");
    let safe = id_of(api, "safe").await;
    for path in [
        "/choices?kind=source&class=file-storage",
        "/form?kind=source&class=file-storage",
        "/classes",
        "/stores",
        "/stores/safe",
        "/stores/safe/points",
        "/marks?store=safe",
        "/entries?kind=source",
        "/credentials",
        &format!("/apps/{safe}/recovery"),
        &format!("/apps/{app}/configuration"),
        &format!("/apps/{app}/points"),
        &format!("/apps/{app}/prune"),
        &format!("/apps/{app}/preview?ignore=*.txt"),
        &format!("/apps/{app}/search?text=x"),
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
        ("POST", "/package".to_owned(), json!({})),
        ("POST", "/several-apps".to_owned(), crate::assigning::music(world)),
        ("POST", "/resources".to_owned(), json!({ "name": "p", "location": "opendrive://P" })),
        ("POST", "/stores/safe/read".to_owned(), json!({})),
        ("POST", format!("{point}/archive"), json!({ "paths": ["/home"] })),
        ("PUT", format!("/apps/{app}"), json!({ "revision": revision, "options": {} })),
        ("POST", format!("/apps/{app}/tasks"), json!({ "kind": "check", "snapshot": snapshot })),
        ("POST", format!("/tasks/{checked}/retry"), json!({})),
        ("PUT", format!("{point}/pin"), json!({})),
    ] {
        broken.refused(502, method, &path, body).await;
    }
    // It is gone, and its configuration cannot be removed.
    let spare = api.ok(201, "POST", "/apps", source(world, "spare")).await["id"].clone();
    broken.refused(502, "DELETE", &format!("/apps/{spare}"), Value::Null).await;
}

async fn id_of(api: &Api, name: &str) -> Value {
    let apps = api.get("/apps").await;
    let found = apps["apps"].as_array().unwrap().iter().find(|one| one["app"]["name"] == name);
    found.unwrap()["app"]["id"].clone()
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
