//! Restores, which are verified.

use std::collections::BTreeMap;

use opendrive_sim::{Fault, What};
use plakar_driver::{
    BackupJob, CancellationToken, Kind, NewStore, Progress, RestoreJob, RestoreProgress,
    RestoreResult, RestoreTarget, SnapshotId, Store, Verdict,
};

use crate::world::{APP, World, name, noise, options, path};

impl World {
    async fn restore(
        &self,
        snapshot: &SnapshotId,
        part: &str,
        to: RestoreTarget,
    ) -> (RestoreResult, Vec<RestoreProgress>) {
        let job = RestoreJob {
            store: self.store.clone(),
            snapshot: snapshot.clone(),
            path: path(part),
            to,
        };
        let mut news = Vec::new();
        let restored = self
            .plakar
            .restore(&self.browsers, &job, &mut |one| news.push(one), &CancellationToken::new())
            .await;
        (restored.unwrap(), news)
    }

    /// Where plakar keeps its configuration.
    fn configuration(&self) -> std::path::PathBuf {
        self.user.home().join(".config/plakar")
    }

    /// What a restore must not leave: the snapshots and the source that are only for comparing, and
    /// its lock.
    async fn nothing_of_verification_is_left(&self) {
        let files = std::fs::read_dir(self.configuration()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let locks: Vec<String> = names.filter(|name| name.contains("verify-")).collect();
        assert!(locks.is_empty(), "{locks:?}");
        let points = self.browser().await.restore_points(None).await.unwrap();
        assert!(points.iter().all(|point| point.app.as_deref() == Some(APP)), "{points:?}");
        let sources = self.plakar.configurations(Kind::Source).await.unwrap();
        assert_eq!(sources.keys().collect::<Vec<_>>(), ["drive"]);
    }
}

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    [
        ("a/one.txt", b"one".to_vec()),
        ("a/empty", vec![]),
        ("a/b/two.bin", noise(2, 300_000)),
        ("-n [x] #1!.txt", b"odd".to_vec()),
    ]
    .into()
}

#[tokio::test]
async fn a_restore_to_a_folder_is_verified() {
    let world = World::new().await;
    for (path, bytes) in files() {
        world.put(path, &bytes);
    }
    let id = world.backup().await.0.snapshot.unwrap();
    let folder = world.user.home().join("restored");
    std::fs::create_dir(&folder).unwrap();
    // What else is there has nothing to do with it, and is not read.
    std::fs::write(folder.join("other"), "other").unwrap();
    let (restored, news) = world.restore(&id, "/", RestoreTarget::Folder(folder.clone())).await;
    assert_eq!(restored.verdict, Verdict::Succeeded, "{news:?}");
    let verified = restored.verified.unwrap();
    assert_eq!((verified.entries, verified.bytes, verified.problems), (6, 300_006, 0));
    for (path, bytes) in files() {
        assert!(std::fs::read(folder.join(path)).unwrap() == bytes, "{path}");
    }
    assert!(!format!("{news:?}").contains("/other"), "{news:?}");
    // A single file, and a folder, go by their own names.
    let (restored, _) =
        world.restore(&id, "/a/one.txt", RestoreTarget::Folder(folder.join("one"))).await;
    assert_eq!(
        (restored.verdict, std::fs::read(folder.join("one/one.txt")).unwrap()),
        (Verdict::Succeeded, b"one".to_vec())
    );
    let (restored, _) = world.restore(&id, "/a/b", RestoreTarget::Folder(folder.join("two"))).await;
    assert!(restored.verdict == Verdict::Succeeded && folder.join("two/two.bin").exists());
    let (restored, _) =
        world.restore(&id, "/none", RestoreTarget::Folder(folder.join("three"))).await;
    assert!(
        matches!(&restored.verdict, Verdict::Failed { reason } if reason.contains("/none")),
        "{restored:?}"
    );
    let (restored, _) = world
        .restore(
            &SnapshotId::new(&"0".repeat(64)).unwrap(),
            "/",
            RestoreTarget::Folder(folder.join("three")),
        )
        .await;
    assert!(
        matches!(&restored.verdict, Verdict::Failed { reason } if !reason.is_empty()),
        "{restored:?}"
    );
    assert!(!folder.join("three").exists());
    world.nothing_of_verification_is_left().await;
}

