//! States that could not be put: kept on this machine, and before all else.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::store::{Kind, Mac};
use plakar_opendrive::connector::{Role, Store};
use support_plugin::place::Place;
use support_plugin::stores::{made, store};
use tempfile::TempDir;

use super::states::{NAME, get, states};

/// Puts a state that the drive refuses for good, and lets the drive take states again.
async fn put_refused_state(place: &Place, store: &Store, content: &'static [u8]) {
    place.simulator().add_fault(refusal().always());
    try_put(store, Kind::State, content).await.unwrap_err();
    place.simulator().set_faults(Vec::new());
}

/// A store that keeps states on this machine, as one that is opened.
async fn keeping(place: &Place, base: &str, folder: &TempDir) -> Store {
    let store =
        Store::with_state(place.settings(Role::Store, base), Some(folder.path().to_owned()), None);
    store.open().await.unwrap();
    store
}

/// The files of states that are kept below a folder.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.file_name().unwrap() != "places");
    files.chain(folders.iter().flat_map(|folder| kept(folder))).collect()
}

/// Refuses that a file is made.
fn refusal() -> Fault {
    Fault::new(What::Status { code: 403, message: "Access denied".into(), retry_after: None })
        .endpoint("upload/create_file")
}

async fn try_put(store: &Store, kind: Kind, content: &'static [u8]) -> Result<u64, String> {
    let mut put = store.put(kind, NAME).await.unwrap();
    put.write(Bytes::from_static(content)).await.unwrap();
    put.commit().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_state_that_could_not_be_put_is_put_first_by_the_next_connection() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let first = keeping(&place, "stores/one", &folder).await;
    assert_eq!(try_put(&first, Kind::State, b"arrives").await, Ok(7));
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);

    place.simulator().add_fault(refusal().always());
    let refused = try_put(&first, Kind::State, b"does not").await.unwrap_err();
    let [file] = &kept(folder.path())[..] else { panic!("{:?}", kept(folder.path())) };
    assert!(
        refused.contains("Access denied")
            && refused.contains("; it is kept in ")
            && refused.contains(file.to_str().unwrap()),
        "{refused}"
    );
    assert!(std::fs::read(file).unwrap().ends_with(b"does not"));
    #[cfg(unix)]
    for (path, expected) in [(file.as_path(), 0o600), (file.parent().unwrap(), 0o700)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            expected,
            "{}",
            path.display()
        );
    }
    drop(first);

    // While the drive takes nothing, what is there can be read, and nothing is put that could build
    // on it.
    let second = keeping(&place, "stores/one", &folder).await;
    assert_eq!(get(&second, &NAME).await, "arrives");
    place.simulator().set_faults(vec![refusal().times(9)]);
    let refused = try_put(&second, Kind::Packfile, b"content").await.unwrap_err();
    assert!(
        refused.contains("a state of an earlier backup is not in the store yet, and comes first"),
        "{refused}"
    );
    assert!(refused.contains(file.to_str().unwrap()), "{refused}");
    place.simulator().set_faults(Vec::new());
    assert_eq!(try_put(&second, Kind::Packfile, b"content").await, Ok(7));
    assert_eq!(states(&place).await, ["arrives", "does not"]);
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

/// As Plakar does, whose `sync` goes on with the next snapshot.
#[tokio::test]
async fn a_state_that_could_not_be_put_comes_before_all_that_the_same_connection_puts() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let store = keeping(&place, "stores/one", &folder).await;
    assert_eq!(try_put(&store, Kind::Packfile, b"of the first").await, Ok(12));
    place.simulator().add_fault(refusal().always());
    let refused = try_put(&store, Kind::State, b"the first").await.unwrap_err();
    assert!(refused.contains("; it is kept in "), "{refused}");

    for kind in [Kind::Packfile, Kind::State] {
        let refused = try_put(&store, kind, b"the next").await.unwrap_err();
        assert!(refused.contains("is not in the store yet, and comes first"), "{refused}");
    }
    // Plakar's cache has what the second one tells of, too.
    assert_eq!(kept(folder.path()).len(), 2);
    assert_eq!(states(&place).await, [] as [&str; 0]);

    place.simulator().set_faults(Vec::new());
    assert_eq!(try_put(&store, Kind::Packfile, b"of the next").await, Ok(11));
    assert_eq!(states(&place).await, ["the first", "the next"]);
    // It has the name that was put first.
    assert_eq!(get(&store, &NAME).await, "the first");
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

