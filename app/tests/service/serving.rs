//! The service: from assigning an app to a restore, as the command line and the console do it.

use std::collections::BTreeMap;

use futures::StreamExt;
use opendrive_sim::{Fault, What};
use plakar_driver::{ArchiveFormat, CancellationToken, Kind, NewStore, SnapshotPath};
use source_app::model::Retention;
use source_app::service::{Assign, CheckScope, Edit, Error, Problem, RestorePlace, Service, Work};
use source_app::state::{
    App, AppKind, Cause, CheckedPoint, Owner, Resource, ScheduleSpec, State, Task, TaskKind,
    TaskState,
};

use crate::world::{World, noise, path};

impl World {
    pub fn service(&self) -> Service {
        Service::open(&self.user.home().join("state"), self.plakar.clone()).unwrap()
    }

    /// What a user enters, with this password.
    pub fn assign(&self, kind: AppKind, called: &str, location: &str, password: &str) -> Assign {
        let options = [
            ("location", location),
            ("username", self.simulator.username()),
            ("password", password),
        ];
        Assign {
            kind,
            name: called.into(),
            resource: Resource {
                name: "drive".into(),
                class: "file-storage".into(),
                subclass: String::new(),
            },
            environment: "production".into(),
            data_classes: vec!["PII".into()],
            integration: None,
            protocol: None,
            options: crate::world::options(&options),
            entry: None,
            mark: None,
            store: (kind == AppKind::Source).then(|| self.user.path("vault")),
            store_options: Default::default(),
            create_store: kind == AppKind::Source,
            unencrypted: kind == AppKind::Source,
            uncompressed: false,
            second_store: None,
            copy_range: Default::default(),
            skip_test: false,
            retention: Retention::default(),
            protection: Default::default(),
            backup: Default::default(),
        }
    }
}

/// Runs a task to its end, and gives its log.
pub async fn run(service: &Service, app: &App, work: Work) -> (Task, String) {
    let begun = service.start(app.id, &work).await.unwrap();
    ended(service, begun.id).await
}

