//! What of a source is backed up: patterns, folders and labels, with the real Plakar.

use std::collections::BTreeSet;

use plakar_driver::{EntryKind, SnapshotId};
use source_app::model::{ALL_LEFT_OUT, BackupOptions};
use source_app::service::{Edit, Problem, RestorePlace, Service, Work};
use source_app::state::{App, AppKind, TaskState};

use crate::serving::run;
use crate::world::{World, path};

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn ignoring(patterns: &[&str]) -> BackupOptions {
    BackupOptions { ignore: list(patterns), ..BackupOptions::default() }
}

async fn set(service: &Service, app: &App, options: BackupOptions) -> App {
    let revision = service.app(app.id).await.unwrap().revision;
    let edit = Edit { backup: Some(options), ..Edit::default() };
    service.edit(app.id, revision, edit).await.unwrap()
}

/// The files of a restore point, by their paths.
async fn files(service: &Service, app: &App, snapshot: Option<&str>) -> BTreeSet<String> {
    let id = SnapshotId::new(snapshot.unwrap()).unwrap();
    let point = service.point(app.id, &id).await.unwrap();
    let (mut folders, mut found) = (vec![path("/")], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in point.children(&folder, 0, 1000).await.unwrap().items {
            let path = entry.path().unwrap();
            match entry.kind {
                EntryKind::Folder => folders.push(path),
                _ => drop(found.insert(path.to_string())),
            }
        }
    }
    found
}

