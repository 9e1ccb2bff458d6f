//! `console`: it serves, runs what is due, and ends in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use source_app::state::TaskKind;

use super::ending::{end, endless, signal};
use super::world::{World, until};
use support::command::finish;

/// Starts the console, and gives the address that it prints.
fn start(world: &World, more: &[&str]) -> (Child, String) {
    let mut command = world.command(&[&["console", "--listen", "127.0.0.1:0"], more].concat());
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://127.0.0.1:") && line.contains("/enter#"), "{line}");
    (child, line.trim().to_owned())
}

/// The status line of what a path is answered with.
fn get(url: &str, path: &str) -> String {
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_console_serves_runs_what_is_due_and_ends_in_order() {
    let world = endless();
    world.due("drive", TaskKind::Backup);
    let (child, url) = start(&world, &[]);
    assert!(get(&url, "/enter").contains("200"));
    assert!(!get(&url, "/").contains("200"), "no session, and all the same");
    until("nothing is run", || world.simulator.calls().of("download/file") > 0);
    signal(&child, "-TERM");
    let (code, said) = end(child);
    assert!(code == Some(0) && said.contains("SIGTERM: ending what runs"), "{code:?}: {said}");
    // The console is gone, and what it was at is not: whoever looks next does it.
    let tasks = world.rows(&["tasks"]);
    let told: Vec<_> =
        tasks.iter().map(|task| (task["state"].as_str(), task["cause"].as_str())).collect();
    let interrupted = (Some("interrupted"), Some("schedule"));
    assert_eq!(told, [(Some("queued"), Some("retry")), interrupted], "{tasks:?}");
    world.quiet();
    world.simulator.set_faults(vec![]);
    let ran = world.row(&["run", "--due", "drive"]);
    assert_eq!((ran["state"].as_str(), ran["cause"].as_str()), (Some("succeeded"), Some("retry")));
}

#[test]
fn without_its_scheduler_the_console_runs_nothing() {
    let world = World::new();
    world.source();
    world.due("drive", TaskKind::Backup);
    let (child, url) = start(&world, &["--no-scheduler"]);
    assert!(get(&url, "/enter").contains("200"));
    // Another process shares the state, and has it all to itself.
    assert_eq!(world.row(&["run", "--due"])["state"], "succeeded");
    signal(&child, "-INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.rows(&["tasks"]).len(), 1);
}

#[test]
fn what_the_console_refuses() {
    let world = World::new();
    let refuse = |arguments: &[&str], input: &[u8], text: &str| {
        let outcome = finish(world.command(&[&["console"], arguments].concat()), input);
        assert!(
            outcome.code == Some(2) && outcome.stdout.is_empty() && outcome.stderr.contains(text),
            "{}",
            outcome.text()
        );
    };
    refuse(&["--listen", "0.0.0.0:0"], b"", "add --tls-certificate, --tls-key and --password-file");
    refuse(&["--listen", "here"], b"", "invalid value 'here'");
    refuse(&["--tls-key", "key"], b"", "--tls-certificate");
    refuse(&["--name", "a b"], b"", "a b");
    refuse(&["password"], b"too short\n", "write at least 12 characters");
    let made = finish(world.command(&["console", "password"]), b"correct horse battery staple\n");
    let line = String::from_utf8(made.stdout).unwrap();
    assert!(
        made.code == Some(0) && line.starts_with("$argon2id$v=19$") && line.lines().count() == 1,
        "{line}"
    );
    assert!(!world.state_folder().exists());
}
