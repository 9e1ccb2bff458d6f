//! A destination restores from its own page.

use source_app::service::Work;
use source_app::state::{AppKind, TaskState};

use crate::console::Console;
use crate::world::World;

#[tokio::test]
async fn a_destination_chooses_what_is_restored_to_it() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let target = console.assign(&world, AppKind::Destination, "landing", "drive").await;
    let landing = [
        ("location", "opendrive://Landed"),
        ("username", world.simulator.username()),
        ("password", world.simulator.password()),
    ];
    let (kind, named) = (plakar_driver::Kind::Destination, crate::world::name("landing"));
    world.plakar.configure(kind, &named, &crate::world::options(&landing)).await.unwrap();
    let place = format!("/apps/{}/restore", target.id);
    let page = console.page(&place).await;
    assert_eq!(page.text(".empty h2"), "No sources yet");

    let other = console.assign(&world, AppKind::Source, "other", "elsewhere").await;
    let app = console.assign(&world, AppKind::Source, "mine", "drive").await;
    world.put("letters/one <b>.txt", b"one");
    world.put("letters/deep/two.txt", b"two");
    world.put("data.bin", b"data");
    let made = console.run(&app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{}", made.verdict);
    let snapshot = made.snapshot.unwrap();

    // The app, of the same resource first; then the restore point; then the part.
    let page = console.page(&format!("/apps/{}", target.id)).await;
    assert_eq!(page.attribute(".actions a.primary", "href"), place);
    let page = console.page(&place).await;
    assert_eq!(page.texts("tbody th a"), ["mine", "other"]);
    let of_other = console.page(&format!("{place}?source={}", other.id)).await;
    assert_eq!(of_other.text(".empty h2"), "No restore points yet");
    let points = page.attribute("tbody th a", "href");
    let page = console.page(&points).await;
    let point = page.attribute("tbody th a", "href");
    assert_eq!(point, format!("{points}&point={snapshot}"));
    let page = console.page(&point).await;
    assert!(page.text("#what").starts_with("Restore all that was backed up to landing ("));
    assert_eq!(page.texts("tbody th a"), ["data.bin", "letters"]);
    let letters = format!("{point}&path=/letters");
    assert!(page.has(&format!("tbody a[href='{letters}']")));
    let page = console.page(&letters).await;
    assert!(page.text("#what").starts_with("Restore what is in this folder to landing ("));
    assert_eq!(page.texts("tbody th a"), ["deep", "one <b>.txt"]);
    assert_eq!(page.texts("ol.path li").len(), 2);
    let file = page.attribute("tbody th span.entry-file a", "href");
    let page = console.page(&file).await;
    assert!(page.text("#what").starts_with("Restore this file to landing (3 B)"));
    assert!(!page.has("table"));

    let source = app.id.to_string();
    let wish =
        |path: &'static str| [("source", source.as_str()), ("point", &snapshot), ("path", path)];
    let task = console.done(&place, &wish("/letters")).await;
    let id = task.strip_prefix("/tasks/").unwrap().parse().unwrap();
    let restored = console.ended(id).await;
    assert_eq!(
        (restored.app, restored.state),
        (app.id, TaskState::Succeeded),
        "{}",
        restored.verdict
    );
    let drive = world.simulator.drive();
    assert_eq!(drive.read_file("Landed/deep/two.txt").as_deref(), Some(&b"two"[..]));
    assert!(drive.read_file("Landed/data.bin").is_none());

    // What cannot be restored says so, and nothing is begun.
    let before = console.service.tasks(Default::default()).await.unwrap().len();
    for (fields, status) in [
        (wish("/nowhere"), 404),
        (wish("relative"), 400),
        ([("source", "x"), ("point", &snapshot), ("path", "/")], 400),
        ([("source", source.as_str()), ("point", "x"), ("path", "/")], 400),
        ([("source", "99"), ("point", &snapshot), ("path", "/")], 404),
    ] {
        console.refused(&place, status, &fields).await;
    }
    assert_eq!(console.service.tasks(Default::default()).await.unwrap().len(), before);
    let of_source = console.get(&format!("/apps/{}/restore", app.id)).await;
    assert_eq!(of_source.status, 400);
    assert!(of_source.text().contains("is a source: restore it from its restore points"));
}
