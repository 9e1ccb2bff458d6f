//! Secrets that are named: the real plakar gets them, and no file has them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use source_app::model::HealthVerdict;
use source_app::service::{AccountChange, Edit, SecondStore, Service, Work};
use source_app::state::{AppKind, TaskState};

use crate::serving::run;
use crate::world::{World, environment, guard, options};

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Files below a folder that have a text in them.
fn with_text(folder: &Path, text: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            with_text(&path, text, found);
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        {
            found.push(path);
        }
    }
}

/// Configurations in memory that a job of this test has left, by the name of its app.
fn left_in_memory(app: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/dev/shm").unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("plakar-configuration") {
            with_text(&entry.path(), app, &mut found);
        }
    }
    found
}

#[tokio::test]
async fn plakar_gets_a_secret_that_only_a_file_has() {
    let world = World::new().await;
    let mut variables = environment(&world.user, &world.simulator);
    variables.push(("PLAKAR_OPENDRIVE".into(), support::executable().into()));
    let plakar = plakar_driver::Plakar::new(&crate::plakar::plakar(), guard(), variables).unwrap();
    let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
    world.put("folder/a.txt", b"hello");
    let password = world.simulator.password().to_owned();
    // The world's own entries have the password itself.
    for kind in [plakar_driver::Kind::Source, plakar_driver::Kind::Destination] {
        world.plakar.unconfigure(kind, &crate::world::name("drive")).await.unwrap();
    }
    let (folder, home) = (tempfile::tempdir().unwrap(), world.user.home().to_owned());
    let (login, passphrase) = (folder.path().join("login"), folder.path().join("passphrase"));
    let named = format!("file:{}", login.display());
    let mut assign = world.assign(AppKind::Source, "named-source", "opendrive://folder", &named);
    assign.unencrypted = false;
    assign.store_options = options(&[("passphrase", &format!("file:{}", passphrase.display()))]);
    assign.second_store = Some(SecondStore {
        place: world.user.path("copy"),
        options: assign.store_options.clone(),
        create: true,
        ..SecondStore::default()
    });
    // What is not there is told, and nothing is saved.
    let error = service.assign(assign.clone()).await.unwrap_err().to_string();
    let login_shown = login.display();
    assert!(error.contains(&format!("{login_shown} is not there; make it")), "{error}");
    assert!(service.apps().await.unwrap().is_empty());
    write(&login, &format!("{password}\n"));
    write(&passphrase, "hunter2\n");
    // A weak one is weak wherever it is.
    let error = service.assign(assign.clone()).await.unwrap_err().to_string();
    assert!(error.contains("the passphrase of the store is weak"), "{error}");
    let strong = "mule lantern orbit pickle";
    write(&passphrase, strong);
    let app = service.assign(assign).await.unwrap();
    let (task, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    let points = service.points(app.id).await.unwrap();
    assert_eq!(points.len(), 1, "the store is read with its passphrase");
    // So is the second one, and its passphrase is no name.
    let (task, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    let stores = std::fs::read_to_string(home.join(".config/plakar/stores.yml")).unwrap();
    let kept = format!("secret-reference:file:{}", passphrase.display());
    assert_eq!(stores.matches(&kept).count(), 2, "{stores}");
    // The connector's own command line, which lists the drive, has the password, not its name.
    let (task, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    assert!(!log.contains(&password), "{log}");
    let (task, log) = run(&service, &app, Work::Check(source_app::service::CheckScope::Due)).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    assert_eq!(service.status(Some(app.id)).await.unwrap().verdict, HealthVerdict::Protected);
    for secret in [password.as_str(), strong] {
        let mut found = Vec::new();
        with_text(&home, secret, &mut found);
        assert_eq!(found, Vec::<PathBuf>::new(), "{secret}");
        assert!(!log.contains(secret));
    }
    let kept = std::fs::read_to_string(home.join(".config/plakar/sources.yml")).unwrap();
    assert!(kept.contains(&format!("secret-reference:{named}")), "{kept}");
    let shown = service.configuration(app.id).await.unwrap();
    let field = shown.iter().find(|field| field.field.key == "password").unwrap();
    assert_eq!(field.value.as_deref(), Some(named.as_str()));

    // Changed in one place: the next run has the new one.
    write(&login, "another password");
    let (task, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(task.state, TaskState::Failed, "{log}");
    std::fs::set_permissions(&login, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (task, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(task.state, TaskState::Failed, "{log}");
    let open = format!(
        "the option \"password\" of named-source: {login_shown} is open to other users (mode 640); run: chmod 600 {login_shown}"
    );
    assert!(task.verdict.contains(&open), "{}", task.verdict);
    write(&login, &password);
    let (task, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");

    // It can be the secret itself again, and what cannot be a name is told by its key.
    let change = |password: &str| {
        let user = world.simulator.username();
        let location = "opendrive://folder";
        let options =
            options(&[("location", location), ("username", user), ("password", password)]);
        Edit { options: Some(options), ..Edit::default() }
    };
    let wrong = service.edit(app.id, app.revision, change("vault:drive")).await.unwrap_err();
    assert!(wrong.to_string().contains("option \"password\": write vault: with"), "{wrong}");
    // A command, too.
    let command = change(&format!("cmd:head -n 1 '{login_shown}'"));
    let app = service.edit(app.id, app.revision, command).await.unwrap();
    let (task, log) = run(&service, &app, Work::Test).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    service.stop().await;
    drop(service);
    support::until(std::time::Duration::from_secs(60), "memory to be empty", || {
        left_in_memory("named-source").is_empty()
    })
    .await;
}

#[tokio::test]
async fn one_password_is_for_all_that_uses_an_account() {
    let world = World::new().await;
    let service = world.service();
    world.put("folder/a.txt", b"hello");
    let (user, password) = (world.simulator.username(), world.simulator.password().to_owned());
    let assign = world.assign(AppKind::Source, "one", "opendrive://folder", &password);
    let app = service.assign(assign).await.unwrap();
    let destination = world.assign(AppKind::Destination, "two", "opendrive://Spare", &password);
    service.assign(destination).await.unwrap();
    let accounts = service.accounts().await.unwrap();
    let [account] = accounts.as_slice() else { panic!("{accounts:?}") };
    let entries: Vec<_> =
        account.entries.iter().map(|entry| (entry.kind, entry.name.as_str())).collect();
    let expected =
        [("source", "drive"), ("source", "one"), ("destination", "drive"), ("destination", "two")];
    assert_eq!(entries, expected);
    assert!(account.named.is_empty());
    let change = |secret: &str| AccountChange {
        protocol: "opendrive".into(),
        username: user.to_owned(),
        secret: secret.into(),
        skip_test: false,
    };
    // What the drive refuses, and what is not there, is saved nowhere.
    let configured =
        || std::fs::read_to_string(world.user.home().join(".config/plakar/sources.yml")).unwrap();
    let before = configured();
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login");
    let named = format!("file:{}", login.display());
    for bad in ["wrong password", &named, "env:", ""] {
        let error = service.change_account(change(bad)).await.unwrap_err().to_string();
        assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        assert_eq!(configured(), before, "{bad}");
    }
    let mut unknown = change(&password);
    unknown.username = "nobody".into();
    let error = service.change_account(unknown).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no account nobody of opendrive"), "{error}");
    write(&login, &password);
    let changed = service.change_account(change(&named)).await.unwrap();
    assert_eq!((&changed.entries, changed.named.as_slice()), (&account.entries, &[named][..]));
    assert!(!configured().contains(&password));
    let (task, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(task.state, TaskState::Succeeded, "{log}");
    let printed = format!("{:?}", change("hunter2"));
    assert!(!printed.contains("hunter2"), "{printed}");
}
