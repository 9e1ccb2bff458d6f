//! End to end: crypt with a password that is not the one, and with names on the drive that are not
//! crypt's.

use std::collections::BTreeSet;

use opendrive_sim::{Options, Simulator};
use serde_json::json;
use support::command::{Person, finish};
use support::plakar::Plakar;

// The simulator's password, `correct horse` and another one, by `rclone obscure`.
const ACCOUNT: &str = "9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8";
const RIGHT: &str = "nDH1jdldJ-Ekmaho27paqbZSv4I02H7dw1Qs1e8";
const WRONG: &str = "h6WS7Fda4E_mUgO02v09KwYcN5VY";

const NOTHING: &str = "no name in it can be decrypted (";

struct World {
    simulator: Simulator,
    plakar: Plakar,
    local: String,
}

impl World {
    /// A drive with two encrypted files and a folder, which a restore put there, and the store that
    /// they came from.
    fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let plakar = Plakar::new(&simulator.env());
        let local = plakar.path("local");
        let world = Self { simulator, plakar, local };
        for kind in ["source", "destination", "store"] {
            for (name, password) in [("right", RIGHT), ("wrong", WRONG)] {
                for (folder, at) in [("", ""), ("-in", "Folder")] {
                    world.configure(kind, &format!("{name}{folder}"), password, at);
                }
            }
        }
        let files = world.plakar.home().join("files");
        std::fs::create_dir_all(files.join("letters")).unwrap();
        std::fs::write(files.join("letters/one"), "Dear all").unwrap();
        std::fs::write(files.join("two"), "Dear both").unwrap();
        world.plakar.ok(&["at", &world.local, "create", "-plaintext"]);
        let id = world.plakar.backup(&world.local, files.to_str().unwrap());
        world.plakar.ok(&["at", &world.local, "restore", "-to", "@right", &id]);
        world
    }

    fn configure(&self, kind: &str, name: &str, password: &str, folder: &str) {
        let section = json!({
            "location": format!("rclone:///{folder}"), "rclone_type": "crypt", "rclone_password": password,
            "rclone_remote": "drive:vault", "rclone_remote_type": "opendrive",
            "rclone_remote_username": self.simulator.username(), "rclone_remote_password": ACCOUNT,
        });
        let imported = self
            .plakar
            .run_with_input(&[kind, "import"], json!({ name: section }).to_string().as_bytes());
        assert_eq!(imported.code, Some(0), "{}", imported.text());
    }

    /// All that is on the drive.
    fn tree(&self) -> BTreeSet<String> {
        self.simulator.drive().tree().into_keys().collect()
    }

    fn fails(&self, arguments: &[&str], expected: &str) {
        let outcome = self.plakar.run(arguments);
        assert!(
            outcome.code == Some(1) && outcome.text().contains(expected),
            "{arguments:?}: {:?} {}",
            outcome.code,
            outcome.text()
        );
    }
}

#[test]
fn a_wrong_password_is_no_empty_drive() {
    let world = World::new();
    let before = world.tree();
    assert_eq!(before.len(), 4, "{before:?}");
    let local = world.local.as_str();
    // The source said "completed without errors (in: 0 B)".
    world.fails(&["at", local, "backup", "@wrong"], NOTHING);
    world.fails(&["source", "ping", "wrong"], NOTHING);
    // A folder is looked for by the name that the password makes of it.
    world.fails(&["at", local, "backup", "@wrong-in"], "or was encrypted with another password");
    // What was restored with it came beside the rest.
    let id = world.plakar.backup(local, "@right");
    for name in ["wrong", "wrong-in"] {
        world.fails(&["at", local, "restore", "-to", &format!("@{name}"), &id], NOTHING);
        world.fails(&["destination", "ping", name], NOTHING);
    }
    assert_eq!(world.tree(), before);
    // A second store was made beside the first.
    world.plakar.ok(&["at", "@right-in", "create", "-plaintext"]);
    let before = world.tree();
    for name in ["@wrong", "@wrong-in"] {
        world.fails(&["at", name, "create", "-plaintext"], NOTHING);
    }
    assert_eq!(world.tree(), before);
    let opened = world.plakar.run(&["at", "@wrong", "ls"]);
    assert!(opened.code != Some(0) && opened.text().contains(NOTHING), "{}", opened.text());
}

