//! `config`: asks at a terminal, and what it prints goes through the real Plakar. And what is only
//! for terminals.

use std::process::{Command, Stdio};
use std::time::Duration;

use opendrive_sim::{Fault, Options, Simulator, What};
use rexpect::process::WaitStatus;
use rexpect::session::{Options as Terminal, PtySession, spawn_with_options};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::{Value, json};
use support::command::{Outcome, Person, finish};
use support::plakar::{Plakar, plakar};
use support::{executable, wait_for};

/// Nothing at a terminal takes longer, unless it hangs; in milliseconds.
const HANG: u64 = 120_000;

/// Starts a command at a terminal, without an account in the environment.
fn at_terminal(mut command: Command) -> PtySession {
    command.env_remove("PLAKAR_OPENDRIVE_USERNAME").env_remove("PLAKAR_OPENDRIVE_PASSWORD");
    // The terminal takes their place.
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    spawn_with_options(command, Terminal::new().timeout_ms(Some(HANG))).unwrap()
}

/// Reads to the end, and gives what was shown and the exit status.
fn rest(mut session: PtySession) -> (String, i32) {
    let shown = session.exp_eof().unwrap();
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, status) => (shown, status),
        other => panic!("{other:?}: {shown}"),
    }
}

/// Whether the terminal shows what is typed.
fn echo(session: &PtySession) -> bool {
    let terminal = session.process().get_file_handle().unwrap();
    tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO)
}

/// Answers both questions at a terminal that shows what is typed; what was shown up to the end of
/// the password.
fn log_in(session: &mut PtySession, username: &str, password: &str) -> String {
    session.exp_string("OpenDrive user name: ").unwrap();
    // rexpect's terminals do not.
    let terminal = session.process().get_file_handle().unwrap();
    let mut modes = tcgetattr(&terminal).unwrap();
    modes.local_modes.insert(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Now, &modes).unwrap();
    session.send_line(username).unwrap();
    let shown = session.exp_string(&format!("Password of {username}: ")).unwrap();
    assert!(shown.contains(username), "the terminal does not show what is typed: {shown:?}");
    wait_for(Duration::from_secs(60), "the terminal shows nothing that is typed", || {
        (!echo(session)).then_some(())
    });
    session.send(password).unwrap();
    session.flush().unwrap();
    shown
}

#[test]
fn the_password_is_asked_for_and_not_shown() {
    let simulator =
        Simulator::start(Options { password: "p4ss wörd".into(), ..Options::default() }).unwrap();
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    let mut session = at_terminal(person.command(&["config", "drive"]));
    let mut shown = log_in(&mut session, simulator.username(), "p4ss wörd\n");
    let (more, status) = rest(session);
    shown += &more;
    assert_eq!(status, 0, "{shown}");
    assert!(
        shown.contains("the login of user@example.com works; /: 0 folders, 0 files"),
        "{shown}"
    );
    assert!(
        shown.contains("`plakar-opendrive config drive --import source` makes the source @drive"),
        "{shown}"
    );
    let printed: Value =
        serde_json::from_str(shown.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(printed["drive"]["rclone_username"], "user@example.com");
    assert!(!shown.contains("p4ss"), "{shown}");
}

#[test]
fn giving_up_at_the_password_leaves_the_terminal_as_it_was() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut session = at_terminal(
        Person { simulator: &simulator, home: home.path() }.command(&["ls", "opendrive://"]),
    );
    log_in(&mut session, "x", "p4s\u{3}");
    let terminal = session.process().get_file_handle().unwrap();
    let (shown, status) = rest(session);
    assert_eq!((status, shown.contains("p4s")), (130, false), "{shown}");
    let modes = tcgetattr(&terminal).unwrap().local_modes;
    assert!(modes.contains(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON), "{modes:?}");
}

#[test]
fn nothing_is_printed_unless_all_is_well() {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.drive().put_file("file", b"x".to_vec(), 1);
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    person.fails(
        3,
        &["config", "--location", "opendrive://Nowhere"],
        "write another --location, or add --create",
    );
    person.fails(1, &["config", "--location", "opendrive://file"], "is a file");
    person.fails(2, &["config", "--location", "rclone:///x"], "write opendrive://FOLDER");
    person.fails(2, &["config", "--username", "a\nb"], "control character");
    person.fails(2, &["config", "--password-stdin"], "the password is empty");
    let unknown = person.run(&["config", "@drive"]);
    assert!(
        unknown.code == Some(2)
            && unknown.stdout.is_empty()
            && unknown.stderr.contains("the first a letter or a digit"),
        "{unknown:?}"
    );
    let wrong = finish(person.command(&["config", "--password-stdin"]), b"wr0ng\n");
    assert!(
        wrong.code == Some(4) && wrong.stdout.is_empty() && !wrong.stderr.contains("wr0ng"),
        "{wrong:?}"
    );
    assert!(simulator.drive().tree().len() == 1, "{:?}", simulator.drive().tree());
}

#[test]
fn colours_and_bars_are_for_terminals_only() {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.drive().put_file("folder/file", vec![7; 1 << 20], 1);
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    let config = json!({"d": {"location": "opendrive://folder", "username": simulator.username(), "password": simulator.password()}});
    std::fs::write(home.path().join("c"), config.to_string()).unwrap();
    let (shown, _) = rest(at_terminal(person.command(&["test", "--config", "c", "@d"])));
    assert!(shown.contains("\u{1b}[32mok"), "{shown:?}");
    let mut plain = person.command(&["test", "--config", "c", "@d"]);
    plain.env("NO_COLOR", "1");
    let (shown, _) = rest(at_terminal(plain));
    assert!(shown.contains("ok") && !shown.contains('\u{1b}'), "{shown:?}");
    simulator.add_fault(Fault::new(What::Delay { ms: 700 }).endpoint("download/file"));
    let (shown, status) = rest(at_terminal(person.command(&["cp", "--config", "c", "@d", "to"])));
    assert!(
        status == 0 && shown.contains("of 1.00 MiB") && shown.contains("1 file in"),
        "{shown:?}"
    );
    assert!(simulator.unused_faults().is_empty());
}

