//! The change alarm: half of the files turn into something else, and no prune runs until somebody
//! has looked.

use chrono::{TimeDelta, Utc};
use source_app::model::{HealthReason, HealthVerdict, Retention};
use source_app::service::{Problem, Service, Work};
use source_app::state::{
    App, AppKind, Cause, Owner, ScheduleSpec, State, Task, TaskKind, TaskState,
};

use crate::serving::run;
use crate::world::{World, noise};

const FILES: u64 = 40;

fn text(number: u64) -> Vec<u8> {
    format!("Letter {number}\n").repeat(40).into_bytes()
}

/// An app of a drive of letters, of which one day is kept.
async fn letters(world: &World, service: &Service) -> App {
    for number in 0..FILES {
        world.put(&format!("letters/{number}.txt"), &text(number));
    }
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.retention = Retention { daily: 1, ..Retention::default() };
    service.assign(assign).await.unwrap()
}

/// A schedule of prunes that is due now, run to its end.
async fn scheduled_prune(world: &World, service: &Service, app: &App) -> Task {
    let state = State::open(&world.user.home().join("state")).unwrap();
    let spec = ScheduleSpec {
        owner: Owner::App(app.id),
        kind: TaskKind::Prune,
        cron: "* * * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    let made = state.add_schedule(&spec, Utc::now() - TimeDelta::minutes(5)).unwrap();
    let ran = service.run_due(app.id).await.unwrap();
    service.remove_schedule(made.id).await.unwrap();
    let [task] = &ran[..] else { panic!("{ran:?}") };
    assert_eq!((task.kind, task.cause), (TaskKind::Prune, Cause::Schedule));
    task.clone()
}

#[tokio::test]
async fn half_of_the_files_changed_type_and_the_next_prune_is_held() {
    let world = World::within_a_day().await;
    let service = world.service();
    let app = letters(&world, &service).await;
    let verdict = async || {
        let health = service.dashboard(app.id).await.unwrap().health;
        (health.verdict, health.reasons.iter().map(HealthReason::code).collect::<Vec<_>>())
    };

    // The first one, and the same again.
    let (first, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(first.state, TaskState::Succeeded, "{log}");
    assert!(log.contains("not compared with a restore point before: it is the first"), "{log}");
    let (second, log) = run(&service, &app, Work::Backup).await;
    let figures = second.figures.changes.unwrap();
    assert_eq!((figures.before, figures.same, figures.affected()), (FILES, FILES, 0), "{log}");
    assert!(!second.verdict.contains("alarm"), "{}", second.verdict);
    assert!(service.held_prunes(app.id).await.unwrap().is_empty());
    assert_eq!(scheduled_prune(&world, &service, &app).await.state, TaskState::Succeeded);

    // Half of them are no letters any more: ten by their content, ten by their names too.
    for number in 0..10 {
        world.put(&format!("letters/{number}.txt"), &noise(number + 1, 700));
    }
    for number in 10..20 {
        world.simulator.drive().remove(&format!("letters/{number}.txt"));
        world.put(&format!("letters/{number}.txt.locked"), &noise(number + 1, 700));
    }
    let (third, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(third.state, TaskState::Succeeded, "{log}");
    let figures = third.figures.changes.unwrap();
    assert_eq!((figures.changed, figures.gone, figures.added, figures.retyped), (10, 10, 10, 20));
    let reason = "of 40 files 50 % are not what they were: 10 changed, 10 gone, 10 new; 20 files turned into an unknown type";
    let said = format!("change alarm, all prunes are held: {reason}");
    assert!(third.verdict.contains(&said) && log.contains(&said), "{} {log}", third.verdict);
    assert!(
        log.contains("change alarm: /letters/0.txt: was text/plain, is of no known type now"),
        "{log}"
    );
    assert!(log.contains("change alarm: /letters/10.txt: is 10.txt.locked now"), "{log}");
    let held = service.held_prunes(app.id).await.unwrap().remove(0);
    assert_eq!((held.task, held.reason.as_str()), (third.id, reason));
    assert_eq!(held.examples.len(), 20);
    assert_eq!(verdict().await, (HealthVerdict::AtRisk, vec!["prune_held"]));

    // By hand, and by a schedule.
    let plan = service.prune_plan(app.id).await.unwrap();
    let prune = Work::Prune { token: Some(plan.token) };
    let refused = service.start(app.id, &prune).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Conflict);
    assert!(refused.to_string().starts_with("the prunes of mine are held since "), "{refused}");
    let how = format!("`plakar-opendrive app release mine --task {}`", third.id);
    assert!(refused.to_string().ends_with(&how), "{refused}");
    let points = service.points(app.id).await.unwrap().len();
    let left_out = scheduled_prune(&world, &service, &app).await;
    assert_eq!(left_out.state, TaskState::Missed);
    assert!(left_out.verdict.starts_with("left out: the prunes of mine are held"), "{left_out:?}");
    assert_eq!(service.points(app.id).await.unwrap().len(), points);
    // A later backup that finds nothing does not let them go.
    let (fourth, _) = run(&service, &app, Work::Backup).await;
    assert_eq!(fourth.figures.changes.unwrap().affected(), 0);
    assert_eq!(verdict().await, (HealthVerdict::AtRisk, vec!["prune_held"]));

    // Somebody has looked.
    service.release_prune(app.id, Some(third.id)).await.unwrap();
    assert_eq!(verdict().await, (HealthVerdict::Protected, Vec::new()));
    let again = service.release_prune(app.id, Some(third.id)).await.unwrap_err();
    assert_eq!(again.to_string(), "the prunes of mine are not held");
    let pruned = scheduled_prune(&world, &service, &app).await;
    assert_eq!(pruned.state, TaskState::Succeeded, "{pruned:?}");
    assert_eq!(service.points(app.id).await.unwrap().len(), 1);

    // Another folder is no change of files.
    let mut options = world
        .assign(AppKind::Source, "mine", "opendrive://letters", world.simulator.password())
        .options;
    options.insert("location".into(), "opendrive://elsewhere".into());
    world.put("elsewhere/a.txt", b"a");
    let edit = source_app::service::Edit { options: Some(options), ..Default::default() };
    service.edit(app.id, app.revision, edit).await.unwrap();
    let (fifth, log) = run(&service, &app, Work::Backup).await;
    assert_eq!((fifth.state, fifth.figures.changes), (TaskState::Succeeded, None), "{log}");
    assert!(log.contains("that is of another place or folder"), "{log}");
    assert!(service.held_prunes(app.id).await.unwrap().is_empty());
    service.stop().await;
}

/// The state fails when the alarm is to be kept, as it might when a disk is full.
#[tokio::test]
async fn what_was_not_compared_is_with_the_next_backup_and_no_prune_takes_the_last_good_point() {
    let world = World::within_a_day().await;
    let service = world.service();
    let app = letters(&world, &service).await;
    let (first, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(first.state, TaskState::Succeeded, "{log}");
    let good = service.points(app.id).await.unwrap().swap_remove(0).id;

    let encrypt = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            world.put(&format!("letters/{number}.txt"), &noise(number + 1, 700));
        }
    };
    encrypt(0..20);
    let database = rusqlite::Connection::open(service.directory().join("state.db")).unwrap();
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON held_prune BEGIN SELECT RAISE(ABORT, 'full'); END";
    database.execute_batch(broken).unwrap();
    let (second, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(second.state, TaskState::Succeeded, "{log}");
    let said = "what changed is looked at with the next backup";
    assert!(second.verdict.ends_with(said) && log.contains(said), "{} {log}", second.verdict);
    assert!(service.held_prunes(app.id).await.unwrap().is_empty());
    database.execute_batch("DROP TRIGGER broken").unwrap();

    // One of each day is kept, and so is the newest that was compared.
    let plan = service.prune_plan(app.id).await.unwrap();
    let compared = &plan.points[1];
    assert_eq!((&compared.id, compared.keep, compared.pinned), (&good, true, false));
    let why = "the newest that the change alarm has compared, which always stays";
    assert_eq!(compared.rule, why);
    let pruned = scheduled_prune(&world, &service, &app).await;
    assert_eq!(pruned.verdict, "2 restore points kept, 0 removed");

    // Nothing changed since the one before, but since that one half of it did.
    let (third, log) = run(&service, &app, Work::Backup).await;
    let with =
        format!("compared with the last that was compared, {}: of 40 files 50 %", good.short());
    assert!(log.contains(&with) && third.verdict.contains("change alarm"), "{log}");
    let held = service.held_prunes(app.id).await.unwrap();
    assert_eq!((held.len(), held[0].task), (1, third.id));

    // A second alarm is another one, and is not released by who has seen the first.
    encrypt(20..40);
    let (fourth, log) = run(&service, &app, Work::Backup).await;
    assert!(fourth.verdict.contains("change alarm"), "{log}");
    let board = service.dashboard(app.id).await.unwrap();
    assert_eq!(board.held.map(|held| held.task), Some(fourth.id));
    assert_eq!(board.held_before.iter().map(|held| held.task).collect::<Vec<_>>(), [third.id]);
    let words = board.health.reasons[0].words();
    assert!(words.contains("as 2 backups found alarming changes, the last one: of 40"), "{words}");
    for seen in [Some(third.id), None] {
        let refused = service.release_prune(app.id, seen).await.unwrap_err();
        assert_eq!(refused.problem(), Problem::Conflict);
        assert!(refused.to_string().contains(&format!("task {}", fourth.id)), "{refused}");
    }
    let left_out = scheduled_prune(&world, &service, &app).await;
    assert!(left_out.verdict.contains("(2 change alarms, the last one: of 40"), "{left_out:?}");
    service.release_prune(app.id, Some(fourth.id)).await.unwrap();
    let pruned = scheduled_prune(&world, &service, &app).await;
    assert_eq!(pruned.verdict, "1 restore point kept, 3 removed");
    service.stop().await;
}
