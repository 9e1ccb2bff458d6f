//! Sessions that end in the middle.

use std::path::Path;

use opendrive_sim::{Fault, What};
use support::drive_store::make_files;

use super::World;

#[test]
fn a_session_that_ends_in_the_middle_is_renewed_once() {
    let world = World::new(60);
    let files = world.fill_source(100);
    let ends =
        |endpoint: &str, skip| vec![Fault::new(What::ExpireSession).endpoint(endpoint).skip(skip)];

    let (_, usual) = world.back_up_source("source", vec![]);
    world.make_local_store();
    let (id, cost) = world.back_up_source("source, session ends", ends("download/file", 50));
    world.assert_renewed_once("source", &usual, &cost);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);

    let id = world.plakar().backup(&world.local, &world.files);
    let usual = world.restore("destination", vec![], &id);
    world.drive.simulator.drive().remove("Restored");
    let cost =
        world.restore("destination, session ends", ends("upload/upload_file_chunk", 30), &id);
    world.assert_renewed_once("destination", &usual, &cost);
    world.assert_restored();

    world.make_drive_store();
    world.plakar().backup("@drive", &world.files);
    let _stays = world.hold_cache();
    make_files(Path::new(&world.files), 60, 20_100);
    let (_, usual) = world.back_up_to_store("store", vec![]);
    make_files(Path::new(&world.files), 60, 20_200);
    let (id, cost) =
        world.back_up_to_store("store, session ends", ends("upload/upload_file_chunk", 1));
    world.assert_renewed_once("store", &usual, &cost);

    let usual = world.check("check", vec![]);
    let cost = world.check("check, session ends", ends("download/file", 3));
    world.assert_renewed_once("check", &usual, &cost);
    world.assert_stored(&id);
}

/// The password was changed meanwhile: the session has ended, and the new login is refused.
#[test]
fn a_refused_renewal_is_one_login_and_one_clear_line() {
    let world = World::new(60);
    world.fill_source(60);
    let files = format!("{}:{}", world.plakar().backup(&world.local, &world.files), world.files);
    world.make_drive_store();
    // With the logins that Plakar's processes make at their start.
    let cases: [(&str, &str, u64, &[&str]); 3] = [
        ("source", "download/file", 1, &["at", &world.local, "backup", "@drive"]),
        (
            "destination",
            "upload/upload_file_chunk",
            2,
            &["at", &world.local, "restore", "-to", "@drive", &files],
        ),
        ("store", "upload/upload_file_chunk", 2, &["at", "@drive", "backup", &world.files]),
    ];
    let simulator = &world.drive.simulator;
    for (name, endpoint, logins, arguments) in cases {
        let refusal = What::Status {
            code: 401,
            message: "Invalid username or password".into(),
            retry_after: None,
        };
        simulator.set_faults(vec![
            Fault::new(What::ExpireSession).endpoint(endpoint).skip(1),
            Fault::new(refusal).endpoint("session/login").skip(logins).always(),
        ]);
        simulator.reset_calls();
        let outcome = world.plakar().run(arguments);
        let (text, calls) = (outcome.text(), simulator.calls());
        let refused = calls.by_status[&401];
        eprintln!(
            "{name}, renewal refused: {} logins, {refused} of {} calls refused, exit {:?}",
            calls.of("session/login"),
            calls.total,
            outcome.code
        );
        assert_eq!(simulator.unused_faults(), [], "{name}");
        assert!(
            text.contains("the session has ended, and a new login was refused"),
            "{name}: {text}"
        );
        assert_eq!(calls.of("session/login"), logins + 1, "{name}");
        // Those that were on their way, and the login.
        assert!(refused < 40, "{name}: {calls:?}");
        // A backup goes on without the files that cannot be read, and says so.
        assert!(outcome.code != Some(0) || text.contains("completed with"), "{name}: {text}");
    }
}
