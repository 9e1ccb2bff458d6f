//! What an app's address must not lead to: other apps' restore points, and what is not in its own.

use plakar_driver::{Kind, SnapshotId};
use source_app::service::{Problem, Work};
use source_app::state::AppKind;

use crate::browsing::encoded;
use crate::console::Console;
use crate::world::{World, name, options};

#[tokio::test]
async fn only_an_apps_own_restore_points_are_there_and_only_what_is_in_them() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let folder = world.local(&[("a.txt".into(), b"a".to_vec())]).await;
    let (mine, other) = (
        console.local(&world, "mine", &folder).await,
        console.local(&world, "other", &folder).await,
    );
    let destination = console.assign(&world, AppKind::Destination, "there", "drive").await;
    assert_eq!(
        console.page(&format!("/apps/{}/points", mine.id)).await.text(".empty h2"),
        "No restore points yet"
    );
    let theirs = console.run(&other, Work::Backup).await.snapshot.unwrap();
    let own = console.run(&mine, Work::Backup).await.snapshot.unwrap();
    assert_eq!(console.page(&format!("/apps/{}/points", mine.id)).await.texts("tbody tr").len(), 1);
    let file = encoded(folder.join("a.txt").to_str().unwrap());
    let routes = |app: i64, id: &str, path: &str| {
        let base = format!("/apps/{app}/points/{id}");
        let files = ["view", "raw", "download", "restore"]
            .map(|route| format!("{base}/{route}?path={path}"));
        let others = [
            format!("{base}?path={path}"),
            format!("{base}?at={}", encoded(path)),
            format!("{base}?path={path}&text=a&in=all"),
        ];
        files.into_iter().chain(others).collect::<Vec<_>>()
    };
    for path in routes(mine.id, &theirs, &file)
        .into_iter()
        .chain([format!("/apps/{}/points/{theirs}/errors", mine.id)])
    {
        let answer = console.get(&path).await;
        assert!(
            answer.status == 404 && !answer.text().contains("a.txt"),
            "{path}: {}",
            answer.status
        );
    }
    for path in routes(mine.id, &own, &file) {
        assert!([200, 303].contains(&console.get(&path).await.status.as_u16()), "{path}");
    }
    let restore = format!("/apps/{}/points/{theirs}/restore?path={file}", mine.id);
    assert_eq!(
        console.post(&restore, &[("to", "folder"), ("folder", &world.user.path("x"))]).await.status,
        404
    );
    for path in
        ["", "a.txt", "%2F..%2Fetc", "/%2e%2e/", "%2Ftmp%2F..", "%2F.%2Fa", "%2Fa%00b", "/..%2f"]
    {
        for route in routes(mine.id, &own, path) {
            let status = console.get(&route).await.status;
            // Nothing in `at` is what was backed up.
            assert!(
                status == 400 || (path.is_empty() && route.contains("?at=")),
                "{route}: {status}"
            );
        }
    }
    for path in ["/none", "/tmp/none%2Fnone"] {
        for route in routes(mine.id, &own, path).iter().filter(|route| !route.contains("&text=")) {
            assert_eq!(console.get(route).await.status, 404, "{route}");
        }
    }
    for (app, id, status) in [
        (mine.id, "latest", 400),
        (mine.id, "..", 404),
        (999, own.as_str(), 404),
        (destination.id, own.as_str(), 400),
    ] {
        let url = format!("/apps/{app}/points/{id}?path=%2F");
        let answer = console.get(&url).await.status.as_u16();
        assert!(answer == status || (id == ".." && answer >= 400), "{url}: {answer}");
    }
    assert_eq!(console.get(&format!("/apps/{}/points", destination.id)).await.status, 400);
    for page in ["0", "9999999999999", "18446744073709551615"] {
        assert_eq!(
            console.get(&format!("/apps/{}/points?page={page}", mine.id)).await.status,
            200,
            "{page}"
        );
        assert_eq!(
            console.get(&format!("/apps/{}/points/{own}?page={page}", mine.id)).await.status,
            200,
            "{page}"
        );
    }
    assert_eq!(
        console
            .get(&format!("/apps/{}/points/{own}/download?path=%2F&format=rar", mine.id))
            .await
            .status,
        400
    );
    let missing = console.service.point(mine.id, &SnapshotId::new(&theirs).unwrap()).await;
    assert_eq!(missing.err().unwrap().problem(), Problem::NotFound);
    // The name of its configuration is of no account.
    world
        .plakar
        .configure(Kind::Source, &name("mine"), &options(&[("location", "/none")]))
        .await
        .unwrap();
    assert_eq!(
        console.page(&format!("/apps/{}/points/{own}", mine.id)).await.text(".entry bdi"),
        "a.txt"
    );
}
