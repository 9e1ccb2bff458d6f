//! The command line tells somebody before it ends, whatever becomes of a receiver.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use serde_json::Value;
use source_app::model::{Protection, Retention};
use source_app::state::{AppKind, AppSpec, Resource, State};

const LIMIT: Duration = Duration::from_secs(120);

type Got = Arc<Mutex<Vec<(String, Value)>>>;

/// A receiver of POSTs on loopback: its address, and what it got.
async fn receiver() -> (String, Got) {
    let got = Got::default();
    let kept = Arc::clone(&got);
    let take = move |request: axum::extract::Request| async move {
        let path = request.uri().path().to_owned();
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        kept.lock().unwrap().push((path, json));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{*path}", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, got)
}

struct Place {
    state: PathBuf,
    _directory: tempfile::TempDir,
}

impl Place {
    /// With a source whose Plakar cannot be run.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let spec = AppSpec {
            kind: AppKind::Source,
            name: "documents".into(),
            resource: Resource {
                name: "drive".into(),
                class: "file-storage".into(),
                subclass: String::new(),
            },
            environment: String::new(),
            data_classes: Vec::new(),
            integration: "rclone".into(),
            protocol: "opendrive".into(),
            entry: "documents".into(),
            store: Some("/vault".into()),
            retention: Retention::default(),
            protection: Protection::default(),
            backup: Default::default(),
            second_store: None,
            copy_range: Default::default(),
        };
        State::open(&state).unwrap().add_app(&spec, chrono::Utc::now()).unwrap();
        Self { state, _directory: directory }
    }

    fn write(&self, text: &str) {
        self.write_file("notify.toml", text);
    }

    fn write_file(&self, name: &str, text: &str) {
        let file = self.state.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    async fn run(&self, arguments: &'static [&'static str]) -> (String, String, i32) {
        let state = self.state.clone();
        let ran = tokio::task::spawn_blocking(move || run(&state, arguments));
        let output = tokio::time::timeout(LIMIT, ran).await.expect("it hangs").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }
}

