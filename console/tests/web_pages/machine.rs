//! Pages about the machine: diagnosis, Plakar's package, what a task took, the seals of changes.

use reqwest::StatusCode;
use source_app::model::{TaskUsage, UsagePoint};
use source_app::state::{AppKind, Cause, NewTask, TaskKind};

use crate::console::Console;
use crate::scene::{PLAIN, Scene};

#[tokio::test]
async fn a_diagnosis_says_what_is_wrong_and_can_be_shown_to_strangers() {
    let console = Console::without_plakar().await;
    let page = console.page("/settings").await;
    assert!(page.has("a[href='/settings/diagnosis']") && page.has("a[href='/settings/package']"));
    let page = console.page("/settings/diagnosis").await;
    assert_eq!(page.texts("caption"), ["Programs", "Machine", "Room", "Sizes"]);
    // /bin/false is no Plakar.
    assert_eq!(page.text("main > p .badge"), "bad");
    let found = page.texts("td[data-label=Found]");
    assert!(found.iter().any(|text| text.starts_with("cannot be run")), "{found:?}");
    let directory = console.service.directory().display().to_string();
    assert!(page.texts("td[data-label=Where]").contains(&directory), "{directory}");
    let redacted = page.attribute("main .actions a", "href");
    let page = console.page(&redacted).await;
    let text = page.text("main");
    assert!(!text.contains(&directory) && !text.contains("/bin/false"), "{text}");
    assert!(page.texts("td[data-label=Where]").contains(&"(left out)".to_owned()));
    assert_eq!(page.text("main code"), "plakar-opendrive app diagnose --redact");
}

#[tokio::test]
async fn a_package_that_did_not_come_along_has_no_button() {
    let console = Console::without_plakar().await;
    let page = console.page("/settings/package").await;
    // /bin/false does not say what it has.
    assert_eq!(page.text("main .badge"), "not known");
    assert!(page.text("main dl").contains("none: it was built and not installed"));
    assert!(!page.has("main form"), "nothing can be added");
    let answer = console.post("/settings/package", &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.html("refused");
    assert!(page.text(".faults").contains("No package came with this program"));
}

#[tokio::test]
async fn what_a_task_took_is_drawn_and_told_as_a_table() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "photos", 9).id;
    let (kind, cause) = (TaskKind::Backup, Cause::Manual);
    let new = NewTask { app, kind, cause, input: serde_json::json!({}) };
    let task = console.state.begin(&new, chrono::Utc::now()).unwrap().id;
    let address = format!("/tasks/{task}");
    assert!(!console.page(&address).await.has("figure.plot"), "nothing was measured");
    let point = |second: u64| UsagePoint {
        seconds: second as f64 * 60.0,
        processor: second as f64,
        memory: (100 + second) << 20,
    };
    let usage = TaskUsage { points: (1..=120).map(point).collect() };
    console.state.note_usage(task, &usage).unwrap();
    let page = console.page(&address).await;
    assert_eq!(page.texts("figure.plot figcaption strong"), ["Processor", "Memory"]);
    let words = page.attribute("figure.plot svg", "aria-label");
    let told = "Processor of 120 measurements from 1 min to 2 h: between 1 % and 120 %";
    assert!(words.starts_with(told), "{words}");
    assert_eq!(page.texts("details table tbody tr").len(), 120);
    assert_eq!(page.text("details td[data-label=Memory]"), "101 MiB");
}

#[tokio::test]
async fn a_record_that_was_altered_is_told() {
    let console = Console::without_plakar().await;
    for word in ["one", "two", "three"] {
        console.state.add_word(source_app::state::WordKind::Environment, word).unwrap();
    }
    let page = console.page("/settings/changes").await;
    let verify = page.attribute("section[aria-labelledby=attestation] .actions a", "href");
    let page = console.page(&verify).await;
    assert_eq!(page.text("section[aria-labelledby=attestation] .badge"), "whole");
    let database = console.service.directory().join("state.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute("UPDATE setting_change SET name = 'x' WHERE id = 2", []).unwrap();
    let page = console.page(&verify).await;
    assert_eq!(page.text("section[aria-labelledby=attestation] .badge"), "not whole");
    let words = page.text("section[aria-labelledby=attestation] [role=status]");
    assert!(words.contains("change 2 is not as it was recorded"), "{words}");
    let refused = console.get("/api/changes/export").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
}
