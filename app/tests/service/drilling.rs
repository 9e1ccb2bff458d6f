//! Restore drills: files that are proven restorable, and a flipped byte that is named.

use source_app::model::{HealthReason, HealthVerdict};
use source_app::service::{DrillScope, Work};
use source_app::state::{AppKind, TaskKind, TaskState};

use crate::serving::run;
use crate::world::{World, noise};

#[tokio::test]
async fn a_drill_proves_files_and_names_the_one_with_a_flipped_byte() {
    let world = World::new().await;
    let service = world.service();
    let password = world.simulator.password();
    let app = service
        .assign(world.assign(AppKind::Source, "mine", "opendrive://", password))
        .await
        .unwrap();
    let all = Work::Drill(DrillScope { files: Some(20), seed: None });
    let (none, _) = run(&service, &app, all.clone()).await;
    assert_eq!(none.state, TaskState::Failed);
    assert_eq!(none.verdict, "there is no restore point to drill yet");

    let large = noise(1, 300_000);
    world.put("folder/large.bin", &large);
    world.put("folder/empty", b"");
    for number in 0..8 {
        world.put(&format!("texts/{number} ä.txt"), format!("text {number}").as_bytes());
    }
    let (backup, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(backup.state, TaskState::Succeeded, "{log}");
    assert_eq!(service.proven_restorable(app.id).await.unwrap(), None);

    // By the settings: five files. The same seed chooses the same ones.
    let (drilled, log) = run(&service, &app, Work::Drill(DrillScope::default())).await;
    assert_eq!((drilled.kind, drilled.state), (TaskKind::Drill, TaskState::Succeeded), "{log}");
    let figures = drilled.figures.drill.unwrap();
    assert_eq!((figures.files, figures.listed), (5, 0), "{log}");
    assert!(log.contains(&format!("chosen by the seed {}", figures.seed)), "{log}");
    let lines = |log: &str| -> Vec<String> {
        let lines = log.lines().filter_map(|line| line.split_once("as it was backed up: "));
        lines.map(|(_, file)| file.to_owned()).collect()
    };
    assert_eq!(lines(&log).len(), 5, "{log}");
    let same = Work::Drill(DrillScope { files: None, seed: Some(figures.seed) });
    let (_, again) = run(&service, &app, same).await;
    assert_eq!(lines(&log), lines(&again));
    let proven = service.proven_restorable(app.id).await.unwrap().unwrap();
    assert_eq!(proven.files, 5);
    assert!(proven.whole_restore_seconds.is_some_and(|seconds| seconds > 0), "{proven:?}");
    assert!(drilled.verdict.contains("; a whole restore takes "), "{}", drilled.verdict);

    // All files but the empty one; then a byte of the large one changes in the store. It is as long
    // as it was, and Plakar restores it without a word.
    let (drilled, log) = run(&service, &app, all.clone()).await;
    assert_eq!(drilled.figures.drill.unwrap().files, 9, "{log}");
    let place = world.packfile_with("vault", &large[1000..1064]);
    World::flip(&place);
    let (damaged, log) = run(&service, &app, all.clone()).await;
    assert_eq!((damaged.state, damaged.errors), (TaskState::CompletedWithErrors, 1), "{log}");
    let short = &backup.snapshot.as_deref().unwrap()[..8];
    let named = format!(
        "1 of 9 files of {short} cannot be restored as it was backed up: /folder/large.bin: "
    );
    assert!(damaged.verdict.starts_with(&named), "{}", damaged.verdict);
    assert!(log.contains("not restorable: /folder/large.bin: a part of its content is "), "{log}");
    assert!(log.contains("what to do: "), "{log}");
    assert_eq!(damaged.figures.drill.unwrap().files, 8);
    let health = service.dashboard(app.id).await.unwrap().health;
    let codes: Vec<&str> = health.reasons.iter().map(HealthReason::code).collect();
    assert_eq!(health.verdict, HealthVerdict::NotProtected);
    assert_eq!(codes, ["newest_damaged", "drill_failed"]);
    // What was proven before was so, then.
    assert!(service.proven_restorable(app.id).await.unwrap().is_some());

    // As it was: a check lifts the damage, a drill the other reason.
    World::flip(&place);
    let check = Work::Check(source_app::service::CheckScope::Points(0));
    let (checked, log) = run(&service, &app, check).await;
    assert_eq!(checked.state, TaskState::Succeeded, "{log}");
    let (drilled, log) = run(&service, &app, all).await;
    assert_eq!(drilled.state, TaskState::Succeeded, "{log}");
    let health = service.dashboard(app.id).await.unwrap().health;
    assert_eq!(health.verdict, HealthVerdict::Protected, "{health:?}");

    let many = Work::Drill(DrillScope { files: Some(1001), seed: None });
    let refused = service.start(app.id, &many).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a restore drill of 1001 files is not possible; write 1 to 1000"
    );
    assert!(world.temporary().iter().all(|name| !name.to_string_lossy().starts_with("pk-drill")));
    service.stop().await;
}
