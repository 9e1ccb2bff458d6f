//! Schedules: each choice of the form, its faults, conflicts, the next runs, and exports.

use source_app::state::{AppKind, Owner, TaskKind};

use crate::console::Console;

const DAILY: [(&str, &str); 6] = [
    ("kind", "backup"),
    ("choice", "daily"),
    ("daily_at", "02:30"),
    ("time_zone", "Europe/Berlin"),
    ("enabled", "true"),
    ("catch_up", "true"),
];

/// Fields of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// The fields with some of them changed.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = DAILY.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.copied().chain(changes.iter().copied()).collect()
}

#[tokio::test]
async fn every_choice_of_the_form_is_kept_and_shown_again() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("drive", "production", &["PII"]);
    let list = format!("/apps/{}/schedules", app.id);
    assert_eq!(console.page(&list).await.text(".empty h2"), "No schedules yet");
    let new = format!("{list}/new");
    assert_eq!(console.page(&new).await.texts("h1"), ["Add a schedule"]);
    let choices: [(Fields<'_>, &str, &str); 9] = [
        (&[("choice", "minutes"), ("minutes", "15")], "*/15 * * * *", "every 15 minutes"),
        (&[("choice", "hours"), ("hours", "1")], "0 * * * *", "every hour"),
        (&[("choice", "hours"), ("hours", "6")], "0 */6 * * *", "every 6 hours"),
        (&[("choice", "daily"), ("daily_at", "02:30")], "30 2 * * *", "daily at 02:30"),
        (
            &[("choice", "several"), ("several_at", "18:00,06:00, 12:00")],
            "0 6,12,18 * * *",
            "daily at 06:00, 12:00 and 18:00",
        ),
        (
            &[("choice", "weekly"), ("day", "5"), ("day", "1"), ("weekly_at", "01:05")],
            "5 1 * * 1,5",
            "weekly on Monday and Friday at 01:05",
        ),
        (
            &[("choice", "monthly"), ("month_day", "28"), ("monthly_at", "23:59")],
            "59 23 28 * *",
            "monthly on day 28 at 23:59",
        ),
        (
            &[("choice", "monthly"), ("month_day", "last"), ("monthly_at", "23:59")],
            "59 23 L * *",
            "monthly on the last day at 23:59",
        ),
        (
            &[("choice", "cron"), ("cron", "30 2 * * mon-fri")],
            "30 2 * * MON-FRI",
            "cron 30 2 * * MON-FRI",
        ),
    ];
    for (changes, cron, words) in choices {
        assert_eq!(
            console.done(&new, &with(changes)).await,
            format!("{list}?notice=saved"),
            "{words}"
        );
        let schedule = console.service.schedules().await.unwrap().pop().unwrap();
        assert_eq!(
            (schedule.spec.cron.as_str(), schedule.spec.time_zone.as_str()),
            (cron, "Europe/Berlin")
        );
        assert_eq!(
            (schedule.spec.owner, schedule.spec.kind, schedule.spec.catch_up),
            (Owner::App(app.id), TaskKind::Backup, true)
        );
        assert!(
            console
                .page(&list)
                .await
                .texts("td[data-label=When]")
                .contains(&format!("{words} Europe/Berlin, catches up")),
            "{words}"
        );
        // Saved as it is shown it stays the same.
        let edit = format!("/schedules/{}", schedule.id);
        let form = console.page(&edit).await.form("form.schedule");
        let fields: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|field| field.0 != "csrf")
            .collect();
        console.done(&edit, &fields).await;
        let again = console.service.schedule(schedule.id).await.unwrap();
        assert_eq!((again.spec, again.revision), (schedule.spec, schedule.revision + 1), "{words}");
    }
}

