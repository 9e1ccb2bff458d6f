//! The buttons of a dashboard, with the real Plakar.

use std::time::Duration;

use reqwest::StatusCode;
use source_app::state::{AppSpec, TaskFilter, TaskState};

use crate::console::Console;
use crate::scene::{PLAIN, spec};
use crate::world::World;

/// Waits until nothing of the console runs, and gives how the newest task ended.
async fn ended(console: &Console) -> TaskState {
    let wait = async {
        loop {
            let tasks = console.service.tasks(TaskFilter::default()).await.unwrap();
            if tasks.iter().all(|task| task.state.is_final()) {
                return tasks[0].state;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait).await.unwrap()
}

#[tokio::test]
async fn test_backup_and_check_are_started_by_buttons() {
    let world = World::new().await;
    world.put("letter.txt", b"Dear all");
    // A backup begins when it may.
    let go = world.user.home().join("go");
    let waits = format!("while [ ! -e {} ]; do sleep 0.05; done", go.display());
    let console = Console::new(world.meddled("backup", &waits)).await;
    // The source `drive` is in Plakar's configuration.
    let app = AppSpec {
        store: Some(world.user.path("store")),
        ..spec(source_app::state::AppKind::Source, "drive", &PLAIN)
    };
    let app = console.state.add_app(&app, chrono::Utc::now()).unwrap();
    let (path, tasks) = (format!("/apps/{}", app.id), format!("/apps/{}/tasks", app.id));

    assert_eq!(console.done(&tasks, &[("kind", "test")]).await, format!("{path}?notice=started"));
    assert_eq!(ended(&console).await, TaskState::Succeeded);
    assert!(console.page(&path).await.text(".cards section").contains("it answered in"));

    console.done(&tasks, &[("kind", "backup")]).await;
    // One of an app at a time: the second is refused, and leads back.
    let second = console.post(&tasks, &[("kind", "backup")]).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert_eq!(second.html("second").attribute(".faults + p a", "href"), path);
    std::fs::write(&go, "").unwrap();
    assert_eq!(ended(&console).await, TaskState::Succeeded);
    let page = console.page(&path).await;
    assert!(page.text("table").contains("restore point") && page.has("a.mono[href*='/points/']"));

    let point = page.attribute("a.mono", "href").rsplit('/').next().unwrap().to_owned();
    console.done(&tasks, &[("kind", "check"), ("snapshot", &point)]).await;
    assert_eq!(ended(&console).await, TaskState::Succeeded);
    let refused = console.get(&format!("{path}/prune")).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST
            && refused.html("prune").text(".faults").contains("has no retention")
    );
    for (fields, words) in [
        (vec![("kind", "restore")], "begins at a restore point"),
        (vec![("kind", "check"), ("snapshot", "../x")], "x"),
    ] {
        let refused = console.post(&tasks, &fields).await;
        assert!(
            refused.status == StatusCode::BAD_REQUEST
                && refused.html("refused").text(".faults").contains(words)
        );
    }
    console.service.stop().await;
}
