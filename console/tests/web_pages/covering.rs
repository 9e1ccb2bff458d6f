//! Resources that are entered by hand, and the apps that are made of them.

use plakar_driver::{Kind, Store, StoreState};
use reqwest::StatusCode;
use source_app::state::{AppKind, MatchMode, PolicySpec};

use crate::assigning::filled;
use crate::console::Console;
use crate::scene::{PLAIN, Scene};
use crate::world::{World, name, options};

#[tokio::test]
async fn a_resource_is_entered_by_hand_and_shown_as_not_covered() {
    let console = Console::without_plakar().await;
    let page = console.page("/resources").await;
    assert_eq!(page.attribute(".head a.button", "href"), "/resources/new");
    assert!(page.has("form.filters") && page.text(".empty").contains("or you enter it by hand"));
    let fields = console.page("/resources/new").await.form("form.stacked");
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["csrf", "name", "location", "class", "subclass", "tags", "excluded"]);

    let post = async |fields: &[(&str, &str)]| console.post("/resources/new", fields).await;
    for (fields, fault) in [
        (
            &[("name", ""), ("class", "c")][..],
            "Resource is missing; write a short text on one line.",
        ),
        (&[("name", "Photos")], "Class is missing; write a short text on one line."),
        (
            &[("name", "Photos"), ("class", "c"), ("location", "sftp://me:hunter2@h/x")],
            "Location has a password in it, which does not belong there; write it without.",
        ),
    ] {
        let answer = post(fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
        assert_eq!(answer.html("refused").texts(".faults li"), [fault]);
    }
    assert!(console.state.resources().unwrap().is_empty());

    let given =
        [("name", "<b>Photos"), ("class", "file-storage"), ("location", "opendrive://Photos")];
    let place = console.done("/resources/new", &given).await;
    let page = console.page(&place).await;
    assert!(page.text(".notice").starts_with("The resource is entered."));
    assert_eq!(page.text("h1"), "<b>Photos");
    assert_eq!(page.text(".head .badge"), "not protected");
    assert!(page.text("main").contains("Nothing is backed up: no app is of this resource yet."));
    let assign = page.attribute("main section.card a.button", "href");
    let answer = post(&given).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.html("taken").text(".faults").contains("There is already a resource named"));

    // Wherever it is asked whether one is safe.
    let page = console.page("/resources").await;
    assert_eq!(page.text("tbody td[data-label=Health]"), "not protected Nothing is backed up.");
    let page = console.page("/").await;
    assert_eq!(
        page.text(".answer"),
        "No: 1 of 1 drive, <b>Photos, is not protected, because nothing of it is backed up."
    );
    assert!(page.has(".answer-bad") && !page.has(".empty"));
    assert_eq!(page.texts("caption"), ["Resources without a backup (1)"]);
    let scene = Scene { state: &console.state, texts: PLAIN };
    scene.fill();
    let page = console.page("/").await;
    assert!(page.text(".answer").starts_with("No: 4 of 7 drives"), "{}", page.text(".answer"));

    // The form of an app begins with what is known of it.
    assert!(assign.starts_with("/assign?resource=%3Cb%3EPhotos&resource_class=file-storage"));
    let id = place.split(['/', '?']).nth(2).unwrap();
    let left = console.done(&format!("/resources/{id}/remove"), &[]).await;
    assert_eq!(left, "/resources?notice=resource-removed");
    // One that has apps stays.
    let other = console.state.apps().unwrap()[0].facts.resource_id;
    let answer = console.post(&format!("/resources/{other}/remove"), &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("remove its apps first"), "{}", answer.text);
}

#[tokio::test]
async fn an_app_of_a_resource_begins_with_its_place() {
    let world = World::new().await;
    let console = Console::new(world.plakar.clone()).await;
    let made = [("name", "Photos"), ("location", "opendrive://Photos")];
    let place = console.done("/resources/new", &made).await;
    let resource = console.page(&place).await;
    let assign = resource.attribute("main section.card a.button", "href");
    // The integration is told by the place: only the form of its connector is left.
    let page = console.page(&format!("{assign}&kind=source")).await;
    assert_eq!(page.attribute("#option\\.location", "value"), "opendrive://Photos");
    assert_eq!(page.attribute("#name", "value"), "photos");
    let store = world.user.path("raw");
    let form = page.form("form[action='/assign'].stacked");
    let filled = filled(
        &form,
        &[
            ("option.username", world.simulator.username()),
            ("option.password", "p"),
            ("store", &store),
            ("unencrypted", "true"),
            ("uncompressed", "true"),
            ("create_store", "true"),
            ("skip_test", "true"),
        ],
    );
    console.done("/assign", &filled).await;
    let app = console.service.app_named(AppKind::Source, "photos").await.unwrap();
    assert_eq!(
        (app.spec.resource.name.as_str(), app.spec.protocol.as_str()),
        ("Photos", "opendrive")
    );
    // And the store was made without compression, which its page says.
    let name = store.replace('/', "%2F");
    console.done(&format!("/stores/{name}/read"), &[]).await;
    let page = console.page(&format!("/stores/{name}")).await;
    assert!(page.text("main").contains("Compression none"), "{}", page.text("main"));
}

#[tokio::test]
async fn several_apps_are_made_by_one_form() {
    let world = World::new().await;
    let console = Console::new(world.plakar.clone()).await;
    let page = console.page("/assign/several").await;
    assert!(page.text("main").contains("There is no policy yet"), "{}", page.text("main"));
    let folder = [("name", "Photos"), ("location", "opendrive://Photos")];
    console.done("/resources/new", &folder).await;
    world.put("Photos/cat.jpg", b"cat");
    let policy = PolicySpec {
        name: "nightly".into(),
        environments: vec!["production".into(), "testing".into()],
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        labels: Vec::new(),
        retention: Default::default(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    };
    console.service.add_policy(policy).await.unwrap();
    let store = Store::folder(&world.user.home().join("store")).unwrap();
    assert!(matches!(world.plakar.store_state(&store).await.unwrap(), StoreState::Ready));
    let named = options(&[("location", &world.user.path("store"))]);
    world.plakar.configure(Kind::Store, &name("vault"), &named).await.unwrap();

    let page = console.page("/assign/several").await;
    let form = page.form("form[action='/assign/several']");
    let account = format!("opendrive {}", world.simulator.username());
    let chosen =
        |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    assert_eq!((chosen("account"), chosen("store")), (Some(account.as_str()), Some("vault")));
    assert_eq!(page.attribute("input[name=resource]", "value"), "Photos");
    let ticked = filled(&form, &[("resource", "Photos")]);
    let answer = console.post("/assign/several", &ticked).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.html("refused");
    let fault = "Environment: the policy nightly is for any of production, testing; say which.";
    assert_eq!(page.texts(".faults li"), [fault]);
    assert!(page.has("input[name=resource][value=Photos][checked]"));
    let ticked = filled(&form, &[("resource", "Photos"), ("environment", "testing")]);
    assert_eq!(console.done("/assign/several", &ticked).await, "/?notice=apps-made");
    let app = console.service.app_named(AppKind::Source, "photos").await.unwrap();
    assert_eq!(
        (app.spec.environment.as_str(), app.spec.store.as_deref()),
        ("testing", Some("vault"))
    );
}
