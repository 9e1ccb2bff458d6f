//! The command line for people, on a simulated drive: what it prints, how it fails, and with which
//! status.

use std::io::{BufRead, BufReader, Read};

use opendrive_sim::{Certificate, Fault, Options, Simulator, What, stored_name};
use serde_json::{Value, json};
use support::command::{Person, finish};
use support::planted::{assert_plain, file_entry, listing, plant};

/// A drive with a folder `Documents`, and a home.
struct World {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let drive = simulator.drive();
        drive.put_file("Documents/letter.txt", b"Dear all,\n".to_vec(), 1_700_000_000);
        drive.put_file("Documents/deep/er/empty", Vec::new(), 1_700_000_001);
        drive.make_folder("Documents/hollow");
        Self { simulator, home: tempfile::tempdir().unwrap() }
    }

    fn person(&self) -> Person<'_> {
        Person { simulator: &self.simulator, home: self.home.path() }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

#[test]
fn ls_lists_folders_trees_and_files() {
    let world = World::new();
    let person = world.person();
    assert_eq!(person.ok(&["ls", "opendrive://"]), "Documents/\n");
    assert_eq!(person.ok(&["ls", "opendrive://Documents/"]), "deep/\nhollow/\nletter.txt\n");
    let long = person.ok(&["ls", "-l", "opendrive://Documents/letter.txt"]);
    assert_eq!(long, "          10  2023-11-14T22:13:20Z  letter.txt\n");
    let tree = person.ok(&["ls", "-R", "opendrive://Documents"]);
    let mut tree: Vec<&str> = tree.lines().collect();
    tree.sort_unstable();
    assert_eq!(tree, ["deep/", "deep/er/", "deep/er/empty", "hollow/", "letter.txt"]);
    let letter = json!({"path": "letter.txt", "type": "file", "size": 10, "modified": "2023-11-14T22:13:20Z"});
    for file in [
        &["ls", "--json", "opendrive://Documents/letter.txt"][..],
        &["ls", "--json", "-R", "opendrive://Documents/letter.txt"],
    ] {
        assert_eq!(lines(&person.ok(file)), std::slice::from_ref(&letter));
    }
    let rows = lines(&person.ok(&["ls", "--json", "opendrive://Documents"]));
    assert_eq!((rows.len(), &rows[2]), (3, &letter));
    assert_eq!(
        (&rows[0]["path"], &rows[0]["type"], &rows[0]["size"]),
        (&json!("deep"), &json!("folder"), &Value::Null)
    );
}

#[test]
fn a_folder_that_cannot_be_listed_is_said_and_the_rest_is_listed() {
    let world = World::new();
    world.simulator.make_unlistable("Documents/deep");
    let outcome = world.person().run(&["ls", "-R", "--json", "opendrive://Documents"]);
    let rows = lines(std::str::from_utf8(&outcome.stdout).unwrap());
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    assert!(rows.iter().any(|row| row["path"] == "letter.txt"), "{rows:?}");
    assert!(
        rows.iter().any(|row| row["path"] == "deep"
            && row["error"].as_str().is_some_and(|error| error.contains("cannot list"))),
        "{rows:?}"
    );
    assert!(outcome.stderr.contains("\"deep\": cannot list the folder"), "{}", outcome.stderr);
}

