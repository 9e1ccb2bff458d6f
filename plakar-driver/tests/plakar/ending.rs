//! Nothing outlives us, however we end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use plakar_driver::Browsers;

use crate::world::{World, environment, guard};

impl World {
    /// Waits until a process of this user, or none, has this in its command line.
    async fn until(&self, there: bool, part: &str) {
        let wait = async {
            while self.processes().iter().any(|line| line.contains(part)) != there {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(),
            "{part} {there}: {:?}",
            self.processes()
        );
    }
}

#[tokio::test]
async fn a_browser_ends_when_it_is_idle_and_when_it_is_dropped() {
    let world = World::new().await;
    let short = Browsers::new(Duration::from_millis(200));
    let first = short.of(&world.plakar, &world.store).await.unwrap();
    let again = short.of(&world.plakar, &world.store).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    world.until(true, " ui ").await;
    drop((first, again));
    world.until(false, " ui ").await;
    short.of(&world.plakar, &world.store).await.unwrap().restore_points(None).await.unwrap();
    drop(short);
    world.until(false, " ui ").await;
    world.quiet().await;
}

#[tokio::test]
async fn a_browser_that_died_is_started_anew() {
    let world = World::new().await;
    world.browser().await.restore_points(None).await.unwrap();
    let ui = world.user.processes().into_iter().filter(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        line.starts_with(b"plakar\0") && line.windows(4).any(|part| part == b"\0ui\0")
    });
    let ids: Vec<String> =
        ui.map(|process| process.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    assert!(Command::new("kill").arg("-9").args(&ids).status().unwrap().success());
    world.until(false, " ui ").await;
    world.browser().await.restore_points(None).await.unwrap();
}

/// This test is run by another one, in a process of its own that is killed.
#[tokio::test]
async fn child_that_is_killed() {
    let Ok(store) = std::env::var("SOURCE_APP_TEST_STORE") else { return };
    let plakar = plakar_driver::Plakar::find(guard()).unwrap();
    let store = plakar_driver::Store::folder(Path::new(&store)).unwrap();
    let _browser = Browsers::new(Duration::from_secs(600)).of(&plakar, &store).await.unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn a_kill_leaves_no_orphan() {
    let world = World::new().await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ending::child_that_is_killed"])
        .env_clear()
        .envs(environment(&world.user, &world.simulator))
        .env("PLAKAR", crate::plakar::plakar())
        .env("SOURCE_APP_TEST_STORE", world.user.path("store"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    world.until(true, " ui ").await;
    child.kill().unwrap();
    child.wait().unwrap();
    world.quiet().await;
    assert!(world.temporary().is_empty(), "{:?}", world.temporary());
}

/// The first process of a container may reap nothing: what has ended would seem to run on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connector_that_plakar_leaves_behind_belongs_to_the_guard() {
    let world = World::new().await;
    let file = world.user.home().join("parent");
    // It looks when the shell that has started it is gone, however long that takes.
    let orphan = format!(
        "(until read -r _ _ _ parent _ </proc/self/stat; [ $parent != $$ ]; do sleep 0.01; done; \
         cat /proc/$parent/comm >{}) & exit 1",
        file.display()
    );
    let plakar = world.meddled("backup", &orphan);
    let ignored = &mut |_| ();
    let cancel = tokio_util::sync::CancellationToken::new();
    plakar.backup(&world.browsers, &world.job(), ignored, &cancel).await.unwrap();
    // The job has waited for it.
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "source-app-guar\n");
}
