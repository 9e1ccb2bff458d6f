//! Policies: which apps they match, their faults and conflicts, their schedules on the apps' pages.

use source_app::state::{ScheduleSpec, TaskKind};

use crate::console::Console;

const NEW: [(&str, &str); 7] = [
    ("name", "nightly"),
    ("environment", "production"),
    ("environment-own", "staging, "),
    ("data_class", "PII"),
    ("classes", "any"),
    ("daily", "7"),
    ("enabled", "true"),
];

#[tokio::test]
async fn a_policy_gives_its_apps_schedules_and_a_retention() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let matched = console.source("matched", "staging", &["PII", "salaries"]);
    let other = console.source("other", "staging", &[]);
    assert_eq!(console.page("/policies").await.text(".empty h2"), "No policies yet");
    // What the apps have is there to tick.
    let form = console.page("/policies/new").await;
    assert!(
        form.has("input[name=environment][value=staging]")
            && form.has("input[name=data_class][value=salaries]")
    );
    for (change, fault) in [
        (("name", "Not good"), "Name \"Not good\""),
        (("daily", "-1"), "whole number"),
        (("daily", "20000"), "too many"),
        (("classes", "most"), "\"most\" is not a valid match"),
        (("environment-own", "a\u{7}b"), "control character"),
    ] {
        let mut fields: Vec<(&str, &str)> =
            NEW.iter().copied().filter(|(name, _)| *name != change.0).collect();
        fields.push(change);
        let page = console.refused("/policies/new", 422, &fields).await;
        assert!(page.text(".faults").contains(fault), "{}", page.text(".faults"));
        assert_eq!(
            page.attribute("#name", "value"),
            if change.0 == "name" { change.1 } else { "nightly" }
        );
        assert!(page.has("input[name=data_class][value=PII][checked]"));
    }
    let place = console.done("/policies/new", &NEW).await;
    let policy = console.service.policies().await.unwrap().pop().unwrap();
    assert_eq!(place, format!("/policies/{}?notice=saved", policy.id));
    assert_eq!(policy.spec.environments, ["production", "staging"]);
    assert_eq!(policy.spec.retention.daily, 7);
    assert_eq!(
        console.refused("/policies/new", 409, &NEW).await.texts(".faults li").len(),
        1,
        "the name is taken"
    );
    let list = console.page("/policies").await;
    assert_eq!(list.text("td[data-label=Apps]"), "matched");
    assert_eq!(list.text("td[data-label=For]"), "production or staging, with PII");
    assert_eq!(list.text("td[data-label=Keeps]"), "7 days");

    // Its schedule is on the page of the app that it matches, to be read only.
    let home = format!("/policies/{}", policy.id);
    let schedule = [
        ("kind", "prune"),
        ("choice", "daily"),
        ("daily_at", "03:00"),
        ("time_zone", "UTC"),
        ("enabled", "true"),
    ];
    assert_eq!(
        console.done(&format!("{home}/schedules/new"), &schedule).await,
        format!("{home}?notice=saved")
    );
    let row = console.page(&format!("/apps/{}/schedules", matched.id)).await;
    assert_eq!(
        (row.text("tbody th"), row.text("td[data-label=From]")),
        ("Prune".to_owned(), "policy nightly".to_owned())
    );
    assert_eq!(row.attribute("td[data-label=From] a", "href"), home);
    assert!(!row.has("tbody button"));
    assert!(console.page(&format!("/apps/{}/schedules", other.id)).await.has(".empty"));
    let id = console.service.schedules().await.unwrap()[0].id;
    assert!(console.page(&home).await.links().contains(&format!("/schedules/{id}")));

    // Somebody else changed it meanwhile.
    let revision = policy.revision.to_string();
    let changed = |daily: &'static str| -> Vec<(&str, &str)> {
        NEW.iter()
            .copied()
            .filter(|(name, _)| *name != "daily")
            .chain([("daily", daily), ("revision", revision.as_str())])
            .collect()
    };
    assert_eq!(console.done(&home, &changed("8")).await, format!("{home}?notice=saved"));
    let page = console.refused(&home, 409, &changed("9")).await;
    assert!(page.text(".faults").contains("was changed meanwhile"));
    assert_eq!(page.attribute("#daily", "value"), "9");
    assert_eq!(console.service.policy(policy.id).await.unwrap().spec.retention.daily, 8);

    assert!(
        console.page(&home).await.has(&format!("details.confirm form[action='{home}/remove']"))
    );
    assert_eq!(
        console.done(&format!("{home}/remove"), &[]).await,
        "/policies?notice=policy-removed"
    );
    assert_eq!(console.get(&home).await.status, 404);
    assert!(console.service.schedules().await.unwrap().is_empty());
}