#[tokio::test]
async fn faults_and_conflicts_leave_what_was_entered() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("drive", "production", &["PII"]);
    let (list, new) =
        (format!("/apps/{}/schedules", app.id), format!("/apps/{}/schedules/new", app.id));
    for (changes, fault) in [
        (vec![("daily_at", "25:00")], "not a valid time of day"),
        (vec![("choice", "")], "Choose when it runs"),
        (vec![("choice", "cron"), ("cron", "<script>")], "not five fields"),
        (vec![("time_zone", "Mars/Olympus")], "\"Mars/Olympus\" is unknown"),
        (vec![("kind", "restore")], "has no schedule"),
        (vec![("choice", "weekly"), ("weekly_at", "02:30")], "one day of the week"),
    ] {
        let page = console.refused(&new, 422, &with(&changes)).await;
        assert!(page.text(".faults").contains(fault), "{}", page.text(".faults"));
        if let Some(("time_zone", zone)) = changes.first().copied() {
            assert_eq!(page.attribute("#time_zone", "value"), zone);
        }
    }
    assert!(console.service.schedules().await.unwrap().is_empty());
    console.done(&new, &DAILY).await;
    let old = console.service.schedules().await.unwrap().pop().unwrap();
    let (edit, revision) = (format!("/schedules/{}", old.id), old.revision.to_string());
    // Somebody turns it off meanwhile.
    console.done(&format!("{edit}/enabled"), &[("revision", &revision)]).await;
    assert!(!console.service.schedule(old.id).await.unwrap().spec.enabled);
    let mut late = with(&[("daily_at", "04:44")]);
    late.push(("revision", &revision));
    let page = console.refused(&edit, 409, &late).await;
    assert!(page.text(".faults").contains("was changed meanwhile"));
    assert_eq!(page.attribute("#daily_at", "value"), "04:44");
    assert_eq!(
        console.post(&format!("{edit}/enabled"), &[("revision", &revision)]).await.status,
        409
    );
    assert!(console.page(&list).await.text("td[data-label='Next run']").contains("none"));
    let revision = console.service.schedule(old.id).await.unwrap().revision.to_string();
    console.done(&format!("{edit}/enabled"), &[("revision", &revision), ("enabled", "true")]).await;
    assert!(console.page(&list).await.has("td[data-label='Next run'] time"));
    assert_eq!(
        console.done(&format!("{edit}/remove"), &[]).await,
        format!("{list}?notice=schedule-removed")
    );
    assert_eq!(console.get(&edit).await.status, 404);
    for path in [
        "/apps/999/schedules",
        "/apps/999/schedules/new",
        "/policies/999/schedules/new",
        "/schedules/999",
    ] {
        assert_eq!(console.get(path).await.status, 404, "{path}");
    }
    let mut spec = console.source("there", "", &[]).spec;
    (spec.kind, spec.store) = (AppKind::Destination, None);
    let destination = console.state.add_app(&spec, chrono::Utc::now()).unwrap();
    assert_eq!(console.get(&format!("/apps/{}/schedules", destination.id)).await.status, 400);
}

#[tokio::test]
async fn the_next_runs_are_told_before_a_schedule_is_saved() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("drive", "production", &["PII"]);
    let answer = console
        .get("/schedules/preview?choice=daily&daily_at=12%3A30&time_zone=America%2FNew_York")
        .await;
    let runs: Vec<String> = scraper::Html::parse_fragment(&answer.text())
        .select(&scraper::Selector::parse("li").unwrap())
        .map(|run| run.text().collect())
        .collect();
    assert_eq!(runs.len(), 5, "{}", answer.text());
    assert!(
        runs.iter().all(|run| run.contains(" 12:30 EST") || run.contains(" 12:30 EDT")),
        "{runs:?}"
    );
    let wrong = console.get("/schedules/preview?choice=cron&cron=%3Cb%3E&time_zone=UTC").await;
    assert!(
        wrong.status == 200
            && wrong.text().contains("class=\"fault\"")
            && !wrong.text().contains("<b>"),
        "{}",
        wrong.text()
    );
    // The same without a script; nothing is saved.
    let mut fields = with(&[("daily_at", "12:30"), ("time_zone", "America/New_York")]);
    fields.push(("preview", "true"));
    let answer = console.post(&format!("/apps/{}/schedules/new", app.id), &fields).await;
    assert_eq!(answer.status, 200);
    let page = crate::html::Html::sound(&answer.text(), "preview");
    assert_eq!((page.texts(".runs li").len(), page.has(".faults")), (5, false));
    assert!(console.service.schedules().await.unwrap().is_empty());
}

