//! End to end: the real Plakar backs a simulated drive up with our package.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use support::drive_source::DriveSource;
use support::noise;
use support::plakar::package;

#[test]
fn what_comes_back_is_what_was_on_the_drive() {
    let world = DriveSource::new();
    let files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
        ("Documents/empty".into(), vec![]),
        ("Documents/letter.txt".into(), b"Dear all,\n".to_vec()),
        ("Documents/deep/er/large.bin".into(), noise(1, 12_345_678)),
        ("Documents/odd/with space 'and' \"quotes\" 🦀".into(), b"odd".to_vec()),
        ("Documents/odd/-n".into(), b"like an option".to_vec()),
        (format!("Documents/odd/{}", "n".repeat(255)), b"long".to_vec()),
        ("Documents/odd/a:b*c?".into(), b"forbidden on Windows".to_vec()),
    ]);
    for (n, (path, bytes)) in files.iter().enumerate() {
        world.put(path, bytes, 1_600_000_000 + n as i64);
    }
    world.put("elsewhere/secret", b"not in the base", 1);
    world.configure("source", "opendrive://Documents");
    assert_eq!(world.plakar.ok(&["source", "ping", "drive"]).trim(), "configuration OK");
    let id = world.plakar.backup(&world.store, "@drive");

    // Byte for byte by cat, and with times by restore.
    let target = world.plakar.path("restored");
    world.plakar.ok(&["at", &world.store, "restore", "-to", &target, &format!("{id}:/Documents")]);
    for (n, (path, bytes)) in files.iter().enumerate() {
        let cat = world.plakar.run(&["at", &world.store, "cat", &format!("{id}:/{path}")]);
        assert!(cat.code == Some(0) && cat.stdout == *bytes, "{path}: {}", cat.stderr);
        let restored = Path::new(&target).join(path.strip_prefix("Documents/").unwrap());
        assert!(std::fs::read(&restored).unwrap() == *bytes, "{path}");
        assert_eq!(
            std::fs::metadata(&restored).unwrap().mtime(),
            1_600_000_000 + n as i64,
            "{path}"
        );
    }
    let listed = world.plakar.ok(&["at", &world.store, "ls", "-recursive", &id]);
    assert!(!listed.contains("secret"), "{listed}");
    world.plakar.ok(&["at", &world.store, "check", &id]);
}

#[test]
fn a_second_backup_of_an_unchanged_drive_reads_no_file() {
    let world = DriveSource::new();
    for n in 0..50 {
        world.put(&format!("a/b/f{}/file{n}", n % 5), &noise(n, 5_000), 1_700_000_000);
    }
    world.configure("source", "opendrive://a/b");
    world.simulator.reset_calls();
    world.plakar.backup(&world.store, "@drive");
    let first = world.simulator.calls();
    // One login; two calls for the base, of which one lists the folders beside it; the base, and
    // the folders in it. A logout comes if there is time for it.
    let total = |calls: &opendrive_sim::Calls| calls.total - calls.of("session/logout");
    let expected = (1, 1 + 1 + 5, 50, 1 + 2 + 6 + 50);
    assert_eq!(
        (
            first.of("session/login"),
            first.of("folder/list"),
            first.of("download/file"),
            total(&first)
        ),
        expected,
        "{first:?}"
    );

    world.simulator.reset_calls();
    world.plakar.backup(&world.store, "@drive");
    let second = world.simulator.calls();
    assert_eq!((second.of("download/file"), total(&second)), (0, 9), "{second:?}");

    world.put("a/b/f1/file1", &noise(99, 5_000), 1_700_000_001);
    world.simulator.reset_calls();
    world.plakar.backup(&world.store, "@drive");
    let third = world.simulator.calls();
    assert_eq!((third.of("download/file"), total(&third)), (1, 10), "{third:?}");
}

