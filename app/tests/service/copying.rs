//! The second copy: what is copied, what is read back, and what is never called done.

use plakar_driver::{CancellationToken, Kind, Name, NewStore, SnapshotId, Store};
use source_app::model::{CopyRange, Protection};
use source_app::service::{Assign, CheckScope, Edit, Error, Problem, SecondStore, Service, Work};
use source_app::state::{App, AppKind, Task, TaskState};

use crate::serving::{everything, run};
use crate::world::{World, environment, guard, name, noise, options};

const FIRST: &str = "mule lantern orbit pickle 47";
const SECOND: &str = "quartz basil tunnel mitten 83";

impl World {
    /// A source with an encrypted store, and another one for its copies.
    fn copied(&self, called: &str, second: &str) -> Assign {
        Assign {
            store: Some(self.user.path("safe")),
            store_options: options(&[("passphrase", FIRST)]),
            unencrypted: false,
            second_store: Some(SecondStore {
                place: second.to_owned(),
                options: options(&[("passphrase", SECOND)]),
                create: true,
                ..SecondStore::default()
            }),
            protection: Protection { points_per_check: 0, ..Protection::default() },
            ..self.assign(
                AppKind::Source,
                called,
                "opendrive://Documents",
                self.simulator.password(),
            )
        }
    }

    /// The largest packfile of a store in the home folder, in which the largest file is.
    fn large_packfile(&self, store: &str) -> std::path::PathBuf {
        let packfiles = everything(&self.user.home().join(store).join("packfiles"));
        let largest = packfiles.into_iter().max_by_key(|(_, bytes)| bytes.len());
        largest.unwrap().0.into()
    }

    async fn seen(&self, store: &str, app: &App) -> Vec<SnapshotId> {
        let store = Store::named(name(store));
        let seen = self.plakar.seen_anew(&store, &app.key, &CancellationToken::new()).await;
        seen.unwrap().points.into_iter().collect()
    }
}

