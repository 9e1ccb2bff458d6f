//! A search over all restore points, deleted files included.

use plakar_driver::{AllPointsAnswer, SnapshotId};
use source_app::service::{Problem, Work};
use source_app::state::AppKind;

use crate::serving::run;
use crate::world::World;

#[tokio::test]
async fn a_deleted_file_is_found_with_the_last_restore_point_that_has_it() {
    let world = World::new().await;
    let service = world.service();
    let password = world.simulator.password();
    let app = service
        .assign(world.assign(AppKind::Source, "mine", "opendrive://", password))
        .await
        .unwrap();
    let backup = async || {
        let (made, log) = run(&service, &app, Work::Backup).await;
        SnapshotId::new(made.snapshot.as_deref().unwrap_or_else(|| panic!("{log}"))).unwrap()
    };
    let search = async |text: &str| -> AllPointsAnswer {
        loop {
            let found = service.search_all_points(app.id, text, 0, 100).await.unwrap();
            if !found.reading {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    world.put("letters/old.txt", b"old");
    world.put("letters/kept.txt", b"kept");
    let first = backup().await;
    world.put("letters/old.txt", b"longer");
    let second = backup().await;
    assert!(world.simulator.drive().remove("letters/old.txt"));
    world.put("letters/new.txt", b"new");
    let third = backup().await;

    let found = search("*.TXT").await;
    assert_eq!((found.searched, found.unsearched.len(), found.reason), (3, 0, None));
    let rows: Vec<_> = found
        .page
        .items
        .iter()
        .map(|found| (&*found.path, found.size, &found.first.id, &found.last.id, found.gone_since))
        .collect();
    let gone = service.point(app.id, &third).await.unwrap().point.taken;
    assert_eq!(
        rows,
        [
            ("/letters/kept.txt", 4, &first, &third, None),
            ("/letters/new.txt", 3, &third, &third, None),
            ("/letters/old.txt", 6, &first, &second, Some(gone)),
        ]
    );
    assert_eq!(search("letter").await.page.items[0].path, "/letters");
    assert_eq!(search("nowhere").await.page.total, Some(0));
    let refused = service.search_all_points(app.id, " ", 0, 10).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Input);

    // A restore point that goes takes what only it had; one that comes is read.
    world.user.ok(&["at", &world.user.path("vault"), "rm", "-apply", second.short()]);
    world.put("letters/newest.txt", b"1");
    let fourth = backup().await;
    let found = search("old.txt").await;
    assert_eq!(found.page.items[0].last.id, first);
    assert_eq!(found.page.items[0].gone_since, Some(gone));
    assert_eq!(search("newest").await.page.items[0].first.id, fourth);
    service.stop().await;
}