/// As VeraCrypt leaves a container: another content, and the size and the time that it had.
#[test]
fn a_change_that_only_the_checksum_shows_is_saved_where_checksums_are_compared() {
    let world = DriveSource::new();
    let configure = |checksum: &str| {
        let drive = serde_json::json!({
            "location": "opendrive://", "username": world.simulator.username(),
            "password": world.simulator.password(), "checksum": checksum,
        });
        world.import("source", &serde_json::json!({ "drive": drive }));
    };
    // What the newest snapshot has, and how many files were read for it.
    let backup = || {
        world.simulator.reset_calls();
        let id = world.plakar.backup(&world.store, "@drive");
        let downloads = world.simulator.calls().of("download/file");
        let cat = world.plakar.run(&["at", &world.store, "cat", &format!("{id}:/a")]);
        assert_eq!(cat.code, Some(0), "{}", cat.stderr);
        (String::from_utf8(cat.stdout).unwrap(), downloads)
    };
    let saved = |text: &str, downloads: u64| (text.to_owned(), downloads);

    configure("false");
    world.put("a", b"BEFORE", 1);
    assert_eq!(backup(), saved("BEFORE", 1));
    world.put("a", b"AFTER!", 1);
    assert_eq!(backup(), saved("BEFORE", 0), "size and time are what they were");

    // Each file is read once more when it is switched on, and then what has changed.
    configure("true");
    assert_eq!(backup(), saved("AFTER!", 1));
    assert_eq!(backup(), saved("AFTER!", 0));
    world.put("a", b"LATER!", 1);
    assert_eq!(backup(), saved("LATER!", 1));
    assert_eq!(backup(), saved("LATER!", 0));
}

#[test]
fn an_imported_rclone_remote_works_word_for_word() {
    let world = DriveSource::new();
    world.put("Documents/letter.txt", b"Dear all", 1_700_000_000);
    // What `rclone config show` prints; the password is the simulator's, by `rclone obscure`.
    let config = "[mydrive]\ntype = opendrive\nusername = user@example.com\npassword = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8\n";
    let outcome =
        world.plakar.run_with_input(&["source", "import", "-rclone", "mydrive"], config.as_bytes());
    assert_eq!(outcome.code, Some(0), "{}", outcome.text());
    let id = world.plakar.backup(&world.store, "@mydrive");
    world.plakar.ok(&["source", "set", "mydrive", "location=rclone:///Documents"]);
    let narrower = world.plakar.backup(&world.store, "@mydrive");
    for id in [id, narrower] {
        let cat =
            world.plakar.run(&["at", &world.store, "cat", &format!("{id}:/Documents/letter.txt")]);
        assert_eq!(cat.stdout, b"Dear all", "{}", cat.stderr);
    }
}

