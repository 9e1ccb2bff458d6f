//! The files of the state: closed to others, never through a link, never of a newer version.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{run, source, start, state};
use source_app::state::{State, TaskKind, TaskState};

#[test]
fn files_are_closed_to_others_and_no_link_is_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = tempfile::tempdir().unwrap();
    let (base, path) = (directory.path(), directory.path().join("deep/state"));
    let state = State::open(&path).unwrap();
    let app = source(&state, "docs");
    let task = run(&state, &app, TaskKind::Backup, TaskState::Succeeded, start());
    state.log_writer(task.id).unwrap().write_all(b"x").unwrap();
    assert_eq!((mode(&path), mode(&path.join("logs"))), (0o700, 0o700));
    for file in ["state.db", "state.db-wal", "state.db-shm", &format!("logs/{}.log", task.id)] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    symlink("/etc/passwd", state.log_path(77)).unwrap();
    assert!(state.log_writer(77).is_err() && state.read_log(77, 0, 10).is_err());
    drop(state);

    symlink(&path, base.join("link")).unwrap();
    let refused = |path: &Path| State::open(path).err().unwrap().to_string();
    assert!(refused(&base.join("link")).contains("is a link; name the directory"));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o750)).unwrap();
    assert!(refused(&path).contains("is open to other users (mode 750); run: chmod 700"));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    fs::rename(path.join("state.db"), base.join("elsewhere.db")).unwrap();
    symlink(base.join("elsewhere.db"), path.join("state.db")).unwrap();
    assert!(refused(&path).contains("state.db is a link"), "{}", refused(&path));
}

#[test]
fn a_newer_database_is_refused() {
    let (directory, state) = state();
    drop(state);
    let path = directory.path().join("state");
    let connection = rusqlite::Connection::open(path.join("state.db")).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    let error = State::open(&path).err().unwrap().to_string();
    let (found, known) = error.split_once(", and this program knows up to ").unwrap();
    assert!(found.ends_with("has version 1000"), "{error}");
    let (known, rest) = known.split_once(": ").unwrap();
    assert!(known.parse::<u32>().unwrap() < 1000, "{error}");
    assert!(rest.starts_with("use the newer plakar-opendrive"), "{error}");
}
