//! What a backup leaves out without being an error: the real Plakar, and what it shows of it.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;
use support::drive_source::DriveSource;
use support::plakar::Outcome;

fn backup(world: &DriveSource, options: &[&str]) -> Outcome {
    world.plakar.run(&[&["-quiet", "at", &world.store, "backup"], options, &["@drive"]].concat())
}

#[test]
fn a_pattern_that_drops_everything_is_said() {
    let world = DriveSource::new();
    world.simulator.drive().put_file("Documents/a.txt", b"a".to_vec(), 1);
    world.simulator.drive().put_file("Documents/deep/b.txt", b"b".to_vec(), 1);
    world.configure("source", "opendrive:///Documents");
    for pattern in ["Documents", "/Documents", "**/Documents", "*"] {
        let text = backup(&world, &["-ignore", pattern]).text();
        assert!(
            text.contains("with 1 error") && !text.contains("without errors"),
            "{pattern}: {text}"
        );
        assert!(text.contains("patterns count from the root of the drive"), "{pattern}: {text}");
        assert!(text.contains("nothing is saved but the folder itself: -ignore leaves out all that is in it, 3 of 3"), "{pattern}: {text}");
    }
    // Somebody may mean that.
    for pattern in ["/Documents/*", "Documents/**/*"] {
        let text = backup(&world, &["-ignore", pattern]).text();
        assert!(
            text.contains("without errors")
                && text.contains("nothing is saved but the folder itself"),
            "{pattern}: {text}"
        );
    }
    for pattern in ["documents", "*.txt", "deep", "/deep", "*.doc"] {
        let text = backup(&world, &["-ignore", pattern]).text();
        assert!(
            text.contains("without errors") && !text.contains("nothing is saved"),
            "{pattern}: {text}"
        );
    }
    // The root itself is never dropped, and an error there is none to Plakar.
    world.configure("source", "opendrive://");
    let text = backup(&world, &["-ignore", "*"]).text();
    assert!(
        text.contains(
            "nothing is saved but the folder itself: -ignore leaves out all that is in it, 4 of 4"
        ),
        "{text}"
    );
}

#[test]
fn what_is_no_file_on_a_local_remote_is_counted() {
    let world = DriveSource::new();
    let folder = world.plakar.path("folder");
    std::fs::create_dir_all(format!("{folder}/deep")).unwrap();
    std::fs::write(format!("{folder}/file"), "x").unwrap();
    symlink("file", format!("{folder}/link")).unwrap();
    symlink("../file", format!("{folder}/deep/link")).unwrap();
    assert!(Command::new("mkfifo").arg(format!("{folder}/deep/pipe")).status().unwrap().success());
    let local = |options: &[(&str, &str)]| {
        let mut source = json!({"location": format!("rclone://{folder}"), "rclone_type": "local"});
        options.iter().for_each(|(key, value)| source[*key] = json!(value));
        world.import("source", &json!({ "drive": source }));
        backup(&world, &[]).text()
    };
    let text = local(&[]);
    assert!(
        text.contains("without errors")
            && text.contains(
                "not saved, because they are not regular files: 2 symbolic links, 1 named pipe"
            ),
        "{text}"
    );
    assert!(
        text.contains(
            "rclone_copy_links=true saves what links lead to, rclone_links=true the links"
        ),
        "{text}"
    );
    for option in ["rclone_links", "rclone_copy_links"] {
        let text = local(&[(option, "true")]);
        assert!(
            text.contains(
                "not saved, because they are not regular files: 1 named pipe, the first of them"
            ),
            "{option}: {text}"
        );
        assert!(!text.contains("symbolic"), "{option}: {text}");
    }
    std::fs::remove_file(format!("{folder}/deep/pipe")).unwrap();
    assert!(!local(&[("rclone_links", "true")]).contains("not saved"));
}