#[tokio::test]
async fn a_restore_to_a_drive_is_verified() {
    let world = World::new().await;
    for (path, bytes) in files() {
        world.put(&format!("base/{path}"), &bytes);
    }
    world.put("Restored/old/file", b"old");
    world.configure(Kind::Source, "opendrive://base").await;
    let id = world.backup().await.0.snapshot.unwrap();
    let (restored, news) = world.restore(&id, "/", RestoreTarget::Destination(name("drive"))).await;
    assert_eq!(restored.verdict, Verdict::Succeeded, "{news:?}");
    assert_eq!(restored.verified.unwrap().entries, 6);
    assert_eq!(
        world.simulator.drive().read_file("Restored/a/b/two.bin").unwrap(),
        noise(2, 300_000)
    );
    world.nothing_of_verification_is_left().await;
}

/// A call that is always refused, for one file.
fn refused(endpoint: &str, item: &str) -> Fault {
    let status = What::Status { code: 403, message: "Access denied".into(), retry_after: None };
    Fault::new(status).endpoint(endpoint).item(item).always()
}

#[tokio::test]
async fn what_is_lost_or_changed_on_the_way_is_no_restore() {
    let world = World::new().await;
    for (path, bytes) in files() {
        world.put(path, &bytes);
    }
    let id = world.backup().await.0.snapshot.unwrap();
    // Plakar says that all is well, but a file is gone, one has other bytes and one has fewer.
    let folder = world.user.home().join("restored");
    let harm = "rm a/one.txt; printf Z | dd of=a/b/two.bin bs=1 seek=1000 conv=notrunc status=none; printf x > './-n [x] #1!.txt'";
    let plakar = world.meddled(
        "restore",
        &format!("plakar \"$@\"; code=$?; cd {}; {harm}; exit $code", folder.display()),
    );
    let to = RestoreTarget::Folder(folder.clone());
    let job = RestoreJob { store: world.store.clone(), snapshot: id.clone(), path: path("/"), to };
    let harmed = plakar
        .restore(&world.browsers, &job, &mut |_| (), &CancellationToken::new())
        .await
        .unwrap();
    let Verdict::Errors { count: 3, mut failed } = harmed.verdict else { panic!("{harmed:?}") };
    failed.sort_by(|a, b| a.path.cmp(&b.path));
    let failed: Vec<(&str, &str)> =
        failed.iter().map(|failure| (failure.path.as_str(), failure.reason.as_str())).collect();
    let expected = [
        ("/-n [x] #1!.txt", "it has 1 bytes instead of 3"),
        ("/a/b/two.bin", "its content is different"),
        ("/a/one.txt", "it is missing"),
    ];
    assert_eq!(failed, expected);
    assert_eq!(harmed.verified.unwrap().entries, 3);
    world.nothing_of_verification_is_left().await;
    // What a killed restore leaves.
    let store = world.user.path("store");
    world.user.ok(&[
        "at",
        &store,
        "backup",
        "-no-progress",
        "-tag=verification:1.0",
        folder.to_str().unwrap(),
    ]);
    let (left, own) = (name(&format!("verify-{}", "0a".repeat(16))), name("verify-mine"));
    for entry in [&left, &own] {
        let options = options(&[("location", "opendrive://")]);
        world.plakar.configure(Kind::Source, entry, &options).await.unwrap();
    }
    let lock = world.configuration().join(format!(".source-app.source.{left}.lock"));
    std::fs::write(lock, "").unwrap();
    let entries = world.plakar.temporary_entries().await.unwrap();
    assert_eq!(entries, [(Kind::Source, left)]);
    world
        .plakar
        .remove_leftovers(&entries, &world.browsers, std::slice::from_ref(&world.store))
        .await
        .unwrap();
    // Somebody's own one is theirs.
    world.plakar.configured(Kind::Source, &own).await.unwrap();
    world.plakar.unconfigure(Kind::Source, &own).await.unwrap();
    world.nothing_of_verification_is_left().await;
}

/// Another process may look for leftovers of its own restores meanwhile, and shares the configuration.
#[tokio::test]
async fn what_a_restore_that_runs_has_made_for_itself_is_no_leftover() {
    let world = World::new().await;
    world.put("letter.txt", b"7 bytes");
    let id = world.backup().await.0.snapshot.unwrap();
    let (begun, go) = (world.user.home().join("begun"), world.user.home().join("go"));
    // It waits where it reads the destination again.
    let waits =
        format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done", begun.display(), go.display());
    let plakar = world.meddled("backup", &waits);
    let to = RestoreTarget::Destination(name("drive"));
    let job = RestoreJob { store: world.store.clone(), snapshot: id, path: path("/"), to };
    let (mut silent, cancel) = (|_: RestoreProgress| (), CancellationToken::new());
    let restore = plakar.restore(&world.browsers, &job, &mut silent, &cancel);
    let look = async {
        let limit = std::time::Duration::from_secs(60);
        support::until(limit, "the restore to read again", || begun.exists()).await;
        let sources = world.plakar.configurations(Kind::Source).await.unwrap();
        assert!(sources.keys().any(|name| name.starts_with("verify-")), "{sources:?}");
        let entries = world.plakar.temporary_entries().await.unwrap();
        assert!(entries.is_empty(), "{entries:?}");
        std::fs::write(&go, "").unwrap();
    };
    let (restored, ()) = tokio::join!(restore, look);
    let restored = restored.unwrap();
    assert_eq!(restored.verdict, Verdict::Succeeded, "{restored:?}");
    world.nothing_of_verification_is_left().await;
}

