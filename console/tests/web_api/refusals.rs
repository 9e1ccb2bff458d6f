//! What every operation refuses: what it does not know, what is too large, what is not there.

use serde_json::{Value, json};

use crate::client::Api;
use crate::description::{Description, Operation};

/// The ids of what there is, for addresses.
pub struct Given {
    pub app: Value,
    pub task: Value,
    pub schedule: Value,
    pub policy: Value,
    pub resource: Value,
    pub token: Value,
    pub snapshot: String,
}

/// A query and a body that an operation takes.
fn example(operation: &Operation, given: &Given) -> (&'static str, Value) {
    let schedule = json!({ "owner": { "app": given.app }, "kind": "check", "cron": "5 5 * * *", "time_zone": "UTC",
        "enabled": false, "catch_up": false });
    let policy = json!({ "name": "refused", "classes": "any", "enabled": false });
    let with_revision = |mut body: Value| {
        body["revision"] = json!(1);
        body
    };
    match operation.id.as_str() {
        "assignApp" => {
            let resource = json!({ "name": "a", "class": "file-storage" });
            (
                "",
                json!({ "kind": "destination", "name": "refused", "resource": resource, "options": {} }),
            )
        }
        "editApp" => ("", json!({ "revision": 1, "environment": "x" })),
        "exportSchedules" => ("form=systemd&executable=/bin/x", Value::Null),
        "startTask" => ("", json!({ "kind": "backup" })),
        "searchEntries" | "searchAllPoints" => ("text=x", Value::Null),
        "download" => ("path=/x", Value::Null),
        "downloadSeveral" => ("", json!({ "paths": ["/x"] })),
        "openStore" => ("", json!({ "store": "safe" })),
        "listMarks" => ("store=safe", Value::Null),
        "listPlakarEntries" => ("kind=source", Value::Null),
        "listChoices" | "showForm" => ("kind=source&class=file-storage", Value::Null),
        "cancelTask" | "retryTask" | "pinPoint" | "readStore" | "addPackage" => ("", json!({})),
        "pauseApp" | "pauseAll" => ("", json!({ "until": "2000-01-01T00:00:00Z" })),
        "makeApps" => (
            "",
            json!({ "protocol": "opendrive", "username": "nobody", "policy": "none", "store": "none" }),
        ),
        "addResource" => ("", json!({ "name": "refused" })),
        "editResource" => ("", with_revision(json!({ "name": "refused", "class": "a" }))),
        "addWord" => ("", json!({ "kind": "environment", "word": "production" })),
        "removeWord" => ("kind=environment&word=nowhere", Value::Null),
        "addSchedule" => ("", schedule),
        "editSchedule" => ("", with_revision(schedule)),
        "addPolicy" => ("", policy),
        "editPolicy" => ("", with_revision(policy)),
        "testNotifications" => ("", json!({ "receiver": "nobody" })),
        "changeCredential" => {
            ("", json!({ "protocol": "opendrive", "username": "nobody", "secret": "x" }))
        }
        "addToken" => ("", json!({ "name": "refused", "access": "full" })),
        _ => ("", Value::Null),
    }
}

