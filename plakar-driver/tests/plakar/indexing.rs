//! Large restore points: the same by plakar and by their index.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use plakar_driver::{
    Browser, Browsers, Entry, EntryKind, Error, Index, IndexState, Kind, Order, OrderBy, Page,
    SnapshotId, SnapshotPath, Verdict,
};

use crate::world::{World, name, options, path};

/// The index, once it is made.
async fn ready(browser: &Browser, id: &SnapshotId) -> Arc<Index> {
    let wait = async {
        loop {
            match browser.index(id).await {
                IndexState::Ready(index) => return index,
                IndexState::Building { .. } => tokio::time::sleep(Duration::from_millis(5)).await,
                IndexState::TooLarge => panic!("too large"),
                IndexState::Failed(reason) => panic!("{reason}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
}

/// All of a list, of pages of so many.
async fn all(limit: usize, page: impl AsyncFn(u64) -> Page<Entry>) -> Vec<Entry> {
    let mut items = Vec::new();
    loop {
        let page = page(items.len() as u64).await;
        assert!(!page.more || page.items.len() == limit);
        items.extend(page.items);
        if !page.more {
            return items;
        }
    }
}

async fn children(browser: &Browser, id: &SnapshotId, folder: &SnapshotPath) -> Vec<Entry> {
    all(700, async |offset| browser.children(id, folder, offset, 700).await.unwrap()).await
}

/// What a search finds, but for folders and digests, of which only one of both ways knows. By path:
/// the orders differ.
async fn found(browser: &Browser, id: &SnapshotId, folder: &str, text: &str) -> Vec<Entry> {
    let mut found = all(1000, async |offset| {
        browser.search(id, &path(folder), text, offset, 1000).await.unwrap()
    })
    .await;
    found.retain(|entry| entry.kind != EntryKind::Folder);
    found.iter_mut().for_each(|entry| entry.content = None);
    found.sort_by(|a, b| (&a.folder, &a.name, a.modified).cmp(&(&b.folder, &b.name, b.modified)));
    found
}

#[tokio::test]
async fn a_large_restore_point_is_the_same_by_plakar_and_by_its_index() {
    let world = World::new().await;
    let mut files: Vec<(String, Vec<u8>)> =
        (0..3000).map(|n| (format!("many/Photo {n:04}.jpg"), vec![b'x'; n % 7])).collect();
    for odd in [
        "new\nline",
        "in\u{202e}gpj.exe",
        "'q' \"Q\"",
        "%2e%2f",
        "case",
        "CASE",
        "Case",
        "a*b?[c]",
        " ",
        "\\",
        "<b>&",
        "\u{fffd}",
        "É",
        "é",
    ] {
        files.push((format!("odd/{odd}"), odd.as_bytes().to_vec()));
        files.push((format!("folders/{odd}/{odd}/deep"), b"deep".to_vec()));
    }
    let folder = world.local(&files).await;
    std::fs::create_dir(folder.join("empty")).unwrap();
    symlink("many", folder.join("link to a folder")).unwrap();
    symlink("/nowhere\n", folder.join("odd/link")).unwrap();
    for bytes in [b"odd/f\xff", b"odd/f\xfe"] {
        std::fs::write(folder.join(OsStr::from_bytes(bytes)), bytes).unwrap();
    }
    let old = std::time::UNIX_EPOCH - Duration::from_millis(1500);
    std::fs::File::options()
        .write(true)
        .open(folder.join("odd/case"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let id = world.backup().await.0.snapshot.unwrap();
    let by_plakar = Browsers::with_index_limit(Duration::from_secs(60), 0)
        .of(&world.plakar, &world.store)
        .await
        .unwrap();
    assert!(matches!(
        by_plakar.index(&id).await,
        IndexState::TooLarge | IndexState::Building { .. }
    ));
    let browser = world.browser().await;
    // The first page is there at once, and has the index made.
    let root = path(folder.to_str().unwrap());
    let first = browser.children(&id, &root.join("many").unwrap(), 10, 5).await.unwrap();
    assert_eq!(
        (first.items.len(), first.items[0].name.as_str(), first.total),
        (5, "Photo 0010.jpg", Some(3000))
    );
    let index = ready(&browser, &id).await;
    assert!(index.is_whole());

    let (mut folders, mut seen) = (vec![SnapshotPath::root()], 0);
    while let Some(folder) = folders.pop() {
        let listed = children(&browser, &id, &folder).await;
        assert_eq!(listed, children(&by_plakar, &id, &folder).await, "{folder}");
        assert_eq!(
            listed.len() as u64,
            index.children(&folder, 0, 1, Order::default()).unwrap().total.unwrap()
        );
        seen += listed.len() as u64;
        folders.extend(
            listed
                .iter()
                .filter(|entry| entry.kind == EntryKind::Folder)
                .map(|entry| entry.path().unwrap()),
        );
    }
    assert_eq!(seen, index.entries());
    // A way through a link is known to plakar alone.
    let through = root.join("link to a folder").unwrap();
    assert!(index.children(&through, 0, 1, Order::default()).is_none());
    assert_eq!(children(&browser, &id, &through).await.len(), 3000);
    assert!(matches!(
        browser.children(&id, &root.join("none").unwrap(), 0, 1).await,
        Err(Error::NotFound(_))
    ));

    for text in [
        "PHOTO",
        "photo 00?7.*",
        "case",
        "é",
        "line",
        "*\"*",
        "%2E",
        "[",
        "a*b",
        "",
        "\u{202e}",
        "f?",
        "nothing",
    ] {
        for below in [root.as_str(), root.join("odd").unwrap().as_str(), "/"] {
            assert_eq!(
                found(&browser, &id, below, text).await,
                found(&by_plakar, &id, below, text).await,
                "{text:?} in {below}"
            );
        }
    }
    let page = browser.search(&id, &root, "empty", 0, 10).await.unwrap();
    assert_eq!(
        (page.total, page.items[0].kind, page.more),
        (Some(1), EntryKind::Folder, false),
        "a folder is found too"
    );
    let page = browser.search(&id, &root, "photo", 2990, 100).await.unwrap();
    assert_eq!((page.total, page.items.len(), page.more), (Some(3000), 10, false));

    let largest = Order { by: OrderBy::Size, descending: true };
    let listing = browser.ordered(&id, &root.join("many").unwrap(), 0, 500, largest).await.unwrap();
    let expected: BTreeSet<u64> = [5, 6].into();
    assert_eq!(
        listing.page.items.iter().map(|entry| entry.size).collect::<BTreeSet<_>>(),
        expected
    );
    assert_eq!((listing.order, listing.reading), (largest, false));
    let listing =
        by_plakar.ordered(&id, &root.join("many").unwrap(), 0, 500, largest).await.unwrap();
    assert_eq!(
        (listing.order, listing.page.items[0].name.as_str()),
        (Order::default(), "Photo 0000.jpg")
    );
    assert!(!listing.reading, "no order is to be waited for where no index is made");
    // A folder that is given whole needs none.
    let listing = by_plakar.ordered(&id, &root, 0, 500, largest).await.unwrap();
    assert_eq!(
        (listing.order, listing.page),
        (largest, index.children(&root, 0, 500, largest).unwrap())
    );
}

#[tokio::test]
async fn folders_that_plakar_cannot_be_asked_for_and_entries_that_failed() {
    let world = World::new().await;
    let folder = world.local(&[("fine/file".into(), b"1".to_vec())]).await;
    for bytes in [&b"f\xff"[..], b"f\xfe", "f\u{fffd}".as_bytes()] {
        let folder = folder.join(OsStr::from_bytes(bytes));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("inner"), bytes).unwrap();
    }
    let id = world.backup().await.0.snapshot.unwrap();
    let browser = world.browser().await;
    let index = ready(&browser, &id).await;
    assert!(!index.is_whole());
    let root = path(folder.to_str().unwrap());
    assert_eq!(children(&browser, &id, &root).await.len(), 4);
    assert_eq!(children(&browser, &id, &root.join("f\u{fffd}").unwrap()).await.len(), 1);
    assert_eq!(
        found(&browser, &id, root.as_str(), "inner").await.len(),
        3,
        "what the index does not know is found"
    );

    world.put("good.txt", b"good");
    world.put("closed/file", b"x");
    world.put("open/file", b"x");
    world.simulator.make_unlistable("closed");
    let refused = opendrive_sim::What::Status {
        code: 403,
        message: "Access denied".into(),
        retry_after: None,
    };
    let fault = opendrive_sim::Fault::new(refused)
        .endpoint("download/file")
        .item(&opendrive_sim::stored_name("good.txt"));
    world.simulator.add_fault(fault.always());
    let password = world.simulator.password().to_owned();
    let drive = options(&[
        ("location", "opendrive://"),
        ("username", world.simulator.username()),
        ("password", &password),
    ]);
    world.plakar.configure(Kind::Source, &name("drive"), &drive).await.unwrap();
    let made = world.backup().await.0;
    assert!(matches!(made.verdict, Verdict::Errors { count: 2, .. }), "{made:?}");
    let id = made.snapshot.unwrap();
    assert_eq!(ready(&browser, &id).await.entries(), 2);
    // A restore point that is gone is known no more.
    world.user.ok(&["at", &world.user.path("store"), "rm", "-apply", id.as_str()]);
    browser.restore_points(None).await.unwrap();
    assert!(browser.children(&id, &SnapshotPath::root(), 0, 1).await.is_err());
}
