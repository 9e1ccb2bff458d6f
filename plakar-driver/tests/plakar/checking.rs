//! Checks, and what they find in stores that are damaged.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use plakar_driver::{
    ArchiveFormat, Browsers, CancellationToken, Error, NewStore, Plakar, PointCheck, RestoreJob,
    RestoreTarget, Retention, SnapshotId, Store, StoreState, Verdict,
};

use crate::world::{APP, World, environment, guard, noise, path};

/// The paths that are damaged; none of what is whole.
fn damaged(found: &PointCheck) -> Vec<String> {
    match found {
        PointCheck::Whole => Vec::new(),
        PointCheck::Damaged { count, failed } => {
            assert_eq!(*count as usize, failed.len(), "{failed:?}");
            failed.iter().map(|failed| failed.path.clone()).collect()
        }
        found => panic!("{found:?}"),
    }
}

async fn backup(world: &World) -> SnapshotId {
    let made = world.backup().await.0;
    assert_eq!(made.verdict, Verdict::Succeeded);
    made.snapshot.unwrap()
}

#[tokio::test]
async fn what_is_damaged_is_named_by_path_in_each_restore_point_that_has_it() {
    let world = World::new().await;
    let (shared, other) = (noise(1, 200_000), noise(2, 150_000));
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let folder =
        world.local(&[file("sub/shared: 1.bin", &shared), file("copy.bin", &shared)]).await;
    let first = backup(&world).await;
    world.local(&[file("more.txt", b"more")]).await;
    let second = backup(&world).await;
    // The same again, as on a night on which nothing changes.
    let third = backup(&world).await;
    std::fs::remove_dir_all(&folder).unwrap();
    world.local(&[file("other.bin", &other)]).await;
    let fourth = backup(&world).await;
    let all = [&first, &second, &third, &fourth].map(Clone::clone);
    let whole = vec![PointCheck::Whole; 4];
    assert_eq!(world.check(&all).await, whole);

    // A byte that three of them share.
    let place = world.packfile_with("store", &shared[1000..1064]);
    World::flip(&place);
    let both = ["copy.bin", "sub/shared: 1.bin"].map(|name| format!("{}/{name}", folder.display()));
    let found = world.check(&all).await;
    for found in &found[..3] {
        assert_eq!(damaged(found), both);
    }
    assert_eq!(found[3], PointCheck::Whole);
    for id in [&second, &third] {
        assert_eq!(damaged(&world.check(std::slice::from_ref(id)).await[0]), both);
    }
    World::flip(&place);
    assert_eq!(world.check(&all).await, whole);

    // A packfile that is gone: that of the last one, with all that only it has.
    let (packfile, _) = world.packfile_with("store", &other[1000..1064]);
    let away = world.user.home().join("away");
    std::fs::rename(&packfile, &away).unwrap();
    let found = world.check(&all).await;
    assert_eq!(found[..3], whole[..3]);
    let PointCheck::Damaged { failed, .. } = &found[3] else { panic!("{found:?}") };
    assert!(!failed[0].reason.is_empty(), "{failed:?}");
    std::fs::rename(&away, &packfile).unwrap();

    // The states: this machine's cache still has what was in them.
    let states = world.user.home().join("store/states");
    std::fs::rename(&states, &away).unwrap();
    std::fs::create_dir(&states).unwrap();
    assert_eq!(world.check(&all).await, vec![PointCheck::Missing; 4]);
    std::fs::remove_dir(&states).unwrap();
    std::fs::rename(&away, &states).unwrap();
    assert_eq!(world.check(&all).await, whole);

    // What is whole when it is read once more is no damage: the store did not answer for a while.
    let short = first.short();
    let away_for_a_while = world.meddled(
        "check",
        &format!(
            "if [ -e $HOME/away-once ]; then plakar \"$@\"; exit $?; fi; touch $HOME/away-once; \
             echo \"{short}: KO ✘ object=00: chunk is missing\" >&2; \
             echo \"{short}: check completed with 1 error in 1s (in: 0 B)\"; exit 65"
        ),
    );
    let once = away_for_a_while
        .check(&world.browsers, &world.store, &all[..1], &mut |_| (), &CancellationToken::new())
        .await;
    let PointCheck::Unread(reason) = &once.points[0].1 else { panic!("{once:?}") };
    assert!(reason.contains("whole when it was read once more"), "{reason}");

    // A store that cannot be opened has lost nothing.
    let store = world.user.home().join("store");
    std::fs::rename(&store, &away).unwrap();
    let nothing = world
        .plakar
        .check(&world.browsers, &world.store, &all, &mut |_| (), &CancellationToken::new())
        .await;
    assert!(nothing.points.is_empty() && nothing.broken.is_some(), "{nothing:?}");
    assert!(matches!(
        world.plakar.store_state(&world.store).await.unwrap(),
        StoreState::Unavailable(_)
    ));
}

