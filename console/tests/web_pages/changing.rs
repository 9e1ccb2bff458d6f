//! The page of changes.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use source_app::state::AppKind;

use crate::console::Console;
use crate::scene::{PLAIN, Scene};

#[tokio::test]
async fn changes_are_told_filtered_and_paged() {
    let console = Console::without_plakar().await;
    let page = console.page("/settings/changes").await;
    assert_eq!(page.text(".empty h2"), "No changes yet");
    let page = console.page("/settings").await;
    assert!(page.has("a[href='/settings/changes']"));
    let scene = Scene { state: &console.state, texts: PLAIN };
    let (app, other) =
        (scene.app(AppKind::Source, "photos", 9), scene.app(AppKind::Source, "notes", 9));
    let until = (Utc::now() + TimeDelta::days(3)).format("%Y-%m-%dT%H:%M").to_string();
    let pause = [("app", app.id.to_string()), ("until", until)];
    let pause = pause.each_ref().map(|(name, value)| (*name, value.as_str()));
    console.done("/scheduling/pause", &pause).await;

    let page = console.page("/settings/changes").await;
    assert_eq!(page.texts("tbody th"), ["Pause photos", "App notes", "App photos"]);
    assert_eq!(page.texts("td[data-label=Done]"), ["added", "added", "added"]);
    assert_eq!(page.texts("td[data-label=By]"), ["console", "command line", "command line"]);
    let fields = page.texts("td[data-label='Before and after']");
    assert!(fields[0].starts_with("until: not set → 20"), "{fields:?}");
    // Many are folded.
    assert!(fields[1].contains("fields") && page.has("td details summary"), "{fields:?}");
    let of_app = format!("/settings/changes?app={}", other.id);
    let page = console.page(&of_app).await;
    assert_eq!(page.texts("tbody th"), ["App notes"]);
    assert_eq!(page.attribute("option[selected]", "value"), other.id.to_string());
    console.state.remove_app(other.id).unwrap();
    let page = console.page(&of_app).await;
    assert_eq!(page.texts("td[data-label=Done]"), ["removed", "added"]);
    assert_eq!(page.text("option[selected]"), "an app that is gone");

    for number in 0..60 {
        let word = format!("word {number}");
        console.state.add_word(source_app::state::WordKind::Environment, &word).unwrap();
    }
    let page = console.page("/settings/changes").await;
    assert_eq!((page.texts("tbody tr").len(), page.texts(".pager a")), (50, vec!["Older".into()]));
    let older = page.attribute(".pager a", "href");
    let page = console.page(&older).await;
    assert_eq!((page.texts("tbody tr").len(), page.texts(".pager a")), (14, vec!["Newest".into()]));
    for wrong in ["?app=x", "?before=-", "?app=%22%3E"] {
        let answer = console.get(&format!("/settings/changes{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        answer.html(wrong);
    }
}

#[tokio::test]
async fn another_app_of_a_resource_begins_with_its_name_and_class() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "photos", 9);
    let page = console.page(&format!("/resources/{}", app.facts.resource_id)).await;
    let another = page.attribute("main a.button[href^='/assign']", "href");
    let form = console.page(&another).await;
    let value = |id: &str| form.attribute(&format!("#{id}"), "value");
    assert_eq!(
        (value("resource"), value("resource_class"), value("subclass")),
        ("Family drive".into(), "file-storage".into(), String::new())
    );
    assert!(form.has("details[open] #resource"));
}
