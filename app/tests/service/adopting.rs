//! After the loss of the state, and beside it: what a store and Plakar have becomes apps again.

use plakar_driver::{Kind, Options, Store};
use source_app::model::{BackupOptions, HealthVerdict};
use source_app::service::{Assign, Edit, Problem, RestorePlace, Service, Work};
use source_app::state::{AppKind, State, TaskState};

use crate::serving::run;
use crate::world::{World, name, noise, options, path};

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

#[tokio::test]
async fn a_store_gives_its_apps_back_to_a_state_that_knows_nothing() {
    let world = World::new().await;
    let service = world.service();
    let content = noise(9, 200_000);
    world.put("Documents/deep/large.bin", &content);
    let vault = world.user.path("safe");
    let backup = BackupOptions {
        ignore: vec!["*.tmp".into()],
        labels: vec!["family".into()],
        ..BackupOptions::default()
    };
    let assign = Assign {
        backup: backup.clone(),
        store: Some(vault.clone()),
        store_options: options(&[("passphrase", PASSPHRASE)]),
        unencrypted: false,
        ..world.assign(AppKind::Source, "docs", "opendrive://Documents", world.simulator.password())
    };
    let lost = service.assign(assign).await.unwrap();
    for _ in 0..2 {
        let (made, log) = run(&service, &lost, Work::Backup).await;
        assert_eq!(made.state, TaskState::Succeeded, "{log}");
    }
    service.stop().await;
    drop(service);

    // The state is gone; Plakar's configuration is not.
    std::fs::remove_dir_all(world.user.home().join("state")).unwrap();
    let service = world.service();
    assert!(service.apps().await.unwrap().is_empty());
    let marks = service.marks("docs").await.unwrap();
    assert_eq!(marks.len(), 1);
    assert_eq!(
        (marks[0].key.as_str(), marks[0].name.as_str(), marks[0].points, &marks[0].app),
        (lost.key.as_str(), "docs", 2, &None)
    );
    assert_eq!(
        (marks[0].environment.as_str(), &marks[0].data_classes[..]),
        ("production", &["PII".to_owned()][..])
    );
    assert_eq!(marks[0].backup, backup);
    let free = service.unassigned(AppKind::Source).await.unwrap();
    assert_eq!(free.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["docs", "drive"]);

    let adopt = |mark: Option<&str>, entry: &str| Assign {
        options: Options::new(),
        entry: Some(entry.into()),
        mark: mark.map(str::to_owned),
        create_store: false,
        unencrypted: false,
        ..world.assign(AppKind::Source, entry, "", "")
    };
    let again = Assign { store: Some("docs".into()), ..adopt(Some(&lost.key), "docs") };
    let app = service.assign(again.clone()).await.unwrap();
    assert_eq!((app.key.as_str(), app.spec.protocol.as_str()), (lost.key.as_str(), "opendrive"));
    assert_eq!(service.marks("docs").await.unwrap()[0].app.as_deref(), Some("docs"));
    let points = service.points(app.id).await.unwrap();
    assert_eq!(points.len(), 2);
    // What was made before counts.
    let status = service.status(Some(app.id)).await.unwrap();
    assert_eq!(status.verdict, HealthVerdict::Protected, "{status:?}");
    let restore = Work::Restore {
        snapshot: points[1].id.clone(),
        path: path("/"),
        to: RestorePlace::Folder(world.user.home().join("out")),
        second: false,
        replace: false,
    };
    let (restored, log) = run(&service, &app, restore).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    let file = world.user.home().join("out/deep/large.bin");
    assert_eq!(std::fs::read(file).unwrap(), content);
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert_eq!(service.points(app.id).await.unwrap().len(), 3);

    // A mark and an entry belong to one app each.
    let twice = Assign { name: "twice".into(), ..again.clone() };
    let taken = service.assign(twice).await.unwrap_err();
    assert!(taken.to_string().contains("is the app docs already"), "{taken}");
    let mut twice = Assign { store: Some("docs".into()), ..adopt(Some(&lost.key), "drive") };
    let taken = service.assign(twice.clone()).await.unwrap_err();
    assert_eq!(taken.problem(), Problem::Conflict);
    assert!(taken.to_string().contains("is that of the app docs here"), "{taken}");
    // A source that Plakar has becomes an app without a mark, and keeps its configuration.
    let before = world.plakar.configured(Kind::Source, &name("drive")).await.unwrap();
    twice.mark = None;
    let drive = service.assign(twice).await.unwrap();
    assert_eq!(world.plakar.configured(Kind::Source, &name("drive")).await.unwrap(), before);
    assert_eq!(drive.spec.entry, "drive");
    assert!(service.points(drive.id).await.unwrap().is_empty());
    // It was Plakar's before, and stays when the app goes.
    service.remove(drive.id).await.unwrap();
    assert_eq!(world.plakar.configured(Kind::Source, &name("drive")).await.unwrap(), before);
    service.stop().await;

    // The copy beside the store is the whole state, in its place again.
    let copies = world.user.home().join("safe.plakar-opendrive");
    let mut copies: Vec<_> =
        std::fs::read_dir(copies).unwrap().map(|entry| entry.unwrap().path()).collect();
    copies.sort();
    assert!(copies.len() >= 2, "the lost state and the one after it have one each: {copies:?}");
    let place = world.user.home().join("second-state");
    drop(State::open(&place).unwrap());
    for left in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(place.join(left));
    }
    std::fs::copy(copies.last().unwrap(), place.join("state.db")).unwrap();
    let second = Service::open(&place, world.plakar.clone()).unwrap();
    let app = second.apps().await.unwrap().remove(0);
    assert_eq!((app.key.as_str(), app.spec.name.as_str()), (lost.key.as_str(), "docs"));
    // It was made when the backup had ended.
    let last = second.dashboard(app.id).await.unwrap().last.unwrap();
    assert_eq!(last.state, TaskState::Succeeded, "{}", last.verdict);
}

#[tokio::test]
async fn a_folder_of_this_machine_that_plakar_backs_up_becomes_an_app() {
    let world = World::new().await;
    let service = world.service();
    let folder = world.local(&[("a.txt".into(), b"hello".to_vec())]).await;
    // Made without an app: no mark.
    world.user.ok(&[
        "at",
        &world.user.path("store"),
        "backup",
        "-no-progress",
        folder.to_str().unwrap(),
    ]);
    let store = Store::folder(&world.user.home().join("store")).unwrap();
    assert!(service.marks(&world.user.path("store")).await.unwrap().is_empty());
    let adopt = Assign {
        options: Options::new(),
        entry: Some("drive".into()),
        store: Some(world.user.path("store")),
        create_store: false,
        unencrypted: false,
        ..world.assign(AppKind::Source, "files", "", "")
    };
    let app = service.assign(adopt).await.unwrap();
    assert_eq!((app.spec.integration.as_str(), app.spec.protocol.as_str()), ("plakar", "fs"));
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert_eq!(service.points(app.id).await.unwrap()[0].files, 1);
    let shown = service.configuration(app.id).await.unwrap();
    assert_eq!(shown[0].value.as_deref(), folder.to_str());
    assert!(matches!(world.plakar.store_state(&store).await, Ok(plakar_driver::StoreState::Ready)));
    // Another store is a beginning: nothing is in it yet.
    let other = world.user.path("other");
    let edit =
        Edit { store: Some(other), create_store: true, unencrypted: true, ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    let status = service.status(Some(app.id)).await.unwrap();
    assert_eq!(status.verdict, HealthVerdict::NotProtected);
    assert_eq!(status.apps[0].health.reasons[0].code(), "store_changed");
    service.stop().await;
}
