//! However it ends, the scratch folder goes or is named.

#[cfg(unix)]
use std::{io::Read, time::Duration};

use opendrive_sim::{Fault, What, texts};
use serde_json::{Value, json};
use support::command::finish;
#[cfg(unix)]
use support::wait_for;

use super::{World, verdict};

/// Nothing here takes longer, unless it hangs.
#[cfg(unix)]
const HANG: Duration = Duration::from_secs(60);

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_the_scratch_folder_goes() {
    for (signal, status, point, endpoint) in
        [("-INT", 130, "6", "upload/create_file"), ("-TERM", 143, "7", "download/file")]
    {
        let world = World::new();
        world.simulator.set_latency(Duration::from_millis(20));
        let stalls = Fault::new(What::Delay { ms: 600_000 }).endpoint("download/file").skip(3);
        world.simulator.add_fault(stalls);
        let mut child = world
            .person()
            .command(&["probe", "opendrive://Documents", "--json", "--yes", "--only", point])
            .spawn()
            .unwrap();
        wait_for(HANG, "it begins", || (world.simulator.calls().of(endpoint) >= 4).then_some(()));
        let sent = std::process::Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        assert_eq!(wait_for(HANG, "it ends", || child.try_wait().unwrap()).code(), Some(status));
        let (mut printed, mut said) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let report: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(
            (&report["complete"], &report["scratch"]["removed"]),
            (&json!(false), &json!(true)),
            "{report:#}"
        );
        assert!(said.contains("ended by SIG"), "{said}");
        world.is_tidy();
    }
}

#[test]
fn a_scratch_folder_that_cannot_be_removed_is_named() {
    let world = World::faulty(vec![
        Fault::refused(403, texts::PERMISSION_DENIED).endpoint("folder/remove").always(),
    ]);
    let outcome = world.run(&["--json", "--only", "13"]);
    let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(
        (outcome.code, &report["scratch"]["removed"]),
        (Some(6), &json!(false)),
        "{}",
        outcome.text()
    );
    let folder = report["scratch"]["folder"].as_str().unwrap();
    let named = format!(
        "the scratch folder {folder} in /Documents could not be removed ({}",
        texts::PERMISSION_DENIED
    );
    assert!(
        outcome.stderr.contains(&named) && outcome.stderr.contains("remove it by hand"),
        "{}",
        outcome.stderr
    );
    assert!(world.simulator.drive().tree().contains_key(&format!("Documents/{folder}")));
}

#[test]
fn a_scratch_folder_whose_making_or_removal_is_not_answered_goes_too() {
    for endpoint in ["folder/create", "folder/remove"] {
        let world = World::faulty(vec![Fault::new(What::LoseAnswer).endpoint(endpoint)]);
        verdict(&world, 13, "holds", "all are there");
    }
    // The drive makes it and says nothing useful about it.
    let world =
        World::faulty(vec![Fault::new(What::LoseAnswer).endpoint("folder/create").always()]);
    let outcome = world.run(&["--only", "13"]);
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    world.is_tidy();
}

#[test]
fn what_cannot_be_probed_is_said() {
    let world = World::new();
    let person = world.person();
    person.fails(
        2,
        &["probe", "opendrive://", "--only", "12"],
        "--only: there is no question 12: there are 1, 2, 3",
    );
    person.fails(
        3,
        &["probe", "opendrive://Nowhere", "--only", "13"],
        "the folder /Nowhere does not exist",
    );
    let mut local = person.command(&[
        "probe",
        "--config",
        "-",
        &format!("@mine{}", world.home.path().display()),
    ]);
    local.env_remove("PLAKAR_OPENDRIVE_USERNAME");
    let outcome = finish(local, b"[mine]\ntype = local\n");
    assert!(
        outcome.code == Some(2) && outcome.stderr.contains("this remote is not on OpenDrive"),
        "{}",
        outcome.text()
    );
    // A folder in which nothing may be made.
    world.simulator.add_fault(
        Fault::refused(403, texts::PERMISSION_DENIED).endpoint("folder/create").always(),
    );
    let outcome = world.run(&["--only", "13"]);
    assert!(
        outcome.code == Some(4) && outcome.stderr.contains(texts::PERMISSION_DENIED),
        "{}",
        outcome.text()
    );
    assert!(!String::from_utf8(outcome.stdout).unwrap().contains("holds"));
    world.is_tidy();
}