/// Where it cannot read the states of a store, plakar says why, does nothing, and ends with the exit
/// status 0.
#[tokio::test]
async fn what_plakar_did_not_begin_is_no_success() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let id = backup(&world).await;
    let commands = ["archive", "check", "ls", "prune", "restore"].join(" \"*|*\" ");
    let away = "echo 'plakar: rpc error: code = Internal desc = the drive is away'; exit 0";
    let (plakar, cancel) = (world.meddled(&commands, away), CancellationToken::new());
    let reason = "the drive is away";
    let failed = Verdict::Failed { reason: reason.into() };
    let (points, news) = (std::slice::from_ref(&id), &mut |_| ());
    let checked = plakar.check(&world.browsers, &world.store, points, news, &cancel).await;
    assert!(checked.points.is_empty(), "{checked:?}");
    assert_eq!(checked.broken, Some(failed.clone()));
    let state = plakar.store_state(&world.store).await;
    assert!(matches!(&state, Err(Error::Refused(why)) if why == reason), "{state:?}");
    let (daily, none) = (Retention { daily: 1, ..Retention::default() }, BTreeSet::new());
    let plan = plakar.prune_plan(&world.browsers, &world.store, APP, daily, &none, &none).await;
    assert!(matches!(&plan, Err(Error::Refused(why)) if why == reason), "{plan:?}");
    let to = RestoreTarget::Folder(world.user.home().join("restored"));
    let job = RestoreJob { store: world.store.clone(), snapshot: id.clone(), path: path("/"), to };
    let restored = plakar.restore(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    assert_eq!(restored.verdict, failed);
    let (root, format) = (path("/"), ArchiveFormat::Zip);
    let archive = plakar.archive(&world.store, &id, &root, format, &cancel).await.unwrap();
    let content: Vec<_> = archive.content.collect().await;
    let [Err(error)] = &content[..] else { panic!("{content:?}") };
    assert!(error.to_string().ends_with(reason), "{error}");

    // A damaged state: whoever has never seen the store reads nothing of it.
    for bucket in std::fs::read_dir(world.user.home().join("store/states")).unwrap().flatten() {
        for state in std::fs::read_dir(bucket.path()).unwrap().flatten() {
            std::fs::remove_file(state.path()).unwrap();
            std::fs::write(state.path(), "this is no state any more").unwrap();
        }
    }
    let found = world.check(points).await;
    let PointCheck::Damaged { failed, .. } = &found[0] else { panic!("{found:?}") };
    assert!(failed[0].reason.starts_with("it cannot be opened: "), "{failed:?}");
}

#[tokio::test]
async fn what_is_left_out_of_a_check_is_looked_for_once_more() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let id = backup(&world).await;
    // As plakar does of what it cannot open: without a word.
    let once = world.meddled("check", "if mkdir $HOME/left-out 2>/dev/null; then exit 0; fi");
    let (cancel, points) = (CancellationToken::new(), std::slice::from_ref(&id));
    let checked = once.check(&world.browsers, &world.store, points, &mut |_| (), &cancel).await;
    assert!(world.user.home().join("left-out").is_dir());
    assert_eq!(checked.points, [(id.clone(), PointCheck::Whole)]);
}

/// Plakar does not notice it, and goes on with what it knew of the store by then.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_check_that_loses_its_cache_finds_nothing_missing() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let id = backup(&world).await;
    let kills = "for word; do case $word in */cache) cache=$word;; esac; done; \
        for process in /proc/[0-9]*; do \
        if tr '\\0' ' ' <$process/cmdline | grep -q \"${cache:?} .* cached \"; then \
        kill -9 ${process#/proc/}; \
        while [ -e $process/status ] && ! grep -q 'State:.*Z' $process/status; do sleep 0.01; done; \
        fi; done 2>/dev/null; sleep 0.2; exit 0";
    let (plakar, cancel) = (world.meddled("check", kills), CancellationToken::new());
    let (points, news) = (std::slice::from_ref(&id), &mut |_| ());
    let checked = plakar.check(&world.browsers, &world.store, points, news, &cancel).await;
    let [(_, PointCheck::Unread(reason))] = &checked.points[..] else { panic!("{checked:?}") };
    assert!(reason.starts_with("the daemon of its cache ended before it"), "{reason}");
}

