//! What the app's page says of drills, of the drive and of prunes that are held.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use source_app::model::{Comparison, ComparisonFigures, DrillFigures, ExposedFolder, TaskFigures};
use source_app::state::{AppKind, Cause, HeldPrune, Owner, TaskKind, TaskResult, TaskState};

use crate::console::Console;
use crate::scene::{PLAIN, Scene};

const HOSTILE: &str = "/a/<b>\u{202e}gpj.exe";

#[tokio::test]
async fn prunes_that_are_held_are_shown_and_released() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 9);
    let backup = scene.ended(&app, TaskKind::Backup, TaskState::Succeeded, Utc::now());
    let place = format!("/apps/{}", app.id);
    assert!(!console.page(&place).await.has("#held"));
    let held = HeldPrune {
        at: Utc::now(),
        task: backup.id,
        reason: "of 40 files 50 % are not what they were: 20 changed".into(),
        examples: vec![format!("{HOSTILE}: changed"), "/b: gone".into()],
    };
    console.state.hold_prune(app.id, &held).unwrap();
    let page = console.page(&place).await;
    assert_eq!(page.text(".verdict .badge"), "at risk");
    assert!(page.text(".verdict .reason").contains("20 changed"));
    let card = page.text("section[aria-labelledby=held]");
    assert!(card.contains("50 %") && card.contains("/b: gone"), "{card}");
    assert!(page.has(&format!("section[aria-labelledby=held] a[href='/tasks/{}']", backup.id)));
    let release = format!("{place}/release");
    let seen = |task: i64| format!("form[action='{release}'] input[name=task][value='{task}']");
    assert!(page.has(&format!("form[action='{release}'] button")) && page.has(&seen(backup.id)));
    // Another one comes while somebody looks at the page: it is not released with the first.
    let (first, second) = (backup.id.to_string(), (backup.id + 1).to_string());
    let reason = "of 40 files 90 % are not what they were: 36 gone".to_owned();
    let later = HeldPrune { task: backup.id + 1, reason, examples: Vec::new(), ..held };
    console.state.hold_prune(app.id, &later).unwrap();
    for posted in [&[("task", first.as_str())][..], &[]] {
        let refused = console.post(&release, posted).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        let said = refused.html("refused").text("main");
        assert!(said.contains(&format!("task {second}")), "{said}");
    }
    let page = console.page(&place).await;
    let card = page.text("section[aria-labelledby=held]");
    assert!(card.contains("50 %") && card.contains("90 %"), "{card}");
    assert!(page.text(".verdict .reason").contains("as 2 backups found alarming changes"));
    assert!(page.has(&seen(backup.id + 1)));
    let done = console.done(&release, &[("task", second.as_str())]).await;
    assert!(done.contains("notice=released"));
    let page = console.page(&place).await;
    assert!(!page.has("#held") && page.text(".verdict .badge") == "protected");
    let again = console.post(&release, &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.html("again").text("main").contains("are not held"));
}

#[tokio::test]
async fn what_was_proven_and_what_is_in_no_backup_is_shown() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 9);
    let place = format!("/apps/{}", app.id);
    let page = console.page(&place).await;
    let text = page.text("main");
    assert!(text.contains("Not proven yet") && text.contains("Not compared yet"), "{text}");
    for kind in ["drill", "compare"] {
        assert!(page.has(&format!("input[name=kind][value={kind}]")), "{kind}");
    }
    scene.ended(&app, TaskKind::Backup, TaskState::Succeeded, Utc::now() - TimeDelta::days(4));
    let then = Utc::now() - TimeDelta::days(3);
    let input = serde_json::json!({});
    let drill = scene.began(&app, TaskKind::Drill, Cause::Manual, then, input);
    let figures = DrillFigures {
        files: 5,
        bytes: 47_200_000,
        seconds: 108.0,
        opening_seconds: 1.0,
        ..DrillFigures::default()
    };
    let finish = TaskResult {
        state: TaskState::Succeeded,
        exit: Some(0),
        verdict: "fine".into(),
        errors: 0,
        bytes: Some(47_200_000),
        snapshot: None,
        figures: TaskFigures { drill: Some(figures), ..TaskFigures::default() },
    };
    console.state.finish(drill.id, &finish, None, then).unwrap();
    let report = Comparison {
        at: then,
        task: drill.id,
        point: "4f1c88d2".repeat(8),
        figures: ComparisonFigures {
            listed: 9,
            proven: 6,
            different: 1,
            exposed: 2,
            exposed_bytes: 2048,
            exposed_before: 1,
            ..ComparisonFigures::default()
        },
        folders: vec![ExposedFolder { path: HOSTILE.into(), files: 2, bytes: 2048 }],
        exposed: vec![format!("{HOSTILE}/x"), "/b".into()],
        different: vec![format!("{HOSTILE}: of the same size")],
        gone: Vec::new(),
    };
    console.state.note_comparison(app.id, &serde_json::to_string(&report).unwrap()).unwrap();
    let page = console.page(&place).await;
    let text = page.text("main");
    assert!(text.contains("Proven restorable 3 days ago"), "{text}");
    assert!(text.contains("A whole restore takes about 3 h, by an estimate."), "{text}");
    assert!(text.contains("6 proven the same by MD5, 1 different"), "{text}");
    assert!(text.contains("In no backup yet: 2 files, 2.0 KiB"), "{text}");
    assert!(text.contains("1 of them were there before the newest backup"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");

    // Both can be scheduled.
    for kind in ["drill", "compare"] {
        scene.schedule(Owner::App(app.id), kind.parse().unwrap(), "0 5 * * 0", "UTC", Utc::now());
        let page = console.page(&format!("{place}/schedules/new")).await;
        assert!(page.has(&format!("#kind option[value={kind}]")), "{kind}");
    }
    let text = console.page(&format!("{place}/schedules")).await.text("main");
    assert!(text.contains("Drill") && text.contains("Compare"), "{text}");
    // Nothing to search for needs no store.
    let page = console.page(&format!("{place}/find")).await;
    assert!(page.has("form[role=search] #text-all"));
}