#[test]
fn cat_gives_the_bytes_and_no_more() {
    let world = World::new();
    let bytes = support::noise(3, 3_000_001);
    world.simulator.drive().put_file("Documents/noise", bytes.clone(), 1);
    world.simulator.add_fault(Fault::new(What::CutBody { after: 100_000 }));
    let outcome = world.person().run(&[
        "cat",
        "opendrive://Documents/letter.txt",
        "opendrive://Documents/noise",
    ]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(outcome.stdout == [b"Dear all,\n".to_vec(), bytes].concat());
    assert!(world.simulator.unused_faults().is_empty());

    world.simulator.add_fault(Fault::new(What::CorruptBody).item("noise").always());
    let outcome = world.person().run(&["cat", "opendrive://Documents/noise"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
}

#[test]
fn every_failure_has_its_status_and_one_line() {
    let world = World::new();
    let person = world.person();
    person.fails(2, &["ls", "Documents"], "write opendrive://FOLDER, or @NAME");
    person.fails(2, &["ls", "rclone:///x"], "@NAME for a remote that is configured");
    person.fails(2, &["ls", "@"], "write @NAME");
    person.fails(2, &["cp", "a", "b"], "neither FROM nor TO is a remote");
    person.fails(2, &["cat", "opendrive://"], "the root is a folder");
    person.fails(
        3,
        &["ls", "opendrive://Nowhere"],
        "the folder /Nowhere does not exist on opendrive",
    );
    person.fails(3, &["ls", "-R", "opendrive://Nowhere/x"], "does not exist");
    person.fails(
        3,
        &["cat", "opendrive://Documents/nothing"],
        "there is no file /Documents/nothing",
    );
    person.fails(
        1,
        &["cat", "opendrive://Documents"],
        "/Documents on opendrive (user@example.com) is a folder",
    );
    person.fails(3, &["cp", "nothing", "opendrive://x"], "cannot be read");
    person.fails(7, &["ls", "opendrive://a/../b"], "has a \"..\"");
    person.fails(7, &["ls", "@drive"], "plakar cannot be started");
    person.fails(7, &["ls", "--config", "nothing", "@drive"], "\"nothing\": cannot be read");

    let mut wrong = person.command(&["ls", "opendrive://"]);
    wrong.env("PLAKAR_OPENDRIVE_PASSWORD", "wr0ng");
    let outcome = finish(wrong, b"");
    assert_eq!(outcome.code, Some(4), "{}", outcome.text());
    assert!(
        outcome.stderr.contains("check the user name and the password")
            && !outcome.stderr.contains("wr0ng"),
        "{}",
        outcome.stderr
    );
    let mut nobody = person.command(&["ls", "opendrive://"]);
    nobody.env_remove("PLAKAR_OPENDRIVE_PASSWORD");
    let outcome = finish(nobody, b"");
    assert!(
        outcome.code == Some(2) && outcome.stderr.contains("no terminal to ask at"),
        "{}",
        outcome.text()
    );
}

#[test]
fn configurations_are_read_from_files() {
    let world = World::new();
    let person = world.person();
    std::fs::write(world.path("password"), format!("{}\n", world.simulator.password())).unwrap();
    let mut by_file = person.command(&["ls", "opendrive://"]);
    by_file
        .env_remove("PLAKAR_OPENDRIVE_PASSWORD")
        .env("PLAKAR_OPENDRIVE_PASSWORD_FILE", world.path("password"));
    assert_eq!(finish(by_file, b"").text(), "Documents/\n");

    let store = json!({"drive": {"location": "opendrive://Documents", "username": world.simulator.username(),
        "password": world.simulator.password(), "passphrase": "p", "cache_size": "8Mi"}});
    std::fs::write(world.path("drive.json"), store.to_string()).unwrap();
    assert_eq!(person.ok(&["ls", "--config", "drive.json", "@drive/deep"]), "er/\n");
    let ini = "[mine]\ntype = local\n\n[other]\ntype = local\n";
    let mut from_stdin =
        person.command(&["ls", "--config", "-", &format!("@mine{}", world.home.path().display())]);
    from_stdin.env_remove("PLAKAR_OPENDRIVE_USERNAME").env_remove("PLAKAR_OPENDRIVE_PASSWORD");
    assert_eq!(finish(from_stdin, ini.as_bytes()).text(), "drive.json\npassword\n");
    std::fs::write(world.path("rclone.conf"), ini).unwrap();
    person.fails(
        7,
        &["ls", "--config", "rclone.conf", "@drive"],
        "has no \"drive\": it has mine, other",
    );
}

#[test]
fn about_tells_the_room_and_the_versions() {
    let world = World::with(Options { quota: Some(10 << 30), ..Options::default() });
    let person = world.person();
    let room: Value =
        serde_json::from_str(&person.ok(&["about", "--json", "opendrive://"])).unwrap();
    assert_eq!(
        (&room["total"], &room["account"]),
        (&json!(10u64 << 30), &json!("user@example.com"))
    );
    let text = person.ok(&["about", "opendrive://"]);
    assert!(
        text.starts_with("opendrive (user@example.com)\n  total  10.00 GiB (10737418240 bytes)\n"),
        "{text}"
    );
    let own: Value = serde_json::from_str(&person.ok(&["about", "--json"])).unwrap();
    assert!(own["backends"].as_array().unwrap().contains(&json!("opendrive")), "{own}");
    let version = person.ok(&["--version"]);
    assert_eq!(
        version,
        format!(
            "plakar-opendrive {}\nrclone {}\nGo {}\nPlakar plugin API {}\n",
            env!("CARGO_PKG_VERSION"),
            own["rclone"].as_str().unwrap(),
            own["go"].as_str().unwrap(),
            own["plugin_apis"]
                .as_array()
                .unwrap()
                .iter()
                .map(|version| version.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(", "),
        )
    );
    assert!(
        own["rclone"].as_str().unwrap().starts_with("1.")
            && own["go"].as_str().unwrap().starts_with("1."),
        "{own}"
    );
    assert_eq!(person.ok(&["-V"]), format!("plakar-opendrive {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_test_reports_each_step_and_advises() {
    let world = World::new();
    let person = world.person();
    let text = person.ok(&["test", "opendrive://Documents"]);
    let names: Vec<&str> =
        text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(
        names,
        ["configuration", "login", "quota", "folder", "latency", "clock", "plakar"],
        "{text}"
    );
    assert!(
        text.contains("/Documents holds 2 folders, 1 file") && !text.contains('\u{1b}'),
        "{text}"
    );
    let report: Value =
        serde_json::from_str(&person.ok(&["test", "--json", "opendrive://Documents"])).unwrap();
    assert!(
        report["ok"] == true && report["latency_ms"]["median"].as_f64().unwrap() > 0.0,
        "{report}"
    );
    // The simulator's is this machine's.
    assert!(
        report["clock_ahead_s"].as_f64().is_some_and(|ahead| ahead.abs() < 3.0)
            && text.contains("as the server's"),
        "{report}"
    );

    let last = |outcome: support::command::Outcome, code: i32, step: &str, hint: &str| {
        assert_eq!(outcome.code, Some(code), "{}", outcome.text());
        let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
        let last = report["steps"].as_array().unwrap().last().unwrap().clone();
        assert!(report["ok"] == false && last["ok"] == false && last["name"] == step, "{report}");
        assert!(last["hint"].as_str().is_some_and(|text| text.contains(hint)), "{last}");
    };
    last(
        person.run(&["test", "--json", "opendrive://Nowhere"]),
        3,
        "folder",
        "A source needs the folder",
    );
    last(
        person.run(&["test", "--json", "opendrive://Documents/letter.txt"]),
        1,
        "folder",
        "the folder that the file is in",
    );
    last(person.run(&["test", "--json", "@nothing"]), 7, "configuration", "source show");
    let mut wrong = person.command(&["test", "--json", "opendrive://"]);
    wrong.env("PLAKAR_OPENDRIVE_PASSWORD", "wr0ng");
    last(finish(wrong, b""), 4, "login", "https://www.opendrive.com");
    let strange =
        World::with(Options { certificate: Certificate::Untrusted, ..Options::default() });
    last(strange.person().run(&["test", "--json", "opendrive://"]), 1, "login", "RCLONE_CA_CERT");
}

#[test]
fn hostile_names_are_harmless_as_text_and_exact_in_json() {
    let world = World::new();
    let hostile = ["\u{202e}cod.exe", "a\u{2028}b", "\u{85}x", "..\u{200b}"];
    for name in hostile {
        world.simulator.drive().put_file(&format!("Hostile/{}", stored_name(name)), Vec::new(), 1);
    }
    let person = world.person();
    let rows = lines(&person.ok(&["ls", "--json", "opendrive://Hostile"]));
    let mut names: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected = hostile.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for arguments in [&["ls", "opendrive://Hostile"][..], &["ls", "-R", "opendrive://Hostile"]] {
        let text = person.ok(arguments);
        assert_eq!(text.lines().count(), hostile.len(), "{text:?}");
        text.lines().for_each(assert_plain);
    }

    // What rclone itself would never give a name.
    let entry = |name: &str| file_entry("f1", name, b"x");
    plant(
        &world.simulator,
        "Hostile",
        listing(vec![], vec![entry("\u{1b}[31mred\nforged"), entry("..\0")]),
    );
    let text = person.run(&["ls", "-R", "opendrive://Hostile"]).text();
    assert!(!text.is_empty() && text.lines().count() == 2, "{text:?}");
    text.lines().for_each(assert_plain);
}

#[test]
fn a_reader_who_has_enough_is_no_failure() {
    let world = World::new();
    for n in 0..3000 {
        world.simulator.drive().put_file(
            &format!("Many/a name that takes some room in the pipe, so that it is full, {n}"),
            Vec::new(),
            1,
        );
    }
    let mut child = world.person().command(&["ls", "opendrive://Many"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    assert!(first.starts_with("a name"), "{first}");
}

/// Of rclone's levels only DEBUG was one, another ended the process, as did the missing file of a
/// filter; and a rule in TZ was UTC.
#[test]
#[cfg(unix)]
fn the_environment_of_rclone_is_understood() {
    let world = World::new();
    let folder = world.home.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
    let config = json!({"l": {"location": format!("rclone://{}", folder.display()), "rclone_type": "local"}});
    std::fs::write(world.home.path().join("c"), config.to_string()).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = world.person().command(&["ls", "--config", "c", "@l"]);
        command.envs(variables.iter().copied());
        let outcome = finish(command, b"");
        assert_eq!(outcome.code, Some(0), "{variables:?}: {}", outcome.text());
        outcome.stderr
    };
    for (level, said) in [
        ("", ""),
        ("ERROR", ""),
        ("NOTICE", "Can't follow symlink"),
        ("info", "Can't follow symlink"),
        ("DEBUG", "Can't follow symlink"),
        ("loud", "RCLONE_LOG_LEVEL is \"loud\": write ERROR, NOTICE, INFO or DEBUG"),
    ] {
        let stderr = run(&[("RCLONE_LOG_LEVEL", level)]);
        assert!(stderr.contains(said) && stderr.is_empty() == said.is_empty(), "{level}: {stderr}");
    }
    assert_eq!(run(&[("RCLONE_FILES_FROM", "/nowhere"), ("RCLONE_EXCLUDE_FROM", "/nowhere")]), "");
    // A line begins with a date and a time.
    let hour = |zone| -> i32 {
        run(&[("RCLONE_LOG_LEVEL", "NOTICE"), ("TZ", zone)])[11..13].parse().unwrap()
    };
    let ahead = (hour("<+14>-14") - hour("UTC")).rem_euclid(24);
    // An hour may end in between.
    assert!([13, 14].contains(&ahead), "{ahead}");
}

#[test]
fn completions_are_made_for_each_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.person().ok(&["completions", shell]);
        assert!(
            script.contains("password-stdin") && !script.contains("importer"),
            "{shell}: {script}"
        );
        // Of the other executable, which lies beside it.
        assert!(
            script.contains("create-store") && script.contains("tls-certificate"),
            "{shell}: {script}"
        );
    }
}

/// `plakar-opendrive man > docs/plakar-opendrive.1` makes it anew.
#[test]
fn the_manual_page_is_up_to_date() {
    let page = World::new().person().ok(&["man"]);
    let kept = include_str!("../../docs/plakar-opendrive.1");
    assert!(page == kept, "docs/plakar-opendrive.1 is not what `plakar-opendrive man` prints");
}