/// The preview and the real Plakar leave out the same files, whatever the patterns are.
#[tokio::test]
async fn the_preview_leaves_out_what_plakar_leaves_out() {
    let world = World::new().await;
    let names = [
        "a.tmp",
        "A.TMP",
        "keep.tmp",
        "a/one.txt",
        "a/b/two.txt",
        "a/b/keep",
        "b/a/three.txt",
        "dir/x",
        "deep/dir/y",
        "deep/file dir",
        "sp ace.txt",
        "ends with space ",
        "#hash",
        "!bang",
        "[br].txt",
        "b.txt",
        "ü.txt",
        "back\\slash",
        "x.log",
        "logs/x.log",
        "logs/important.log",
    ];
    let tree: Vec<(String, Vec<u8>)> =
        names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect();
    let base = world.local(&tree).await;
    let base = base.to_str().unwrap();
    let service = world.service();
    let mut assign = world.assign(AppKind::Source, "mine", "", "");
    (assign.options, assign.entry) = (Default::default(), Some("drive".into()));
    let app = service.assign(assign).await.unwrap();
    let in_base = |pattern: &str| pattern.replace("BASE", base);

    let before = service.preview_options(app.id, ignoring(&["*.tmp"])).await.unwrap();
    assert_eq!(before.point, None);
    assert!(before.words()[0].contains("There is no restore point yet"), "{before:?}");
    let (whole, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(whole.state, TaskState::Succeeded, "{log}");
    let all = files(&service, &app, whole.snapshot.as_deref()).await;
    assert_eq!(all.len(), names.len());

    let table: &[&[&str]] = &[
        &["*.tmp"],
        &["*.tmp", "!keep.tmp"],
        &["!keep.tmp", "*.tmp"],
        &["BASE/a/**"],
        &["/a/**"],
        &["BASE/a/*"],
        &["dir/"],
        &["dir"],
        &["BASE/a", "!BASE/a/b/keep"],
        &["BASE/a/*", "!BASE/a/b/", "!BASE/a/b/keep"],
        &["sp ace.txt"],
        &["ends with space\\ "],
        &["ends with space "],
        &["#hash"],
        &["\\#hash"],
        &["\\!bang"],
        &["[br].txt"],
        &["\\[br\\].txt"],
        &["[a-c].txt"],
        &["[^a-z].txt"],
        &["?.txt"],
        &["back\\\\slash"],
        &["**/dir/*"],
        &["BASE/**/x.log", "!important.log"],
        &["logs/*", "!important.log"],
        &["BASE/logs/*", "!important.log"],
        &["*.TMP"],
    ];
    let mut previews = Vec::new();
    for patterns in table {
        let patterns: Vec<String> = patterns.iter().map(|pattern| in_base(pattern)).collect();
        let options = BackupOptions { ignore: patterns, ..BackupOptions::default() };
        previews.push((service.preview_options(app.id, options.clone()).await.unwrap(), options));
    }
    for (preview, options) in previews {
        let app = set(&service, &app, options.clone()).await;
        let (made, log) = run(&service, &app, Work::Backup).await;
        assert_eq!(made.state, TaskState::Succeeded, "{options:?}: {log}");
        let kept = files(&service, &app, made.snapshot.as_deref()).await;
        let left_out: BTreeSet<String> = all.difference(&kept).cloned().collect();
        assert_eq!(
            preview.left_out.iter().cloned().collect::<BTreeSet<_>>(),
            left_out,
            "{options:?}"
        );
        assert_eq!(preview.left_out_files as usize, left_out.len(), "{options:?}");
        let bytes: usize = left_out.iter().map(|path| path.len() - base.len() - 1).sum();
        assert_eq!(preview.left_out_bytes as usize, bytes, "{options:?}");
        let id = SnapshotId::new(made.snapshot.as_deref().unwrap()).unwrap();
        let point = service.point(app.id, &id).await.unwrap().point;
        let used: Vec<String> = options.patterns().map(str::to_owned).collect();
        assert_eq!(point.scope.ignore, used);
    }

    // What leaves nothing is refused, with nothing changed, also where only the restore point tells.
    for patterns in [&["*"][..], &["BASE/**"]] {
        let patterns: Vec<String> = patterns.iter().map(|pattern| in_base(pattern)).collect();
        let options = BackupOptions { ignore: patterns, ..BackupOptions::default() };
        let refused = service.preview_options(app.id, options.clone()).await.unwrap_err();
        assert_eq!((refused.problem(), refused.to_string()), (Problem::Input, ALL_LEFT_OUT.into()));
        let app = service.app(app.id).await.unwrap();
        let edit = Edit { backup: Some(options), ..Edit::default() };
        let refused = service.edit(app.id, app.revision, edit).await.unwrap_err();
        assert_eq!(refused.to_string(), ALL_LEFT_OUT);
        assert_eq!(service.app(app.id).await.unwrap(), app);
    }
    // A pattern that was in use, and one that matches nothing.
    let preview = service.preview_options(app.id, ignoring(&["*.TMP", "*.iso"])).await.unwrap();
    assert_eq!(preview.unused().collect::<Vec<_>>(), ["*.iso"]);
    assert!(preview.words().iter().any(|line| line == "*.iso matches nothing."), "{preview:?}");
}

#[tokio::test]
async fn several_folders_of_a_drive_are_one_restore_point() {
    let world = World::new().await;
    let service = world.service();
    for file in
        ["Photos 2024/a.jpg", "Photos 2024/raw/b.raw", "Docs/Letters/c.txt", "Docs/d.txt", "e"]
    {
        world.put(file, file.as_bytes());
    }
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.backup = BackupOptions {
        folders: list(&["/Photos 2024/", "Docs/Letters"]),
        ignore: list(&["*.raw"]),
        labels: list(&["before upgrade", "ü"]),
        concurrency: 2,
    };
    let mut wrong = assign.clone();
    wrong.backup.labels = list(&["a,b"]);
    let refused = service.assign(wrong).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "labels: the label \"a,b\" holds a comma; give several one by one"
    );
    assert!(service.apps().await.unwrap().is_empty());
    let app = service.assign(assign).await.unwrap();
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert!(log.contains("of these folders only: Photos 2024, Docs/Letters"), "{log}");
    assert!(log.contains("without what these patterns match: *.raw"), "{log}");
    let there = files(&service, &app, made.snapshot.as_deref()).await;
    assert_eq!(
        there.into_iter().collect::<Vec<_>>(),
        ["/Docs/Letters/c.txt", "/Photos 2024/a.jpg"]
    );
    let point = service.points(app.id).await.unwrap().remove(0);
    assert_eq!((point.labels, point.root.as_str()), (list(&["before upgrade", "ü"]), "/"));

    // Of one folder, restored to where it was.
    let one = BackupOptions { folders: list(&["Photos 2024/raw"]), ..BackupOptions::default() };
    // What the restore point was made without may be more than it shows.
    let preview = service.preview_options(app.id, one.clone()).await.unwrap();
    assert!(preview.more_may_come && preview.files == preview.left_out_files, "{preview:?}");
    let other = BackupOptions { folders: list(&["Docs"]), ..BackupOptions::default() };
    let app = set(&service, &app, other).await;
    let none = BackupOptions {
        folders: list(&["Docs/Letters"]),
        ignore: list(&["*.raw", "c.*"]),
        ..BackupOptions::default()
    };
    let refused = service.preview_options(app.id, none).await.unwrap_err();
    assert_eq!(refused.to_string(), ALL_LEFT_OUT);
    let all = set(&service, &app, BackupOptions::default()).await;
    run(&service, &all, Work::Backup).await;
    let none = BackupOptions { folders: list(&["nowhere"]), ..BackupOptions::default() };
    let refused = service.preview_options(app.id, none).await.unwrap_err();
    assert!(refused.to_string().contains("none of the chosen folders"), "{refused}");
    let preview = service.preview_options(app.id, one.clone()).await.unwrap();
    assert!(!preview.more_may_come);
    assert_eq!((preview.files, preview.left_out_files, preview.outside_files), (5, 4, 4));
    let app = set(&service, &app, one).await;
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    let snapshot = SnapshotId::new(made.snapshot.as_deref().unwrap()).unwrap();
    world.put("Photos 2024/raw/b.raw", b"overwritten since then");
    let work = Work::Restore {
        snapshot,
        path: path("/"),
        to: RestorePlace::Source,
        second: false,
        replace: true,
    };
    let (restored, log) = run(&service, &app, work).await;
    assert_eq!(restored.state, TaskState::Succeeded, "{log}");
    let drive = world.simulator.drive();
    let content = drive.read_file("Photos 2024/raw/b.raw");
    assert_eq!(content.as_deref(), Some(&b"Photos 2024/raw/b.raw"[..]), "{log}");
    assert_eq!(drive.read_file("b.raw"), None);
}

#[tokio::test]
async fn a_backup_that_patterns_leave_empty_is_no_success() {
    let world = World::new().await;
    let service = world.service();
    world.put("a.txt", b"a");
    let password = world.simulator.password();
    let mut assign = world.assign(AppKind::Source, "mine", "opendrive://", password);
    assign.backup = ignoring(&["*.txt"]);
    let app = service.assign(assign).await.unwrap();
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::CompletedWithErrors, "{log}");
    assert!(made.verdict.contains("nothing was backed up"), "{made:?}");
}
