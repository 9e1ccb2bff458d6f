//! Pages that one looks at: the sentence, strips, plots, resources, scheduling, words, the theme.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use source_app::model::TaskFigures;
use source_app::state::{AppKind, Owner, TaskKind, TaskState};

use crate::console::Console;
use crate::scene::{PLAIN, Scene};

fn scene(console: &Console) -> Scene<'_> {
    Scene { state: &console.state, texts: PLAIN }
}

#[tokio::test]
async fn the_overview_answers_in_one_sentence_and_shows_30_days() {
    let console = Console::without_plakar().await;
    let apps = scene(&console).fill();
    let page = console.page("/").await;
    let sentence = page.text(".answer");
    assert!(
        sentence.starts_with("No: 3 of 6 drives are not protected; attic, because it was never"),
        "{sentence}"
    );
    assert_eq!(console.service.status(None).await.unwrap().sentence, sentence);
    // Of `photos`: nine days with one that has errors.
    let strip = "ol[aria-label='The last 30 days of photos']";
    assert_eq!(page.texts(&format!("{strip} li")).len(), 30);
    assert_eq!(page.texts(&format!("{strip} .day-errors")).len(), 1);
    assert!((7..=8).contains(&page.texts(&format!("{strip} .day-good")).len()));
    let words = page.text(&format!("{strip} .day-errors"));
    assert!(words.starts_with('!') && words.ends_with("1 with errors"), "{words}");
    // A cell leads to the tasks of its day.
    let href = page.attribute(&format!("{strip} .day-errors a"), "href");
    assert!(href.starts_with(&format!("/tasks?app={}&kind=backup&day=", apps[0].id)), "{href}");
    let tasks = console.page(&href).await;
    assert_eq!(tasks.texts("tbody td .badge"), ["completed with errors"]);
    let none = console.page("/tasks?day=1999-01-01").await;
    assert_eq!(none.text(".empty h2"), "No such tasks");
    for wrong in ["x", "2026-02-30", "9999-12-31"] {
        let answer = console.get(&format!("/tasks?day={wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    // Who has two consoles sees which one this is.
    assert!(page.text("title").starts_with("Overview · OpenDrive backups on "));
    assert_eq!(
        page.texts("header nav a"),
        ["Overview", "Resources", "Scheduling", "Tasks", "Stores", "Policies", "Settings"]
    );
    assert_eq!(page.text("header a.add"), "Add a drive");
}

#[tokio::test]
async fn an_app_is_drawn_over_time_and_what_is_not_known_is_no_zero() {
    let console = Console::without_plakar().await;
    let scene = scene(&console);
    let app = scene.app(AppKind::Source, "photos", 40);
    let empty = console.page(&format!("/apps/{}", app.id)).await;
    assert!(!empty.has("figure.plot"));
    for day in (0..20).rev() {
        scene.ended(
            &app,
            TaskKind::Backup,
            TaskState::Succeeded,
            Utc::now() - TimeDelta::days(day),
        );
    }
    let page = console.page(&format!("/apps/{}", app.id)).await;
    let titles = page.texts("figure.plot figcaption strong");
    assert_eq!(titles, ["Size", "New data", "Duration", "API calls"]);
    // Nobody told of new data and calls.
    assert_eq!(page.texts("figure.plot svg").len(), 2);
    assert_eq!(page.texts("figure.plot > p.soft:nth-of-type(1)")[1], "Not known.");
    assert!(page.attribute("figure.plot svg", "aria-label").starts_with("Size of 20 backups from"));
    assert_eq!(page.texts("details table tbody tr").len(), 20);
    assert_eq!(page.text("details td[data-label='API calls']"), "not known");
    let budget = page.text("section[aria-labelledby=budget] dl");
    assert!(budget.contains("20 tasks, calls not known, waits for 429 not known"), "{budget}");
    assert!(budget.contains("Daily volume not known how much of it is used since"), "{budget}");
    // What is told is shown.
    let task = scene.began(
        &app,
        TaskKind::Backup,
        source_app::state::Cause::Manual,
        Utc::now(),
        serde_json::json!({}),
    );
    let figures = TaskFigures {
        waits: Some(3),
        volume_used_up: Some(true),
        written: Some(1 << 20),
        calls: Some(1234),
        read: Some(5 << 20),
        ..TaskFigures::default()
    };
    let end = source_app::state::TaskResult {
        state: TaskState::Succeeded,
        exit: Some(0),
        verdict: "fine".into(),
        errors: 0,
        bytes: Some(7),
        snapshot: Some("ab".repeat(32)),
        figures,
    };
    console.state.finish(task.id, &end, None, Utc::now()).unwrap();
    let page = console.page(&format!("/apps/{}", app.id)).await;
    let budget = page.text("section[aria-labelledby=budget] dl");
    assert!(budget.contains("1234 calls, 3 waits for 429, 5.0 MiB downloaded"), "{budget}");
    let volume = "used up, as these tasks were told, 5.0 MiB of it by them, since";
    assert!(budget.contains(volume), "{budget}");
    assert_eq!(page.text("details td[data-label='API calls']"), "1234");
    assert_eq!(page.texts("figure.plot > p.soft:nth-of-type(1)").len(), 4);
    assert_eq!(page.text("details td[data-label='New data']"), "1.0 MiB");
}

#[tokio::test]
async fn resources_are_listed_filtered_and_excluded() {
    let console = Console::without_plakar().await;
    let apps = scene(&console).fill();
    let page = console.page("/resources").await;
    assert_eq!(page.texts("tbody th a"), ["Family drive"]);
    assert_eq!(page.text("tbody .badge"), "not protected");
    let none = console.page("/resources?health=protected").await;
    assert_eq!(none.text(".empty h2"), "No such resources");
    assert_eq!(console.page("/resources?text=nowhere").await.texts("tbody th a").len(), 0);
    assert_eq!(
        console.page("/resources?text=SCANS&health=not+protected").await.texts("tbody th a").len(),
        1
    );
    assert_eq!(console.get("/resources?health=x").await.status, StatusCode::BAD_REQUEST);
    let place = page.attribute("tbody th a", "href");
    let page = console.page(&place).await;
    assert_eq!(page.texts("main nav[aria-label='Where you are'] a"), ["Resources"]);
    assert_eq!(page.texts("caption"), ["Apps", "Newest restore points"]);
    assert_eq!(page.texts("table:last-of-type tbody th a.mono").len(), 5);
    let fields = page.form("form.stacked");
    let with = |changes: &[(&str, &str)]| -> Vec<(String, String)> {
        let mut fields = fields.clone();
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        fields
    };
    let post = async |changes: &[(&str, &str)]| {
        let fields = with(changes);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        console.post(&place, &fields).await
    };
    // Nothing is half-saved: each fault is said, and stands in the form.
    for (changes, fault) in [
        (&[("excludes", "true")][..], "The reason is missing; write why it needs no protection."),
        (&[("name", "")], "Resource is missing; write a short text on one line."),
        (&[("tags", "a, a")], "Tag \"a\" is given twice; write it once."),
    ] {
        let answer = post(changes).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.html("refused").texts(".faults li"), [fault]);
    }
    assert_eq!(console.state.resources().unwrap()[0].spec.tags, Vec::<String>::new());
    let answer =
        post(&[("tags", "family, old"), ("excludes", "true"), ("excluded", "moved away")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let again = post(&[("tags", "other")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html("outdated").text(".faults").contains("changed meanwhile"));
    let page = console.page(&format!("/apps/{}", apps[5].id)).await;
    assert_eq!(page.text(".verdict .badge"), "excluded");
    assert_eq!(page.text(".reason"), "Its resource is excluded from coverage: moved away.");
    assert_eq!(page.texts("main nav[aria-label='Where you are'] a"), ["Resources", "Family drive"]);
    let page = console.page("/resources?tag=old").await;
    assert_eq!(page.texts("tbody .tag"), ["family", "old"]);
    assert_eq!(
        console.page("/").await.text(".answer"),
        "No drive needs protection: all are excluded."
    );
}

#[tokio::test]
async fn scheduling_shows_a_week_and_pauses() {
    let console = Console::without_plakar().await;
    assert_eq!(console.page("/scheduling").await.text(".empty h2"), "No schedules yet");
    let apps = scene(&console).fill();
    scene(&console).schedule(
        Owner::App(apps[5].id),
        TaskKind::Backup,
        "*/5 * * * *",
        "UTC",
        Utc::now(),
    );
    let page = console.page("/scheduling").await;
    assert_eq!(page.texts(".day").len(), 7);
    assert_eq!(page.texts(".schedules tbody tr").len(), 5);
    let week = page.text(".days");
    assert!(week.contains("and more: every 5 minutes attic"), "{week}");
    assert!(week.contains("backup photos"), "{week}");
    // One of them is turned off, and one comes back here.
    let action = page.attribute(".schedules form", "action");
    let fields = page.form(".schedules form");
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(console.done(&action, &fields).await, "/scheduling?notice=saved");
    assert_eq!(console.page("/scheduling").await.texts(".schedules tbody .badge")[0], "off");
    // Bad times are one line.
    let bad = console.post("/scheduling/pause", &[("app", ""), ("until", "soon")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let lines = bad.html("bad time").texts(".faults p");
    assert!(
        lines.len() == 1 && lines[0].starts_with("Time \"soon\" cannot be read; write"),
        "{lines:?}"
    );
    let id = apps[0].id.to_string();
    let place =
        console.done("/scheduling/pause", &[("app", &id), ("from", "app"), ("until", "3d")]).await;
    assert_eq!(place, format!("/apps/{id}/schedules?notice=paused"));
    let page = console.page(&place).await;
    assert!(page.text("section[aria-labelledby=pause]").starts_with("Pause paused until"));
    assert!(console.page(&format!("/apps/{id}")).await.text(".verdict").contains("paused until"));
    assert!(console.page("/").await.text("main").contains("paused until"));
    console.done("/scheduling/pause", &[("app", ""), ("until", "12h")]).await;
    let page = console.page("/scheduling").await;
    assert!(page.text(".alert").starts_with("All schedules are paused until"));
    assert_eq!(page.texts("section[aria-labelledby=pause] tbody tr").len(), 6);
    // Alone only one of them can be resumed, and its schedules run nothing all the same.
    assert_eq!(page.texts("section[aria-labelledby=pause] tbody form").len(), 1);
    let badges = page.texts(".schedules tbody .badge");
    assert!(badges[0] == "off" && badges[1..].iter().all(|badge| badge == "paused"), "{badges:?}");
    let place = console.done("/scheduling/resume", &[("app", &id)]).await;
    assert_eq!(place, "/scheduling?notice=still-paused");
    assert!(console.page(&place).await.text(".notice").contains("as all apps are paused"));
    // It never hides that an app is not protected.
    assert!(console.page("/").await.text(".answer").starts_with("No: 3 of 6 drives"));
    let place = console.done("/scheduling/resume", &[("app", "")]).await;
    assert_eq!(place, "/scheduling?notice=resumed");
    let place = console.done("/scheduling/resume", &[("app", &id), ("from", "app")]).await;
    assert_eq!(place, format!("/apps/{id}/schedules?notice=resumed"));
    assert!(!console.page("/scheduling").await.has(".alert"));
    // A time is entered in the zone of the machine, which need not be the browser's.
    let label = console.page(&format!("/apps/{id}/schedules")).await.text("label[for=until]");
    assert_eq!(label, format!("Until {}", source_app::model::local_zone()));
}

#[tokio::test]
async fn words_are_added_and_removed_only_if_nothing_uses_them() {
    let console = Console::without_plakar().await;
    scene(&console).fill();
    let page = console.page("/settings").await;
    assert_eq!(page.texts("caption"), ["Environments", "Data classes"]);
    let place =
        console.done("/settings/words", &[("kind", "environment"), ("environment", "attic")]).await;
    // The policy `all` asks for no environment, so it matches.
    assert_eq!(place, "/settings?notice=word-added");
    let twice =
        console.post("/settings/words", &[("kind", "environment"), ("environment", "attic")]).await;
    let faults = twice.html("twice").texts(".faults li");
    assert_eq!(faults, ["The environment attic is there already; nothing has to be added."]);
    let comma =
        console.post("/settings/words", &[("kind", "data class"), ("data_class", "a, b")]).await;
    assert!(comma.html("comma").text(".faults").contains("holds a comma"));
    let used = console
        .post("/settings/words/remove", &[("kind", "environment"), ("word", "production")])
        .await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    assert!(used.html("used").text(".faults").contains("is used by the app attic, the app ledger"));
    console.done("/settings/words/remove", &[("kind", "environment"), ("word", "attic")]).await;
    assert!(!console.page("/settings").await.text("main").contains("attic Remove"));
}

#[tokio::test]
async fn a_word_that_no_policy_matches_is_warned_of() {
    let console = Console::without_plakar().await;
    let place =
        console.done("/settings/words", &[("kind", "data class"), ("data_class", "letters")]).await;
    assert_eq!(place, "/settings?notice=word-unmatched");
    let page = console.page(&place).await;
    assert!(page.text(".notice").contains("No policy matches it yet"));
    assert!(page.texts("tbody th .badge").iter().all(|text| text == "no policy matches it"));
}

#[tokio::test]
async fn a_theme_is_chosen_without_a_script() {
    let console = Console::without_plakar().await;
    assert_eq!(console.page("/tasks").await.attribute("html", "data-theme"), "system");
    let answer =
        console.post("/theme", &[("theme", "dark"), ("back", "/tasks?day=2026-01-01")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/tasks?day=2026-01-01");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("plakar-opendrive-theme=dark; HttpOnly; SameSite=Strict; Path=/"),
        "{cookie}"
    );
    let elsewhere =
        console.post("/theme", &[("theme", "light"), ("back", "//evil.example/")]).await;
    assert_eq!(elsewhere.headers["location"], "/");
    assert_eq!(console.post("/theme", &[("theme", "x")]).await.status, StatusCode::BAD_REQUEST);
}
