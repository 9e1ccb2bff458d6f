//! Policies: which apps they match, their faults and conflicts, their schedules on the apps' pages.

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
