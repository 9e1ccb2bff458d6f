//! Calls that fail, and downloads that are cut short or damaged.

use opendrive_sim::{Fault, TempLocation, What};

use super::World;

fn status(code: u16) -> What {
    What::Status { code, message: "Busy".into(), retry_after: None }
}

#[test]
fn downloads_that_are_cut_short_lose_nothing() {
    let world = World::new(60);
    let files = world.fill_source(200);
    let cut =
        |skip| Fault::new(What::CutBody { after: 7_000 }).endpoint("download/file").skip(skip);
    let (id, cost) = world.back_up_source(
        "source, 5 of 200 downloads cut short",
        [3, 40, 90, 150, 190].map(cut).into(),
    );
    assert_eq!(cost.calls.of("download/file"), 205);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);

    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store", vec![]);
    world.check("check, 5 downloads cut short", [1, 2, 3, 4, 5].map(cut).into());
    world.drive.simulator.set_faults([0, 1, 3].map(cut).into());
    world.assert_comes_back("@drive", &id, &world.files, &world.local_files());
}

#[test]
fn damaged_downloads_lose_nothing() {
    let world = World::new(1);
    let files = world.fill_source(100);
    let damage = |skip| Fault::new(What::CorruptBody).endpoint("download/file").skip(skip).times(1);
    let (id, cost) = world
        .back_up_source("source, 4 of 100 downloads damaged", [3, 40, 60, 90].map(damage).into());
    assert_eq!(cost.calls.of("download/file"), 104);
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
}

/// Ten times in a row: on one call, or on many that go on at once.
#[test]
fn a_busy_drive_loses_nothing() {
    let world = World::new(60);
    let files = world.fill_source(60);
    let ten = |endpoint: &str, skip| {
        vec![Fault::new(status(503)).endpoint(endpoint).skip(skip).times(10)]
    };
    let (id, _) = world.back_up_source("source, 10 x 503 on downloads", ten("download/file", 30));
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
    for endpoint in ["session/login", "folder/list"] {
        world.back_up_source(&format!("source, 10 x 503 on {endpoint}"), ten(endpoint, 0));
    }
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 10 x 503", ten("upload/upload_file_chunk", 20), &id);
    world.assert_restored();
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, 10 x 503", ten("upload/upload_file_chunk", 1));
    world.check("check, 10 x 503", ten("download/file", 2));
    world.assert_stored(&id);
}

#[test]
fn a_drive_that_limits_the_rate_loses_nothing() {
    let world = World::new(60);
    let files = world.fill_source(100);
    let tenth = |seed| vec![Fault::new(status(429)).chance(0.1, seed)];
    let (id, _) = world.back_up_source("source, 429 on a tenth of the calls", tenth(1));
    world.assert_comes_back(&world.local, &id, "/Documents", &files);
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 429 on a tenth of the calls", tenth(2), &id);
    world.assert_restored();
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, 429 on a tenth of the calls", tenth(3));
    world.check("check, 429 on a tenth of the calls", tenth(6));
    world.assert_stored(&id);
}

#[test]
fn names_that_lag_lose_and_double_nothing() {
    let world = World::new(60);
    let lagging = || vec![Fault::new(What::LagNames { seconds: 5.0 }).always()];
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, names lag 5 s", lagging(), &id);
    world.assert_restored();
    world.drive.simulator.set_faults(lagging());
    world.make_drive_store();
    let (id, _) = world.back_up_to_store("store, names lag 5 s", lagging());
    world.assert_stored(&id);
}

/// Every kind of call that changes the drive, once broken off before it and twice after it was
/// done; with names that lag, so that what was done cannot be looked up by its name.
#[test]
fn broken_connections_lose_and_double_nothing() {
    let world = World::new(60);
    let broken =
        |what: &What, endpoint: &str, skip| Fault::new(what.clone()).endpoint(endpoint).skip(skip);
    world
        .drive
        .simulator
        .change_behaviour(|behaviour| behaviour.temp_location = TempLocation::AtOpen);
    let uploads = ["create_file", "open_file_upload", "upload_file_chunk", "close_file_upload"]
        .map(|call| format!("upload/{call}"));
    let lagging = Fault::new(What::LagNames { seconds: 5.0 }).always();

    let mut faults =
        vec![lagging.clone(), Fault::new(What::LoseAnswer).endpoint("folder/create").times(2)];
    for endpoint in &uploads {
        faults.extend(
            [(What::Reset, 5), (What::LoseAnswer, 15), (What::LoseAnswer, 30)]
                .map(|(what, skip)| broken(&what, endpoint, skip)),
        );
    }
    let id = world.plakar().backup(&world.local, &world.files);
    world.restore("destination, 14 broken connections", faults, &id);
    world.assert_restored();

    world.make_drive_store();
    let mut faults = vec![lagging, broken(&What::LoseAnswer, "file/rename", 0)];
    for endpoint in &uploads {
        faults.extend(
            [(What::Reset, 0), (What::LoseAnswer, 1), (What::LoseAnswer, 2)]
                .map(|(what, skip)| broken(&what, endpoint, skip)),
        );
    }
    let (id, _) = world.back_up_to_store("store, 13 broken connections", faults);
    world.assert_stored(&id);
}
