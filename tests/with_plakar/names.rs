//! Odd names there and back, by the real Plakar.

use std::collections::BTreeMap;

use support::drive_source::DriveSource;
use support::drive_store::tree;

/// A drive that is restored to and backed up.
struct World(DriveSource);

impl World {
    fn new() -> Self {
        let world = DriveSource::new();
        for kind in ["source", "destination"] {
            world.configure(kind, "opendrive:///To");
        }
        Self(world)
    }

    /// Backs a local folder with these names up, each file holding its own name, and restores it to
    /// the drive.
    fn restore(&self, names: &[&str]) -> support::plakar::Outcome {
        let folder = self.0.plakar.path("folder");
        let _ = std::fs::remove_dir_all(&folder);
        for name in names {
            let path = std::path::Path::new(&folder).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let id = self.0.plakar.backup(&self.0.store, &folder);
        self.0.plakar.run(&[
            "at",
            &self.0.store,
            "restore",
            "-to",
            "@drive",
            &format!("{id}:{folder}"),
        ])
    }

    /// What a backup of the drive has, read back from the store.
    fn backed_up(&self) -> BTreeMap<String, Vec<u8>> {
        let id = self.0.plakar.backup(&self.0.store, "@drive");
        let target = self.0.plakar.path("back");
        let _ = std::fs::remove_dir_all(&target);
        self.0.plakar.ok(&["at", &self.0.store, "restore", "-to", &target, &format!("{id}:/To")]);
        tree(std::path::Path::new(&target))
    }
}

fn named(names: &[&str]) -> BTreeMap<String, Vec<u8>> {
    names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect()
}

#[test]
fn names_that_are_quoted_on_the_drive_come_back() {
    let world = World::new();
    let names = [
        "‛x",
        "‛‛x",
        "x‛",
        "‛／",
        "a：b",
        "a:b",
        "x ",
        " x",
        "x.",
        "x",
        "␠",
        "percent%20",
        "in ‛/‛‛",
        "␊",
        "‛␊",
    ];
    let outcome = world.restore(&names);
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    assert_eq!(
        world.0.simulator.drive().tree().values().filter(|entry| !entry.is_dir).count(),
        names.len()
    );
    assert_eq!(world.backed_up(), named(&names));
}

#[test]
fn what_cannot_keep_its_name_is_said_and_nothing_is_replaced() {
    let world = World::new();
    let outcome = world.restore(&["tab\there", "line\nfeed"]);
    let text = outcome.text();
    assert!(outcome.code == Some(0) && text.contains("2 names with control characters"), "{text}");
    assert!(text.contains(r#""/tab\there" as "tab␉here""#), "{text}");
    let expected: BTreeMap<String, Vec<u8>> =
        [("tab␉here", "tab\there"), ("line␊feed", "line\nfeed")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into();
    assert_eq!(world.backed_up(), expected);

    let outcome = world.restore(&["caf\u{e9}", "cafe\u{301}", "tab\tone", "tab␉one"]);
    let text = outcome.text();
    assert!(
        outcome.code == Some(1) && text.contains("2 of 5 entries could not be restored"),
        "{text}"
    );
    assert!(
        text.contains("differ in how accents are composed only")
            && text.contains("because of a control character"),
        "{text}"
    );
    let kept = world.backed_up();
    assert_eq!(
        (kept.len(), &kept["cafe\u{301}"][..], &kept["tab␉one"][..]),
        (4, "cafe\u{301}".as_bytes(), &b"tab\tone"[..])
    );
}