#[test]
fn names_that_cannot_be_decrypted_are_errors_beside_the_rest() {
    let world = World::new();
    world.simulator.drive().put_file("vault/desktop.ini", b"x".to_vec(), 1_700_000_000);
    world.simulator.drive().put_file("vault/Photos/a.jpg", b"x".to_vec(), 1_700_000_000);
    let local = world.local.as_str();
    let outcome = world.plakar.run(&["at", local, "backup", "-no-progress", "@right"]);
    let text = outcome.text();
    assert!(outcome.code == Some(0) && text.contains("backup completed with 2 errors"), "{text}");
    for name in ["/desktop.ini", "/Photos"] {
        assert!(
            text.lines().any(|line| line.contains("KO")
                && line.contains(&format!("{name}: its name cannot be decrypted"))),
            "{text}"
        );
    }
    let line = text.lines().find(|line| line.contains("backup completed")).unwrap();
    let id = line.split(':').next().unwrap().rsplit(' ').next().unwrap();
    assert_eq!(world.plakar.ok(&["at", local, "cat", &format!("{id}:/letters/one")]), "Dear all");
    assert_eq!(world.plakar.ok(&["at", local, "cat", &format!("{id}:/two")]), "Dear both");
    // A restore beside them says so.
    let restored = world.plakar.run(&["at", local, "restore", "-to", "@right", id]);
    assert!(
        restored.code == Some(0)
            && restored.text().contains("2 names in the destination cannot be decrypted"),
        "{}",
        restored.text()
    );
}

#[test]
fn test_proves_the_password() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    let config = |name: &str, password: &str, names: &str| {
        format!(
            "[{name}]\ntype = crypt\nremote = drive:{names}\npassword = {password}\nfilename_encryption = {names}\n"
        )
    };
    let drive = format!(
        "[drive]\ntype = opendrive\nusername = {}\npassword = {ACCOUNT}\n",
        simulator.username()
    );
    let sections = ["standard", "off"].map(|names| {
        config(names, RIGHT, names) + &config(&format!("wrong-{names}"), WRONG, names)
    });
    std::fs::write(home.path().join("c"), drive + &sections.concat()).unwrap();
    std::fs::create_dir_all(home.path().join("files/folder")).unwrap();
    std::fs::write(home.path().join("files/folder/file"), "Dear all").unwrap();
    let run = |arguments: &[&str]| {
        let outcome = finish(person.command(arguments), b"");
        (outcome.code, outcome.text())
    };
    for names in ["standard", "off"] {
        drop(simulator.drive().make_folder(names));
        let (at, wrong) = (format!("@{names}"), format!("@wrong-{names}"));
        let (code, text) = run(&["test", "--config", "c", &at]);
        assert!(
            code == Some(0) && text.contains("nothing is there that it could be tried on"),
            "{text}"
        );
        assert_eq!(run(&["cp", "--config", "c", "files", &at]).0, Some(0));
        let (code, text) = run(&["test", "--config", "c", &at]);
        assert!(code == Some(0) && text.contains("it decrypts \"folder/file\""), "{text}");
        let (code, text) = run(&["test", "--config", "c", &wrong]);
        let step = if names == "off" { "failed  password" } else { "failed  folder" };
        assert!(
            code == Some(4) && text.contains(step) && text.contains("Take password and password2"),
            "{text}"
        );
        // Where names are not encrypted, each file is an error.
        let (code, text) = run(&["cp", "--config", "c", &wrong, "to"]);
        assert!(
            matches!(code, Some(4 | 6))
                && (text.contains(NOTHING) || text.contains("bad password?")),
            "{text}"
        );
    }
}
