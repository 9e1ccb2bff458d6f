//! The search over all restore points, deleted files included, and how far it is.

use source_app::service::Work;
use source_app::state::AppKind;

use crate::console::Console;
use crate::world::World;

#[tokio::test]
async fn a_deleted_file_is_found_and_leads_to_the_last_restore_point_that_has_it() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let app = console.assign(&world, AppKind::Source, "mine", "drive").await;
    world.put("letters/old <b>.txt", b"old");
    world.put("letters/kept.txt", b"kept");
    let first = console.run(&app, Work::Backup).await.snapshot.unwrap();
    let stored = opendrive_sim::stored_name("old <b>.txt");
    assert!(world.simulator.drive().remove(&format!("letters/{stored}")));
    let second = console.run(&app, Work::Backup).await.snapshot.unwrap();
    let place = format!("/apps/{}/find?text=*.txt", app.id);
    let page = loop {
        let page = console.page(&place).await;
        if !page.has("[data-again]") {
            break page;
        }
        assert!(page.text("[data-progress]").ends_with("of 2 restore points"));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(page.text("caption"), "2 paths found in all restore points");
    assert_eq!(page.texts("tbody th bdi"), ["/letters/kept.txt", "/letters/old <b>.txt"]);
    let newest = page.texts("td[data-label='In the newest']");
    assert!(newest[0] == "yes" && newest[1].starts_with("deleted since 20"), "{newest:?}");
    let old = format!("/apps/{}/points/{first}", app.id);
    assert!(page.has(&format!("td[data-label='Last in'] a[href='{old}']")));
    assert!(
        page.has(&format!("td[data-label='Last in'] a[href='/apps/{}/points/{second}']", app.id))
    );
    let download = format!("{old}/download?path=/letters/old%20%3Cb%3E.txt");
    assert!(page.has(&format!("a[href='{download}']")));
    assert_eq!(console.get(&download).await.bytes, b"old");
    let none = console.page(&format!("/apps/{}/find?text=nowhere", app.id)).await;
    assert_eq!(none.text(".empty h2"), "Nothing found");
    let list = console.page(&format!("/apps/{}/points", app.id)).await;
    assert!(list.has("form[role=search] #text-all"));
}