/// Plakar's cache takes it for stored, and nobody will ever have it.
#[tokio::test]
async fn after_a_state_that_is_lost_the_same_connection_puts_nothing_more() {
    for is_kept_otherwise in [false, true] {
        let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
        let mut store = made(&place).await;
        if is_kept_otherwise {
            store = keeping(&place, "stores/one", &folder).await;
        }
        // From now on nothing can be kept.
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::write(&path, b"no folder").unwrap();
        }
        place.simulator().add_fault(refusal().always());
        let refused = try_put(&store, Kind::State, b"lost").await.unwrap_err();
        assert!(
            refused.contains("Access denied")
                && refused.contains("before the next backup remove it"),
            "{refused}"
        );
        assert_eq!(
            refused.contains("it could not be kept on this machine either: "),
            is_kept_otherwise,
            "{refused}"
        );
        place.simulator().set_faults(Vec::new());
        for kind in [Kind::Packfile, Kind::State] {
            let refused = try_put(&store, kind, b"content").await.unwrap_err();
            assert!(
                refused.starts_with(
                    "nothing more is put, because a state that comes before is not in the store: "
                ) && refused.contains("before the next backup remove it"),
                "{refused}"
            );
        }
        // Locks go as ever.
        assert_eq!(try_put(&store, Kind::Lock, b"lock").await, Ok(4));
        assert_eq!(store.list(Kind::Packfile).await.unwrap(), [] as [Mac; 0]);
        assert_eq!(states(&place).await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_state_that_is_kept_is_put_once_and_into_its_own_store_only() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let first = keeping(&place, "stores/one", &folder).await;
    put_refused_state(&place, &first, b"late").await;

    // A copy of the store has the same description.
    let copy = Store::new(place.settings(Role::Store, "stores/copy"));
    copy.create(Bytes::from_static(b"description")).await.unwrap();
    let copy = keeping(&place, "stores/copy", &folder).await;
    assert_eq!(copy.list(Kind::State).await.unwrap(), [] as [Mac; 0]);
    assert_eq!(kept(folder.path()).len(), 1);

    // Three connections at once, as Plakar makes them.
    let open = || keeping(&place, "stores/one", &folder);
    tokio::join!(open(), open(), open());
    assert_eq!(states(&place).await, ["late"]);
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_state_that_is_too_old_is_not_put() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let first = keeping(&place, "stores/one", &folder).await;
    put_refused_state(&place, &first, b"old").await;
    let file = &kept(folder.path())[0];
    let week_ago = SystemTime::now() - Duration::from_secs(7 * 24 * 60 * 60);
    File::options().write(true).open(file).unwrap().set_modified(week_ago).unwrap();
    let second = keeping(&place, "stores/one", &folder).await;
    let refused = try_put(&second, Kind::State, b"new").await.unwrap_err();
    assert!(
        refused.contains("it is too old") && refused.contains("remove Plakar's cache"),
        "{refused}"
    );
    assert_eq!(states(&place).await, [] as [&str; 0]);
    // As the message says.
    std::fs::remove_file(file).unwrap();
    assert_eq!(try_put(&second, Kind::State, b"new").await, Ok(3));
}

#[tokio::test]
async fn a_state_whose_packfiles_are_gone_is_not_put() {
    for (gone, expected) in [(false, &["late"][..]), (true, &[])] {
        let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
        made(&place).await;
        let first = keeping(&place, "stores/one", &folder).await;
        try_put(&first, Kind::Packfile, b"content").await.unwrap();
        put_refused_state(&place, &first, b"late").await;
        // As another machine's maintenance does, to which the packfile belongs to nothing.
        if gone {
            store(&place).delete(Kind::Packfile, &NAME).await.unwrap();
        }
        let second = keeping(&place, "stores/one", &folder).await;
        assert_eq!(states(&place).await, expected, "{gone}");
        let outcome = try_put(&second, Kind::Packfile, b"next").await;
        assert!(
            gone == outcome.is_err_and(|error| error
                .contains("what it tells of was removed by maintenance: remove Plakar's cache"))
        );
    }
}

/// Waits until so many files of states are kept.
async fn wait_for_kept(folder: &TempDir, count: usize) {
    for _ in 0..6000 {
        if kept(folder.path()).len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", kept(folder.path()));
}

/// Whoever started this process lives, and may take the state for stored.
#[tokio::test]
async fn what_is_taken_back_at_the_end_comes_first_at_the_next_connection() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let store = keeping(&place, "stores/one", &folder).await;
    place
        .simulator()
        .add_fault(Fault::new(What::Delay { ms: 20_000 }).endpoint("upload/create_file").always());
    let put = tokio::spawn({
        let store = store.clone();
        async move { try_put(&store, Kind::State, b"taken back").await }
    });
    wait_for_kept(&folder, 1).await;
    store.finish().await;
    put.await.unwrap().unwrap_err();
    place.simulator().set_faults(Vec::new());
    assert_eq!(states(&place).await, [] as [&str; 0]);
    keeping(&place, "stores/one", &folder).await;
    assert_eq!(states(&place).await, ["taken back"]);
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn after_a_state_that_came_in_part_nothing_is_put_before_somebody_has_seen_to_it() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let first = keeping(&place, "stores/one", &folder).await;
    let mut put = first.put(Kind::State, NAME).await.unwrap();
    put.write(Bytes::from_static(b"a part of")).await.unwrap();
    wait_for_kept(&folder, 1).await;
    // While it comes in it is nobody else's.
    let beside = keeping(&place, "stores/one", &folder).await;
    assert_eq!(try_put(&beside, Kind::Packfile, b"content").await, Ok(7));
    drop(put);
    first.finish().await;

    let second = keeping(&place, "stores/one", &folder).await;
    assert_eq!(second.list(Kind::Packfile).await.unwrap(), [NAME]);
    let [file] = &kept(folder.path())[..] else { panic!("{:?}", kept(folder.path())) };
    for kind in [Kind::Packfile, Kind::State] {
        let refused = try_put(&second, kind, b"content").await.unwrap_err();
        assert!(
            refused.contains("only a part has come") && refused.contains("remove Plakar's cache"),
            "{refused}"
        );
        assert!(refused.contains(file.to_str().unwrap()), "{refused}");
    }
    // Locks go as ever; and of what was refused nothing is kept.
    assert_eq!(try_put(&second, Kind::Lock, b"lock").await, Ok(4));
    assert_eq!(kept(folder.path()).len(), 1);
    // As the message says.
    std::fs::remove_file(file).unwrap();
    assert_eq!(try_put(&second, Kind::State, b"whole").await, Ok(5));
    assert_eq!(states(&place).await, ["whole"]);
}

#[tokio::test]
async fn a_state_without_a_byte_leaves_nothing() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let store = keeping(&place, "stores/one", &folder).await;
    let refused = store.put(Kind::State, NAME).await.unwrap().commit().await.unwrap_err();
    assert!(refused.to_string().contains("without a byte"), "{refused}");
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_state_that_is_put_late_is_older_than_what_others_put_meanwhile() {
    let (place, folder) = (Place::drive(), tempfile::tempdir().unwrap());
    made(&place).await;
    let first = keeping(&place, "stores/one", &folder).await;
    put_refused_state(&place, &first, b"late").await;
    let file = &kept(folder.path())[0];
    let before = SystemTime::now() - Duration::from_secs(100);
    File::options().write(true).open(file).unwrap().set_modified(before).unwrap();
    let mut put = store(&place).put(Kind::State, [9; 32]).await.unwrap();
    put.write(Bytes::from_static(b"another's")).await.unwrap();
    put.commit().await.unwrap();
    keeping(&place, "stores/one", &folder).await;
    assert_eq!(kept(folder.path()), [] as [PathBuf; 0]);
    assert_eq!(store(&place).list(Kind::State).await.unwrap(), [[9; 32], NAME]);
}