/// All packfiles of the store.
fn packfiles(world: &World) -> BTreeSet<PathBuf> {
    let buckets = std::fs::read_dir(world.user.home().join("store/packfiles")).unwrap().flatten();
    let files = buckets.filter_map(|bucket| std::fs::read_dir(bucket.path()).ok()).flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn a_list_that_lacks_a_packfile_says_so_and_what_to_do() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    backup(&world).await;
    let before = packfiles(&world);
    world.local(&[("more".into(), b"y".to_vec())]).await;
    backup(&world).await;
    let (after, away) = (packfiles(&world), world.user.home().join("away"));
    std::fs::create_dir(&away).unwrap();
    for (number, file) in after.difference(&before).enumerate() {
        std::fs::rename(file, away.join(number.to_string())).unwrap();
    }
    // Another machine, whose cache has no header.
    let cache = world.user.home().join("other");
    let cookies = cache.join("plakar/cookies/1.0.0");
    std::fs::create_dir_all(&cookies).unwrap();
    std::fs::write(cookies.join(".disabled-security-check"), "").unwrap();
    let mut environment = environment(&world.user, &world.simulator);
    environment.push(("XDG_CACHE_HOME".into(), cache.into()));
    let other = Plakar::new(&crate::plakar::plakar(), guard(), environment).unwrap();
    let browsers = Browsers::new(Duration::from_secs(60));
    let browser = browsers.of(&other, &world.store).await.unwrap();
    let list = browser.restore_points(None).await;
    let Err(Error::Refused(told)) = &list else { panic!("{list:?}") };
    assert!(told.contains("a packfile with the header of at least one is missing"), "{told}");
    for (number, file) in after.difference(&before).enumerate() {
        std::fs::rename(away.join(number.to_string()), file).unwrap();
    }
    assert_eq!(browser.restore_points(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_package_that_cannot_be_unpacked_for_a_check_stays_installed() {
    let world = World::new().await;
    world.local(&[("file".into(), b"x".to_vec())]).await;
    let made = backup(&world).await;
    // As when the disk is full: plakar removes it.
    let packages = world.user.home().join(".local/share/plakar/plugins/v1.1.0");
    let package = packages.join("other_v1.0.0_linux_amd64.ptar");
    std::fs::write(&package, "no package").unwrap();
    let cancel = CancellationToken::new();
    let (points, news) = (std::slice::from_ref(&made), &mut |_| ());
    let checked = world.plakar.check(&world.browsers, &world.store, points, news, &cancel).await;
    assert!(!checked.points.iter().any(|(_, found)| *found == PointCheck::Whole), "{checked:?}");
    assert!(package.is_file());
    std::fs::remove_file(&package).unwrap();
    assert_eq!(world.check(points).await, [PointCheck::Whole]);
}

#[tokio::test]
async fn what_plakar_leaves_out_of_a_backup_is_an_error_with_its_path() {
    let world = World::new().await;
    let folder =
        world.local(&[("vault/file".into(), b"x".to_vec()), ("a".into(), b"a".to_vec())]).await;
    let mut job = world.job();
    // What plakar compares is the path: the store need not be there before.
    std::fs::rename(folder.join("vault"), folder.join("kept")).unwrap();
    job.store = Store::folder(&folder.join("vault")).unwrap();
    world.plakar.create_store(&job.store, NewStore::UNENCRYPTED).await.unwrap();
    let cancel = CancellationToken::new();
    let made = world.plakar.backup(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    let Verdict::Errors { count, failed } = &made.verdict else { panic!("{made:?}") };
    assert_eq!(*count as usize, failed.len());
    let vault = folder.join("vault").display().to_string();
    assert!(failed.iter().all(|failed| failed.path.starts_with(&vault)), "{failed:?}");
    assert!(
        failed[0].path == vault && failed[0].reason.contains("Plakar left it out"),
        "{failed:?}"
    );
    assert!(made.snapshot.is_some());
}

#[tokio::test]
async fn a_cancelled_check_leaves_no_cache_and_no_daemon() {
    let world = World::new().await;
    let files: Vec<_> = (0..200).map(|n| (format!("file{n}"), noise(n, 20_000))).collect();
    world.local(&files).await;
    let id = world.backup().await.0.snapshot.unwrap();
    world.quiet().await;
    for _ in 0..2 {
        let cancel = CancellationToken::new();
        let mut news = |_| cancel.cancel();
        let checked = world
            .plakar
            .check(&world.browsers, &world.store, std::slice::from_ref(&id), &mut news, &cancel)
            .await;
        assert_eq!(checked.broken, Some(Verdict::Interrupted));
        assert!(checked.points.is_empty(), "{checked:?}");
        let ours = world
            .all_processes()
            .into_iter()
            .filter(|line| line.contains("pk-job"))
            .collect::<Vec<_>>();
        assert!(
            ours.is_empty() && world.temporary().is_empty(),
            "{ours:?} {:?}",
            world.temporary()
        );
    }
}