/// A restore of another state may read it still.
#[tokio::test]
async fn a_snapshot_to_compare_with_stays_while_its_lock_is_held() {
    let world = World::new().await;
    let folder = world.user.home().join("files");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "a").unwrap();
    let mark = "0a".repeat(16);
    let (store, tag) = (world.user.path("store"), format!("-tag=verification:{mark}.0"));
    world.user.ok(&["at", &store, "backup", "-no-progress", &tag, folder.to_str().unwrap()]);
    let path = world.configuration().join(format!(".source-app.store.verify-{mark}.lock"));
    let lock = std::fs::File::create(&path).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let left = async || {
        let stores = std::slice::from_ref(&world.store);
        world.plakar.remove_leftovers(&[], &world.browsers, stores).await.unwrap();
        world.browser().await.restore_points(None).await.unwrap().len()
    };
    assert_eq!(left().await, 1);
    // Its process was killed.
    drop(lock);
    assert_eq!(left().await, 0);
    world.nothing_of_verification_is_left().await;
}

/// Of a store elsewhere there is no other one beside it to compare in.
#[tokio::test]
async fn a_restore_from_the_drive_locks_what_it_compares_with() {
    let world = World::new().await;
    world.put("docs/letter.txt", b"7 bytes");
    world.configure(Kind::Source, "opendrive://docs").await;
    let remote = options(&[
        ("location", "opendrive://Vault"),
        ("username", world.simulator.username()),
        ("password", world.simulator.password()),
    ]);
    world.plakar.configure(Kind::Store, &name("remote"), &remote).await.unwrap();
    let store = Store::named(name("remote"));
    world.plakar.create_store(&store, NewStore::UNENCRYPTED).await.unwrap();
    let (job, cancel) = (BackupJob { store, ..world.job() }, CancellationToken::new());
    let made = world.plakar.backup(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    assert_eq!(made.verdict, Verdict::Succeeded);
    let locks = world.user.home().join("locks");
    let notes = format!("ls -A {} > {}", world.configuration().display(), locks.display());
    let plakar = world.meddled("backup", &notes);
    let to = RestoreTarget::Folder(world.user.home().join("restored"));
    let snapshot = made.snapshot.unwrap();
    let job = RestoreJob { store: job.store, snapshot, path: path("/"), to };
    let restored = plakar.restore(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    assert_eq!(restored.verdict, Verdict::Succeeded, "{restored:?}");
    let locks = std::fs::read_to_string(locks).unwrap();
    assert!(locks.contains(".source-app.store.verify-"), "{locks}");
    world.nothing_of_verification_is_left().await;

    // It is cancelled when the snapshot to compare with is made, and nobody knows its id yet.
    let begun = world.user.home().join("begun");
    let plakar = world.meddled("ls", &format!("touch {}; sleep 600", begun.display()));
    let to = RestoreTarget::Folder(world.user.home().join("again"));
    let (job, stop) = (RestoreJob { to, ..job }, CancellationToken::new());
    let mut silent = |_: RestoreProgress| ();
    let restore = plakar.restore(&world.browsers, &job, &mut silent, &stop);
    let look = async {
        let limit = std::time::Duration::from_secs(60);
        support::until(limit, "the restore to look for it", || begun.exists()).await;
        stop.cancel();
    };
    let (restored, ()) = tokio::join!(restore, look);
    assert_eq!(restored.unwrap().verdict, Verdict::Interrupted);
    let browser = world.browsers.of(&world.plakar, &job.store).await.unwrap();
    let points = browser.restore_points(None).await.unwrap();
    assert!(points.iter().all(|point| point.app.as_deref() == Some(APP)), "{points:?}");
    world.nothing_of_verification_is_left().await;
}

#[tokio::test]
async fn a_drive_that_refuses_a_file_is_no_restore() {
    let world = World::new().await;
    for (path, bytes) in files() {
        world.put(&format!("base/{path}"), &bytes);
    }
    world.configure(Kind::Source, "opendrive://base").await;
    let id = world.backup().await.0.snapshot.unwrap();
    let drive = || RestoreTarget::Destination(name("drive"));
    world.simulator.set_faults(vec![refused("upload/create_file", "one.txt")]);
    let (unwritten, _) = world.restore(&id, "/", drive()).await;
    assert!(
        matches!(&unwritten.verdict, Verdict::Failed { reason } if !reason.is_empty()),
        "{unwritten:?}"
    );
    // It was written, but cannot be read again: nobody knows what it is.
    world.simulator.set_faults(vec![refused("download/file", "one.txt")]);
    let (unread, _) = world.restore(&id, "/", drive()).await;
    let Verdict::Errors { count: 1, failed } = &unread.verdict else { panic!("{unread:?}") };
    assert_eq!(
        (failed[0].path.as_str(), failed[0].reason.as_str()),
        ("/base/a/one.txt", "it is missing")
    );
    world.nothing_of_verification_is_left().await;
}

/// Mode, owner and times of something.
fn attributes(path: &std::path::Path) -> (u32, u32, u32, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    let meta = path.symlink_metadata().unwrap();
    (meta.mode() & 0o7777, meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec())
}

#[tokio::test]
async fn what_is_in_a_folder_already_stays_whose_it_is() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};
    let world = World::new().await;
    for (path, bytes) in files() {
        world.put(path, &bytes);
    }
    let id = world.backup().await.0.snapshot.unwrap();
    let folder = world.user.home().join("shared");
    let (sub, old, other) = (folder.join("a"), folder.join("a/one.txt"), folder.join("other"));
    fs::create_dir_all(&sub).unwrap();
    fs::write(&old, "old").unwrap();
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o2775)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1755)).unwrap();
    if is_root() {
        for path in [&old, &sub, &folder] {
            chown(path, Some(1234), Some(5678)).unwrap();
        }
        fs::set_permissions(&sub, fs::Permissions::from_mode(0o2775)).unwrap();
    }
    let time = fs::FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_500_000_000, 123_456_789));
    for path in [&sub, &folder] {
        fs::File::open(path).unwrap().set_times(time).unwrap();
    }
    let before = [attributes(&sub), attributes(&folder)];
    let (mode, uid, gid, ..) = attributes(&old);
    // Of a restore that fails nothing else stays either.
    let broken = world.meddled("restore", "plakar \"$@\"; echo 'plakar: broken' >&2; exit 1");
    let job = RestoreJob {
        store: world.store.clone(),
        snapshot: id.clone(),
        path: path("/"),
        to: RestoreTarget::Folder(folder.clone()),
    };
    let failed = broken
        .restore(&world.browsers, &job, &mut |_| (), &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(failed.verdict, Verdict::Failed { reason: "broken".into() });
    assert_eq!([attributes(&sub), attributes(&folder)], before);
    // Nor of one that is cancelled while it writes.
    let slow = world.meddled("restore", "plakar \"$@\"; sleep 600");
    let cancel = CancellationToken::new();
    let mut stop = |news| {
        if matches!(news, RestoreProgress::Restoring(Progress::Done(_))) {
            cancel.cancel();
        }
    };
    let cancelled = slow.restore(&world.browsers, &job, &mut stop, &cancel).await.unwrap();
    assert_eq!(cancelled.verdict, Verdict::Interrupted);
    assert_eq!([attributes(&sub), attributes(&folder)], before);
    fs::write(&old, "old").unwrap();
    let (restored, news) = world.restore(&id, "/", RestoreTarget::Folder(folder.clone())).await;
    assert_eq!(restored.verdict, Verdict::Succeeded, "{news:?}");
    assert_eq!([attributes(&sub), attributes(&folder)], before);
    let after = attributes(&old);
    assert_eq!((after.0, after.1, after.2), (mode, uid, gid));
    assert_eq!(fs::read(&old).unwrap(), b"one");
    // A single file goes the same way; more than one folder is made.
    let (restored, _) =
        world.restore(&id, "/a/one.txt", RestoreTarget::Folder(folder.clone())).await;
    assert_eq!(restored.verdict, Verdict::Succeeded);
    assert_eq!(attributes(&folder), before[1]);
    let deep = folder.join("other/x/y/z");
    let (restored, _) = world.restore(&id, "/a", RestoreTarget::Folder(deep.clone())).await;
    assert!(restored.verdict == Verdict::Succeeded && deep.join("one.txt").exists());
    let (refused, _) = world.restore(&id, "/a", RestoreTarget::Folder(old.clone())).await;
    assert!(
        matches!(&refused.verdict, Verdict::Failed { reason } if reason.contains("is not a folder; name a folder")),
        "{refused:?}"
    );
    world.nothing_of_verification_is_left().await;
}

/// Whether owners can be changed.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
