//! A remote that wraps another one, from a plain `rclone config show` to a backup with the real
//! Plakar.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use opendrive_sim::{Options, Simulator};
use plakar_opendrive::rclone::{Remote, RemoteConfig};
use support::executable;
use support::plakar::{Outcome, Plakar, plakar};

/// What `rclone config show` prints: the simulator's password and `correct horse`, by `rclone
/// obscure`.
const CONFIG: &str = "[drive]\ntype = opendrive\nusername = user@example.com\npassword = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8\n\n\
                      [half]\ntype = alias\nremote = drive:half\n\n\
                      [secret]\ntype = crypt\nremote = half:vault\npassword = OBSCURED\n\n";

/// `correct horse`, obscured.
const OBSCURED: &str = "nDH1jdldJ-Ekmaho27paqbZSv4I02H7dw1Qs1e8";

/// Runs `plakar-opendrive from-rclone NAME`.
fn from_rclone(name: &str, config: &str) -> Outcome {
    let mut child = Command::new(executable())
        .args(["from-rclone", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may be refused before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(config.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Puts a file where the configuration's `secret` keeps it, without any of what is tested. Each
/// test has a vault of its own: rclone shares wrapped remotes that are the same.
pub(super) async fn put(simulator: &Simulator, vault: &str, path: &str, bytes: &[u8]) {
    let wrapped = format!(
        ":opendrive,username=user@example.com,password=9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8:half/{vault}"
    );
    let config = RemoteConfig::new("crypt", "")
        .option("remote", &wrapped)
        .plain_password("password", "correct horse")
        .option("override.http_proxy", &simulator.proxy_url())
        .option("override.ca_cert", simulator.ca_file().to_str().unwrap());
    let remote = Remote::open(&config).await.unwrap();
    let mut writer = remote.create(path, Some(bytes.len() as u64), UNIX_EPOCH).await.unwrap();
    writer.write(bytes.to_vec()).await.unwrap();
    writer.commit().await.unwrap();
}

/// Gives a user the source `secret`, in a vault.
pub(super) fn import_secret(plakar: &Plakar, vault: &str) {
    let json = from_rclone(
        "secret",
        &CONFIG.replace("half:vault", &format!("half:{vault}")).replace("OBSCURED", OBSCURED),
    );
    assert_eq!((json.code, json.stderr.as_str()), (Some(0), ""));
    let imported = plakar.run_with_input(&["source", "import"], &json.stdout);
    assert_eq!((imported.code, imported.text().as_str()), (Some(0), ""));
}

#[test]
fn crypt_over_alias_over_the_drive_is_backed_up() {
    let simulator = Simulator::start(Options::default()).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(put(
        &simulator,
        "vault",
        "letters/one",
        b"Dear all",
    ));
    let names: Vec<String> = simulator.drive().tree().into_keys().collect();
    assert!(
        names.iter().any(|path| path.contains("half/vault/"))
            && !names.iter().any(|path| path.contains("letters")),
        "{names:?}"
    );

    let plakar = Plakar::new(&simulator.env());
    import_secret(&plakar, "vault");
    // Plakar hides what is secret, of the drive too.
    let shown = plakar.ok(&["source", "show", "secret"]);
    assert!(
        shown.contains("rclone_remote: half:vault") && shown.matches("********").count() == 2,
        "{shown}"
    );
    assert!(!shown.contains(OBSCURED) && !shown.contains("9b2ZWkwcU"), "{shown}");

    let store = plakar.path("store");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let id = plakar.backup(&store, "@secret");
    let cat = plakar.run(&["at", &store, "cat", &format!("{id}:/letters/one")]);
    assert_eq!((cat.code, cat.stdout.as_slice()), (Some(0), &b"Dear all"[..]), "{}", cat.text());
    // The snapshot tells whose it is, and no secret.
    let info = plakar.ok(&["at", &store, "info", &id]);
    assert!(info.contains("user@example.com:half:vault") && !info.contains("9b2ZWkwcU"), "{info}");
}

#[test]
fn the_section_alone_is_refused_with_the_command_to_run() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let plakar = Plakar::new(&simulator.env());
    for kind in ["source", "destination", "store"] {
        let imported =
            plakar.run_with_input(&[kind, "import", "-rclone", "secret"], CONFIG.as_bytes());
        assert_eq!(imported.code, Some(0), "{}", imported.text());
        let ping = plakar.run(&[kind, "ping", "secret"]);
        let expected = format!(
            "option \"rclone_remote\" is \"half:vault\", but the section [half] of the rclone configuration is missing here: Plakar imports one section alone. Import what it needs with it: rclone config show | plakar-opendrive from-rclone NAME --import {kind} --overwrite"
        );
        assert!(ping.code == Some(1) && ping.text().contains(&expected), "{}", ping.text());
    }
}

#[test]
fn what_cannot_be_converted_is_one_line_and_nothing_else() {
    for (name, config, expected) in [
        (
            "other",
            CONFIG,
            "plakar-opendrive: there is no section [other] in the rclone configuration; it has [drive], [half], [secret]\n",
        ),
        (
            "drive",
            "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabc\n",
            "plakar-opendrive: standard input: the rclone configuration is encrypted: give what `rclone config show` prints, which asks for its password\n",
        ),
    ] {
        let outcome = from_rclone(name, config);
        assert_eq!(
            (outcome.code, outcome.stdout.as_slice(), outcome.stderr.as_str()),
            (Some(7), &b""[..], expected)
        );
    }
}

/// Runs `rclone config show | plakar-opendrive from-rclone …` as a user of Plakar.
fn import(user: &Plakar, arguments: &[&str], config: &str) -> Outcome {
    let mut command = user.command(&[]);
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new(executable());
    command
        .arg("from-rclone")
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("PLAKAR", plakar())
        .current_dir(user.home());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may be refused before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(config.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Plakar's own import cuts a value at `#` and `;`, and takes a line that ends in a backslash
/// together with the next.
#[test]
fn one_command_imports_every_value_as_it_is() {
    let user = Plakar::without_package(&plakar(), &[]);
    let config = "[odd]\ntype = local\ndescription = a#b; 0123 \"c\" \\\nencoding = Slash,Dot\n\n[my drive]\ntype = memory\n";
    let kept = |kind: &str, name: &str| {
        let shown = user.ok(&[kind, "show", "-json", "-secrets", name]);
        serde_json::from_str::<serde_json::Value>(&shown).unwrap()[name].clone()
    };
    for kind in ["source", "destination", "store"] {
        let done =
            import(&user, &["odd", "--import", kind, "--location", "rclone:///srv/a b"], config);
        assert_eq!(
            (done.code, done.text()),
            (Some(0), format!("plakar-opendrive: @odd is a {kind} of Plakar's now\n"))
        );
        let expected = serde_json::json!({
            "location": "rclone:///srv/a b", "rclone_type": "local", "rclone_encoding": "Slash,Dot", "rclone_description": "a#b; 0123 \"c\" \\"
        });
        assert_eq!(kept(kind, "odd"), expected, "{kind}");
    }
    // What is there stays, unless it is to be replaced, and then whole.
    let refused = import(&user, &["odd", "--import", "source"], "[odd]\ntype = memory\n");
    assert!(
        refused.code == Some(7)
            && refused.stderr.contains("Plakar has a source odd already: add --overwrite"),
        "{}",
        refused.text()
    );
    let replaced = import(
        &user,
        &["odd", "--import", "source", "--overwrite"],
        "{\"odd\": {\"type\": \"memory\"}}",
    );
    assert_eq!(replaced.code, Some(0), "{}", replaced.text());
    assert_eq!(
        kept("source", "odd"),
        serde_json::json!({"location": "rclone://", "rclone_type": "memory"})
    );
    // rclone's names may be no names for Plakar.
    let unnamed = import(&user, &["my drive", "--import", "source"], config);
    assert!(
        unnamed.code == Some(2) && unnamed.stderr.contains("give one by --name"),
        "{}",
        unnamed.text()
    );
    assert_eq!(
        import(&user, &["my drive", "--name", "mine", "--import", "store"], config).code,
        Some(0)
    );
    assert_eq!(kept("store", "mine")["rclone_type"], "memory");
}

/// `rclone config show NAME` hides passwords; the section alone was imported, and the login failed.
#[test]
fn what_rclone_hides_is_no_password() {
    let user = Plakar::without_package(&plakar(), &[]);
    let config =
        "[drive]\ntype = opendrive\nusername = me@example.com\npassword = *** ENCRYPTED ***\n";
    let refused = import(&user, &["drive", "--import", "source"], config);
    let expected = "plakar-opendrive: password of section [drive] is *** ENCRYPTED ***, which `rclone config show drive` prints in the place of a password: leave the name out, `rclone config show` prints it\n";
    assert_eq!((refused.code, refused.text().as_str()), (Some(7), expected));
    assert!(user.run(&["source", "show", "-json", "drive"]).text().contains("does not exist"));
}
