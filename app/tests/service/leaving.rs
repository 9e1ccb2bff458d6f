//! What restores that did not come to their end have left.

use std::path::Path;

use plakar_driver::{Kind, Store};
use source_app::model::TaskFigures;
use source_app::service::{AccountChange, SecondStore};
use source_app::state::{AppKind, Cause, NewTask, State, TaskKind, TaskResult, TaskState};

use crate::world::{World, name, options};

fn ended(state: TaskState) -> TaskResult {
    TaskResult {
        state,
        exit: None,
        verdict: state.to_string(),
        errors: 0,
        bytes: None,
        snapshot: None,
        figures: TaskFigures::default(),
    }
}

#[tokio::test]
async fn what_a_restore_left_goes_when_none_runs_and_from_the_store_that_it_read() {
    let world = World::new().await;
    let service = world.service();
    let away = world.user.path("away");
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.second_store = Some(SecondStore {
        place: away.clone(),
        create: true,
        unencrypted: true,
        ..SecondStore::default()
    });
    let app = service.assign(assign).await.unwrap();
    let left = name(&format!("verify-{}", "0a".repeat(16)));
    let login = options(&[("location", "opendrive://"), ("password", "hunter2")]);
    world.plakar.configure(Kind::Source, &left, &login).await.unwrap();
    let is_there = async || {
        world.plakar.configurations(Kind::Source).await.unwrap().contains_key(left.as_str())
    };

    // It may be that of the restore that runs.
    let (state, now) = (State::open(service.directory()).unwrap(), chrono::Utc::now());
    let input = serde_json::json!({
        "snapshot": "0".repeat(64), "path": "/", "to": { "folder": "/x" }, "second": true
    });
    let restore = NewTask { app: app.id, kind: TaskKind::Restore, cause: Cause::Manual, input };
    let task = state.begin(&restore, now).unwrap();
    service.remove_leftovers().await.unwrap();
    assert!(is_there().await);
    // It goes however that ended.
    state.finish(task.id, &ended(TaskState::Succeeded), None, now).unwrap();
    service.remove_leftovers().await.unwrap();
    assert!(!is_there().await);

    // What is in the second store goes with a restore from there that was killed.
    let files = world.user.path("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(format!("{files}/a.txt"), "a").unwrap();
    world.user.ok(&["at", &away, "backup", "-no-progress", "-tag=verification:1.0", &files]);
    let points = async || {
        let store = Store::folder(Path::new(&away)).unwrap();
        let browser = world.browsers.of(&world.plakar, &store).await.unwrap();
        browser.restore_points(None).await.unwrap().len()
    };
    service.remove_leftovers().await.unwrap();
    assert_eq!(points().await, 1);
    let task = state.begin(&restore, now).unwrap();
    state.finish(task.id, &ended(TaskState::Interrupted), None, now).unwrap();
    service.remove_leftovers().await.unwrap();
    assert_eq!(points().await, 0);
    service.stop().await;
}

#[tokio::test]
async fn files_that_a_killed_drill_has_restored_go() {
    let world = World::new().await;
    let service = world.service();
    let left = world.user.home().join("tmp/pk-drillAbCdEf");
    std::fs::create_dir_all(left.join("0")).unwrap();
    std::fs::write(left.join("0/letter.txt"), "Dear all,").unwrap();
    std::fs::write(left.join(".in-use"), "").unwrap();
    service.remove_leftovers().await.unwrap();
    assert!(!left.exists());
    service.stop().await;
}

#[tokio::test]
async fn what_a_running_restore_has_for_itself_is_nobodys_account_or_store() {
    let world = World::new().await;
    let service = world.service();
    let own = name(&format!("verify-{}", "0a".repeat(16)));
    let username = world.simulator.username();
    let login = options(&[
        ("location", "opendrive://"),
        ("username", username),
        ("password", world.simulator.password()),
    ]);
    let kinds = [Kind::Source, Kind::Destination, Kind::Store];
    for kind in kinds {
        world.plakar.configure(kind, &own, &login).await.unwrap();
    }
    let accounts = service.accounts().await.unwrap();
    let [account] = &accounts[..] else { panic!("{accounts:?}") };
    let entries: Vec<_> = account.entries.iter().map(|one| (one.kind, one.name.as_str())).collect();
    assert_eq!(entries, [("source", "drive"), ("destination", "drive")]);
    for kind in [AppKind::Source, AppKind::Destination] {
        let found = service.unassigned(kind).await.unwrap();
        let names: Vec<_> = found.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["drive"], "{kind}");
    }
    let stores = service.stores().await.unwrap();
    assert!(stores.is_empty(), "{stores:?}");
    assert!(service.store_overviews().await.unwrap().is_empty());

    let change = AccountChange {
        protocol: "opendrive".into(),
        username: username.to_owned(),
        secret: "another".into(),
        skip_test: true,
    };
    service.change_account(change).await.unwrap();
    let drive = world.plakar.configured(Kind::Source, &name("drive")).await.unwrap();
    assert_eq!(drive["password"], "another");
    for kind in kinds {
        assert_eq!(world.plakar.configured(kind, &own).await.unwrap(), login, "{kind:?}");
    }
    service.stop().await;
}
