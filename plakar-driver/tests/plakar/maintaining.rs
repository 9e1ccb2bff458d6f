//! Maintenance: what it removes, when, and what stays.

use std::path::Path;

use plakar_driver::{CancellationToken, MaintenanceResult, Plakar, PointCheck, Retention, Verdict};

use crate::world::{APP, World, environment, guard, noise};

/// The bytes of all packfiles.
fn packed(world: &World) -> u64 {
    fn below(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let size = |entry: std::fs::DirEntry| {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() { below(&entry.path()) } else { metadata.len() }
        };
        entries.map(size).sum()
    }
    below(&world.user.home().join("store/packfiles"))
}

/// Commands of plakar leave locks behind for ten minutes, when they have ended.
fn unlock(world: &World) {
    for lock in std::fs::read_dir(world.user.home().join("store/locks")).unwrap().flatten() {
        let _ = std::fs::remove_file(lock.path());
    }
}

async fn maintain(world: &World, plakar: &Plakar) -> MaintenanceResult {
    unlock(world);
    plakar.maintenance(&world.store, &mut |_| (), &CancellationToken::new()).await
}

#[tokio::test]
async fn space_comes_back_after_the_grace_and_what_is_kept_stays_whole() {
    let world = World::within_a_day().await;
    // Nothing of the one is in the other, not even the entry of a folder: plakar rewrites no
    // packfile of which anything is needed.
    world.local(&[("large.bin".into(), noise(1, 3_000_000))]).await;
    world.backup().await;
    world.put("small.bin", &noise(2, 30_000));
    world.configure(plakar_driver::Kind::Source, "opendrive://").await;
    let kept = world.backup().await.0.snapshot.unwrap();
    let full = packed(&world);
    // Two of one day: the newer stays.
    let daily = Retention { daily: 1, ..Retention::default() };
    let browsers = &world.browsers;
    let none = std::collections::BTreeSet::new();
    let plan =
        world.plakar.prune_plan(browsers, &world.store, APP, daily, &none, &none).await.unwrap();
    world.plakar.prune(browsers, &world.store, APP, &plan).await.unwrap();
    assert_eq!(packed(&world), full, "a prune frees nothing");

    // Within plakar's seven days nothing is removed.
    let first = maintain(&world, &world.plakar).await;
    assert_eq!(first.verdict, Verdict::Succeeded);
    assert!(first.done.marked >= 1, "{first:?}");
    assert_eq!((first.done.removed, first.done.grace.as_deref()), (0, Some("7d")));
    assert_eq!(packed(&world), full);
    // What is marked is not marked again.
    let second = maintain(&world, &world.plakar).await;
    assert_eq!((second.done.marked, second.done.removed, second.done.grace), (0, 0, None));

    let mut soon = environment(&world.user, &world.simulator);
    soon.push(("PLAKAR_GRACEPERIOD".into(), "1s".into()));
    let soon = Plakar::new(&crate::plakar::plakar(), guard(), soon).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let third = maintain(&world, &soon).await;
    assert_eq!((&third.verdict, third.done.removed), (&Verdict::Succeeded, first.done.marked));
    let freed = full - packed(&world);
    assert!(freed >= 3_000_000, "{freed} bytes are free");
    assert_eq!(world.check(&[kept]).await, [PointCheck::Whole]);

    // A lock of somebody else is waited for.
    let says = "plakar: Can't take exclusive lock, repository is already locked";
    let locked = world.meddled("maintenance", &format!("echo \"{says}\"; exit 1"));
    let ended = maintain(&world, &locked).await;
    let reason = says.trim_start_matches("plakar: ").to_owned();
    assert_eq!(ended.verdict, Verdict::StoreLocked { reason });
}
