//! The pages of stores, and of a second copy.

use source_app::service::{Edit, SecondStore, Work};
use source_app::state::{AppKind, TaskState};

use crate::console::Console;
use crate::html::Html;
use crate::world::World;

#[tokio::test]
async fn stores_are_shown_without_opening_them_and_a_copy_is_looked_into() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let app = console.assign(&world, AppKind::Source, "notes", "drive").await;
    world.put("a.txt", b"one");
    let made = console.run(&app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{}", made.verdict);
    let key = app.spec.store.clone().unwrap();
    let address = format!("/stores/{}", key.replace('/', "%2F"));

    // The list, the store, and what it says of itself when it is asked.
    let page = console.page("/stores").await;
    assert!(page.texts("nav a").contains(&"Stores".to_owned()), "{:?}", page.texts("nav a"));
    assert_eq!(page.attribute("main tbody th a", "href"), address);
    let page = console.page(&address).await;
    assert!(page.text("main").contains("never"), "no check yet");
    let read = console.done(&format!("{address}/read"), &[]).await;
    assert_eq!(read, format!("{address}?notice=store-read"));
    let page = console.page(&read).await;
    let facts = page.text("main");
    assert!(facts.contains("Restore points 1") && facts.contains("Encrypted no"), "{facts}");
    // Somebody else's restore point is in the list too.
    std::fs::create_dir_all(world.user.home().join("photos")).unwrap();
    std::fs::write(world.user.home().join("photos/cat.jpg"), "cat").unwrap();
    world.user.ok(&["at", &key, "backup", "-name", "<b>evil</b>", &world.user.path("photos")]);
    let page = console.page(&format!("{address}/points")).await;
    assert_eq!(page.texts("tbody tr").len(), 2);
    let rows = page.texts("tbody tr").join("\n");
    assert!(rows.contains("notes") && rows.contains("<b>evil</b> (no app here)"), "{rows}");

    // A second store by the form of the settings.
    let settings = format!("/apps/{}/settings", app.id);
    let page = console.page(&settings).await;
    let value = |name: &str| page.attribute(&format!("[name='{name}']"), "value");
    let (revision, resource, location) =
        (value("revision"), value("resource"), value("option.location"));
    let user = value("option.username");
    let form = |more: &[(&'static str, String)]| {
        let mut fields = vec![
            ("revision", revision.clone()),
            ("resource", resource.clone()),
            ("name", "notes".to_owned()),
            ("store", key.clone()),
            ("option.location", location.clone()),
            ("option.username", user.clone()),
            ("max_age_days", "30".to_owned()),
            ("points_per_check", "1".to_owned()),
            ("alarm_files", "20".to_owned()),
            ("drill_files", "5".to_owned()),
            ("drill_megabytes", "100".to_owned()),
        ];
        fields.extend(more.iter().cloned());
        fields
    };
    fn plain<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
    let same = form(&[("second_store", key.clone())]);
    let page = console.refused(&settings, 422, &plain(&same)).await;
    assert!(page.text("#second_store-fault").contains("is the first store"));
    let away = world.user.path("away");
    let new = form(&[("second_store", away.clone()), ("create_second_store", "true".into())]);
    let page = console.refused(&settings, 422, &plain(&new)).await;
    assert!(page.text("#second-passphrase-fault").contains("has no passphrase"));
    let open = [&new[..], &[("unencrypted_second_store", "true".into())]].concat();
    console.done(&settings, &plain(&open)).await;

    // It is shown on both pages, and its copy is one to look into and to restore.
    let page = console.page(&format!("/apps/{}", app.id)).await;
    assert!(page.text("main").contains("nothing was read back yet"));
    assert!(page.text(".reason").contains("Nothing was copied"), "{}", page.text(".reason"));
    console.done(&format!("/apps/{}/tasks", app.id), &[("kind", "sync")]).await;
    let begun = console.service.tasks(Default::default()).await.unwrap().remove(0);
    let copied = console.ended(begun.id).await;
    assert_eq!(copied.state, TaskState::Succeeded, "{}", copied.verdict);
    let page = console.page(&format!("/apps/{}", app.id)).await;
    assert!(page.text("main").contains("1 of 1 restore point, the newest from"));
    let away = format!("/stores/{}", away.replace('/', "%2F"));
    let page = console.page(&format!("{away}/points")).await;
    let point = page.attribute("tbody th a", "href");
    assert!(point.contains("/points/second-"), "{point}");
    let page = console.page(&point).await;
    assert!(page.text("main").contains("the copy in the second store"));
    // No prune removes it, and so it is not pinned.
    let pin = |of: &str| format!("form[action='{of}/pin']");
    assert!(!page.has(&pin(&point)), "{}", page.text("main"));
    let original = point.replacen("second-", "", 1);
    assert!(console.page(&original).await.has(&pin(&original)));
    let file = console.get(&format!("{point}/download?path=/a.txt")).await;
    assert_eq!(file.bytes, b"one");
    let into = world.user.path("restored");
    let restore = format!("{point}/restore?path=/");
    let page = console.page(&restore).await;
    assert!(page.text("main").contains("the copy in the second store"));
    // The first store is gone.
    std::fs::rename(&key, world.user.home().join("lost")).unwrap();
    let task = console.done(&restore, &[("to", "folder"), ("folder", &into)]).await;
    let id = task.rsplit('/').next().unwrap().parse().unwrap();
    let restored = console.ended(id).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{}", restored.verdict);
    assert!(restored.about.contains(&world.user.path("away")), "{}", restored.about);
    assert_eq!(std::fs::read(format!("{into}/a.txt")).unwrap(), b"one");

    // A store that is gone is one line, and the rest of the page stays.
    console.done(&format!("{address}/read"), &[]).await;
    let page = console.page(&address).await;
    assert!(page.text("[role=alert]").contains("The store cannot be opened."));
    let facts = page.text("main");
    assert!(facts.contains("Restore points 1") && !facts.contains("Internal server"), "{facts}");
    let page = console.page(&format!("{address}/points")).await;
    assert!(page.text("[role=alert]").contains("The store cannot be opened."));
    let missing = console.get("/stores/none").await;
    assert!(missing.status == 404 && missing.text().contains("There is no store none"));
    let none = Edit { second_store: Some(SecondStore::default()), ..Edit::default() };
    let app = console.service.app(app.id).await.unwrap();
    console.service.edit(app.id, app.revision, none).await.unwrap();
}

#[tokio::test]
async fn several_are_ticked_and_downloaded_or_restored_together() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    let app = console.assign(&world, AppKind::Source, "notes", "drive").await;
    for (name, text) in [("a.txt", "one"), ("b/c.txt", "two"), ("b/d/e.txt", "three"), ("f", "no")]
    {
        world.put(name, text.as_bytes());
    }
    let made = console.run(&app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{}", made.verdict);
    let point = format!("/apps/{}/points/{}", app.id, made.snapshot.unwrap());
    let page = console.page(&format!("{point}?path=/")).await;
    assert!(page.has("#several [name=csrf]"));
    let boxes = page.texts("tbody th").len();
    assert!(boxes >= 3 && page.has("[form=several][name=tick][value='/a.txt']"));
    let several = format!("{point}/several");
    let ticked = [("tick", "/a.txt"), ("tick", "/b")];
    let with = |more: &[(&'static str, &'static str)]| [&ticked[..], more].concat();
    let archive = console.post(&several, &with(&[("do", "download")])).await;
    assert_eq!((archive.status.as_u16(), archive.header("content-type")), (200, "application/zip"));
    assert!(archive.header("content-disposition").starts_with("attachment;"));
    assert!(archive.bytes.starts_with(b"PK"));
    let none = console.post(&several, &[("do", "download")]).await;
    assert!(none.status == 400 && none.text().contains("Nothing is ticked"), "{}", none.text());

    // Where to, and a question before the source is written to.
    let page = console.post(&several, &with(&[("do", "restore")])).await;
    let page = Html::sound(&page.text(), "several");
    assert_eq!(page.texts("ul.list li").len(), 2);
    let page = console
        .refused(&several, 422, &with(&[("do", "start"), ("to", "folder"), ("folder", "x")]))
        .await;
    assert!(page.text(".faults").contains("absolute path"));
    // A folder is chosen by its name.
    let place = world.user.path("");
    let chosen = format!("{point}/restore?path=/a.txt&browse={}", place.trim_end_matches('/'));
    let page = console.page(&chosen).await;
    assert_eq!(page.attribute("#folder", "value"), place.trim_end_matches('/'));
    let folders = page.texts(".target-folder nav a");
    assert!(
        folders[0] == "The folder above" && folders.contains(&"state".to_owned()),
        "{folders:?}"
    );
    let below = page.attribute(".target-folder nav li:last-child a", "href");
    assert!(console.page(below.trim_end_matches("#folder")).await.has(".target-folder nav"));
    let page = console.page(&format!("{point}/restore?path=/a.txt&browse=nowhere")).await;
    assert!(page.text(".faults").contains("absolute path"));
    let question = console.post(&several, &with(&[("do", "start"), ("to", "source")])).await;
    assert!(question.text().contains("3 files with"), "{}", question.text());
    let into = world.user.path("restored");
    let fields: Vec<(&str, &str)> =
        [&ticked[..], &[("do", "start"), ("to", "folder"), ("folder", into.as_str())]].concat();
    let task = console.done(&several, &fields).await;
    let id = task.rsplit('/').next().unwrap().parse().unwrap();
    let restored = console.ended(id).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{}", restored.verdict);
    assert!(restored.verdict.starts_with("2 ticked entries restored"), "{}", restored.verdict);
    for (name, text) in [("a.txt", "one"), ("b/c.txt", "two"), ("b/d/e.txt", "three")] {
        assert_eq!(std::fs::read(format!("{into}/{name}")).unwrap(), text.as_bytes(), "{name}");
    }
    assert!(!world.user.home().join("restored/f").exists());
}
