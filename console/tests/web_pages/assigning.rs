//! Assign, change and remove an app, with the real Plakar.

use reqwest::StatusCode;
use source_app::state::AppKind;

use crate::console::Console;
use crate::world::World;

/// No page ever shows it.
const SECRET: &str = "correct \"horse\" <battery> & 'staple' #1";

pub const BEGINNING: &str =
    "/assign?kind=source&resource=Family+drive&resource_class=file-storage&subclass=";

async fn without_secret(console: &Console, paths: &[&str]) {
    for path in paths {
        let answer = console.get(path).await;
        assert!(answer.status == StatusCode::OK && !answer.text.contains("horse"), "{path}");
        answer.html(path);
    }
}

pub fn filled<'a>(
    fields: &'a [(String, String)],
    with: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let others = fields.iter().filter(|(name, _)| !with.iter().any(|(given, _)| given == name));
    let others: Vec<(&str, &str)> =
        others.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    others.into_iter().chain(with.iter().copied()).collect()
}

#[tokio::test]
async fn an_app_is_assigned_step_by_step_changed_and_removed() {
    let world = World::new().await;
    let console = Console::new(world.plakar.clone()).await;

    let page = console.page("/assign").await;
    assert_eq!(page.text(".steps [aria-current]"), "What it is");
    // Both are found out, and folded.
    assert!(page.has("details:not([open]) #resource") && page.has("details #resource_class"));
    let page =
        console.page("/assign?kind=source&resource=a%07b&resource_class=nonsense&subclass=").await;
    assert!(
        page.text("#resource-fault").contains("control character")
            && page.text("#resource_class-fault").contains("No installed integration")
            && page.has("details[open] #resource")
    );

    // It has two protocols, so it is asked for.
    let page = console.page(BEGINNING).await;
    assert_eq!(page.text(".steps [aria-current]"), "Integration");
    // That comes first, and is chosen, which is made for the drive and asks for its login.
    assert_eq!(page.texts(".cards-choice strong"), ["opendrive", "rclone"]);
    assert_eq!(page.attribute("input[name=connector][checked]", "value"), "rclone/opendrive");
    let without = console.page("/assign?kind=source").await;
    assert_eq!(without.texts(".cards-choice strong"), ["opendrive", "rclone"]);
    let details = format!("{BEGINNING}&connector=rclone%2Fopendrive");
    let page = console.page(&details).await;
    assert_eq!(page.text(".steps [aria-current]"), "Details");
    assert_eq!(
        (page.attribute("#option\\.location", "value"), page.attribute("#name", "value")),
        ("opendrive://".into(), "family-drive".into())
    );
    // Needed with this protocol by a condition of the schema, and what does not go with it is not
    // asked.
    assert!(
        page.has("#option\\.username[required]")
            && page.has("#option\\.password[type=password][required]")
    );
    assert!(!page.has("#option\\.rclone_type") && page.has("details #option\\.transfers"));

    // All faults at once, each beside its field; secrets are not given back.
    let form = page.form("main form[method=post]");
    let store = world.user.path("new-store");
    let wrong = filled(
        &form,
        &[
            ("name", "My App"),
            ("environment", "x\u{7}"),
            ("class", "PII"),
            ("class-own", "own one, PII"),
            ("option.password", SECRET),
            ("option.transfers", "900"),
            ("store", "no-such"),
            ("daily", "-1"),
            ("weekly", "10001"),
        ],
    );
    let answer = console.post("/assign", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("horse"));
    let page = answer.html("faults");
    for (field, words) in [
        ("name", "write 1 to 63 of"),
        ("environment", "control character"),
        ("option\\.username", "missing"),
        ("option\\.transfers", "900"),
        ("store", "no such store"),
        ("daily", "whole number"),
        ("weekly", "too many"),
    ] {
        let text = page.text(&format!("#{field}-fault"));
        assert!(text.contains(words), "{field}: {text}");
        assert!(
            page.has(&format!("#{field}[aria-invalid=true][aria-describedby*='-fault']")),
            "{field}"
        );
    }
    assert!(
        !page.has(".faults")
            && !page.has("#option\\.password-fault")
            && page.has("details[open] #option\\.transfers")
    );
    assert_eq!(
        (page.attribute("#daily", "value"), page.attribute("#name", "value")),
        ("-1".into(), "My App".into())
    );
    assert!(
        page.has("input[name=class][value=PII][checked]")
            && page.has("input[name=class][value='own one'][checked]")
    );

    // Now right.
    let username = world.simulator.username().to_owned();
    let good = filled(
        &form,
        &[
            ("name", "drive-app"),
            ("environment", "production"),
            ("class", "PII"),
            ("class-own", "own one"),
            ("option.username", &username),
            ("option.password", SECRET),
            ("store", &store),
            ("create_store", "true"),
            ("unencrypted", "true"),
            ("skip_test", "true"),
            ("daily", "7"),
        ],
    );
    // The drive is asked before anything is saved, and this is not its password.
    let asked: Vec<_> = good.iter().copied().filter(|(name, _)| *name != "skip_test").collect();
    let answer = console.post("/assign", &asked).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("horse"));
    let page = answer.html("refused");
    assert!(
        page.text(".faults").contains("tested and refused")
            && page.text(".faults").contains("nothing was saved"),
        "{}",
        page.text(".faults")
    );
    assert!(console.service.apps().await.unwrap().is_empty());
    assert!(!std::path::Path::new(&store).exists());
    assert!(!world.user.ok(&["source", "show", "-json"]).contains("drive-app"));

    let place = console.done("/assign", &good).await;
    let path = place.split_once("/recovery?").unwrap().0;
    let app = console.service.app_named(AppKind::Source, "drive-app").await.unwrap();
    assert_eq!(
        (path, &app.spec.data_classes[..]),
        (&*format!("/apps/{}", app.id), &["PII".to_owned(), "own one".to_owned()][..])
    );
    assert_eq!(
        console.page(&place).await.text(".notice"),
        "The app is assigned; its login was tested, unless you left that out."
    );
    assert!(std::path::Path::new(&store).join("CONFIG").exists());
    let shown = world.user.ok(&["source", "show", "-secrets", "-json", "drive-app"]);
    assert!(shown.contains("battery"), "it is in Plakar's configuration");
    let again = console.post("/assign", &good).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.html("taken").text("#name-fault").contains("choose another name"));

    // Settings: a secret that is left empty stays.
    let settings = format!("{path}/settings");
    without_secret(&console, &["/", path, &settings, &format!("{path}/remove")]).await;
    let page = console.page(&settings).await;
    assert_eq!(page.attribute("#option\\.password", "placeholder"), "set; leave empty to keep it");
    assert!(!page.has("#option\\.password[required]") && !page.has("#create_store"));
    let form = page.form("main form[method=post]");
    let wrong = filled(&form, &[("option.username", ""), ("option.location", "ftp://x")]);
    let answer = console.post(&settings, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.html("settings");
    assert!(
        page.has("#option\\.location-fault")
            && page.attribute("#option\\.location", "value") == "ftp://x"
    );
    let right =
        filled(&form, &[("name", "renamed"), ("option.transfers", "4"), ("environment", "")]);
    // A changed configuration is tested too.
    let answer = console.post(&settings, &right).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.html("refused").text(".faults").contains("tested and refused"));
    let right = [&right[..], &[("skip_test", "true")]].concat();
    assert_eq!(console.done(&settings, &right).await, format!("{settings}?notice=saved"));
    let page = console.page(&settings).await;
    assert_eq!(
        (page.text("h1"), page.attribute("#option\\.transfers", "value")),
        ("renamed".into(), "4".into())
    );
    assert!(
        world.user.ok(&["source", "show", "-secrets", "-json", "drive-app"]).contains("battery"),
        "it was kept"
    );
    // The same form again is of an older revision.
    let answer = console.post(&settings, &filled(&form, &[("name", "other")])).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.html("outdated");
    assert!(
        page.text(".faults").contains("changed meanwhile")
            && page.has(&format!(".alert a[href='{settings}']"))
    );

    let page = console.page(&format!("{path}/remove")).await;
    assert!(page.text("section").contains("What stays") && page.text("section").contains(&store));
    assert_eq!(console.done(&format!("{path}/remove"), &[]).await, "/?notice=removed");
    assert_eq!(console.get(path).await.status, StatusCode::NOT_FOUND);
    assert!(std::path::Path::new(&store).join("CONFIG").exists());
}