async fn backup(service: &Service, app: &App) -> SnapshotId {
    let (made, log) = run(service, app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    SnapshotId::new(made.snapshot.as_deref().unwrap()).unwrap()
}

fn figures(task: &Task) -> [u64; 4] {
    let figures = task.figures;
    [figures.points, figures.points_in_both, figures.points_copied, figures.points_read]
        .map(Option::unwrap)
}

#[tokio::test]
async fn a_second_copy_is_done_when_it_was_read_back_and_not_before() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    world.put("Documents/large.bin", &noise(1, 200_000));
    let app = service.assign(world.copied("docs", &world.user.path("away"))).await.unwrap();
    assert_eq!(app.spec.store.as_deref(), Some("docs"));
    assert_eq!(app.spec.second_store.as_deref(), Some("docs-copy"));
    let kept = world.plakar.configured(Kind::Store, &name("docs-copy")).await.unwrap();
    assert_eq!(kept["passphrase"], SECOND);

    let (none, _) = run(&service, &app, Work::Sync).await;
    assert_eq!((none.state, none.verdict.contains("no restore point")), (TaskState::Failed, true));
    let first = backup(&service, &app).await;
    world.put("Documents/letter.txt", b"Dear all, again,");
    let second = backup(&service, &app).await;
    let (made, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    let words = "2 of 2 restore points in both stores, copied now: 2, read back now: 2";
    assert_eq!((made.verdict.as_str(), figures(&made)), (words, [2, 2, 2, 2]));
    assert_eq!(made.store.as_deref(), Some("docs-copy"));
    assert!(made.about.ends_with("from the store docs to docs-copy"), "{}", made.about);
    assert!(log.contains(&format!("read back and whole: {}", first.short())), "{log}");
    let mut both = vec![first.clone(), second.clone()];
    both.sort();
    assert_eq!(world.seen("docs-copy", &app).await, both);

    // The next one copies only what is new.
    world.put("Documents/more.bin", &noise(2, 2_000_000));
    let third = backup(&service, &app).await;
    let (made, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((made.state, figures(&made)), (TaskState::Succeeded, [3, 3, 1, 3]), "{log}");

    // A byte of the copy changes.
    let packfile = world.large_packfile("away");
    // Its padding at both ends is half a megabyte at most: the middle is the file's.
    let middle = std::fs::metadata(&packfile).unwrap().len() / 2;
    World::flip(&(packfile.clone(), middle));
    let (bad, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(bad.state, TaskState::CompletedWithErrors, "{log}");
    assert_eq!(figures(&bad)[..3], [3, 2, 0], "{log}");
    let named = format!("{}: /Documents/more.bin: ", third.short());
    assert!(bad.verdict.contains(&named), "{}", bad.verdict);
    World::flip(&(packfile, middle));
    let (good, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((good.state, figures(&good)), (TaskState::Succeeded, [3, 3, 0, 3]), "{log}");

    // A packfile is missing in the first store: plakar would leave the file out of the copy, which
    // would stay like that.
    world.put("Documents/lost.bin", &noise(3, 4_000_000));
    let fourth = backup(&service, &app).await;
    let (packfile, aside) = (world.large_packfile("safe"), world.user.home().join("aside"));
    std::fs::rename(&packfile, &aside).unwrap();
    let (bad, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(bad.state, TaskState::CompletedWithErrors, "{log}");
    let named = format!("{}: it is damaged in the first store, and not copied: /", fourth.short());
    assert!(bad.verdict.contains(&named), "{}", bad.verdict);
    assert!(!world.seen("docs-copy", &app).await.contains(&fourth));
    std::fs::rename(&aside, &packfile).unwrap();
    let (good, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((good.state, figures(&good)), (TaskState::Succeeded, [4, 4, 1, 4]), "{log}");

    // One that was removed there is not copied again: that would hide all of them.
    let second_store = Store::named(name("docs-copy"));
    world.remove(&second_store, &first).await;
    let (bad, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(bad.state, TaskState::CompletedWithErrors, "{log}");
    assert!(bad.verdict.contains("Plakar cannot copy it again"), "{}", bad.verdict);
    assert_eq!(world.seen("docs-copy", &app).await.len(), 3);

    // What plakar leaves out of a copy without a word is named, then and later: it was whole when it
    // was checked, so nobody looked again before.
    world.put("Documents/half.bin", &noise(4, 6_000_000));
    let fifth = backup(&service, &app).await;
    let check = Work::Check(CheckScope::Point(fifth.clone()));
    assert_eq!(run(&service, &app, check).await.0.state, TaskState::Succeeded);
    let packfile = world.large_packfile("safe");
    let middle = std::fs::metadata(&packfile).unwrap().len() / 2;
    World::flip(&(packfile.clone(), middle));
    let missing = format!("{}: /Documents/half.bin: it is missing in the copy", fifth.short());
    for _ in 0..2 {
        let (bad, log) = run(&service, &app, Work::Sync).await;
        assert_eq!(bad.state, TaskState::CompletedWithErrors, "{log}");
        assert!(bad.verdict.contains(&missing), "{}", bad.verdict);
        World::flip(&(packfile.clone(), middle));
    }

    // No passphrase anywhere but in Plakar's configuration.
    service.stop().await;
    for folder in ["state", "safe.plakar-opendrive", "tmp"] {
        for (file, bytes) in everything(&world.user.home().join(folder)) {
            for secret in [FIRST, SECOND] {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{file}");
            }
        }
    }
}

#[tokio::test]
async fn a_copy_of_some_restore_points_says_that_it_is_not_whole() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let range = |newest: u32, labels: &[&str]| CopyRange {
        newest,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..CopyRange::default()
    };
    // Without a second store there is nothing that it would be for, and nothing is made.
    let nowhere =
        Assign { copy_range: range(2, &[]), second_store: None, ..world.copied("docs", "") };
    let refused = service.assign(nowhere).await.unwrap_err().to_string();
    assert!(refused.starts_with("copy range: there is no second store"), "{refused}");
    assert!(!world.user.home().join("safe").exists());
    let assign =
        Assign { copy_range: range(2, &[]), ..world.copied("docs", &world.user.path("away")) };
    let app = service.assign(assign).await.unwrap();
    let mut made = Vec::new();
    for number in 0..3 {
        world.put("Documents/letter.txt", format!("Dear all, {number}").as_bytes());
        made.push(backup(&service, &app).await);
    }
    let (copied, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((copied.state, figures(&copied)), (TaskState::Succeeded, [3, 2, 2, 2]), "{log}");
    assert_eq!(copied.figures.points_left_out, Some(1));
    assert!(
        copied.verdict.starts_with(
            "2 of 3 restore points in both stores (copied are only: the newest 2), copied now: 2"
        ),
        "{}",
        copied.verdict
    );
    let mut newest = made[1..].to_vec();
    newest.sort();
    assert_eq!(world.seen("docs-copy", &app).await, newest);
    let copies = service.second_copy(app.id).await.unwrap().unwrap();
    assert_eq!(
        (copies.points, copies.of, copies.range_words.as_str()),
        (2, Some(3), "the newest 2")
    );

    // One that the range leaves out now, and was copied before, stays and is read back still.
    world.put("Documents/letter.txt", b"Dear all, last");
    let last = backup(&service, &app).await;
    let (copied, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((copied.state, figures(&copied)), (TaskState::Succeeded, [4, 3, 1, 3]), "{log}");
    assert!(world.seen("docs-copy", &app).await.contains(&last));
    // One that was removed there, and is left out now, is no fault.
    world.remove(&Store::named(name("docs-copy")), &made[1]).await;
    let (copied, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((copied.state, figures(&copied)), (TaskState::Succeeded, [4, 2, 0, 2]), "{log}");

    // What nothing falls into is no copy.
    let edit = Edit { copy_range: Some(range(0, &["yearly"])), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    let (none, _) = run(&service, &app, Work::Sync).await;
    assert_eq!(none.state, TaskState::Failed);
    assert_eq!(none.verdict, "of 4 restore points none is to be copied: with the label yearly");
    // Without a range all of them are copied that can be, and it says which could not.
    let edit = Edit { copy_range: Some(CopyRange::default()), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    let (all, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(all.state, TaskState::CompletedWithErrors, "{log}");
    assert_eq!((figures(&all)[1], all.figures.points_left_out), (3, None));
    // It goes with the second store.
    let edit = Edit { copy_range: Some(range(1, &[])), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    let edit = Edit { second_store: Some(SecondStore::default()), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    assert!(app.spec.copy_range.is_whole());
    service.stop().await;
}

#[tokio::test]
async fn a_copy_that_is_killed_goes_on_with_the_next_run() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let app = service.assign(world.copied("docs", &world.user.path("away"))).await.unwrap();
    service.stop().await;
    // Plakar is killed as soon as the first of them is in the second store.
    let count = format!("$(find {}/states -type f | wc -l)", world.user.path("away"));
    let kill = format!(
        "before={count}; {} \"$@\" & plakar_pid=$!; while [ {count} -le $before ]; do sleep 0.005; done; kill -9 $plakar_pid; wait $plakar_pid; exit 137",
        crate::plakar::plakar().display()
    );
    let meddled = world.meddled("sync", &kill);
    let state = world.user.home().join("state");
    let (mut all, mut there) = (0, 0);
    // Where the one who kills is held up plakar copies all of them before: then three more are made.
    while there == all {
        assert!(all < 15, "plakar is never killed before it has copied all");
        let service = world.service();
        for _ in 0..3 {
            world.put("Documents/large.bin", &noise(all, 2_000_000));
            backup(&service, &app).await;
            all += 1;
        }
        service.stop().await;
        let killed = Service::open(&state, meddled.clone()).unwrap();
        let (failed, log) = run(&killed, &app, Work::Sync).await;
        assert_eq!(failed.state, TaskState::Failed, "{log}");
        assert_eq!(failed.figures, Default::default());
        there = world.seen("docs-copy", &app).await.len() as u64;
        assert!((all - 2..=all).contains(&there), "{there} of {all}: {log}");
        let copies = killed.second_copy(app.id).await.unwrap().unwrap();
        assert_eq!((copies.points, copies.newest), (0, None), "nothing was read back");
        killed.stop().await;
    }

    let service = world.service();
    let (made, log) = run(&service, &app, Work::Sync).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert_eq!(figures(&made), [all, all, all - there, all], "{log}");
    let copies = service.second_copy(app.id).await.unwrap().unwrap();
    assert_eq!((copies.points, copies.of), (all, Some(all)));
    assert!(copies.newest.is_some() && copies.read_back.is_some());
    service.stop().await;
}

#[tokio::test]
async fn a_copy_that_is_left_out_of_a_list_once_is_not_gone() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let app = service.assign(world.copied("docs", &world.user.path("away"))).await.unwrap();
    backup(&service, &app).await;
    let (made, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((made.state, figures(&made)), (TaskState::Succeeded, [1, 1, 1, 1]), "{log}");
    service.stop().await;
    // As plakar does of what it cannot open: without a word.
    let once = world.meddled("ls", "if mkdir $HOME/left-out 2>/dev/null; then exit 0; fi");
    let service = Service::open(&world.user.home().join("state"), once).unwrap();
    let (again, log) = run(&service, &app, Work::Sync).await;
    assert!(world.user.home().join("left-out").is_dir(), "{log}");
    assert_eq!((again.state, figures(&again)), (TaskState::Succeeded, [1, 1, 0, 1]), "{log}");
    service.stop().await;
}

#[tokio::test]
async fn a_second_store_is_another_place_than_all_that_may_be_lost_with_the_first() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let refused = async |assign: Assign, said: &str| {
        let refused = service.assign(assign).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(said) && !text.contains('\n'), "{said}: {text}");
        assert!(service.apps().await.unwrap().is_empty());
        assert!(world.plakar.configurations(Kind::Store).await.unwrap().is_empty(), "{said}");
    };
    let safe = world.user.path("safe");
    refused(world.copied("docs", &safe), "is the first store once more").await;
    std::os::unix::fs::symlink(&safe, world.user.home().join("link")).unwrap();
    let link = || SecondStore { create: false, ..world.copied("docs", "").second_store.unwrap() };
    let linked = SecondStore {
        place: world.user.path("link"),
        options: options(&[("passphrase", FIRST)]),
        ..link()
    };
    refused(Assign { second_store: Some(linked), ..world.copied("docs", "") }, "second store: ")
        .await;
    refused(world.copied("docs", &format!("{safe}/copy")), "lie in one another").await;
    refused(world.copied("docs", "opendrive://Documents/copy"), "lies in the source").await;
    refused(world.copied("docs", "/Documents/copy"), "lies in the source").await;
    // Somebody's folder, which is no store.
    std::fs::create_dir(world.user.home().join("photos")).unwrap();
    std::fs::write(world.user.home().join("photos/cat.jpg"), "cat").unwrap();
    refused(
        world.copied("docs", &world.user.path("photos")),
        "is no store; write a folder that is empty",
    )
    .await;
    assert_eq!(everything(&world.user.home().join("photos")).len(), 1);
    // Somebody's store, of which only they have the passphrase.
    let theirs = (
        name("theirs"),
        options(&[("location", &world.user.path("theirs")), ("passphrase", FIRST)]),
    );
    world.plakar.configure(Kind::Store, &theirs.0, &theirs.1).await.unwrap();
    world.plakar.create_store(&Store::named(theirs.0.clone()), NewStore::ENCRYPTED).await.unwrap();
    world.plakar.unconfigure(Kind::Store, &theirs.0).await.unwrap();
    refused(world.copied("docs", &world.user.path("theirs")), "its passphrase is another one")
        .await;
    // A weak passphrase of a new one is told by its field.
    let weak = SecondStore {
        options: options(&[("passphrase", "password1234567890")]),
        ..world.copied("docs", &world.user.path("away")).second_store.unwrap()
    };
    let Err(Error::Faults(faults)) =
        service.assign(Assign { second_store: Some(weak), ..world.copied("docs", "") }).await
    else {
        panic!()
    };
    assert_eq!(faults[0].key.as_deref(), Some("second_store.passphrase"));
    assert!(!world.user.home().join("away").exists());

    // Without one it can be added later, on the drive too, and taken away.
    let app = Assign { second_store: None, ..world.copied("docs", "") };
    let app = service.assign(app).await.unwrap();
    let refused = service.start(app.id, &Work::Sync).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input);
    assert!(refused.to_string().contains("app edit docs --second-store"), "{refused}");
    assert!(service.second_copy(app.id).await.unwrap().is_none());
    let on_drive = world.copied("docs", "opendrive://Copies").second_store;
    let edit = Edit { second_store: on_drive, ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    assert_eq!(app.spec.second_store.as_deref(), Some("docs-copy"));
    assert!(world.simulator.drive().read_file("Copies/CONFIG").is_some());
    backup(&service, &app).await;
    let (made, log) = run(&service, &app, Work::Sync).await;
    assert_eq!((made.state, figures(&made)), (TaskState::Succeeded, [1, 1, 1, 1]), "{log}");
    // What is edited besides leaves it as it is.
    let edit = Edit { environment: Some("testing".into()), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    assert_eq!(app.spec.second_store.as_deref(), Some("docs-copy"));
    let edit = Edit { second_store: Some(SecondStore::default()), ..Edit::default() };
    let app = service.edit(app.id, app.revision, edit).await.unwrap();
    assert_eq!(app.spec.second_store, None);
    service.stop().await;
}

impl World {
    /// Removes a snapshot as somebody does who uses plakar alone.
    async fn remove(&self, store: &Store, id: &SnapshotId) {
        let reference = format!("@{}", store.name().map_or("", Name::as_str));
        self.user.ok(&["at", &reference, "rm", "-apply", id.short()]);
        let _ = (environment, guard);
    }
}