fn address(operation: &Operation, given: &Given, query: &str) -> String {
    let ids = [
        ("{app}", &given.app),
        ("{task}", &given.task),
        ("{schedule}", &given.schedule),
        ("{policy}", &given.policy),
        ("{resource}", &given.resource),
        ("{token}", &given.token),
    ];
    let path = operation.path.replace("{snapshot}", &given.snapshot).replace("{store}", "safe");
    let path = ids.iter().fold(path, |path, (name, id)| path.replace(name, &id.to_string()));
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// Goes through all operations. Nothing of it changes anything.
pub async fn all(api: &Api, given: &Given) {
    for operation in &Description::get().operations {
        let (query, body) = example(operation, given);
        unknown_parameters(api, operation, given, query, &body).await;
        wrong_ids(api, operation, given, query, &body).await;
        bodies(api, operation, &address(operation, given, query), &body).await;
    }
}

async fn unknown_parameters(
    api: &Api,
    operation: &Operation,
    given: &Given,
    query: &str,
    body: &Value,
) {
    let more =
        |extra: &str| if query.is_empty() { extra.to_owned() } else { format!("{query}&{extra}") };
    let mut queries = vec![more("unknown=1"), more("unknown"), more("token=x")];
    if !query.is_empty() {
        let twice = query.rsplit('&').next().unwrap();
        queries.push(more(twice));
    }
    for query in queries {
        let path = address(operation, given, &query);
        let message = api.refused(400, &operation.method, &path, body.clone()).await;
        assert!(
            message.contains("unknown field") || message.contains("duplicate field"),
            "{path}: {message}"
        );
    }
    for (name, wrong) in [
        ("limit", ["0", "1001", "-1", "x", "01", ""]),
        ("offset", ["-1", "9007199254740992", "1.5", "x", "00", ""]),
        ("app", ["0", "-1", "+1", "01", "x", ""]),
    ] {
        if !Description::get()
            .parameters(operation, "query")
            .iter()
            .any(|parameter| parameter["name"] == name)
        {
            continue;
        }
        for value in wrong {
            let path =
                address(operation, given, &more(&format!("{name}={}", value.replace('+', "%2B"))));
            let message = api.refused(400, &operation.method, &path, body.clone()).await;
            assert!(message.contains("write a number"), "{path}: {message}");
        }
    }
}

async fn wrong_ids(api: &Api, operation: &Operation, given: &Given, query: &str, body: &Value) {
    let place = address(operation, given, query);
    for (name, id) in [
        ("{app}", &given.app),
        ("{task}", &given.task),
        ("{schedule}", &given.schedule),
        ("{policy}", &given.policy),
        ("{resource}", &given.resource),
        ("{token}", &given.token),
    ] {
        if !operation.path.contains(name) {
            continue;
        }
        let collection =
            format!("/{}/", operation.path.trim_start_matches('/').split('/').next().unwrap());
        let with = |other: &str| {
            place.replacen(&format!("{collection}{id}"), &format!("{collection}{other}"), 1)
        };
        for wrong in [
            "0",
            "-1",
            "%2B1",
            "01",
            "1.0",
            "x",
            "9007199254740992",
            "%20",
            "1%00",
            "%ff",
            "..%2f1",
        ] {
            api.refused(400, &operation.method, &with(wrong), body.clone()).await;
        }
        let message = api.refused(404, &operation.method, &with("999999"), body.clone()).await;
        assert!(message.contains("999999"), "{message}");
    }
    if operation.path.contains("{snapshot}") {
        for wrong in [
            "latest",
            &given.snapshot[..8],
            &given.snapshot.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
            "-x",
            "..%2f",
        ] {
            api.refused(
                400,
                &operation.method,
                &place.replace(&given.snapshot, wrong),
                body.clone(),
            )
            .await;
        }
        api.refused(
            404,
            &operation.method,
            &place.replace(&given.snapshot, &"0".repeat(64)),
            body.clone(),
        )
        .await;
    }
}

async fn bodies(api: &Api, operation: &Operation, path: &str, body: &Value) {
    let method = operation.method.as_str();
    if body.is_null() {
        if method == "DELETE" {
            assert!(api.refused(400, method, path, json!({})).await.contains("no body"));
        }
        return;
    }
    let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
    assert!(
        Description::get().faults(schema, body).is_empty(),
        "{}: {:?}",
        operation.id,
        Description::get().faults(schema, body)
    );
    let mut unknown = body.clone();
    unknown["unknown"] = json!(1);
    assert!(!Description::get().faults(schema, &unknown).is_empty(), "{}", operation.id);
    let message = api.refused(400, method, path, unknown).await;
    assert!(message.contains("unknown field `unknown`"), "{}: {message}", operation.id);
    let raw = async |kind: Option<&str>, text: String| {
        let mut request = api.request(method, path).body(text);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        api.answer(method, path, request).await.status
    };
    for text in ["", "{", "[]", "null", "\"x\"", "{} {}", "\u{feff}{}", "{\"a\":"] {
        assert_eq!(
            raw(Some("application/json"), text.into()).await,
            400,
            "{} {text}",
            operation.id
        );
    }
    assert_eq!(
        raw(Some("application/json"), format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)))
            .await,
        400
    );
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("multipart/form-data"),
    ] {
        assert_eq!(raw(kind, body.to_string()).await, 415, "{} {kind:?}", operation.id);
    }
    // One byte too many: of more, some might be unread when the server hangs up.
    let body = body.to_string();
    let large = format!("{body}{}", " ".repeat((64 << 10) + 1 - body.len()));
    assert_eq!(raw(Some("application/json"), large).await, 413, "{}", operation.id);
}

/// What is no route is refused in the same form.
pub async fn no_routes(api: &Api) {
    let error = json!({ "$ref": "#/components/schemas/Error" });
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/apps/", 404),
        ("POST", "/apps/1/points/x/y/z", 404),
        ("GET", "/openapi.yaml", 404),
        ("PATCH", "/apps", 405),
        ("DELETE", "/apps", 405),
        ("POST", "/apps/1", 405),
        ("GET", "/tasks/1/cancel", 405),
    ] {
        let answer = api.send(method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let faults = Description::get().faults(&error, &answer.json);
        assert!(faults.is_empty(), "{method} {path}: {faults:?}");
        assert_eq!(answer.headers.contains_key("allow"), status == 405, "{method} {path}");
    }
}
