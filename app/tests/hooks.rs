//! `hooks.toml`: what is wrong is told in one line, with its line and with what to write.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{source, start};
use plakar_driver::Plakar;
use source_app::hooks::{HookConfiguration, HookMoment};
use source_app::service::{Edit, Service};
use source_app::state::{State, TaskKind};

#[test]
fn a_whole_file_is_read() {
    let text = r#"
[[hook]]
name = "database"
apps = ["documents", "photos"]
tasks = ["backup", "sync"]
before = ["/usr/local/bin/dump", "very secret"]
after = ["/usr/local/bin/undump"]
timeout_seconds = 3600

[[hook]]
name = "report"
after = ["/usr/local/bin/report"]
"#;
    let read = HookConfiguration::parse(text).unwrap().hooks;
    let (first, second) = (&read[0], &read[1]);
    let (program, arguments) = first.command(HookMoment::Before).unwrap();
    assert_eq!(
        (program, arguments),
        (Path::new("/usr/local/bin/dump"), &["very secret".into()][..])
    );
    assert_eq!(first.program(HookMoment::After), Some("/usr/local/bin/undump"));
    assert_eq!((first.timeout.as_secs(), second.timeout.as_secs()), (3600, 600));
    assert!(first.is_around("photos", TaskKind::Sync));
    assert!(!first.is_around("photos", TaskKind::Prune) && !first.is_around("x", TaskKind::Sync));
    assert!(second.command(HookMoment::Before).is_none());
    assert!(second.is_around("x", TaskKind::Backup) && !second.is_around("x", TaskKind::Check));
    let printed = format!("{read:?}");
    assert!(printed.contains("undump") && !printed.contains("very secret"), "{printed}");
    assert!(HookConfiguration::parse("").unwrap().hooks.is_empty());
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    let hook = "[[hook]]\nname = \"a\"\nbefore = [\"/bin/true\"]\n";
    for (text, fault) in [
        (
            format!("{hook}fore = []\n"),
            "line 4: unknown field `fore`; write one of `name`, `apps`, `tasks`, `before`, `after`, `timeout_seconds`",
        ),
        ("[[hooks]]\n".into(), "line 1: unknown field `hooks`; write `hook`"),
        (
            "[[hook]]\nname = \"a\"\n".into(),
            "line 1: it runs nothing; write before or after, such as before = [\"/usr/local/bin/dump\"]",
        ),
        ("\n[[hook]]\nbefore = [\"/bin/true\"]\n".into(), "line 2: missing field `name`"),
        (format!("{hook}{hook}"), "line 5: name: another hook has this name; choose another"),
        (
            hook.replace("\"a\"", "\"A b\""),
            "line 2: name: write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit",
        ),
        (
            hook.replace("/bin/true", "true"),
            "line 3: before: write a list of the whole path of a program and its arguments, such as [\"/usr/local/bin/dump\", \"--all\"]",
        ),
        (
            format!("{hook}after = []\n"),
            "line 4: after: write a list of the whole path of a program and its arguments, such as [\"/usr/local/bin/dump\", \"--all\"]",
        ),
        (
            format!("{hook}after = \"/bin/true\"\n"),
            "line 4: invalid type: string \"/bin/true\"; write a sequence",
        ),
        (
            format!("{hook}apps = [\"my app\"]\n"),
            "line 4: apps: this is not the name of an app; `plakar-opendrive app list` shows all",
        ),
        (
            format!("{hook}apps = []\n"),
            "line 4: apps: it names none; write at least one, or leave it out for all",
        ),
        (
            format!("{hook}tasks = []\n"),
            "line 4: tasks: it names none; write at least one, or leave it out for backups",
        ),
        (
            format!("{hook}tasks = [\"backup\", \"dance\"]\n"),
            "line 4: tasks: \"dance\" is not a valid kind of task; write one of: backup, check, prune, restore, test, maintenance, drill, compare, sync",
        ),
        (
            format!("{hook}tasks = [\"test\"]\n"),
            "line 4: tasks: nothing is run around a test; leave it out",
        ),
        (format!("{hook}timeout_seconds = 0\n"), "line 4: timeout_seconds: write 1 to 86400"),
        ("[[hook\n".into(), "line 1: unclosed array table; write `]]`"),
    ] {
        assert_eq!(HookConfiguration::parse(&text).unwrap_err(), fault);
    }
    let many: String =
        (0..101).map(|number| hook.replace("\"a\"", &format!("\"h{number}\""))).collect();
    let fault = HookConfiguration::parse(&many).unwrap_err();
    assert_eq!(fault, "line 301: [[hook]]: there are more than 100; let one script do more");
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_file_that_others_may_write_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let state = State::open_at(&place, start()).unwrap();
    let app = source(&state, "documents");
    let plakar = Plakar::new(Path::new("/bin/false"), vec!["/bin/false".into()], Vec::new());
    let service = Service::open(&place, plakar.unwrap()).unwrap();
    let none = service.hooks_status(None).await.unwrap();
    assert_eq!((none.exists, none.fault, none.hooks.len()), (false, None, 0));
    let file = place.canonicalize().unwrap().join("hooks.toml");
    let text = "[[hook]]\nname = \"a\"\napps = [\"photos\"]\nafter = [\"/bin/true\", \"secret\"]\n[[hook]]\nname = \"b\"\nbefore = [\"/bin/true\"]\n";
    write(&file, text, 0o660);
    let shown = file.display();
    let fault = service.hooks_status(None).await.unwrap().fault.unwrap();
    assert_eq!(fault, format!("{shown} is open to other users (mode 660); run: chmod 600 {shown}"));
    write(&file, text, 0o600);
    let all = service.hooks_status(None).await.unwrap();
    let unknown: Vec<_> = all.hooks.iter().map(|hook| hook.unknown_apps.as_slice()).collect();
    assert_eq!((all.fault, unknown), (None, vec![&["photos".to_owned()][..], &[]]));
    let json = serde_json::to_string(&all.hooks).unwrap();
    assert!(json.contains("\"after\":\"/bin/true\"") && !json.contains("secret"), "{json}");
    let own = service.hooks_status(Some(app.id)).await.unwrap();
    assert_eq!(own.hooks.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>(), ["b"]);
    service.stop().await;
}