fn run(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plakar-opendrive-app"));
    command.args(["app", "--state", state.to_str().unwrap()]).args(arguments);
    command.env("PLAKAR", "/bin/false").output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_by_hand_tells_before_it_ends_and_is_not_changed_by_that() {
    let (address, got) = receiver().await;
    let untold = Place::new();
    let expected = untold.run(&["backup", "documents", "--json"]).await;
    let place = Place::new();
    place.write(&format!(
        "[[webhook]]\nname = \"ops\"\nurl = \"{address}/hook\"\n\
         [[ping]]\nname = \"hc\"\nurl = \"{address}/uuid\"\n\
         [[webhook]]\nname = \"dead\"\nurl = \"http://127.0.0.1:1/\"\n\
         [[command]]\nname = \"slow\"\ncommand = [\"/bin/sleep\", \"600\"]\ntimeout_seconds = 1\n"
    ));
    let told = place.run(&["backup", "documents", "--json"]).await;
    assert_eq!((told.2, expected.2), (1, 1), "{}", told.1);
    let verdict = |(out, _, _): &(String, String, i32)| {
        let task: Value = serde_json::from_str(out).unwrap();
        (task["state"].clone(), task["verdict"].clone(), task["exit"].clone())
    };
    assert_eq!(verdict(&told), verdict(&expected));
    let sorted = || {
        let got = got.lock().unwrap();
        let events = got.iter().map(|(path, json)| (path.clone(), json["event"].clone()));
        events.fold(BTreeMap::<String, Vec<Value>>::new(), |mut all, (path, event)| {
            all.entry(path).or_default().push(event);
            all
        })
    };
    let first = sorted();
    assert_eq!(first["/hook"], ["failed"]);
    assert_eq!((first["/uuid/start"].len(), first["/uuid/fail"].len()), (1, 1));
    // A second failure is no news; the state says what is outstanding.
    place.run(&["backup", "documents"]).await;
    place.run(&["run", "--due"]).await;
    assert_eq!(sorted()["/hook"], ["failed"]);
    let (out, _, exit) = place.run(&["notify", "status", "--json"]).await;
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(exit, 1, "two do not answer");
    for one in status["receivers"].as_array().unwrap() {
        let is_well = ["ops", "hc"].contains(&one["name"].as_str().unwrap());
        assert_eq!(one["outstanding"], if is_well { 0 } else { 1 }, "{one}");
        assert_eq!(one["reason"] == "", is_well, "{one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_who_answered_and_a_bad_file_what_to_write() {
    let (address, got) = receiver().await;
    let place = Place::new();
    let (_, said, exit) = place.run(&["notify", "test"]).await;
    assert!(exit != 0 && said.contains("notify.toml is not there, so nobody is told"), "{said}");
    place.write(&format!(
        "[[webhook]]\nname = \"ops\"\nurl = \"{address}/hook\"\n[[webhook]]\nname = \"dead\"\nurl = \"http://127.0.0.1:1/\"\n"
    ));
    let (out, _, exit) = place.run(&["notify", "test"]).await;
    assert_eq!(exit, 1);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "ops  webhook  arrived: it answered 200");
    assert!(lines[1].starts_with("dead  webhook  did not arrive: it cannot be reached"), "{out}");
    assert_eq!(place.run(&["notify", "test", "ops"]).await.2, 0);
    assert_eq!(got.lock().unwrap().len(), 2);
    let (out, _, exit) = place.run(&["notify", "status"]).await;
    assert!(exit == 1 && out.contains("ops  webhook  127.0.0.1:"), "{out}");
    assert!(!out.contains("/hook"), "{out}");
    place.write("[[webhook]]\nname = \"ops\"\nurl = \"example.org/hook\"\n");
    for arguments in [&["notify", "status"], &["notify", "test"]] {
        let (_, said, exit) = place.run(arguments).await;
        assert!(exit != 0 && said.lines().count() == 1, "{said}");
        assert!(
            said.contains("notify.toml, line 3: url: the address has no scheme; write"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_listed_without_their_arguments_and_a_bad_file_is_told() {
    let place = Place::new();
    let (out, said, exit) = place.run(&["hook", "list"]).await;
    assert!(exit == 0 && out.is_empty() && said.contains("hooks.toml is not there"), "{said}");
    let (_, said, exit) = place.run(&["hook", "test", "documents"]).await;
    assert!(exit != 0 && said.contains("no script runs around a backup of documents"), "{said}");
    place.write_file(
        "hooks.toml",
        "[[hook]]\nname = \"dump\"\nbefore = [\"/opt/dump\", \"very-secret\"]\nafter = [\"/opt/start\"]\n\
         [[hook]]\nname = \"other\"\napps = [\"gone\"]\ntasks = [\"check\", \"sync\"]\nafter = [\"/opt/other\"]\n",
    );
    let (out, _, exit) = place.run(&["hook", "list"]).await;
    let expected = "dump  backup of all apps  within 600 s each\n  before: /opt/dump\n  after: /opt/start\n\
        other  check, sync of gone  within 600 s each\n  after: /opt/other\n  there is no app gone\n";
    assert_eq!((out.as_str(), exit), (expected, 1), "an app that is not there");
    let (out, _, exit) = place.run(&["hook", "list", "documents", "--json"]).await;
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status["hooks"].as_array().unwrap().len(), exit), (1, 0));
    assert!(!out.contains("very-secret"), "{out}");
    let (_, said, exit) = place.run(&["hook", "list", "nobody"]).await;
    assert!(exit != 0 && said.contains("there is no source app \"nobody\""), "{said}");
    place.write_file("hooks.toml", "[[hook]]\nname = \"dump\"\n");
    let (_, said, exit) = place.run(&["hook", "list"]).await;
    assert!(exit == 1 && said.contains("no task runs: "), "{said}");
    assert!(said.contains("hooks.toml, line 1: it runs nothing; write before or after"), "{said}");
    let (out, _, exit) = place.run(&["backup", "documents", "--json"]).await;
    let task: Value = serde_json::from_str(&out).unwrap();
    assert!(
        exit == 1 && task["verdict"].as_str().unwrap().starts_with("nothing was done"),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_once() {
    let place = Place::new();
    let (out, said, exit) = place.run(&["token", "add", "monitor", "--read-only"]).await;
    let token = out.trim_end();
    assert!(exit == 0 && token.starts_with("pot_") && token.len() == 68, "{out}");
    assert!(said.contains("it is not shown again"), "{said}");
    let (list, _, _) = place.run(&["token", "list"]).await;
    assert!(list.starts_with("monitor  read-only  made ") && !list.contains(token), "{list}");
    let (_, said, exit) = place.run(&["token", "add", "monitor", "--full"]).await;
    assert!(exit != 0 && said.contains("already a token named monitor"), "{said}");
    assert!(place.run(&["token", "add", "x"]).await.2 != 0, "read-only or full");
    let (_, said, exit) = place.run(&["token", "revoke", "nobody", "--yes"]).await;
    assert!(exit != 0 && said.contains("there is no token \"nobody\""), "{said}");
    assert_eq!(place.run(&["token", "revoke", "monitor", "--yes"]).await.2, 0);
    assert_eq!(place.run(&["token", "list", "--json"]).await.0, "");
    let (metrics, _, _) = place.run(&["metrics"]).await;
    assert!(metrics.contains("plakar_opendrive_app_verdict{app=\"documents\""), "{metrics}");
}