/// A task at its end, and its log.
pub async fn ended(service: &Service, id: i64) -> (Task, String) {
    loop {
        let (task, log) = service.watch(id, 0, 1 << 20).await.unwrap();
        if task.state.is_final() {
            return (task, String::from_utf8(log.bytes).unwrap());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_app_from_its_assignment_to_a_restore() {
    let world = World::within_a_day().await;
    let service = world.service();
    world.put("folder/a.txt", b"hello");
    world.put("folder/b.bin", &noise(1, 300_000));
    // What the schema refuses is told by key, and nothing is kept.
    let mut wrong = world.assign(AppKind::Source, "mine", "opendrive://", "secret");
    wrong.options.insert("transfers".into(), "many".into());
    wrong.options.insert("passwort".into(), "secret".into());
    let Err(Error::Faults(faults)) = service.assign(wrong).await else { panic!() };
    let keys: Vec<&str> = faults.iter().filter_map(|fault| fault.key.as_deref()).collect();
    assert_eq!(keys, ["passwort", "transfers"]);
    let mut elsewhere = world.assign(AppKind::Source, "mine", "opendrive://", "secret");
    elsewhere.protocol = Some("rclone".into());
    assert!(
        service
            .assign(elsewhere)
            .await
            .unwrap_err()
            .to_string()
            .contains("does not begin with \"rclone://\"")
    );
    let taken = service
        .assign(world.assign(AppKind::Source, "drive", "opendrive://", "secret"))
        .await
        .unwrap_err();
    assert_eq!(
        (taken.problem(), taken.to_string().contains("Plakar has a source named drive already")),
        (Problem::Conflict, true)
    );
    assert!(service.apps().await.unwrap().is_empty());

    // A wrong password is refused before anything is saved, unless the drive is away; then it is found
    // by the test, and mended by an edit.
    let mut wrong = world.assign(AppKind::Source, "mine", "opendrive://", "wrong-password");
    let refused = service.assign(wrong.clone()).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Refused);
    let refused = refused.to_string();
    assert!(
        refused.contains("the connection was tested and refused: ")
            && refused.ends_with("; nothing was saved")
            && !refused.contains("wrong-password"),
        "{refused}"
    );
    assert!(service.apps().await.unwrap().is_empty());
    let sources = world.plakar.configurations(Kind::Source).await.unwrap();
    assert_eq!(sources.into_keys().collect::<Vec<_>>(), ["drive"]);
    assert!(!world.user.home().join("vault").exists() && world.temporary().is_empty());
    (wrong.create_store, wrong.unencrypted, wrong.skip_test) = (false, false, true);
    let app = service.assign(wrong).await.unwrap();
    let place = plakar_driver::Store::folder(&world.user.home().join("vault")).unwrap();
    world.plakar.create_store(&place, NewStore::UNENCRYPTED).await.unwrap();
    assert_eq!(
        (app.spec.integration.as_str(), app.spec.protocol.as_str()),
        ("rclone", "opendrive")
    );
    let (failed, log) = run(&service, &app, Work::Test).await;
    assert_eq!(failed.state, TaskState::Failed, "{log}");
    assert!(!failed.verdict.is_empty() && !log.contains("wrong-password"), "{failed:?}");
    let mut options =
        world.assign(AppKind::Source, "mine", "opendrive://", world.simulator.password()).options;
    let edited = Edit { options: Some(options.clone()), ..Edit::default() };
    let mut wrong = edited.clone();
    wrong.options.as_mut().unwrap().insert("password".into(), "another wrong one".into());
    let refused = service.edit(app.id, app.revision, wrong).await.unwrap_err().to_string();
    assert!(refused.contains("tested and refused"), "{refused}");
    let app = service.edit(app.id, app.revision, edited).await.unwrap();
    // A secret that is left empty stays.
    options.insert("password".into(), String::new());
    let edit = Edit { name: Some("renamed".into()), options: Some(options), ..Edit::default() };
    assert_eq!(
        service.edit(app.id, app.revision - 1, edit.clone()).await.unwrap_err().problem(),
        Problem::Conflict
    );
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    let (tested, _) = run(&service, &app, Work::Test).await;
    assert_eq!(tested.state, TaskState::Succeeded, "{}", tested.verdict);
    let configuration = service.configuration(app.id).await.unwrap();
    let password = configuration.iter().find(|field| field.field.key == "password").unwrap();
    assert!(password.set && password.value.is_none());

    // A backup with an error, and one without.
    world.simulator.set_faults(vec![
        Fault::new(What::Status { code: 403, message: "Access denied".into(), retry_after: None })
            .endpoint("download/file")
            .item("a.txt")
            .always(),
    ]);
    let (partly, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(
        (partly.state, partly.errors, partly.exit),
        (TaskState::CompletedWithErrors, 1, Some(0)),
        "{log}"
    );
    assert!(log.contains("failed: /folder/a.txt"), "{log}");
    world.simulator.set_faults(vec![]);
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(
        (made.state, made.errors, made.bytes),
        (TaskState::Succeeded, 0, Some(300_005)),
        "{log}"
    );
    let points = service.points(app.id).await.unwrap();
    assert_eq!(points.iter().map(|point| point.errors).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(points[0].id.as_str(), made.snapshot.as_deref().unwrap());
    assert_eq!(service.find_point(app.id, "latest").await.unwrap().id, points[0].id);
    assert_eq!(service.find_point(app.id, points[1].id.short()).await.unwrap().id, points[1].id);
    assert_eq!(service.find_point(app.id, "0").await.unwrap_err().problem(), Problem::NotFound);

    // What is in it.
    let point = service.point(app.id, &points[0].id).await.unwrap();
    let names: Vec<String> = point
        .children(&path("/folder"), 0, 10)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names, ["a.txt", "b.bin"]);
    assert_eq!(point.search(&SnapshotPath::root(), "B.BIN", 0, 10).await.unwrap().items.len(), 1);
    let mut download = point
        .download(&path("/folder/a.txt"), ArchiveFormat::Zip, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(download.content.next().await.unwrap().unwrap(), "hello");

    // A check, a restore to a destination, to the source's own place and to a folder.
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Due)).await;
    assert_eq!((checked.state, checked.exit), (TaskState::Succeeded, Some(0)), "{log}");
    let destination = world.assign(
        AppKind::Destination,
        "there",
        "opendrive://Elsewhere",
        world.simulator.password(),
    );
    let destination = service.assign(destination).await.unwrap();
    let resource = service.dashboard(app.id).await.unwrap().resource;
    assert_eq!(
        resource.iter().map(|app| app.spec.name.as_str()).collect::<Vec<_>>(),
        ["renamed", "there"]
    );
    let snapshot = points[0].id.clone();
    let restore = |path: &str, to| Work::Restore {
        snapshot: snapshot.clone(),
        path: SnapshotPath::new(path).unwrap(),
        to,
        second: false,
        replace: true,
    };
    let (restored, log) =
        run(&service, &app, restore("/", RestorePlace::Destination("there".into()))).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    assert_eq!(world.simulator.drive().read_file("Elsewhere/folder/a.txt").unwrap(), b"hello");
    world.put("folder/a.txt", b"spoilt");
    let (restored, log) = run(&service, &app, restore("/", RestorePlace::Source)).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    assert_eq!(world.simulator.drive().read_file("folder/a.txt").unwrap(), b"hello");
    // A part goes back to where it was, too, not to the top.
    for part in ["/folder/a.txt", "/folder"] {
        world.put("folder/a.txt", b"spoilt");
        let (restored, log) = run(&service, &app, restore(part, RestorePlace::Source)).await;
        assert_eq!(restored.state, TaskState::Succeeded, "{log}");
        assert_eq!(world.simulator.drive().read_file("folder/a.txt").unwrap(), b"hello", "{part}");
        assert!(world.simulator.drive().read_file("a.txt").is_none(), "{part}");
    }
    let (restored, log) = run(
        &service,
        &app,
        restore("/folder/a.txt", RestorePlace::Folder(world.user.home().join("out"))),
    )
    .await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    assert_eq!(std::fs::read(world.user.home().join("out/a.txt")).unwrap(), b"hello");
    assert_eq!(
        world
            .plakar
            .configurations(Kind::Destination)
            .await
            .unwrap()
            .into_keys()
            .collect::<Vec<_>>(),
        ["drive", "there"]
    );
    assert_eq!(
        service.start(app.id, &restore("/none", RestorePlace::Source)).await.unwrap_err().problem(),
        Problem::NotFound
    );

    // Without a rule nothing is pruned; with one the newest stays, and nothing goes without a plan.
    let refused = service.prune_plan(app.id).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input);
    let keep =
        Edit { retention: Some(Retention { daily: 1, ..Retention::default() }), ..Edit::default() };
    let app = service.edit(app.id, app.revision, keep).await.unwrap();
    let prune = |token: Option<&str>| Work::Prune { token: token.map(str::to_owned) };
    let plan = service.prune_plan(app.id).await.unwrap();
    assert_eq!((plan.kept(), plan.removed(), plan.points.len()), (1, 1, 2), "{plan:?}");
    assert!(plan.points[1].rule.starts_with("there is a newer one of the day 2"), "{plan:?}");
    let refused = service.start(app.id, &prune(None)).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input, "{refused}");
    // A pinned one stays; so the plan is another one.
    let old = plan.points[1].id.clone();
    service.pin(app.id, &old).await.unwrap();
    let refused = service.start(app.id, &prune(Some(&plan.token))).await.unwrap_err();
    assert_eq!(
        (refused.problem(), refused.to_string().as_str()),
        (Problem::Conflict, "the plan has changed; look at it again")
    );
    let pinned = service.prune_plan(app.id).await.unwrap();
    assert_eq!(
        (pinned.removed(), pinned.points[1].rule.as_str(), pinned.points[1].pinned),
        (0, "pinned", true)
    );
    let (pruned, log) = run(&service, &app, prune(Some(&pinned.token))).await;
    assert_eq!(pruned.verdict, "2 restore points kept, 0 removed", "{log}");
    service.unpin(app.id, &old).await.unwrap();
    assert_eq!(service.unpin(app.id, &old).await.unwrap_err().problem(), Problem::NotFound);
    let state = State::open(service.directory()).unwrap();
    let checked =
        CheckedPoint { at: chrono::Utc::now(), task: 1, errors: 0, reason: String::new() };
    let ids = || plan.points.iter().map(|point| point.id.as_str());
    ids().for_each(|id| state.note_checked(app.id, id, &checked).unwrap());
    let (pruned, log) = run(&service, &app, prune(Some(&plan.token))).await;
    assert_eq!(
        (pruned.state, pruned.verdict.as_str()),
        (TaskState::Succeeded, "1 restore point kept, 1 removed"),
        "{log}"
    );
    assert!(log.contains("removes ") && log.contains("there is a newer one of the day"), "{log}");
    let known = state.checked_points(app.id).unwrap();
    assert!(known.keys().map(String::as_str).eq(ids().take(1)), "what is gone is forgotten");
    // A schedule is the consent; its log has the plan too.
    let each_minute = ScheduleSpec {
        owner: Owner::App(app.id),
        kind: TaskKind::Prune,
        cron: "* * * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    let since = chrono::Utc::now() - chrono::TimeDelta::minutes(5);
    let schedule = state.add_schedule(&each_minute, since).unwrap();
    let ran = service.run_due(app.id).await.unwrap();
    service.remove_schedule(schedule.id).await.unwrap();
    assert_eq!(
        (ran[0].state, ran[0].cause, ran[0].verdict.as_str()),
        (TaskState::Succeeded, Cause::Schedule, "1 restore point kept, 0 removed")
    );
    let (_, log) = service.watch(ran[0].id, 0, 1 << 20).await.unwrap();
    let log = String::from_utf8(log.bytes).unwrap();
    assert!(log.contains("keeps ") && log.contains("the newest of the day 2"), "{log}");

    // Another app on the same store sees nothing of it.
    let other = world.assign(AppKind::Source, "other", "opendrive://", world.simulator.password());
    let other = service.assign(other).await.unwrap();
    assert!(service.points(other.id).await.unwrap().is_empty());
    assert_eq!(
        service.point(other.id, &points[0].id).await.err().unwrap().problem(),
        Problem::NotFound
    );
    // No secret in the state.
    let state = everything(&world.user.home().join("state"));
    assert!(!state.is_empty());
    for (file, bytes) in state {
        let secret = world.simulator.password().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file}");
    }
    for id in [app.id, destination.id, other.id] {
        service.remove(id).await.unwrap();
    }
    assert_eq!(
        world.plakar.configurations(Kind::Source).await.unwrap().into_keys().collect::<Vec<_>>(),
        ["drive"]
    );
    service.stop().await;
}

pub fn everything(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn a_task_is_cancelled_and_its_state_says_so() {
    let world = World::new().await;
    let service = world.service();
    world.put("large", &noise(1, 3_000_000));
    let app = service
        .assign(world.assign(AppKind::Source, "mine", "opendrive://", world.simulator.password()))
        .await
        .unwrap();
    // It never comes to its end by itself.
    world.simulator.set_faults(vec![
        Fault::new(What::Delay { ms: 3_600_000 }).endpoint("download/file").always(),
    ]);
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    let busy = service.start(app.id, &Work::Check(CheckScope::Due)).await.unwrap_err();
    assert_eq!(busy.problem(), Problem::Busy, "{busy}");
    assert_eq!(service.remove(app.id).await.unwrap_err().problem(), Problem::Busy);
    // A test of the connection goes on beside it.
    assert_eq!(run(&service, &app, Work::Test).await.0.kind, TaskKind::Test);
    service.cancel(begun.id).await.unwrap();
    let ended = loop {
        let task = service.task(begun.id).await.unwrap();
        if task.state.is_final() {
            break task;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((ended.state, ended.verdict.as_str()), (TaskState::Cancelled, "cancelled"));
    world.quiet().await;
}
