//! What of a source is backed up: the preview, and restore points with labels and without patterns.

use source_app::model::BackupOptions;
use source_app::service::{Edit, Work};
use source_app::state::{AppKind, TaskState};

use crate::console::Console;
use crate::world::World;

#[tokio::test]
async fn a_preview_says_what_is_left_out_and_points_say_what_they_were_made_without() {
    let world = World::new().await;
    let console = Console::of(&world).await;
    for file in ["a.tmp", "b.tmp", "letter.txt"] {
        world.put(file, file.as_bytes());
    }
    let app = console.assign(&world, AppKind::Source, "notes", "drive").await;
    let place = format!("/apps/{}", app.id);
    let settings = format!("{place}/settings");
    let form = console.page(&settings).await.form("main form[method=post]");
    let filled = |ignore: &'static str, preview: &'static str| {
        let mut fields: Vec<(String, String)> = form.clone();
        fields.retain(|(name, _)| name != "ignore" && name != "csrf");
        fields.push(("ignore".into(), ignore.into()));
        fields.push(("preview".into(), preview.into()));
        fields
    };
    let post = async |fields: &[(String, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        console.post(&settings, &fields).await
    };
    let look = async |ignore: &'static str| {
        let answer = post(&filled(ignore, "true")).await;
        crate::html::Html::sound(&answer.text(), ignore)
    };
    let none = look("*.tmp").await;
    assert!(none.text("[role=status] li").contains("There is no restore point yet"));
    assert_eq!(console.run(&app, Work::Backup).await.state, TaskState::Succeeded);
    let page = look("*.tmp\n*.iso").await;
    let said = page.texts("[role=status] li");
    assert!(said[0].starts_with("Leaves out 2 files, 10 B, of 3 files of the newest"), "{said:?}");
    assert_eq!(said[1..], ["*.tmp matches 2 files, 10 B.", "*.iso matches nothing."]);
    assert_eq!(page.text("#ignore"), "*.tmp *.iso", "what was entered stays");
    assert!(console.service.app(app.id).await.unwrap().spec.backup.ignore.is_empty());
    let all = look("*.tmp\n*.txt").await;
    assert!(all.text("#ignore-fault").contains("leave out all there is"));
    assert_eq!(post(&filled("*.tmp\n*.txt", "")).await.status, 422);
    assert_eq!(post(&filled("*.tmp", "")).await.status, 303);

    let kept = console.service.app(app.id).await.unwrap();
    let options = BackupOptions { labels: vec!["ü & more".into()], ..kept.spec.backup.clone() };
    let edit = Edit { backup: Some(options), ..Edit::default() };
    console.service.edit(app.id, kept.revision, edit).await.unwrap();
    let made = console.run(&app, Work::Backup).await;
    let page = console.page(&format!("{place}/points")).await;
    assert_eq!(page.texts("caption"), ["2 restore points"]);
    let labelled = page.attribute("td a.tag", "href");
    let page = console.page(&labelled).await;
    assert_eq!(page.texts("caption"), ["1 restore point"]);
    assert!(page.text("main").contains("Only those with the label ü & more"));
    let none = console.page(&format!("{place}/points?label=none")).await;
    assert_eq!(none.text(".empty h2"), "No such restore points");
    let point = console.page(&format!("{place}/points/{}", made.snapshot.unwrap())).await;
    let text = point.text("main");
    assert!(text.contains("It was made without what these patterns match: *.tmp."), "{text}");
    assert!(text.contains("ü & more") && !text.contains("options:"), "{text}");
}
