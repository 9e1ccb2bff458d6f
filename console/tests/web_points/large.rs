//! A restore point so large that a search must not wait for its names to be read.

use source_app::service::Work;

use crate::browsing::{encoded, read};
use crate::console::Console;
use crate::html::Html;
use crate::world::World;

#[tokio::test]
async fn a_search_of_a_large_restore_point_does_not_wait_for_its_names_to_be_read() {
    const FILES: usize = 12_000;
    let world = World::new().await;
    let console = Console::of(&world).await;
    let folder = world.local(&[("many/last.txt".into(), b"last".to_vec())]).await;
    for number in 0..FILES {
        std::fs::write(folder.join(format!("many/{number:05}.txt")), "").unwrap();
    }
    std::os::unix::fs::symlink("many", folder.join("link")).unwrap();
    let app = console.local(&world, "large", &folder).await;
    let made = console.run(&app, Work::Backup).await;
    let address = format!("/apps/{}/points/{}?path=%2F&text=last", app.id, made.snapshot.unwrap());
    let text = console.get(&address).await.text();
    let page = Html::sound(&text, &address);
    assert!(
        page.text("[data-again] [role=status]").contains("are being read"),
        "{}",
        page.text("main")
    );
    assert!(text.contains("<noscript><meta http-equiv=\"refresh\""), "for who has no script");
    let progress = page.text("[data-progress]");
    let (read_so_far, all) = progress.split_once(" of ").unwrap();
    assert!(
        read_so_far.parse::<usize>().unwrap() <= FILES && all.parse::<usize>().unwrap() > FILES,
        "{progress}"
    );
    assert_eq!(read(&console, &address).await.texts(".entry bdi"), ["last.txt"]);
    // Once they are, it is there at once, and so is an order.
    assert_eq!(console.page(&address).await.texts(".entry bdi"), ["last.txt"]);
    let ordered = async |folder_name: &str| {
        let path = encoded(folder.join(folder_name).to_str().unwrap());
        let page =
            console.page(&address.replace("%2F&text=last", &format!("{path}&sort=-size"))).await;
        (
            page.texts(".entry bdi")[0].clone(),
            page.texts("p.notice"),
            page.has("[data-again], meta[http-equiv=refresh]"),
        )
    };
    assert_eq!(ordered("many").await, ("last.txt".into(), vec![], false));
    // A way through a link is in no index: it cannot be ordered, and the page does not ask for that
    // again and again.
    let (first, notices, again) = ordered("link").await;
    assert_eq!((first.as_str(), notices.len(), again), ("00000.txt", 1, false), "{notices:?}");
    assert!(notices[0].contains("cannot be put in that order"), "{notices:?}");
}