#[tokio::test]
async fn one_form_shows_what_a_policy_comes_to_and_makes_its_schedules() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let app = console.source("matched", "staging", &["PII"]);
    console.source("other", "production", &[]);
    let new = [
        ("name", "nightly"),
        ("environment", "staging"),
        ("classes", "any"),
        ("daily", "30"),
        ("enabled", "true"),
        ("backup_at", "twice daily at 06:00"),
        ("check_at", ""),
        ("prune_at", "weekly on sunday at 04:00"),
        ("time_zone", "UTC"),
        ("at_least", "3"),
        ("period", "day"),
        ("check_after_backup", "true"),
    ];
    // Without a script by a button; with it as a part of a page.
    let looked: Vec<_> = new.iter().copied().chain([("preview", "true")]).collect();
    let answer = console.post("/policies/new", &looked).await;
    let page = crate::html::Html::sound(&answer.text(), "preview");
    let told = page.text("[data-preview]");
    for words in [
        "It is for matched .",
        "At most 12 hours of work are lost; you can go back 30 days.",
        "It promises at least 3 backups a day",
        "Beware: its schedules make 2 backups in some days",
        "Each backup is checked when it is made.",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(page.attribute("#backup_at", "value"), "twice daily at 06:00");
    let query = "environment=staging&classes=any&daily=30&backup_at=every+6+hours&time_zone=UTC";
    let part = console.get(&format!("/policies/preview?{query}")).await.text();
    assert!(part.contains(&format!("<a href=\"/apps/{}\">matched</a>", app.id)), "{part}");
    assert!(part.contains("At most 6 hours of work are lost") && !part.contains("<html"), "{part}");
    let part = console.get("/policies/preview?classes=any&backup_at=never+%3Cb%3E").await.text();
    assert!(part.contains("class=\"fault\"") && !part.contains("<b>"), "{part}");
    assert!(console.service.policies().await.unwrap().is_empty());

    for (field, value, fault) in [
        ("backup_at", "sometimes", "or words such as \"daily at 02:30\""),
        ("time_zone", "Mars", "ime zone"),
        ("at_least", "1001", "write 1 to 1000"),
        ("period", "year", "write one of: day, week, month"),
        ("label-own", "app:x", "begins like a mark"),
    ] {
        let mut fields: Vec<(&str, &str)> = new.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = console.refused("/policies/new", 422, &fields).await;
        let place = if page.has(".fault[id]") { ".fault[id]" } else { ".faults" };
        assert!(page.text(place).contains(fault), "{}", page.text(place));
        assert_eq!(place == ".faults", field == "label-own", "{field}");
        assert!(console.service.policies().await.unwrap().is_empty());
    }
    let place = console.done("/policies/new", &new).await;
    let page = console.page(&place).await;
    assert_eq!(page.attribute("#prune_at", "value"), "weekly on sunday at 04:00");
    assert_eq!(page.attribute("#at_least", "value"), "3");
    assert_eq!(page.texts("tbody th"), ["Backup", "Prune"]);
    let list = console.page("/policies").await;
    assert_eq!(
        list.text("td[data-label=Promises]"),
        "at least 3 backups a day; each backup is checked"
    );
    // As it is shown it can be saved again, and nothing moves.
    let before = console.service.schedules().await.unwrap();
    let fields = page.form("form.stacked");
    let fields: Vec<_> = fields
        .iter()
        .filter(|(name, _)| name != "csrf")
        .map(|(name, value)| (&**name, &**value))
        .collect();
    console.done(place.split('?').next().unwrap(), &fields).await;
    assert_eq!(console.service.schedules().await.unwrap(), before);
}

