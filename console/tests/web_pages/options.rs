//! What of a source is backed up: the form, the faults beside their fields, what pages say of it.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use source_app::model::BackupOptions;
use source_app::state::{AppKind, TaskKind, TaskState};

use crate::console::Console;
use crate::scene::{PLAIN, Scene, spec};

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn options_are_set_by_the_settings_and_shown_on_the_apps_page() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 90);
    let place = format!("/apps/{}", app.id);
    let settings = format!("{place}/settings");
    let page = console.page(&settings).await;
    let with = |changed: &[(&str, &str)]| {
        let mut fields = page.form("main form[method=post]");
        fields.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        fields.extend(changed);
        fields
    };
    let post = async |changed: &[(&str, &str)]| {
        let fields = with(changed);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        console.post(&settings, &fields).await
    };
    // Each fault stands beside its field, what was entered stays, and nothing is saved.
    for (field, entered, words) in [
        ("ignore", "*.tmp\r\n*", "leave out all there is"),
        ("ignore", "[a", "never matches anything"),
        ("folders", "../etc", "is no folder below"),
        ("labels", "a,b", "holds a comma; give several one by one"),
        ("labels", "app:x", "begins like a mark"),
        ("concurrency", "65", "write 1 to 64"),
        ("concurrency", "many", "whole number"),
    ] {
        let answer = post(&[(field, entered)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {entered}");
        let faults = answer.html("faults");
        let fault = faults.text(&format!("#{field}-fault"));
        assert!(fault.contains(words), "{field}: {fault}");
        assert!(faults.has("details.more[open] .wrong"), "{field}: it is hidden");
        assert_eq!(console.state.app(app.id).unwrap(), app);
    }
    let right = [
        ("ignore", "*.tmp\r\n\r\n/Old <b>stuff</b>/\r\n"),
        ("folders", "/Photos/\r\nDocs/Letters"),
        ("labels", "before upgrade\r\nü&x"),
        ("concurrency", "4"),
    ];
    assert_eq!(post(&right).await.status, StatusCode::SEE_OTHER);
    let options = BackupOptions {
        ignore: list(&["*.tmp", "/Old <b>stuff</b>/"]),
        folders: list(&["Photos", "Docs/Letters"]),
        labels: list(&["before upgrade", "ü&x"]),
        concurrency: 4,
    };
    assert_eq!(console.state.app(app.id).unwrap().spec.backup, options);
    let page = console.page(&settings).await;
    assert_eq!(page.text("#ignore"), "*.tmp /Old <b>stuff</b>/");
    let page = console.page(&place).await;
    assert!(
        page.texts("dd").iter().any(|text| text.contains("takes 2 folders, leaves out 2 patterns"))
    );
    assert_eq!(
        page.attribute("dd a.tag:last-of-type", "href"),
        format!("{place}/points?label=%C3%BC%26x")
    );
}

#[tokio::test]
async fn tasks_are_narrowed_to_the_apps_with_a_label() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    scene.ended(
        &scene.app(AppKind::Source, "plain", 9),
        TaskKind::Test,
        TaskState::Failed,
        Utc::now(),
    );
    assert!(!console.page("/tasks").await.has("#label"));
    let mut labelled = spec(AppKind::Source, "labelled", &PLAIN);
    labelled.backup.labels = list(&["ü&x", "other"]);
    let app = console.state.add_app(&labelled, Utc::now()).unwrap();
    for _ in 0..51 {
        scene.ended(&app, TaskKind::Test, TaskState::Succeeded, Utc::now());
    }
    let page = console.page("/tasks?label=%C3%BC%26x").await;
    assert_eq!(page.attribute("#label option[selected]", "value"), "ü&x");
    assert_eq!(page.texts("td[data-label=App]"), vec!["labelled"; 50]);
    let older = page.attribute("a[rel=next]", "href");
    assert_eq!(console.page(&older).await.texts("td[data-label=App]"), ["labelled"]);
    assert!(console.page("/tasks?label=none").await.text(".empty").contains("No such tasks"));
}

#[tokio::test]
async fn the_apps_page_says_what_the_next_backup_will_take() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 90);
    let place = format!("/apps/{}", app.id);
    let rows = async || console.page(&place).await.texts("details dd");
    let rows_of_new = rows().await;
    assert_eq!(rows_of_new.len(), 4);
    assert!(rows_of_new.iter().all(|row| row == "not known There is no backup to go by yet."));
    for days in [3, 2, 1] {
        let at = Utc::now() - TimeDelta::days(days);
        scene.ended(&app, TaskKind::Backup, TaskState::Succeeded, at);
    }
    let rows = rows().await;
    assert_eq!(rows[0], "about 2 min The middle of the last 3 backups.");
    assert_eq!(rows[1], "not known The last backups do not tell.");
    assert!(rows[2].starts_with("4.4 GiB in all, about 977 KiB new"), "{rows:?}");
    assert!(
        rows[3].starts_with("on the free plan (1.0 GiB a day) all of it takes 5 days;"),
        "{rows:?}"
    );
}
