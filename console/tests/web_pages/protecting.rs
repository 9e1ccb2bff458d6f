//! How an app is looked after: the form, what it comes to, and in which zone schedules begin.

use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use source_app::model::Protection;
use source_app::state::{AppKind, TaskKind, TaskState};

use crate::console::Console;
use crate::scene::{PLAIN, Scene};

#[tokio::test]
async fn an_app_is_excluded_and_watched_again_by_its_settings() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 90);
    let old = Utc::now() - TimeDelta::days(40);
    scene.ended(&app, TaskKind::Backup, TaskState::Succeeded, old);
    let place = format!("/apps/{}", app.id);
    let settings = format!("{place}/settings");
    let filled = |page: &crate::html::Html, changed: &[(&str, &str)]| {
        let mut fields = page.form("main form[method=post]");
        fields.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        fields.extend(changed);
        fields
    };
    let post = async |fields: &[(String, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        console.post(&settings, &fields).await
    };
    let page = console.page(&settings).await;
    for (field, value) in [("max_age_days", "30"), ("points_per_check", "1"), ("excluded", "")] {
        assert_eq!(page.attribute(&format!("#{field}"), "value"), value);
    }
    let wrong = [("max_age_days", "0"), ("points_per_check", "x"), ("time_limit_minutes", "86401")];
    let answer = post(&filled(&page, &wrong)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let faults = answer.html("faults");
    for (field, words) in [
        ("max_age_days", "write 1 to 3650"),
        ("points_per_check", "whole number"),
        ("time_limit_minutes", "write 0 to 86400"),
    ] {
        let text = faults.text(&format!("#{field}-fault"));
        assert!(text.contains(words), "{field}: {text}");
    }
    assert_eq!(faults.attribute("#points_per_check", "value"), "x");

    let right = [
        ("excluded", "is <b>retired</b>"),
        ("max_age_days", "60"),
        ("check_after_backup", "true"),
        ("points_per_check", "0"),
        ("time_limit_minutes", "90"),
    ];
    assert_eq!(post(&filled(&page, &right)).await.status, StatusCode::SEE_OTHER);
    let protection = Protection {
        excluded: "is <b>retired</b>".into(),
        max_age_days: 60,
        check_after_backup: true,
        points_per_check: 0,
        time_limit_minutes: 90,
        ..Protection::default()
    };
    assert_eq!(console.state.app(app.id).unwrap().spec.protection, protection);
    let page = console.page("/").await;
    assert_eq!(page.texts("caption"), ["Excluded (1)"]);
    assert_eq!(page.text(".reason"), "It needs no protection: is <b>retired</b>.");
    // Watched again, and it may be older than it is.
    let page = console.page(&settings).await;
    let again = filled(&page, &[("excluded", "")]);
    assert_eq!(post(&again).await.status, StatusCode::SEE_OTHER);
    assert_eq!(console.page("/").await.texts("caption"), ["Protected (1)"]);
    assert_eq!(console.page(&place).await.text(".verdict .badge"), "protected");
}

#[tokio::test]
async fn missed_nights_and_later_tasks_hide_neither_the_good_backup_nor_what_is_wrong() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 90);
    let days = |days: i64| Utc::now() - TimeDelta::days(days);
    let good = scene.ended(&app, TaskKind::Backup, TaskState::Succeeded, days(31));
    for night in (1..=30).rev() {
        scene.ended(&app, TaskKind::Backup, TaskState::Missed, days(night));
    }
    let other = scene.app(AppKind::Source, "other", 90);
    let failed = scene.ended(&other, TaskKind::Check, TaskState::Failed, days(3));
    for hours in (1..=50).rev() {
        let at = Utc::now() - TimeDelta::hours(hours);
        scene.ended(&other, TaskKind::Backup, TaskState::Succeeded, at);
    }
    let page = console.page("/").await;
    assert_eq!(page.texts("caption"), ["Not protected (2)"]);
    let reasons = page.texts(".reason");
    assert!(reasons[0].contains("must not be older than 30 days"), "{reasons:?}");
    assert!(reasons[1].starts_with("The last check, of ") && reasons.len() == 2, "{reasons:?}");
    assert!(page.has(&format!(".reason a[href='/tasks/{}']", failed.id)));
    let last = format!("td[data-label='Last backup'] a[href='/tasks/{}']", good.id);
    // The time itself is for those who cannot hover.
    assert!(page.text(&last).starts_with("31 days ago , "), "{}", page.text(&last));
    let page = console.page(&format!("/apps/{}", other.id)).await;
    assert!(page.text(".verdict .reason").starts_with("The last check, of "));
    scene.ended(&other, TaskKind::Check, TaskState::Succeeded, Utc::now());
    let page = console.page("/").await;
    assert_eq!(page.texts("caption"), ["Not protected (1)", "Protected (1)"]);
}

/// This test once more as a process with a zone of its own: the tests here share one environment.
#[tokio::test]
async fn a_new_schedule_begins_in_the_zone_of_the_machine() {
    if std::env::var_os("ZONE_TWIN").is_none() {
        let twin = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["protecting::a_new_schedule_begins_in_the_zone_of_the_machine", "--exact"])
            .envs([("ZONE_TWIN", "yes"), ("TZ", "Asia/Tokyo")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&twin.stdout).into_owned();
        assert!(twin.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let console = Console::without_plakar().await;
    let app = Scene { state: &console.state, texts: PLAIN }.app(AppKind::Source, "drive", 1);
    let page = console.page(&format!("/apps/{}/schedules/new", app.id)).await;
    assert_eq!(page.attribute("#time_zone", "value"), "Asia/Tokyo");
    let body = serde_json::json!({ "owner": { "app": app.id }, "kind": "backup", "cron": "30 2 * * *",
        "enabled": true, "catch_up": true });
    let made = console.post_json("/api/schedules", &body).await;
    assert_eq!(made["time_zone"], "Asia/Tokyo", "{made}");
}
