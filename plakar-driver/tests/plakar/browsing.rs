//! Restore points, folders, search, downloads.

use std::time::Duration;

use futures::StreamExt;
use plakar_driver::{
    ArchiveFormat, Browsers, CancellationToken, Download, EntryKind, Error, Kind, NewStore,
    PointCheck, Store,
};

use crate::world::{World, name, noise, options, path};

/// All of a download, or the error at its end.
async fn read(download: Download) -> std::io::Result<Vec<u8>> {
    let mut content = download.content;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// Names that break lines, addresses, archives, pages and shells.
const HOSTILE: [&str; 12] = [
    "-rf",
    "new\nline",
    "..hidden",
    "%2e%2e",
    "a:b?c=d&e#f",
    "<script>alert(1)<",
    "in\u{202e}gpj.exe",
    "'quoted' \"twice\"",
    "back\\slash",
    "$(id) `id`",
    " spaces ",
    "🦀",
];

#[tokio::test]
async fn folders_are_paged_and_hostile_names_are_just_names() {
    let world = World::new().await;
    let mut files: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .map(|(n, name)| ((*name).to_owned(), format!("content {n}").into_bytes()))
        .collect();
    files.push(("folder/below.txt".into(), b"below".into()));
    let folder = path(world.local(&files).await.to_str().unwrap());
    let (made, _) = world.backup().await;
    let id = made.snapshot.unwrap_or_else(|| panic!("{:?}", made.verdict));
    let browser = world.browser().await;
    let root = browser.children(&id, &path("/"), 0, 10).await.unwrap();
    assert_eq!(
        (root.items.len(), root.items[0].kind, root.items[0].name.as_str()),
        (1, EntryKind::Folder, "tmp")
    );
    let (mut names, mut offset) = (Vec::new(), 0);
    loop {
        let page = browser.children(&id, &folder, offset, 5).await.unwrap();
        assert_eq!(page.total, Some(13));
        offset += page.items.len() as u64;
        names.extend(page.items.iter().map(|entry| entry.name.clone()));
        if !page.more {
            break;
        }
        assert_eq!(page.items.len(), 5);
    }
    let mut expected: Vec<String> =
        HOSTILE.iter().map(|name| (*name).to_owned()).chain(["folder".to_owned()]).collect();
    expected.sort();
    names.sort();
    assert_eq!(names, expected);
    for (n, name) in HOSTILE.iter().enumerate() {
        let path = folder.join(name).unwrap();
        let entry = browser.entry(&id, &path).await.unwrap();
        assert_eq!((entry.path().unwrap(), entry.kind), (path.clone(), EntryKind::File));
        let download = browser.clone().download(&id, &path).await.unwrap();
        assert!(!download.name.contains(['\n', '\u{202e}', '/', '\\']), "{:?}", download.name);
        assert_eq!(read(download).await.unwrap(), format!("content {n}").as_bytes(), "{name:?}");
    }
    assert!(matches!(
        browser.entry(&id, &folder.join("none").unwrap()).await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        browser.clone().download(&id, &folder.join("folder").unwrap()).await,
        Err(Error::Input(_))
    ));
}

#[tokio::test]
async fn a_port_that_is_taken_meanwhile_is_not_the_end() {
    let world = World::new().await;
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    // The real one begins a reason with the path that it was started by.
    let gives_taken = format!(
        "for word; do shift; case $word in 127.0.0.1:*) word={taken};; esac; set -- \"$@\" \"$word\"; done; \
         plakar \"$@\" | sed 's/^.*plakar: /plakar: /'; exit 1"
    );
    // Another program is quicker, once.
    let mark = world.user.home().join("quicker");
    let once = world.meddled("ui", &format!("if mkdir {}; then {gives_taken}; fi", mark.display()));
    let browser = world.browsers.of(&once, &world.store).await.unwrap();
    assert!(mark.is_dir() && browser.restore_points(None).await.unwrap().is_empty());

    // It ends where it is so each time, with plakar's reason.
    let other = Browsers::new(Duration::from_secs(10));
    let always = world.meddled("ui", &gives_taken);
    let Err(error) = other.of(&always, &world.store).await else { panic!("on {taken}") };
    assert_eq!(error.to_string(), format!("listen tcp {taken}: bind: address already in use"),);
}

/// What runs has read the configuration once: it would show the store of before.
#[tokio::test]
async fn a_store_that_is_configured_anew_is_opened_anew() {
    let world = World::new().await;
    let vault = Store::named(name("vault"));
    let place = async |entry: &str, folder: &str| {
        let options = options(&[("location", &world.user.path(folder))]);
        world.plakar.configure(Kind::Store, &name(entry), &options).await.unwrap();
    };
    for folder in ["one", "other"] {
        place("vault", folder).await;
        world.plakar.create_store(&vault, NewStore::UNENCRYPTED).await.unwrap();
    }
    let browser = async || world.browsers.of(&world.plakar, &vault).await.unwrap();
    let other = browser().await.repository().await.unwrap();
    place("vault", "one").await;
    let one = browser().await;
    assert_ne!(one.repository().await.unwrap().id, other.id);
    // What becomes of other entries is no reason.
    place("more", "more").await;
    world.configure(Kind::Source, "opendrive://more").await;
    assert!(std::sync::Arc::ptr_eq(&one, &browser().await));
}

#[tokio::test]
async fn files_are_found_by_a_part_of_the_name_or_a_pattern() {
    let world = World::new().await;
    for name in
        ["a/Letter.txt", "a/b/letter 2.txt", "a/b/other.txt", "c/letters.md", "c/a.b", "c/axb"]
    {
        world.put(name, b"x");
    }
    let id = world.backup().await.0.snapshot.unwrap();
    let browser = world.browser().await;
    let search = async |folder: &str, text: &str| {
        let found = browser.search(&id, &path(folder), text, 0, 50).await.unwrap();
        let mut found: Vec<String> =
            found.items.iter().map(|entry| entry.path().unwrap().to_string()).collect();
        found.sort();
        found
    };
    assert_eq!(
        search("/", "LETTER").await,
        ["/a/Letter.txt", "/a/b/letter 2.txt", "/c/letters.md"]
    );
    assert_eq!(search("/a", "letter*.txt").await, ["/a/Letter.txt", "/a/b/letter 2.txt"]);
    assert_eq!(search("/", "a.b").await, ["/c/a.b"]);
    assert_eq!(search("/", "a?b").await, ["/c/a.b", "/c/axb"]);
    assert_eq!(search("/", "[").await, Vec::<String>::new());
    // What was backed up is a folder of the drive.
    world.configure(Kind::Source, "opendrive://a/b").await;
    let narrow = world.backup().await.0.snapshot.unwrap();
    let found = browser.search(&narrow, &path("/"), "letter", 0, 50).await.unwrap();
    assert!(
        found.items.len() == 1 && found.items[0].path().unwrap() == path("/a/b/letter 2.txt"),
        "{found:?}"
    );
    let first = browser.search(&id, &path("/"), "letter", 0, 2).await.unwrap();
    let second = browser.search(&id, &path("/"), "letter", 2, 2).await.unwrap();
    assert_eq!(
        (first.items.len(), first.more, second.items.len(), second.more),
        (2, true, 1, false)
    );
}

#[tokio::test]
async fn a_download_is_whole_or_an_error() {
    let world = World::new().await;
    let bytes = noise(1, 12_000_000);
    world.put("data/large.bin", &bytes);
    world.put("data/page.html", b"<script>alert(1)</script>");
    world.put("data/sub/small.txt", b"small");
    let id = world.backup().await.0.snapshot.unwrap();
    let browser = world.browser().await;
    let large = browser.clone().download(&id, &path("/data/large.bin")).await.unwrap();
    assert_eq!((large.name.as_str(), large.size), ("large.bin", Some(12_000_000)));
    assert!(read(large).await.unwrap() == bytes);
    let page = browser.clone().download(&id, &path("/data/page.html")).await.unwrap();
    assert_eq!(page.content_type, "application/octet-stream");

    let archive = async |format| {
        let archive = world
            .plakar
            .archive(&world.store, &id, &path("/data"), format, &CancellationToken::new())
            .await
            .unwrap();
        (archive.name.clone(), read(archive).await)
    };
    let (name, tarball) = archive(ArchiveFormat::Tarball).await;
    let file = world.user.home().join(&name);
    std::fs::write(&file, tarball.unwrap()).unwrap();
    assert_eq!(name, "data.tar.gz");
    let unpacked = std::process::Command::new("tar")
        .args(["xzf", &name])
        .current_dir(world.user.home())
        .status()
        .unwrap();
    assert!(unpacked.success());
    assert!(std::fs::read(world.user.home().join("large.bin")).unwrap() == bytes);
    assert_eq!(std::fs::read(world.user.home().join("sub/small.txt")).unwrap(), b"small");
    let (name, zip) = archive(ArchiveFormat::Zip).await;
    assert!(name == "data.zip" && zip.unwrap().starts_with(b"PK"));

    // Several together, with their names from the folder on that they are in.
    let several = [path("/data/large.bin"), path("/data/sub"), path("/data/sub/small.txt")];
    let together = browser.clone().download_several(&id, &several).await.unwrap();
    assert_eq!(together.name, "data.zip");
    let unpacked = unzipped(&read(together).await.unwrap());
    let names: Vec<&str> = unpacked.keys().map(String::as_str).collect();
    assert_eq!(names, ["large.bin", "sub/", "sub/small.txt"]);
    assert!(unpacked["large.bin"] == bytes && unpacked["sub/small.txt"] == b"small");
    assert!(browser.clone().download_several(&id, &[path("/data/none")]).await.is_err());
    assert!(browser.clone().download_several(&id, &[]).await.is_err());

    // The store rots: what is in the middle of the file is not what it was.
    world.damage();
    let cut = browser.clone().download_several(&id, &several).await.unwrap();
    assert!(read(cut).await.is_err(), "it must not look whole");
    let cut = browser.clone().download(&id, &path("/data/large.bin")).await;
    let read_on = match cut {
        Ok(download) => read(download).await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    assert!(read_on.is_err());
    let checked = world.check(std::slice::from_ref(&id)).await;
    let PointCheck::Damaged { failed, .. } = &checked[0] else { panic!("{checked:?}") };
    assert_eq!(failed[0].path, "/data/large.bin");
    for format in [ArchiveFormat::Tarball, ArchiveFormat::Zip] {
        let error = archive(format).await.1.expect_err("an archive of a damaged store").to_string();
        assert!(error.starts_with("plakar could not read all of it"), "{error}");
    }
}

#[tokio::test]
async fn an_archive_of_a_folder_with_a_damaged_list_does_not_look_whole() {
    let world = World::new().await;
    for name in ["Qx7vKpWz.bin", "Yt3mLcRn.bin"] {
        world.put(&format!("data/{name}"), name.as_bytes());
    }
    let id = world.backup().await.0.snapshot.unwrap();
    let archive = async || {
        let browser = world.browser().await;
        match browser.download_several(&id, &[path("/data")]).await {
            Ok(download) => read(download).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    let names = ["data/", "data/Qx7vKpWz.bin", "data/Yt3mLcRn.bin"];
    let unpacked = unzipped(&archive().await.unwrap());
    assert_eq!(unpacked.keys().collect::<Vec<_>>(), names);

    // The name stands in the folder's list, and in what the store knows besides: plakar ends the
    // list without a word.
    let mut told = Vec::new();
    for place in world.places_with("store", b"Qx7vKpWz") {
        World::flip(&place);
        match archive().await {
            Ok(zip) => assert_eq!(unzipped(&zip).keys().collect::<Vec<_>>(), names, "{place:?}"),
            Err(error) => told.push(error),
        }
        World::flip(&place);
    }
    assert!(
        told.iter().any(|error| error.contains("only 0 of 2 entries of /data can be listed")),
        "{told:?}"
    );
}

/// What is in a ZIP archive, by its list at the end; each file as its check sum says.
fn unzipped(zip: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let number = |at: usize, bytes: usize| -> usize {
        zip[at..at + bytes].iter().rev().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
    };
    let end = zip.len() - 22;
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut found = std::collections::BTreeMap::new();
    for _ in 0..count {
        assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
        let (sum, packed, size) = (number(at + 16, 4), number(at + 20, 4), number(at + 24, 4));
        let (name, more, local) = (number(at + 28, 2), number(at + 30, 2), number(at + 42, 4));
        let called = String::from_utf8(zip[at + 46..at + 46 + name].to_vec()).unwrap();
        assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
        let begin = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let mut content = Vec::with_capacity(size + 1);
        if number(at + 10, 2) == 8 {
            let mut inflate = flate2::Decompress::new(false);
            let bytes = &zip[begin..begin + packed];
            inflate.decompress_vec(bytes, &mut content, flate2::FlushDecompress::Finish).unwrap();
        }
        let mut check = flate2::Crc::new();
        check.update(&content);
        assert_eq!((content.len(), check.sum() as usize), (size, sum), "{called}");
        found.insert(called, content);
        at += 46 + name + more;
    }
    assert_eq!(at, end);
    found
}
