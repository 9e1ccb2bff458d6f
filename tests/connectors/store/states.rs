//! States: never replaced by another one, over memory, a local folder and the simulated OpenDrive
//! alike.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::TryStreamExt;
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::store::{Kind, Mac, ResourceContent, mac_to_hex};
use plakar_opendrive::connector::{Role, Store};
use support_plugin::place::Place;
use support_plugin::stores::{made, store};
use tempfile::TempDir;

const NAME: Mac = [7; 32];

async fn put(store: &Store, content: &str) -> u64 {
    let mut put = store.put(Kind::State, NAME).await.unwrap();
    put.write(Bytes::copy_from_slice(content.as_bytes())).await.unwrap();
    put.commit().await.unwrap()
}

async fn get(store: &Store, mac: &Mac) -> String {
    let bytes = match store.get(Kind::State, mac, None).await.unwrap() {
        ResourceContent::Whole(bytes) => bytes.to_vec(),
        ResourceContent::Pieces(pieces) => {
            pieces.try_collect::<Vec<Bytes>>().await.unwrap().concat()
        }
    };
    String::from_utf8(bytes).unwrap()
}

/// The contents of all states, as whoever comes anew finds them.
async fn states(place: &Place) -> Vec<String> {
    let store = store(place);
    let macs = store.list(Kind::State).await.unwrap();
    let mut contents = join_all(macs.iter().map(|mac| get(&store, mac))).await;
    contents.sort();
    contents
}

#[tokio::test]
async fn a_state_never_takes_the_place_of_another_one() {
    for place in Place::all("store-states") {
        let first = made(&place).await;
        assert_eq!(put(&first, "as it was").await, 9);
        // The same again, by whoever knows of it or does not, is no further one.
        put(&first, "as it was").await;
        put(&store(&place), "as it was").await;
        assert_eq!(states(&place).await, ["as it was"], "{}", place.name());
        // Another one of that name is kept beside it, once. It has the same size, so that only the
        // content tells.
        for store in [&first, &store(&place), &first] {
            assert_eq!(put(store, "and after").await, 9);
            assert_eq!(states(&place).await, ["and after", "as it was"], "{}", place.name());
        }
        put(&first, "and a third").await;
        assert_eq!(
            states(&place).await,
            ["and a third", "and after", "as it was"],
            "{}",
            place.name()
        );
        // What has the name is what had it first.
        assert_eq!(get(&store(&place), &NAME).await, "as it was", "{}", place.name());
        assert_eq!(get(&first, &NAME).await, "as it was", "{}", place.name());
    }
}

#[tokio::test]
async fn two_machines_that_put_a_state_of_one_name_at_once_keep_both() {
    let place = Place::drive();
    let (first, second) = (made(&place).await, store(&place));
    // Both have looked before either has put.
    second.list(Kind::State).await.unwrap();
    first.list(Kind::State).await.unwrap();
    put(&first, "by the first").await;
    put(&second, "by the other").await;
    assert_eq!(states(&place).await, ["by the first", "by the other"]);
    assert_eq!(get(&store(&place), &NAME).await, "by the first");
}

#[tokio::test]
async fn a_state_whose_last_answer_is_lost_is_put_once() {
    for endpoint in ["file/rename", "upload/close_file_upload", "upload/create_file"] {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(Fault::new(What::LoseAnswer).endpoint(endpoint));
        put(&store, "whole").await;
        assert_eq!(place.simulator().unused_faults(), [], "{endpoint}");
        assert_eq!(states(&place).await, ["whole"], "{endpoint}");
    }
}

#[tokio::test]
async fn a_store_is_not_made_over_one_that_was_made_meanwhile() {
    let place = Place::drive();
    let (first, second) = (store(&place), store(&place));
    // The second looks before the first has made anything, and is slow to go on.
    place
        .simulator()
        .add_fault(Fault::new(What::Delay { ms: 1_500 }).endpoint("upload/create_file"));
    let slow = tokio::spawn(async move { second.create(Bytes::from_static(b"the second")).await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let quick = first.create(Bytes::from_static(b"the first")).await;
    let outcomes = [quick, slow.await.unwrap()];
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(
        refused.len() == 1 && refused[0].to_string().contains("a store already"),
        "{outcomes:?}"
    );
    let won = if outcomes[0].is_ok() { "the first" } else { "the second" };
    assert_eq!(store(&place).open().await.unwrap(), won);
}

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
    for _ in 0..1000 {
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
async fn the_last_state_comes_first() {
    for place in Place::all("store-order") {
        let store = made(&place).await;
        // In an order that is that of neither the names nor the puts.
        let times = [3, 7, 1, 6, 2, 5, 4];
        for (number, time) in times.iter().enumerate() {
            let name = format!("stores/one/states/{}", mac_to_hex(&[number as u8; 32]));
            place.put(&name, b"a state", 1_600_000_000 + 100 * time).await;
        }
        let order: Vec<u64> = store
            .list(Kind::State)
            .await
            .unwrap()
            .iter()
            .map(|mac| times[usize::from(mac[0])])
            .collect();
        assert_eq!(order, [7, 6, 5, 4, 3, 2, 1], "{}", place.name());
    }
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