/// Waits for what is tried for some seconds, hence beside Plakar.
#[test]
fn a_drive_that_does_not_answer_is_said_to_be_tried_later() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let person = Person { simulator: &simulator, home: home.path() };
    let limited = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: None };
    simulator.add_fault(Fault::new(limited).endpoint("session/login").always());
    let tested = |environment: &[(&str, &str)], hint: &str| {
        let mut command = person.command(&["test", "--json", "opendrive://"]);
        command.envs(environment.iter().copied());
        let outcome = finish(command, b"");
        let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
        let last = report["steps"].as_array().unwrap().last().unwrap();
        assert!(outcome.code == Some(5) && last["name"] == "login", "{}", outcome.text());
        assert!(last["hint"].as_str().is_some_and(|text| text.contains(hint)), "{last}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| tested(&[], "tpslimit"));
        // Nobody listens there.
        scope.spawn(|| tested(&[("HTTPS_PROXY", "http://127.0.0.1:1")], "online"));
    });
}

/// Runs a line of shell as a user of Plakar whose PATH has both programs.
fn shell(user: &Plakar, simulator: &Simulator, line: &str) -> Outcome {
    let bin = user.home().join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(plakar(), bin.join("plakar")).unwrap();
        std::os::unix::fs::symlink(executable(), bin.join("plakar-opendrive")).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", line])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", user.home())
        .env("TERM", "dumb")
        .env("PLAKAR_OPENDRIVE_USERNAME", simulator.username())
        .envs(simulator.env())
        .current_dir(user.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let outcome = finish(command, format!("{}\n", simulator.password()).as_bytes());
    assert!(!outcome.text().contains(simulator.password()), "{line}: {}", outcome.text());
    outcome
}

#[test]
fn plakar_takes_it_as_source_destination_and_store() {
    let username = "ü\"'\\ {a}: #;@example.com";
    let simulator =
        Simulator::start(Options { username: username.into(), ..Options::default() }).unwrap();
    simulator.drive().put_file("Documents/letter", b"Dear all".to_vec(), 1_700_000_000);
    let user = Plakar::new(&simulator.env());
    let ok = |line: &str| {
        let outcome = shell(&user, &simulator, line);
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.text());
        outcome.text()
    };
    let said = ok(
        "plakar-opendrive config drive --password-stdin --location opendrive://Documents | plakar source import",
    );
    assert!(said.contains("/Documents: 0 folders, 1 file"), "{said}");
    ok(
        "plakar-opendrive config drive --password-stdin --create --location 'opendrive://Given back' | plakar destination import",
    );
    ok(
        "plakar-opendrive config vault --password-stdin --create --location opendrive://Vault | plakar store import",
    );
    user.ok(&["at", "@vault", "create", "-plaintext"]);
    let snapshot = user.backup("@vault", "@drive");
    user.ok(&["at", "@vault", "restore", "-to", "@drive", &snapshot]);
    assert_eq!(simulator.drive().read_file("Given back/letter").as_deref(), Some(&b"Dear all"[..]));

    // In one command too, and nothing is printed.
    let said = ok(
        "plakar-opendrive config given --password-stdin --location 'opendrive://Given back' --import source",
    );
    assert!(
        said.contains("@given is a source of Plakar's now") && !said.contains("rclone_password"),
        "{said}"
    );
    assert_eq!(ok("plakar-opendrive ls @given"), "letter\n");
    let outcome =
        shell(&user, &simulator, "plakar-opendrive config given --password-stdin --import source");
    assert!(
        outcome.code == Some(7)
            && outcome.stderr
                == "plakar-opendrive: Plakar has a source given already: add --overwrite to replace it, or choose another name\n",
        "{outcome:?}"
    );

    // And back: what Plakar knows by name.
    assert_eq!(ok("plakar-opendrive ls @vault").lines().next(), Some("CONFIG"));
    assert!(ok("plakar-opendrive test @vault").contains("a store opens the one that is there"));
    let outcome = shell(&user, &simulator, "plakar-opendrive ls @drive");
    assert!(
        outcome.code == Some(7)
            && outcome
                .stderr
                .contains("@drive is a source and a destination of Plakar's, which differ"),
        "{outcome:?}"
    );
    assert_eq!(
        ok("plakar destination show -json -secrets drive | plakar-opendrive ls --config - @drive"),
        "letter\n"
    );
    assert!(
        outcome.stderr.contains("choose one by --as source or --as destination"),
        "{outcome:?}"
    );
    assert_eq!(ok("plakar-opendrive ls --as destination @drive"), "letter\n");
    assert!(ok("plakar-opendrive test --as source @drive").contains("folder /Documents"));
    let outcome = shell(&user, &simulator, "plakar-opendrive ls --as store @drive");
    assert!(
        outcome.code == Some(7) && outcome.stderr.contains("Plakar has no store \"drive\""),
        "{outcome:?}"
    );
    ok("plakar destination rm drive; plakar-opendrive cp @drive/letter .");
    assert_eq!(std::fs::read(user.home().join("letter")).unwrap(), b"Dear all");
    let outcome = shell(&user, &simulator, "plakar-opendrive ls @nothing");
    assert!(
        outcome.code == Some(7)
            && outcome.stderr.contains("Plakar has no source, destination or store \"nothing\""),
        "{outcome:?}"
    );
}
