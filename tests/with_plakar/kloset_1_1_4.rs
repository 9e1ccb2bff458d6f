//! The same Plakar with the engine that came after its release: whoever builds Plakar today may get
//! either. From end to end once, on the simulated drive, as source, store and destination.

use std::path::PathBuf;

use serde_json::json;

use opendrive_sim::{Options, Simulator};
use support::noise;
use support::plakar::{Plakar, package, plakar};

/// What `make plakar-kloset` builds from tests/plakar-kloset-1.1.4.
fn with_the_later_engine() -> PathBuf {
    let built =
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/plakar-kloset-1.1.4");
    let path = std::env::var_os("PLAKAR_KLOSET").map_or_else(built, PathBuf::from);
    assert!(
        path.exists(),
        "the Plakar with kloset v1.1.4 is not at {}: run `make test`, or `make plakar-kloset` once",
        path.display()
    );
    path
}

#[test]
fn create_backup_check_and_restore_on_the_drive_and_each_engine_reads_what_the_other_wrote() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let files = [
        ("letter.txt", b"Dear all".to_vec()),
        ("deep/er/large.bin", noise(7, 9_000_000)),
        ("empty", Vec::new()),
    ];
    for (path, bytes) in &files {
        simulator.drive().put_file(&format!("Documents/{path}"), bytes.clone(), 1_700_000_000);
    }
    let later = Plakar::with_package(&with_the_later_engine(), package(), &simulator.env());
    let release = Plakar::with_package(&plakar(), package(), &simulator.env());
    for user in [&later, &release] {
        for (kind, name, folder) in [
            ("source", "drive", "Documents"),
            ("destination", "back", "Restored"),
            ("store", "cloud", "Backups"),
        ] {
            let mut remote = json!({
                "location": format!("opendrive://{folder}"), "username": simulator.username(), "password": simulator.password(),
            });
            if kind == "store" {
                remote["passphrase"] = "correct horse battery staple".into();
            }
            let outcome = user
                .run_with_input(&[kind, "import"], json!({ name: remote }).to_string().as_bytes());
            assert_eq!(outcome.code, Some(0), "{}", outcome.text());
        }
    }

    later.ok(&["at", "@cloud", "create"]);
    let id = later.backup("@cloud", "@drive");
    later.ok(&["at", "@cloud", "check", &id]);
    later.ok(&["at", "@cloud", "restore", "-to", "@back", &format!("{id}:/Documents")]);
    for (path, bytes) in &files {
        assert!(
            simulator.drive().read_file(&format!("Restored/{path}")).unwrap() == *bytes,
            "{path}"
        );
    }
    // Each backs up and reads what the other left there.
    simulator.drive().put_file("Documents/second.txt", b"more".to_vec(), 1_700_000_001);
    let second = release.backup("@cloud", "@drive");
    release.ok(&["at", "@cloud", "check"]);
    for (user, snapshot) in [(&release, &id), (&later, &second)] {
        let cat =
            user.run(&["at", "@cloud", "cat", &format!("{snapshot}:/Documents/deep/er/large.bin")]);
        assert!(cat.code == Some(0) && cat.stdout == files[1].1, "{}", cat.stderr);
    }
    assert_eq!(later.ok(&["at", "@cloud", "ls"]).lines().count(), 2);
}
