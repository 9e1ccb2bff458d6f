//! Who is told how apps are, and tokens.

use plakar_driver::Kind;
use reqwest::StatusCode;
use source_app::state::{AppKind, State};

use crate::console::Console;
use crate::hostile::HOSTILE;
use crate::scene::{PLAIN, Scene};
use crate::world::{World, name};

fn write(console: &Console, text: &str) {
    write_file(console, "notify.toml", text);
}

fn write_file(console: &Console, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = console.service.directory().join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn receivers_are_shown_without_what_is_secret_and_are_tried() {
    let console = Console::without_plakar().await;
    let place = "/settings/notifications";
    let page = console.page(place).await;
    assert_eq!(page.text(".empty h2"), "Nobody is told");
    assert!(!page.has("form[action='/settings/notifications/test']"));
    let shown = console.service.directory().join("notify.toml").display().to_string();
    assert!(page.text("main").contains(&shown));
    write(
        &console,
        "[[webhook]]\nname = \"ops\"\nurl = \"http://127.0.0.1:1/very-secret\"\nsecret = \"mule\"\napps = [\"gone\"]\nevents = [\"failed\"]\n\
         [[command]]\nname = \"tell\"\ncommand = [\"/bin/sh\", \"-c\", \"exit 0 # very-secret\"]\n",
    );
    let page = console.page(place).await;
    assert_eq!(page.texts("tbody th"), ["ops", "tell"]);
    let cells = page.texts("tbody td");
    assert_eq!(cells[0], "webhook: 127.0.0.1:1");
    assert_eq!(cells[1], "gone: failed There is no app gone.");
    assert_eq!(cells[2], "not used yet");
    assert!(page.text("main").contains("What lasts is told again every 3 days."));
    let answer = console.post("/settings/notifications/test", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.text.contains("very-secret") && !answer.text.contains("mule"));
    let tested = answer.html("test");
    let results = tested.texts("[role=status] li");
    assert!(results[0].starts_with("ops (webhook): did not arrive"), "{results:?}");
    assert_eq!(results[1], "tell (command): arrived it ended with 0");
    assert_eq!(tested.texts("tbody td .badge"), ["does not answer", "answers"]);
    let only = console.post("/settings/notifications/test", &[("receiver", "tell")]).await;
    assert_eq!(only.html("only").texts("[role=status] li").len(), 1);
    let nobody = console.post("/settings/notifications/test", &[("receiver", HOSTILE)]).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    nobody.html("nobody");
    // What is wrong with the file is said first.
    write(&console, "[[webhook]]\n<script> = 1\n");
    let page = console.page(place).await;
    let fault = page.text(".alert");
    assert!(fault.starts_with("Nobody is told how apps are."), "{fault}");
    assert!(fault.contains("notify.toml, line 2"), "{fault}");
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let console = Console::without_plakar().await;
    let place = "/settings/tokens";
    assert_eq!(console.page(place).await.text(".empty h2"), "No tokens yet");
    let answer = console.post(place, &[("name", "monitor"), ("access", "read-only")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let made = answer.html("made").text("[role=status] code");
    assert!(made.starts_with("pot_") && made.len() == 68, "{made}");
    let page = console.page(place).await;
    assert!(!page.text("body").contains(&made));
    assert_eq!(page.texts("tbody th"), ["monitor"]);
    assert_eq!(page.texts("tbody td span")[0], "read only");
    for name in ["monitor", HOSTILE, ""] {
        let answer = console.post(place, &[("name", name), ("access", "full")]).await;
        assert!(answer.status.is_client_error(), "{name}");
        let form = answer.html("refused");
        assert_eq!(form.attribute("#name", "value"), name);
        assert!(form.has("#name-fault"), "{name}");
    }
    let answer = console.post(place, &[("name", "x"), ("access", "root")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let id = console.state.tokens().unwrap()[0].id;
    let leads = console.done(&format!("{place}/{id}/revoke"), &[]).await;
    assert!(console.page(&leads).await.text(".notice").contains("it is refused from now on"));
    assert!(State::open(console.service.directory()).unwrap().tokens().unwrap().is_empty());
    let gone = console.post(&format!("{place}/{id}/revoke"), &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_password_is_changed_in_one_place() {
    let world = World::new().await;
    let console = Console::new(world.plakar.clone()).await;
    let place = "/settings/credentials";
    let page = console.page(place).await;
    assert_eq!(page.texts("tbody th"), [world.simulator.username()]);
    let cells = page.texts("tbody td");
    assert_eq!(cells[1..], ["source drive, destination drive", "in Plakar's configuration"]);
    let account = format!("opendrive {}", world.simulator.username());
    for (secret, status, part) in [
        ("wrong", StatusCode::BAD_GATEWAY, "othing was saved"),
        ("cmd:id", StatusCode::UNPROCESSABLE_ENTITY, "command is not set from the console"),
        ("vault:x", StatusCode::UNPROCESSABLE_ENTITY, "rite vault: with the mount"),
        ("", StatusCode::UNPROCESSABLE_ENTITY, "The secret is empty"),
        ("  ", StatusCode::UNPROCESSABLE_ENTITY, "The secret is empty"),
    ] {
        let answer = console.post(place, &[("account", &account), ("secret", secret)]).await;
        assert_eq!(answer.status, status, "{secret}");
        let fault = answer.html(secret).text("#secret-fault");
        assert!(fault.contains(part), "{fault}");
        assert!(secret.len() < 6 || !answer.text.contains(&format!("value=\"{secret}")));
    }
    let right = [("account", account.as_str()), ("secret", world.simulator.password())];
    let leads = console.done(place, &right).await;
    let page = console.page(&leads).await;
    assert!(page.text(".notice").contains("changed in all that uses the account"));
    assert!(!page.text("body").contains(world.simulator.password()));
    // Spaces around it are a part of it.
    let spaced = " two words  ";
    let fields = [("account", account.as_str()), ("secret", spaced), ("skip_test", "true")];
    console.done(place, &fields).await;
    for kind in [Kind::Source, Kind::Destination] {
        let kept = world.plakar.configured(kind, &name("drive")).await.unwrap();
        assert_eq!(kept["password"], spaced);
    }
}

#[tokio::test]
async fn an_apps_page_shows_the_scripts_around_its_tasks() {
    let console = Console::without_plakar().await;
    let scene = Scene { state: &console.state, texts: PLAIN };
    let app = scene.app(AppKind::Source, "drive", 90);
    let place = format!("/apps/{}", app.id);
    let titles = |page: &crate::html::Html| page.texts(".cards h2");
    assert!(!titles(&console.page(&place).await).contains(&"Scripts".to_owned()));
    write_file(
        &console,
        "hooks.toml",
        "[[hook]]\nname = \"dump\"\nbefore = [\"/opt/a<b>&\", \"very-secret\"]\nafter = [\"/opt/start\"]\n\
         [[hook]]\nname = \"other\"\napps = [\"photos\"]\nbefore = [\"/opt/other\"]\n",
    );
    let page = console.page(&place).await;
    assert!(titles(&page).contains(&"Scripts".to_owned()));
    let text = page.text("main");
    assert!(text.contains("dump around backup, at most 600 seconds each"), "{text}");
    assert!(text.contains("before: /opt/a<b>&") && text.contains("after: /opt/start"), "{text}");
    assert!(!text.contains("very-secret") && !text.contains("/opt/other"), "{text}");
    write_file(&console, "hooks.toml", "[[hook]]\nname = \"dump\"\n");
    let text = console.page(&place).await.text("main");
    let file = console.service.directory().join("hooks.toml");
    let fault = format!("No task runs but a test: {}, line 1: it runs nothing", file.display());
    assert!(text.contains(&fault), "{text}");
}