#[tokio::test]
async fn exports_are_shown_and_saved_alike() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("drive", "production", &["PII"]);
    let base = format!("/apps/{}/export", app.id);
    assert_eq!(console.get(&format!("{base}?form=systemd")).await.status, 422, "no schedule");
    console.done(&format!("/apps/{}/schedules/new", app.id), &DAILY).await;
    let links: Vec<String> = console.page(&format!("/apps/{}/schedules", app.id)).await.links();
    for form in ["systemd", "crontab", "kubernetes"] {
        assert!(links.contains(&format!("{base}?form={form}")), "{links:?}");
    }
    let kubernetes = console.page(&format!("{base}?form=kubernetes")).await;
    assert!(!kubernetes.has("pre") && !kubernetes.has(".faults"));
    let more = "executable=%2Fopt%2Fa%20b%2Fplakar-opendrive&user=backup&image=registry%2Fplakar%3A1&claim=home&time_zone=Europe%2FBerlin";
    for (form, files, words) in [
        ("systemd", 2, "OnCalendar=*-*-* 02:30:00 Europe/Berlin"),
        ("crontab", 1, "30 2 * * * "),
        ("kubernetes", 1, "schedule: 30 2 * * *"),
    ] {
        let page = console.page(&format!("{base}?form={form}&{more}")).await;
        let downloads: Vec<String> =
            page.links().into_iter().filter(|link| link.contains("/export/file?")).collect();
        assert_eq!(downloads.len(), files, "{form}");
        let mut all = String::new();
        for download in downloads {
            let file = console.get(&download).await;
            assert!(
                file.status == 200
                    && file.header("content-disposition").starts_with("attachment; "),
                "{download}"
            );
            all += &file.text();
        }
        assert!(all.contains(words) && all.contains("plakar-opendrive"), "{all}");
        // The files and the commands.
        assert_eq!(page.texts("pre").len(), files + 1);
        let shown: String = page.texts("pre")[..files].join(" ");
        assert_eq!(shown, all.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let wrong = console.get(&format!("{base}?form=systemd&executable=relative")).await;
    assert!(
        wrong.status == 422 && wrong.text().contains("write an absolute path"),
        "{}",
        wrong.text()
    );
    assert_eq!(console.get(&format!("{base}?form=launchd")).await.status, 400);
    assert_eq!(
        console.get(&format!("{base}/file?form=systemd&name=..%2Fpasswd")).await.status,
        404
    );
}

#[tokio::test]
async fn a_random_delay_is_kept_shown_and_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("drive", "production", &[]);
    let list = format!("/apps/{}/schedules", app.id);
    let new = format!("{list}/new");
    for (minutes, fault) in [
        ("many", "is not a number of minutes"),
        ("-1", "is not a number of minutes"),
        ("721", "more than half of the 1440 minutes between two runs; write 0 to 720"),
    ] {
        let page = console.refused(&new, 422, &with(&[("random_delay", minutes)])).await;
        assert!(page.text(".faults").contains(fault), "{}", page.text(".faults"));
        assert_eq!(page.attribute("#random_delay", "value"), minutes);
    }
    console.done(&new, &with(&[("random_delay", "30"), ("time_zone", "UTC")])).await;
    let schedule = console.service.schedules().await.unwrap().pop().unwrap();
    assert_eq!(schedule.spec.random_delay_minutes, 30);
    let when = console.page(&list).await.text("td[data-label=When]");
    assert_eq!(when, "daily at 02:30 UTC, up to 30 minutes later at random, catches up");
    let form = console.page(&format!("/schedules/{}", schedule.id)).await;
    assert_eq!(form.attribute("#random_delay", "value"), "30");
    // The app's page says when it is, the others what may be.
    let at = console.service.dashboard(app.id).await.unwrap().next[0].at;
    let slot = schedule.spec.calendar().unwrap().next_after(at - chrono::TimeDelta::minutes(30));
    assert!((slot.unwrap()..slot.unwrap() + chrono::TimeDelta::minutes(30)).contains(&at));
    assert!(console.page("/scheduling").await.text("main").contains("02:30 to 03:00"));
    // Nothing entered is none.
    let edit = format!("/schedules/{}", schedule.id);
    let revision = schedule.revision.to_string();
    console.done(&edit, &with(&[("random_delay", ""), ("revision", &revision)])).await;
    let schedule = console.service.schedules().await.unwrap().pop().unwrap();
    assert_eq!(schedule.spec.random_delay_minutes, 0);
}
