//! How often a task opens its store: where a passphrase is to be tried, each time costs a second.

use plakar_driver::SnapshotPath;
use source_app::model::Retention;
use source_app::service::{CheckScope, RestorePlace, Service, Work};
use source_app::state::{App, AppKind, TaskState};

use crate::serving::run;
use crate::world::{World, noise};

/// A plakar that writes down by which commands a store is opened.
struct Openings {
    log: std::path::PathBuf,
    plakar: plakar_driver::Plakar,
    store: String,
}

impl Openings {
    fn of(world: &World) -> Self {
        let log = world.user.home().join("openings");
        let plakar = world.meddled("at", &format!("echo \" $* \" >> {}", log.display()));
        Self { log, plakar, store: world.user.path("vault") }
    }

    /// The commands since the last time, in the order of their names.
    fn take(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        std::fs::write(&self.log, "").unwrap();
        let at = format!(" at {} ", self.store);
        let commands = text.lines().filter_map(|line| line.split_once(&at)?.1.split(' ').next());
        let mut commands: Vec<String> = commands.map(str::to_owned).collect();
        commands.sort();
        commands
    }

    /// By which commands a task opens the store, in a process of its own.
    async fn of_task(&self, world: &World, app: &App, work: Work) -> Vec<String> {
        let service = Service::open(&world.user.home().join("state"), self.plakar.clone()).unwrap();
        self.take();
        let (task, log) = run(&service, app, work).await;
        service.wait().await;
        assert_eq!(task.state, TaskState::Succeeded, "{log}");
        self.take()
    }
}

#[tokio::test]
async fn a_task_opens_its_store_no_oftener_than_it_must() {
    let world = World::within_a_day().await;
    let openings = Openings::of(&world);
    for number in 0..10 {
        world.put(&format!("{number}.bin"), &noise(number, 3000));
    }
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.retention = Retention { daily: 1, ..Retention::default() };
    let app = world.service().assign(assign).await.unwrap();
    let facts = async || {
        let known = world.service().store_overview(&openings.store).await.unwrap().known;
        known.map(|known| known.facts)
    };

    // The command itself, and what its end is looked up by.
    assert_eq!(openings.of_task(&world, &app, Work::Backup).await, ["backup", "ui"]);
    let first = facts().await.unwrap();
    assert_eq!(
        (first.points, first.encrypted, first.logical),
        (Some(1), Some(false), Some(30_000))
    );
    assert!(!first.repository.is_empty() && first.marks.len() == 1);
    world.put("one more.bin", &noise(99, 2000));
    assert_eq!(openings.of_task(&world, &app, Work::Backup).await, ["backup", "ui"]);
    let second = facts().await.unwrap();
    assert_eq!((second.points, second.logical), (Some(2), Some(62_000)));
    assert!(second.stored > first.stored && second.repository == first.repository);
    // What a plakar says that opens it now.
    let read = world.service().read_store(&openings.store).await.unwrap();
    assert_eq!(read.known.unwrap().facts, second);

    let check = Work::Check(CheckScope::Points(0));
    assert_eq!(openings.of_task(&world, &app, check).await, ["check", "ui"]);
    let newest = world.service().points(app.id).await.unwrap().swap_remove(0).id;
    let restore = Work::Restore {
        snapshot: newest,
        path: SnapshotPath::root(),
        to: RestorePlace::Folder(world.user.home().join("restored")),
        second: false,
        replace: false,
    };
    assert_eq!(openings.of_task(&world, &app, restore).await, ["restore", "ui"]);
    // Plakar makes the plan when it is accepted and when the task begins, and removes what is in it.
    let token = world.service().prune_plan(app.id).await.unwrap().token;
    let prune = Work::Prune { token: Some(token) };
    assert_eq!(openings.of_task(&world, &app, prune).await, ["prune", "prune", "rm", "ui"]);
    let pruned = facts().await.unwrap();
    assert_eq!((pruned.points, pruned.logical), (Some(1), Some(32_000)));
    // A lock that a command leaves counts for ten minutes.
    let locks = std::path::Path::new(&openings.store).join("locks");
    std::fs::remove_dir_all(&locks).unwrap();
    std::fs::create_dir(&locks).unwrap();
    assert_eq!(openings.of_task(&world, &app, Work::Maintenance).await, ["maintenance"]);
    let maintained = facts().await.unwrap();
    assert_eq!((maintained.points, maintained.marks), (pruned.points, pruned.marks));
}

#[tokio::test]
async fn what_did_not_change_is_known_by_one_digest() {
    let world = World::new().await;
    let service = world.service();
    for number in 0..200 {
        world.put(&format!("folder {}/{number}.txt", number % 7), format!("{number}").as_bytes());
    }
    let password = world.simulator.password();
    let app = service.assign(world.assign(AppKind::Source, "mine", "opendrive://", password)).await;
    let app = app.unwrap();
    let (mut trees, mut figures) = (Vec::new(), Vec::new());
    for change in [false, false, true] {
        if change {
            world.put("folder 3/3.txt", b"another");
        }
        let (task, log) = run(&service, &app, Work::Backup).await;
        assert_eq!(task.state, TaskState::Succeeded, "{log}");
        figures.push(task.figures.changes);
        let newest = service.points(app.id).await.unwrap().swap_remove(0);
        trees.push(newest.tree.unwrap());
    }
    // The same way to the same figures: all of both trees, or their digests.
    let all = figures[1].unwrap();
    assert_eq!((all.before, all.now, all.same, all.affected()), (200, 200, 200, 0));
    assert_eq!(figures[2].map(|found| (found.same, found.changed)), Some((199, 1)));
    assert_eq!(trees[0], trees[1]);
    assert_ne!(trees[1], trees[2]);
}
