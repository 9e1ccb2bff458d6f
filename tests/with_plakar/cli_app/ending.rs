//! Commands that end before their task: by Ctrl-C, by another command, by SIGKILL.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use opendrive_sim::{Fault, What};
use source_app::state::TaskKind;

use super::world::{World, until};
use crate::scripts::write_script;
use support::noise;
use support::plakar::plakar;

/// A world in which a backup never comes to its end by itself.
pub fn endless() -> World {
    let world = World::new();
    world.put("large", &noise(1, 3_000_000));
    world.source();
    world.simulator.set_faults(vec![
        Fault::new(What::Delay { ms: 3_600_000 }).endpoint("download/file").always(),
    ]);
    world
}

/// Starts a backup, and waits until it is at its work.
fn begin(world: &World) -> Child {
    let mut command = world.command(&["app", "backup", "drive"]);
    command.stdin(Stdio::null());
    let child = command.spawn().unwrap();
    until("the backup does not begin", || world.simulator.calls().of("download/file") > 0);
    child
}

pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for the end of a command: its status and what it said.
pub fn end(mut child: Child) -> (Option<i32>, String) {
    until("the command does not end", || child_has_ended(&child));
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code(), said)
}

/// Whether a child is a zombie: it has ended, and nobody has asked yet.
fn child_has_ended(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'))
}

#[test]
fn ctrl_c_cancels_a_backup_in_order() {
    let world = endless();
    let child = begin(&world);
    // No password is in any argument, which all users of the machine may read.
    let processes = world.processes();
    assert!(
        processes.iter().any(|line| line.contains(" backup "))
            && processes.iter().any(|line| line.contains("app-guard")),
        "{processes:?}"
    );
    assert!(
        !processes.iter().any(|line| line.contains(world.simulator.password())),
        "{processes:?}"
    );
    signal(&child, "-INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.contains("SIGINT: cancelling")
            && said.contains("backup of drive cancelled: cancelled"),
        "{said}"
    );
    assert_eq!(world.rows(&["tasks"])[0]["state"], "cancelled");
    world.quiet();
    assert!(world.rows(&["points", "drive"]).is_empty());
}

#[test]
fn a_task_is_cancelled_by_another_command() {
    let world = endless();
    let child = begin(&world);
    let id = world.rows(&["tasks", "--status", "running"])[0]["id"].to_string();
    world.fails(5, &["backup", "drive"], "is running");
    world.fails(5, &["remove", "drive", "--yes"], "wait for its end or cancel it");
    let log = world.command(&["app", "log", "-f", &id]).spawn().unwrap();
    world.ok(&["cancel", &id]);
    let (code, said) = end(child);
    assert!(
        code == Some(1) && said.contains("backup of drive cancelled: cancelled"),
        "{code:?}: {said}"
    );
    let (code, followed) = end(log);
    assert!(code == Some(0) && followed.contains("cancelled: cancelled"), "{code:?}: {followed}");
    assert!(world.run(&["cancel", &id]).stderr.contains("is over already"));
    world.quiet();
}

#[test]
fn after_kill_9_the_task_is_interrupted_and_the_schedule_goes_on() {
    let world = endless();
    let mut child = begin(&world);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.rows(&["tasks"])[0]["state"], "interrupted");
    // Plakar does not live on without us.
    world.quiet();
    world.simulator.set_faults(vec![]);
    world.due("drive", TaskKind::Backup);
    let ran = world.row(&["run", "--due", "drive"]);
    assert_eq!(
        (ran["state"].as_str(), ran["cause"].as_str()),
        (Some("succeeded"), Some("schedule")),
        "{ran}"
    );
    assert_eq!(world.rows(&["points", "drive"]).len(), 1);
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let world = endless();
    // This one does not end when it is asked to: it is not even asked, for its connection hangs.
    let mut child = begin(&world);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    signal(&child, "-INT");
    let mut line = String::new();
    while !line.contains("once more leaves at once") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    signal(&child, "-INT");
    until("the command does not end", || child_has_ended(&child));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    world.quiet();
    assert!(
        ["cancelled", "interrupted"]
            .contains(&world.rows(&["tasks"])[0]["state"].as_str().unwrap())
    );
}

/// With half of it the app would say one thing, and Plakar another.
#[test]
fn ctrl_c_waits_for_a_change_that_has_begun() {
    let world = World::new();
    world.assign("spare", "opendrive://Spare", &["--destination", "--no-test"]);
    let home = world.user.home();
    let (script, begun, go) = (home.join("slow-plakar"), home.join("begun"), home.join("go"));
    let text = format!(
        "#!/bin/sh\ncase \" $* \" in *\" import \"*) touch {}; while [ ! -e {} ]; do sleep 0.05; done;; esac\nexec {} \"$@\"\n",
        begun.display(),
        go.display(),
        plakar().display()
    );
    write_script(&script, &text);
    let location = "location=opendrive://Other";
    let mut command = world.command(&["app", "edit", "spare", "--option", location, "--no-test"]);
    let mut child = command.env("PLAKAR", &script).stdin(Stdio::null()).spawn().unwrap();
    until("the change does not begin", || begun.exists());
    let mut said = BufReader::new(child.stderr.take().unwrap());
    signal(&child, "-INT");
    let mut line = String::new();
    while !line.contains("a change has begun and comes to its end") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    std::fs::write(&go, "").unwrap();
    until("the command does not end", || child_has_ended(&child));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    said.read_to_string(&mut line).unwrap();
    assert!(line.ends_with("ended by SIGINT, after the change\n"), "{line}");
    let kept = world.user.ok(&["destination", "show", "spare"]);
    assert!(kept.contains("opendrive://Other"), "{kept}");
}