/// Under another name it would silently have none of its scripts, and nobody would be told of it.
#[tokio::test]
async fn an_app_keeps_the_name_that_a_file_knows_it_by() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let state = State::open_at(&place, start()).unwrap();
    let app = source(&state, "documents");
    let plakar = Plakar::new(Path::new("/bin/false"), vec!["/bin/false".into()], Vec::new());
    let service = Service::open(&place, plakar.unwrap()).unwrap();
    let rename = async || {
        let revision = service.app(app.id).await.unwrap().revision;
        let edit = Edit { name: Some("papers".into()), ..Edit::default() };
        service.edit(app.id, revision, edit).await.map(|app| app.spec.name)
    };
    let place = place.canonicalize().unwrap();
    for (file, text) in [
        ("hooks.toml", "[[hook]]\nname = \"a\"\napps = [APPS]\nafter = [\"/bin/true\"]\n"),
        ("notify.toml", "[[command]]\nname = \"a\"\napps = [APPS]\ncommand = [\"/bin/true\"]\n"),
    ] {
        let path = place.join(file);
        write(&path, &text.replace("APPS", "\"photos\", \"documents\""), 0o600);
        let refused = rename().await.unwrap_err().to_string();
        assert_eq!(
            refused,
            format!(
                "{} names the app documents, which would have none of it under another name; write \"papers\" beside \"documents\" there, then rename it",
                path.display()
            )
        );
        write(&path, &text.replace("APPS", "\"documents\", \"papers\""), 0o600);
    }
    assert_eq!(rename().await.unwrap(), "papers");
    service.stop().await;
}
