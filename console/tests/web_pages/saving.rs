//! Settings that are saved while Plakar cannot be asked.

use chrono::Utc;
use reqwest::StatusCode;
use source_app::state::AppKind;

use crate::assigning::filled;
use crate::console::Console;
use crate::scene::{PLAIN, Scene, spec};

#[tokio::test]
async fn what_a_connector_needs_is_not_called_saved_when_it_is_not() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 9);
    let settings = format!("/apps/{}/settings", app.id);
    let page = console.page(&settings).await;
    let alerts = page.texts(".alert");
    assert!(alerts.iter().any(|text| text.contains("and stays as it is")), "{alerts:?}");
    assert!(!page.has("#option\\.location"));
    let form = page.form("main form[method=post]");
    // As from a page that was shown while Plakar could be asked.
    let entered = [
        ("environment", "attic"),
        ("secret_option", "option.odd"),
        ("option.location", "opendrive://Elsewhere"),
        ("option.password", "correct horse"),
        ("option.odd", "battery staple"),
        ("option.transfers", ""),
    ];
    let answer = console.post(&settings, &filled(&form, &entered)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("horse") && !answer.text.contains("staple"));
    let page = answer.html("not saved");
    let fault = page.text(".faults");
    assert!(
        fault.contains("What the connector needs cannot be saved now: ")
            && fault.contains("Nothing was saved."),
        "{fault}"
    );
    assert_eq!(console.state.app(app.id).unwrap(), app);
    // It is there to be saved later, all of it, and secrets can be entered again.
    assert_eq!(page.attribute("#option\\.location", "value"), "opendrive://Elsewhere");
    assert!(page.has("#option\\.transfers"));
    for secret in ["password", "odd"] {
        assert!(page.has(&format!("#option\\.{secret}[type=password]")), "{secret}");
    }
    let again = page.form("main form[method=post]");
    assert!(again.contains(&("secret_option".into(), "option.odd".into())), "{again:?}");

    // A page that was shown without all this saves the rest.
    let rest = filled(&form, &[("environment", "attic"), ("option.password", "")]);
    console.done(&settings, &rest).await;
    assert_eq!(console.state.app(app.id).unwrap().spec.environment, "attic");
}

#[tokio::test]
async fn a_store_of_plakar_stays_while_plakar_cannot_be_asked() {
    let console = Console::without_plakar().await;
    let mut named = spec(AppKind::Source, "drive", &PLAIN);
    named.store = Some("vault".into());
    let app = console.state.add_app(&named, Utc::now()).unwrap();
    let settings = format!("/apps/{}/settings", app.id);
    let form = console.page(&settings).await.form("main form[method=post]");
    console.done(&settings, &filled(&form, &[("environment", "attic")])).await;
    let kept = console.state.app(app.id).unwrap().spec;
    assert_eq!((kept.environment.as_str(), kept.store.as_deref()), ("attic", Some("vault")));
}

#[tokio::test]
async fn an_app_that_goes_without_its_login_says_so() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 9);
    let answer = console.post(&format!("/apps/{}/remove", app.id), &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(console.state.app(app.id).is_err(), "it is removed");
    let page = answer.html("removed");
    let told = page.text(".faults");
    let begin = "The app drive is removed, but Plakar's configuration still has its source drive";
    assert!(told.starts_with(begin) && told.contains("plakar source rm drive"), "{told}");
    assert_eq!(page.attribute(".faults + p a", "href"), "/", "its page is gone");
}