#[test]
fn what_is_wrong_is_one_clear_line_and_no_snapshot() {
    let world = DriveSource::new();
    world.put("file", b"x", 1);
    let (user, password) =
        (world.simulator.username().to_owned(), world.simulator.password().to_owned());
    let native = |location: &str, user: &str, password: &str| serde_json::json!({"drive": {"location": location, "username": user, "password": password}});
    let cases = [
        (native("opendrive://", &user, "wrong"), "opendrive refused the login of user@example.com"),
        (native("opendrive://", "nobody", &password), "opendrive refused the login of nobody"),
        (native("opendrive://missing", &user, &password), "the folder /missing does not exist"),
        (native("opendrive://file", &user, &password), "is a file"),
        (native("opendrive://a/../b", &user, &password), "has a \"..\" in its path"),
        (
            serde_json::json!({"drive": {"location": "opendrive://"}}),
            "option \"username\" is missing",
        ),
        (
            serde_json::json!({"drive": {"location": "opendrive://", "username": user, "password": password, "pasword": "x"}}),
            "unknown option \"pasword\"",
        ),
        (
            serde_json::json!({"drive": {"location": "rclone://", "rclone_type": "dropbox"}}),
            "backend \"dropbox\" is not built in",
        ),
        (
            serde_json::json!({"drive": {"location": "rclone://", "rclone_type": "opendrive", "rclone_username": "u", "rclone_password": "plain!"}}),
            "option \"rclone_password\" is not an obscured password",
        ),
        (
            serde_json::json!({"drive": {"location": format!("rclone://{}", world.store), "rclone_type": "local", "checksum": "true"}}),
            "option \"checksum\" is true, and local lists no MD5 to compare: leave the option out",
        ),
        (
            serde_json::json!({"drive": {"location": "opendrive://", "username": user, "password": password, "checksum": "yes"}}),
            "option \"checksum\" is \"yes\": write true or false",
        ),
    ];
    for (config, expected) in cases {
        world.import("source", &config);
        for command in
            [&["source", "ping", "drive"][..], &["at", &world.store, "backup", "@drive"][..]]
        {
            let outcome = world.plakar.run(command);
            let text = outcome.text();
            assert_ne!(outcome.code, Some(0), "{command:?}: {text}");
            assert!(text.contains(expected), "{command:?}: {text}");
            assert!(text.trim().lines().count() <= 2, "{command:?}: {text}");
            assert!(!text.contains(&password), "{command:?}: {text}");
        }
    }
    assert_eq!(world.plakar.ok(&["at", &world.store, "ls"]).trim(), "");
}

#[test]
fn a_folder_that_cannot_be_listed_is_reported_and_the_rest_is_saved() {
    let world = DriveSource::new();
    world.put("good/file", b"x", 1);
    world.put("bad/file", b"x", 1);
    world.simulator.make_unlistable("bad");
    world.configure("source", "opendrive://");
    let outcome = world.plakar.run(&["at", &world.store, "backup", "@drive"]);
    let text = outcome.text();
    assert!(text.contains("completed with 1 error"), "{text}");
    assert!(text.contains("/bad: cannot list the folder"), "{text}");
    let id = text.lines().find_map(|line| line.split_once(": backup completed")).unwrap().0;
    let cat = world.plakar.run(&["at", &world.store, "cat", &format!("{id}:/good/file")]);
    assert_eq!(cat.stdout, b"x");
}

#[test]
fn nothing_is_written_outside_of_plakars_own_folders() {
    let world = DriveSource::new();
    world.put("file", b"x", 1);
    world.configure("source", "opendrive://");
    world.plakar.backup(&world.store, "@drive");
    let mut left: Vec<String> = std::fs::read_dir(world.plakar.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".cache", ".config", ".local", "store", "tmp"]);
    for folder in [".config", ".cache", ".local/share"] {
        let inside: Vec<_> = std::fs::read_dir(world.plakar.home().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(inside, ["plakar"], "{folder}");
    }
    let temporary: Vec<_> = std::fs::read_dir(world.plakar.home().join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(temporary.is_empty(), "{temporary:?}");
}

#[test]
fn the_package_is_one_small_static_file_and_lists_as_rclone() {
    let world = DriveSource::new();
    assert_eq!(world.plakar.ok(&["pkg", "list"]).lines().last(), Some("rclone@v0.0.1"));
    // A debug build is larger and dynamic; `make test` tests the one that is shipped.
    let Some(executable) = support::shipped() else {
        eprintln!(
            "skipped: the size and the linking are those of the release build, run `make test`"
        );
        return;
    };
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(size(package()) <= 15_000_000, "{} bytes", size(package()));
    assert!(size(Path::new(&executable)) <= 25_000_000, "{} bytes", size(Path::new(&executable)));
    if cfg!(target_os = "linux") {
        let ldd = std::process::Command::new("ldd").arg(&executable).output().unwrap();
        let text = String::from_utf8_lossy(&ldd.stdout).into_owned()
            + &String::from_utf8_lossy(&ldd.stderr);
        assert!(
            text.contains("statically linked") || text.contains("not a dynamic executable"),
            "{text}"
        );
    }
}
