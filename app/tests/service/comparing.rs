//! The drive against the newest restore point: one listing, no download.

use source_app::model::{HealthReason, Protection};
use source_app::service::{Edit, Problem, Service, Work};
use source_app::state::{AppKind, TaskKind, TaskState};

use crate::serving::run;
use crate::world::{World, environment, guard, noise};

#[tokio::test]
async fn the_drive_is_compared_by_one_listing_without_a_download() {
    let world = World::new().await;
    let (large, other) = (noise(1, 300_000), noise(2, 300_000));
    let files: [(&str, &[u8]); 4] = [
        ("folder/large.bin", &large),
        ("folder/other.bin", &other),
        ("a.txt", b"a text"),
        ("deep/er/b.txt", b"another"),
    ];
    for (path, bytes) in files {
        world.put(path, bytes);
    }
    let mut variables = environment(&world.user, &world.simulator);
    variables.push(("PLAKAR_OPENDRIVE".into(), support::executable().into()));
    let plakar = plakar_driver::Plakar::new(&crate::plakar::plakar(), guard(), variables).unwrap();
    let service = Service::open(&world.user.home().join("state"), plakar).unwrap();
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    // Enough for one of the two large ones each time.
    assign.protection = Protection { compare_megabytes: 0, ..Protection::default() };
    let app = service.assign(assign).await.unwrap();
    let (none, _) = run(&service, &app, Work::Compare).await;
    assert_eq!(none.verdict, "there is no restore point to compare the drive with yet");
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");

    // By size and time; each folder is listed once, and nothing is downloaded.
    world.simulator.reset_calls();
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!((compared.kind, compared.state), (TaskKind::Compare, TaskState::Succeeded), "{log}");
    let calls = world.simulator.calls();
    assert_eq!((calls.of("download/file"), calls.of("folder/list")), (0, 4), "{calls:?}");
    let figures = compared.figures.comparison.unwrap();
    assert_eq!((figures.listed, figures.same, figures.proven), (4, 4, 0));
    assert_eq!(compared.verdict, "4 files on the drive: 4 the same by size and time");
    for leak in [password, "\"password\""] {
        assert!(!log.contains(leak), "{log}");
    }

    // By MD5 of what is in the store; once read, it is known.
    let protection = Protection { compare_megabytes: 1, ..Protection::default() };
    let edit = Edit { protection: Some(protection), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    world.simulator.reset_calls();
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(compared.verdict, "4 files on the drive: 4 proven the same by MD5", "{log}");
    assert_eq!(compared.figures.comparison.unwrap().read_bytes, 600_013);
    assert_eq!(world.simulator.calls().of("download/file"), 0);
    let (compared, _) = run(&service, &app, Work::Compare).await;
    let figures = compared.figures.comparison.unwrap();
    assert_eq!((figures.proven, figures.read_bytes), (4, 0));
    // A drill has the drive's word too.
    let (drilled, log) = run(&service, &app, Work::Drill(Default::default())).await;
    assert_eq!(drilled.figures.drill.unwrap().listed, 4, "{log}");

    // In another store nothing was read yet.
    let store = Some(world.user.path("second"));
    let edit = Edit { store, create_store: true, unencrypted: true, ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    assert_eq!(service.comparison(app.id).await.unwrap(), None);
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    let (compared, log) = run(&service, &app, Work::Compare).await;
    let figures = compared.figures.comparison.unwrap();
    assert_eq!((figures.proven, figures.read_bytes), (4, 600_013), "{log}");

    // What is new, changed and gone on the drive.
    world.put("folder/new one.txt", b"new");
    world.put("very/new.txt", b"newer");
    world.simulator.drive().put_file("a.txt", b"a text, changed".to_vec(), 1_800_000_000);
    world.simulator.drive().remove("deep/er/b.txt");
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(compared.state, TaskState::Succeeded, "{log}");
    assert_eq!(
        compared.verdict,
        "5 files on the drive: 2 proven the same by MD5, 1 changed since the backup, 1 gone from the drive, 2 in no backup yet (8 B)"
    );
    assert!(log.contains("in no backup yet: /very: 1 of its files, 5 B"), "{log}");
    assert!(log.contains("gone from the drive: /deep/er/b.txt"), "{log}");
    let report = service.comparison(app.id).await.unwrap().unwrap();
    assert_eq!(report.exposed, ["/folder/new one.txt", "/very/new.txt"]);
    assert_eq!((report.task, report.figures.exposed_before), (compared.id, 2));

    // Another content on the drive under the same size and time.
    let changed = noise(3, 300_000);
    world.put("folder/other.bin", &changed);
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!((compared.state, compared.errors), (TaskState::CompletedWithErrors, 1), "{log}");
    let named = "/folder/other.bin: of the same size and time, but the drive lists another MD5";
    assert!(compared.verdict.starts_with(named), "{}", compared.verdict);
    assert!(log.contains(&format!("different: {named}")), "{log}");
    world.put("folder/other.bin", &other);
    // And in the store.
    let state = source_app::state::State::open(service.directory()).unwrap();
    state.forget_md5(app.id, &["/folder/large.bin".to_owned()].into()).unwrap();
    let place = world.packfile_with("second", &large[1000..1064]);
    World::flip(&place);
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!((compared.state, compared.errors), (TaskState::CompletedWithErrors, 1), "{log}");
    assert!(
        compared.verdict.starts_with("/folder/large.bin: it cannot be read in the store: "),
        "{}",
        compared.verdict
    );
    let health = service.dashboard(app.id).await.unwrap().health;
    let codes: Vec<&str> = health.reasons.iter().map(HealthReason::code).collect();
    assert_eq!(codes, ["compare_failed"]);
    World::flip(&place);
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(compared.state, TaskState::Succeeded, "{log}");

    // A folder that the drive does not list is said.
    world.simulator.make_unlistable("very");
    let (compared, log) = run(&service, &app, Work::Compare).await;
    assert_eq!(compared.state, TaskState::CompletedWithErrors, "{log}");
    assert!(log.contains("not listed: very: "), "{log}");
    let figures = compared.figures.comparison.unwrap();
    assert_eq!((figures.listed, figures.unlisted, figures.gone), (4, 1, 1));

    // A source of another integration.
    let folder = world.user.home().join("files");
    std::fs::create_dir(&folder).unwrap();
    let mut local = world.assign(AppKind::Source, "local", folder.to_str().unwrap(), "");
    local.options = crate::world::options(&[("location", folder.to_str().unwrap())]);
    (local.integration, local.skip_test) = (Some("plakar".into()), true);
    (local.protocol, local.store) = (Some("fs".into()), Some(world.user.path("other")));
    let local = service.assign(local).await.unwrap();
    let refused = service.start(local.id, &Work::Compare).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input);
    assert!(refused.to_string().contains("which cannot list it without a backup"), "{refused}");
    service.stop().await;
}
