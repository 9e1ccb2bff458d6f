//! At a terminal: questions, and what is not shown there.

use std::process::{Command, Stdio};

use rexpect::process::WaitStatus;
use rexpect::session::{Options as Terminal, PtySession, spawn_with_options};
use rustix::termios::{LocalModes, tcgetattr};

use super::world::{World, until};
use support::planted::assert_plain;

const PASSPHRASE: &str = "mule lantern orbit pickle 47";

/// Nothing at a terminal takes longer, unless it hangs; in milliseconds.
const HANG: u64 = 120_000;

/// Starts a command at a terminal that shows what is typed. rexpect's terminals do not, and from here
/// that could be changed too soon, before rexpect sets it, or too late, when the command asks for a
/// password already: so a shell does it, which becomes the command.
fn at_terminal(world: &World, arguments: &[&str]) -> PtySession {
    let ours = world.command(&[&["app"], arguments].concat());
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "stty echo && exec \"$@\"", "sh"])
        .arg(ours.get_program())
        .args(ours.get_args())
        .env_clear()
        .envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("TERM", "xterm")
        .current_dir(world.user.home());
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

fn answer(session: &mut PtySession, question: &str, answer: &str) -> String {
    let shown = session.exp_string(question).unwrap();
    session.send_line(answer).unwrap();
    shown
}

#[test]
fn what_is_missing_is_asked_for_and_secrets_are_not_shown() {
    let world = World::new();
    world.put("Documents/file", b"x");
    let mut session =
        at_terminal(&world, &["assign", "drive", "--store", "./store", "--create-store"]);
    answer(&mut session, "Protocol (1 to 2): ", "3");
    // That comes first which is made for the drive.
    let mut shown = answer(&mut session, "Protocol (1 to 2): ", "1");
    shown += &answer(
        &mut session,
        "Location, after opendrive:// (nothing for all of it): ",
        "Documents",
    );
    // In whichever order the schema names them.
    shown += &session.exp_regex("(Password|Username) \\(").unwrap().0;
    let terminal = session.process().get_file_handle().unwrap();
    let hidden = || !tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO);
    for round in 0..2 {
        let (before, question) = if round == 0 {
            (String::new(), String::new())
        } else {
            session.exp_regex("(Password|Username) \\(").unwrap()
        };
        shown += &before;
        let asks_password = if round == 0 { None } else { Some(question.contains("Password")) };
        let (text, _) = session.exp_regex("\\): $").unwrap();
        let asks_password = asks_password.unwrap_or(text.contains("plain text"));
        if asks_password {
            until("the terminal shows nothing that is typed", hidden);
            session.send_line(world.simulator.password()).unwrap();
        } else {
            session.send_line(world.simulator.username()).unwrap();
        }
    }
    // The store is new: it is encrypted, with a passphrase that is entered twice.
    for question in ["Passphrase of the store: ", "Passphrase of the store, again: "] {
        shown += &session.exp_string(question).unwrap();
        until("the terminal shows nothing that is typed", hidden);
        session.send_line(PASSPHRASE).unwrap();
    }
    let (more, status) = rest(session);
    shown += &more;
    assert!(status == 0 && more.contains("the source drive is assigned"), "{shown}");
    assert!(more.contains("the passphrase is strong"), "{more}");
    for secret in [world.simulator.password(), PASSPHRASE] {
        assert!(!shown.contains(secret), "{shown}");
    }
    world.ok(&["test", "drive"]);

    // A store whose passphrase Plakar does not have is said, and asked for by us, once: plakar itself
    // would ask at the terminal, and be stopped as it reads.
    world.user.ok(&["store", "rm", "drive"]);
    let list = ["adopt", "--store", "./store", "--state", "./again"];
    let mut session = at_terminal(&world, &list);
    session.exp_string("Passphrase of the store: ").unwrap();
    let asking = session.process().get_file_handle().unwrap();
    until("the terminal shows nothing that is typed", || {
        !tcgetattr(&asking).unwrap().local_modes.contains(LocalModes::ECHO)
    });
    session.send_line(PASSPHRASE).unwrap();
    let (shown, status) = rest(session);
    assert!(status == 0 && shown.contains("no restore point in this store"), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");

    // Only what is confirmed is done.
    let mut session = at_terminal(&world, &["remove", "drive"]);
    answer(&mut session, "are you sure? (yes or no): ", "no");
    let (shown, status) = rest(session);
    assert!(status == 1 && shown.contains("nothing was done"), "{shown}");
    let mut session = at_terminal(&world, &["edit", "drive", "--secret", "password"]);
    session.exp_string("Password: ").unwrap();
    // Before that, a signal comes of it, and nobody to tell who reads the password.
    let asking = session.process().get_file_handle().unwrap();
    until("the terminal shows nothing that is typed", || {
        !tcgetattr(&asking).unwrap().local_modes.contains(LocalModes::ECHO)
    });
    session.send_control('c').unwrap();
    let (_, status) = rest(session);
    assert_eq!(status, 130);
    assert!(tcgetattr(&terminal).is_err() || world.row(&["show", "drive"])["app"]["revision"] == 1);
}

#[test]
fn nothing_that_a_drive_says_moves_the_cursor() {
    let world = World::new();
    let folder = world.odd();
    for list in [
        &["ls", "drive", "latest", &folder][..],
        &["find", "drive", "latest", "*"],
        &["tasks"],
        &["show", "drive"],
        &["list"],
    ] {
        let (shown, status) = rest(at_terminal(&world, list));
        assert_eq!(status, 0, "{shown}");
        ours(&shown);
    }
    let (shown, status) = rest(at_terminal(&world, &["backup", "drive"]));
    assert!(status == 0 && shown.contains("succeeded: restore point"), "{shown}");
    ours(&shown);
}

/// That nothing but what we draw ourselves was sent to the terminal: colours, and the line that
/// shows how far it is.
fn ours(shown: &str) {
    // rexpect takes each byte for a character.
    let bytes: Vec<u8> = shown.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("\u{1b}[31mred"), "{text:?}");
    let plain: String = text
        .split("\u{1b}[")
        .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || "?;".contains(c)))
        .collect();
    plain.split(['\r', '\n']).for_each(assert_plain);
}

#[test]
fn the_console_gives_another_address_when_enter_is_pressed() {
    let world = World::new();
    let mut command = world.command(&["console", "--listen", "127.0.0.1:0"]);
    command
        .env("TERM", "xterm")
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let mut session = spawn_with_options(command, Terminal::new().timeout_ms(Some(HANG))).unwrap();
    let (_, first) = session.exp_regex("/enter#[0-9a-f]{32}").unwrap();
    session.exp_string("press Enter").unwrap();
    session.send_line("").unwrap();
    let (_, second) = session.exp_regex("/enter#[0-9a-f]{32}").unwrap();
    assert_ne!(first, second);
    session.send_control('c').unwrap();
    assert_eq!(rest(session).1, 0);
}