#[tokio::test]
async fn hours_and_several_of_each_period_are_kept_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    let form = console.page("/policies/new").await;
    assert!(form.has("#hourly") && !form.has("details[open] #per_day"));
    let with = |changes: &[(&'static str, &'static str)]| {
        NEW.iter().copied().chain(changes.iter().copied()).collect::<Vec<_>>()
    };
    for (changes, fault) in [
        (
            &[("per_week", "3")][..],
            "3 of each week are kept of no week; write weekly too, or 1 here",
        ),
        (&[("per_day", "0")], "per_day: write 1 to 10000, not 0"),
        (&[("hourly", "x")], "whole number"),
    ] {
        let page = console.refused("/policies/new", 422, &with(changes)).await;
        assert!(page.text(".faults").contains(fault), "{}", page.text(".faults"));
        // What is wrong there is seen at once.
        let (name, value) = changes[0];
        assert_eq!(page.attribute(&format!("#{name}"), "value"), value);
        assert_eq!(page.has("details[open] #per_day"), name.starts_with("per_"));
    }
    console.done("/policies/new", &with(&[("hourly", "24"), ("per_day", "3")])).await;
    let policy = console.service.policies().await.unwrap().pop().unwrap();
    assert_eq!(policy.spec.retention.to_string(), "24 hourly, 7 daily (3 of each)");
    let list = console.page("/policies").await;
    assert_eq!(list.text("td[data-label=Keeps]"), "24 hours, 7 days (3 of each)");
    let form = console.page(&format!("/policies/{}", policy.id)).await;
    assert_eq!(form.attribute("details[open] #per_day", "value"), "3");
    assert_eq!(form.attribute("#per_hour", "value"), "");
    assert!(
        form.text("main")
            .contains("hour by hour for 24 hours, then day by day for 7 days (3 of each)")
    );
}

/// A policy for all apps, which backs up daily.
const DAILY: [(&str, &str); 6] = [
    ("name", "nightly"),
    ("classes", "any"),
    ("daily", "7"),
    ("enabled", "true"),
    ("backup_at", "daily at 02:30"),
    ("time_zone", "UTC"),
];

/// What a form posts, with some of it changed.
fn changed(form: &[(String, String)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let stays = |name: &str| name != "csrf" && changes.iter().all(|(other, _)| *other != name);
    let kept = form.iter().filter(|(name, _)| stays(name)).cloned();
    let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    kept.chain(changes).collect()
}

#[tokio::test]
async fn a_schedule_that_was_made_or_changed_meanwhile_is_not_lost_by_an_older_form() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    console.done("/policies/new", &DAILY).await;
    let policy = console.service.policies().await.unwrap().pop().unwrap();
    let home = format!("/policies/{}", policy.id);
    let form = console.page(&home).await.form("form.stacked");
    let post = async |changes: &[(&str, &str)]| {
        let fields = changed(&form, changes);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        console.post(&home, &fields).await
    };
    // By the command line, while the page is open.
    let old = console.service.schedules().await.unwrap().pop().unwrap();
    let later = ScheduleSpec { cron: "0 5 * * *".into(), ..old.spec };
    console.service.edit_schedule(old.id, old.revision, later.clone()).await.unwrap();
    let check = ScheduleSpec { kind: TaskKind::Check, cron: "0 6 * * 0".into(), ..later };
    console.service.add_schedule(check).await.unwrap();
    let made = console.service.schedules().await.unwrap();

    assert_eq!(post(&[("daily", "9")]).await.status, 303);
    assert_eq!(console.service.schedules().await.unwrap(), made, "both stay");
    let saved = console.service.policy(policy.id).await.unwrap();
    assert_eq!(saved.spec.retention.daily, 9);
    // Who wants another time than was shown is told what it is by now.
    let revision = saved.revision.to_string();
    for (field, time, words) in [
        ("backup_at", "daily at 04:00", "it is daily at 05:00 now"),
        ("check_at", "daily at 04:00", "it is weekly on sunday at 06:00 now"),
    ] {
        let answer = post(&[("revision", revision.as_str()), (field, time)]).await;
        assert_eq!(answer.status, 409, "{field}");
        let page = crate::html::Html::sound(&answer.text(), field);
        let fault = page.text(&format!("#{field}-fault"));
        assert!(fault.contains("changed meanwhile") && fault.contains(words), "{fault}");
        assert_eq!(page.attribute(&format!("#{field}"), "value"), time);
        assert_eq!(console.service.schedules().await.unwrap(), made, "{field}");
    }
    assert_eq!(console.service.policy(policy.id).await.unwrap(), saved);
}

#[tokio::test]
async fn a_policy_that_runs_nothing_tells_of_no_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let console = Console::without_plakar(&directory.path().join("state")).await;
    console.done("/policies/new", &DAILY).await;
    let policy = console.service.policies().await.unwrap().pop().unwrap();
    let home = format!("/policies/{}", policy.id);
    let next = async || console.page(&home).await.text("td[data-label='Next run']");
    assert_eq!(next().await, "none", "it is for no app");
    console.source("drive", "", &[]);
    assert_ne!(next().await, "none");
    let form = console.page(&home).await.form("form.stacked");
    let mut off = changed(&form, &[]);
    off.retain(|(name, _)| name != "enabled");
    let off: Vec<_> = off.iter().map(|(name, value)| (&**name, &**value)).collect();
    console.done(&home, &off).await;
    assert_eq!(next().await, "none", "it is off");
}
