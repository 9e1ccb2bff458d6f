//! An encrypted store from the wizard to an empty machine: its recovery sheet, and a console that knows
//! nothing, with the real Plakar.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use plakar_driver::{Plakar, SnapshotPath};
use reqwest::StatusCode;
use source_app::service::{RestorePlace, Work};
use source_app::state::{App, AppKind, Task, TaskState};

use crate::assigning::{BEGINNING, filled};
use crate::console::Console;
use crate::html::Html;
use crate::user;
use crate::world::{World, environment, guard, noise};

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// No task and no command of this takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(120);

async fn run(console: &Console, app: &App, work: &Work) -> Task {
    let begun = console.service.start(app.id, work).await.unwrap();
    support::within(LIMIT, async {
        loop {
            let task = console.service.task(begun.id).await.unwrap();
            if task.state.is_final() {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Whether some bytes are in others.
fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

/// What the drive has, as files below a folder.
fn content() -> Vec<(&'static str, Vec<u8>)> {
    vec![("letter.txt", b"Dear all,\n".to_vec()), ("deep/large.bin", noise(5, 300_000))]
}

fn same(folder: &Path) {
    for (file, bytes) in content() {
        assert_eq!(std::fs::read(folder.join(file)).unwrap(), bytes, "{file}");
    }
}

#[tokio::test]
async fn an_encrypted_store_is_enough_to_get_everything_back() {
    let world = World::new().await;
    let console = Console::new(world.plakar.clone()).await;
    for (file, bytes) in content() {
        world.put(&format!("Documents/{file}"), &bytes);
    }
    taken_from_plakar(&world, &console).await;
    let (path, app) = assigned(&world, &console).await;
    let made = run(&console, &app, &Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{}", made.verdict);

    // The sheet has no byte of a secret, and its commands restore on an empty machine.
    let answer = console.get(&format!("{path}/recovery")).await;
    assert_eq!(answer.status, StatusCode::OK);
    for secret in [PASSPHRASE, world.simulator.password()] {
        assert!(!has(answer.text.as_bytes(), secret));
    }
    let sheet = answer.html("recovery");
    let told = sheet.text(".sheet dl");
    assert!(
        told.contains(&world.user.path("safe"))
            && told.contains(&format!("app:{}", app.key))
            && told.contains("1, the newest of")
            && told.contains("clear text in stores.yml"),
        "{told}"
    );
    let empty = user::Plakar::without_package(&crate::plakar::plakar(), &[]);
    follow(&empty, &sheet.texts("pre.command code"));
    same(&empty.home().join("restored"));

    // A console on another machine, which has the store's disk.
    let other = user::Plakar::new(&world.simulator.env());
    let plakar =
        Plakar::new(&crate::plakar::plakar(), guard(), environment(&other, &world.simulator));
    let again = Console::new(plakar.unwrap()).await;
    let app = adopted(&world, &again, &app).await;
    let points = again.service.points(app.id).await.unwrap();
    assert_eq!(points.len(), 1);
    let restore = Work::Restore {
        snapshot: points[0].id.clone(),
        path: SnapshotPath::root(),
        to: RestorePlace::Folder(other.home().join("out")),
        second: false,
        replace: false,
    };
    let restored = run(&again, &app, &restore).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{}", restored.verdict);
    same(&other.home().join("out"));
    let list = again.page(&format!("/apps/{}/points", app.id)).await;
    assert!(list.text("main").contains(points[0].id.short()));

    // Neither state has a secret in it.
    for console in [&console, &again] {
        console.service.stop().await;
        let folder = console.service.directory();
        for name in ["state.db", "state.db-wal"] {
            let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
            assert!(!has(&bytes, PASSPHRASE) && !has(&bytes, world.simulator.password()), "{name}");
        }
    }
}

/// A source that Plakar has becomes an app by a link, and keeps its configuration.
async fn taken_from_plakar(world: &World, console: &Console) {
    let page = console.page("/assign").await;
    let link = "/assign?kind=source&entry=drive";
    assert!(page.links().iter().any(|found| found == link), "{:?}", page.links());
    let page = console.page(link).await;
    assert!(!page.has("#option\\.location") && page.attribute("#name", "value") == "drive");
    let form = page.form("main form[method=post]");
    let store = world.user.path("store");
    let fields = filled(&form, &[("name", "taken"), ("store", &store)]);
    let place = console.done("/assign", &fields).await;
    let app = console.service.app_named(AppKind::Source, "taken").await.unwrap();
    assert_eq!(place, format!("/apps/{}/recovery?notice=assigned", app.id));
    assert_eq!((app.spec.entry.as_str(), app.spec.protocol.as_str()), ("drive", "opendrive"));
    // Its store is not encrypted, and the sheet says so.
    let sheet = console.page(&place).await;
    assert!(sheet.text(".sheet dl").contains("Nothing: the store is not encrypted"));
    console.service.remove(app.id).await.unwrap();
}

/// Goes through the wizard, with what is refused first; leads to the recovery sheet.
async fn assigned(world: &World, console: &Console) -> (String, App) {
    let details = format!("{BEGINNING}&connector=rclone%2Fopendrive");
    let form = console.page(&details).await.form("main form[method=post]");
    let (username, password) = (world.simulator.username(), world.simulator.password());
    let store = world.user.path("safe");
    let base = filled(
        &form,
        &[
            ("name", "docs"),
            ("option.location", "opendrive://Documents"),
            ("option.username", username),
            ("option.password", password),
            ("store", &store),
            ("create_store", "true"),
        ],
    );
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let rest = base.iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
        rest.map(own).chain(more.iter().map(own)).collect()
    };
    for (given, field, said) in [
        (&[][..], "passphrase", "has no passphrase"),
        (
            &[("passphrase", "docs docs docs"), ("passphrase-again", "docs docs docs")],
            "passphrase",
            "is weak",
        ),
        (
            &[("passphrase", PASSPHRASE), ("passphrase-again", "other")],
            "passphrase-again",
            "not what was entered",
        ),
    ] {
        let fields = with(given);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = console.post("/assign", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(!answer.text.contains(PASSPHRASE));
        let page = answer.html("passphrase");
        let fault = page.text(&format!("#{field}-fault"));
        assert!(fault.contains(said), "{fault}");
        assert!(!page.has(".faults"), "{}", page.text(".faults"));
    }
    assert!(!Path::new(&store).exists() && console.service.apps().await.unwrap().is_empty());

    let fields = with(&[("passphrase", PASSPHRASE), ("passphrase-again", PASSPHRASE)]);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let place = console.done("/assign", &fields).await;
    let app = console.service.app_named(AppKind::Source, "docs").await.unwrap();
    assert_eq!(place, format!("/apps/{}/recovery?notice=assigned-strong", app.id));
    let page = console.page(&place).await;
    assert!(page.text(".notice").contains("strong passphrase"), "{}", page.text(".notice"));
    (format!("/apps/{}", app.id), app)
}

/// Runs the commands of a sheet one after another in one shell, as somebody types them: the passphrase
/// when it is asked for.
fn follow(user: &user::Plakar, commands: &[String]) {
    assert!(commands.len() >= 5, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(crate::plakar::plakar(), folder.path().join("plakar")).unwrap();
    let like = user.command(&[]);
    let mut shell = Command::new("timeout");
    shell
        .args(["120", "bash", "-euc", &commands.join("\n")])
        .env_clear()
        .envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .current_dir(user.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSPHRASE}").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands:#?}: {said}");
}

/// Opens the store by its place and passphrase, and takes its mark over with a source that is entered
/// anew.
async fn adopted(world: &World, console: &Console, lost: &App) -> App {
    let store = world.user.path("safe");
    let open = async |passphrase: &str| {
        console.post("/adopt", &[("store", &store), ("passphrase", passphrase)]).await
    };
    for (passphrase, said) in [("", "given no passphrase"), ("not this one", "another one")] {
        let answer = open(passphrase).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        let fault = answer.html("adopt").text("#passphrase-fault");
        assert!(fault.contains(said), "{fault}");
    }
    let answer = open(PASSPHRASE).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let place = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(place, "/adopt?store=safe&notice=opened");
    let page = console.page(&place).await;
    let row = page.text("table tbody tr");
    assert!(row.contains("docs") && row.contains(&lost.key) && row.contains('1'), "{row}");

    let query = page.form("table form");
    let query = serde_urlencoded(&query);
    let page: Html = console.page(&format!("/assign?{query}&connector=rclone%2Fopendrive")).await;
    assert_eq!(
        (page.attribute("#name", "value"), page.attribute("#store", "value")),
        ("docs".into(), "safe".into())
    );
    let form = page.form("main form[method=post]");
    let fields = filled(
        &form,
        &[
            ("option.location", "opendrive://Documents"),
            ("option.username", world.simulator.username()),
            ("option.password", world.simulator.password()),
        ],
    );
    let place = console.done("/assign", &fields).await;
    let app = console.service.app_named(AppKind::Source, "docs").await.unwrap();
    assert!(place.starts_with(&format!("/apps/{}/recovery", app.id)), "{place}");
    assert_eq!(app.key, lost.key);
    app
}

fn serde_urlencoded(fields: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        format!("{name}={}", plakar_driver::percent(value, b"-._~"))
    };
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}
