//! Checks from the service: what is noted of each restore point, and what follows from it.

use opendrive_sim::{Fault, What};
use plakar_driver::SnapshotId;
use source_app::model::Protection;
use source_app::service::{CheckScope, Edit, Problem, RestorePlace, Work};
use source_app::state::{AppKind, Cause, TaskKind, TaskState};

use crate::serving::{ended, run};
use crate::world::{World, noise, path};

#[tokio::test]
async fn damage_is_found_named_noted_and_lifted() {
    let world = World::new().await;
    let service = world.service();
    world.put("first.txt", b"first");
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.protection = Protection { check_after_backup: true, ..Protection::default() };

    // A store whose path lies in the source would be left out of each backup.
    let mut inside = assign.clone();
    (inside.name, inside.store) = ("inside".into(), Some("/backups/store".into()));
    inside.options.insert("location".into(), "opendrive://backups".into());
    inside.create_store = false;
    let refused = service.assign(inside).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input);
    assert!(
        refused
            .to_string()
            .contains("its path /backups/store lies in the source, whose path is /backups"),
        "{refused}"
    );
    let app = service.assign(assign).await.unwrap();
    let mut options = world.assign(AppKind::Source, "mine", "opendrive://", "").options;
    let into = world.user.home().parent().unwrap().to_str().unwrap();
    options.insert("location".into(), format!("opendrive:/{into}"));
    let edit = Edit { options: Some(options), ..Edit::default() };
    let refused = service.edit(app.id, app.revision, edit).await.unwrap_err();
    assert!(refused.to_string().contains("lies in the source"), "{refused}");

    // A backup, and the check after it.
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    let first = SnapshotId::new(backup.snapshot.as_deref().unwrap()).unwrap();
    assert_eq!(service.point_check(app.id, &first).await.unwrap(), None);
    let check = service.start_follow_up(&backup).await.unwrap().unwrap();
    assert_eq!((check.kind, check.cause), (TaskKind::Check, Cause::Manual));
    let (checked, log) = ended(&service, check.id).await;
    assert_eq!(checked.state, TaskState::Succeeded, "{log}");
    assert!(service.start_follow_up(&backup).await.unwrap().is_none());
    let known = service.point_check(app.id, &first).await.unwrap().unwrap();
    assert_eq!((known.word(), known.task), ("verified", check.id));

    // Another one, with a file that the drive does not give.
    let bytes = noise(1, 200_000);
    world.put("folder/large.bin", &bytes);
    let status = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    world
        .simulator
        .add_fault(Fault::new(status).endpoint("download/file").item("first.txt").always());
    world.put("first.txt", b"first, changed");
    let (backup, log) = run(&service, &app, Work::Backup).await;
    world.simulator.set_faults(Vec::new());
    assert_eq!(backup.state, TaskState::CompletedWithErrors, "{log}");
    assert!(backup.verdict.starts_with("1 entry failed (/first.txt)"), "{}", backup.verdict);
    let second = SnapshotId::new(backup.snapshot.as_deref().unwrap()).unwrap();
    let opened = service.point(app.id, &second).await.unwrap();
    let missing = opened.missing(&path("/")).await.unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    let entry = &missing[0];
    assert_eq!((entry.name.as_str(), entry.in_part), ("first.txt", false));
    assert_eq!(entry.last.as_ref().map(|last| &last.id), Some(&first));
    assert!(entry.reason.contains("Access denied"), "{entry:?}");
    assert!(opened.missing(&path("/folder")).await.unwrap().is_empty());

    // A byte of it changes in the store. What was never checked comes first.
    let place = world.packfile_with("vault", &bytes[1000..1064]);
    World::flip(&place);
    let check = service.start_follow_up(&backup).await.unwrap().unwrap();
    let (checked, log) = ended(&service, check.id).await;
    assert_eq!((checked.state, checked.errors), (TaskState::CompletedWithErrors, 1), "{log}");
    let damage = format!("restore point {} is damaged: /folder/large.bin: ", second.short());
    assert!(checked.verdict.starts_with(&damage), "{}", checked.verdict);
    assert!(checked.verdict.contains("make a new store from the drive"), "{}", checked.verdict);
    assert!(log.contains(&format!("damaged in {}: /folder/large.bin: ", second.short())), "{log}");
    assert!(log.contains("what to do: "), "{log}");
    let latest = service.find_point(app.id, "latest").await.unwrap();
    assert_eq!(latest.id, first);
    assert!(latest.note.unwrap().contains(&format!("{}, is damaged", second.short())));

    // All: the other one is whole as before. Then the byte is as it was.
    let all = Work::Check(CheckScope::Points(0));
    let (checked, log) = run(&service, &app, all.clone()).await;
    assert_eq!(checked.state, TaskState::CompletedWithErrors, "{log}");
    let words = async || {
        let checks = service.point_checks(app.id).await.unwrap();
        [&first, &second].map(|id| checks.get(id.as_str()).map(|check| check.word()))
    };
    assert_eq!(words().await, [Some("verified"), Some("damaged")]);
    World::flip(&place);
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Point(second.clone()))).await;
    assert_eq!(checked.state, TaskState::Succeeded, "{log}");
    assert_eq!(words().await, [Some("verified"), Some("verified")]);
    assert_eq!(service.find_point(app.id, "latest").await.unwrap().note, None);

    // An index that is lost is damage; a store that is away is none.
    let (store, away) = (world.user.home().join("vault"), world.user.home().join("away"));
    std::fs::rename(store.join("states"), &away).unwrap();
    std::fs::create_dir(store.join("states")).unwrap();
    // The oldest check comes first.
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Due)).await;
    assert_eq!(checked.state, TaskState::CompletedWithErrors, "{log}");
    assert!(checked.verdict.contains("does not find it there"), "{}", checked.verdict);
    assert_eq!(words().await, [Some("damaged"), Some("verified")]);
    std::fs::remove_dir(store.join("states")).unwrap();
    std::fs::rename(&away, store.join("states")).unwrap();
    std::fs::rename(&store, &away).unwrap();
    let (checked, log) = run(&service, &app, all.clone()).await;
    assert_eq!(checked.state, TaskState::Failed, "{log}");
    assert_eq!(words().await, [Some("damaged"), Some("verified")]);
    std::fs::rename(&away, &store).unwrap();
    let (checked, log) = run(&service, &app, all).await;
    assert_eq!(checked.state, TaskState::Succeeded, "{log}");
    assert_eq!(words().await, [Some("verified"), Some("verified")]);

    // Maintenance; and a restore point that is gone.
    for lock in std::fs::read_dir(store.join("locks")).unwrap().flatten() {
        std::fs::remove_file(lock.path()).unwrap();
    }
    let (maintained, log) = run(&service, &app, Work::Maintenance).await;
    assert_eq!(maintained.state, TaskState::Succeeded, "{log}");
    assert!(maintained.verdict.starts_with("nothing to free"), "{}", maintained.verdict);
    world.user.ok(&["at", store.to_str().unwrap(), "rm", "-apply", second.short()]);
    let gone = service.point(app.id, &second).await.err().unwrap();
    assert_eq!(gone.problem(), Problem::NotFound, "{gone}");
    assert!(gone.to_string().contains("is not there any more"), "{gone}");
    // The rest is whole, but the last backup is not there: its app is not protected.
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Due)).await;
    assert_eq!(checked.state, TaskState::Failed, "{log}");
    let lost = format!("the restore point {} of the last backup", second.short());
    assert!(checked.verdict.contains(&lost), "{}", checked.verdict);
    assert_eq!(words().await, [Some("verified"), None]);
    // A restore never goes into the store itself.
    let into = Work::Restore {
        snapshot: first.clone(),
        path: path("/"),
        to: RestorePlace::Folder(store.join("new")),
        second: false,
        replace: false,
    };
    let refused = service.start(app.id, &into).await.unwrap_err();
    assert!(refused.to_string().contains("is in the store itself"), "{refused}");
    // A store that shows nothing any more is not well.
    world.user.ok(&["at", store.to_str().unwrap(), "rm", "-apply", first.short()]);
    let (checked, log) = run(&service, &app, Work::Check(CheckScope::Due)).await;
    assert_eq!(checked.state, TaskState::Failed, "{log}");
    assert!(checked.verdict.contains("although task"), "{}", checked.verdict);
    service.stop().await;
}
