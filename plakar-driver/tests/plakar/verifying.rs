//! What the verification of a restore leaves in the store: nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plakar_driver::{
    BackupJob, CancellationToken, Kind, NewStore, RestoreJob, RestoreProgress, RestoreTarget,
    Store, Verdict,
};

use crate::world::{World, name, noise, options, path};

/// All files of a store but its locks, with their sizes.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        if !metadata.is_dir() {
            found.insert(entry.path(), metadata.len());
        } else if entry.file_name() != "locks" {
            found.extend(files(&entry.path()));
        }
    }
    found
}

impl World {
    /// Backs the source up into a store and restores it, which is to be verified.
    async fn there_and_back(&self, store: &Store, folder: &str, to: RestoreTarget) {
        let cancel = CancellationToken::new();
        let job = BackupJob { store: store.clone(), ..self.job() };
        let made = self.plakar.backup(&self.browsers, &job, &mut |_| (), &cancel).await.unwrap();
        assert_eq!(made.verdict, Verdict::Succeeded);
        let snapshot = made.snapshot.unwrap();
        let home = self.user.home();
        let before = files(&home.join(folder));
        let job = RestoreJob { store: store.clone(), snapshot, path: path("/"), to };
        let restored =
            self.plakar.restore(&self.browsers, &job, &mut |_| (), &cancel).await.unwrap();
        assert_eq!(restored.verdict, Verdict::Succeeded);
        assert!(restored.verified.unwrap().entries >= 2);
        assert_eq!(files(&home.join(folder)), before);
    }

    /// An encrypted store, of which only plakar's configuration knows the passphrase.
    async fn sealed(&self) -> Store {
        let location = self.user.path("sealed");
        let passphrase = "correct horse battery staple, 7 times";
        let configured = options(&[("location", &location), ("passphrase", passphrase)]);
        self.plakar.configure(Kind::Store, &name("sealed"), &configured).await.unwrap();
        let sealed = Store::named(name("sealed"));
        self.plakar.create_store(&sealed, NewStore::ENCRYPTED).await.unwrap();
        sealed
    }

    /// The names of plakar's entries of a kind.
    async fn entries(&self, kind: Kind) -> Vec<String> {
        self.plakar.configurations(kind).await.unwrap().into_keys().collect()
    }

    /// Waits until plakar has so many sources, and so many stores.
    async fn has_entries(&self, wanted: usize) {
        // While plakar writes them, they may not be readable.
        let count = async |kind| self.plakar.configurations(kind).await.map_or(0, |all| all.len());
        let wait = async {
            while count(Kind::Source).await != wanted || count(Kind::Store).await != wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("as many entries");
    }
}

#[tokio::test]
async fn a_verified_restore_leaves_nothing_in_the_store() {
    let world = World::new().await;
    world.put("letter.txt", b"7 bytes");
    world.put("sub/large.bin", &noise(1, 200_000));
    world.there_and_back(&world.store, "store", RestoreTarget::Destination(name("drive"))).await;

    // One with a passphrase.
    let sealed = world.sealed().await;
    world
        .there_and_back(
            &sealed,
            "sealed",
            RestoreTarget::Folder(world.user.home().join("restored")),
        )
        .await;
    assert_eq!(world.entries(Kind::Store).await, ["sealed"]);
    let left: Vec<_> = world
        .temporary()
        .into_iter()
        .filter(|name| name.to_string_lossy().starts_with("pk-verify"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_restore_that_is_not_compared_leaves_no_login() {
    let world = World::new().await;
    world.put("letter.txt", b"7 bytes");
    let (store, cancel) = (world.sealed().await, CancellationToken::new());
    let job = BackupJob { store: store.clone(), ..world.job() };
    let made = world.plakar.backup(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    let (snapshot, to) = (made.snapshot.unwrap(), RestoreTarget::Destination(name("drive")));
    let job = RestoreJob { store, snapshot, path: path("/"), to };

    // The store to compare in cannot be made, when the source to be read again is there already.
    let plakar = world.meddled("store import", "exit 1");
    let failed = plakar.restore(&world.browsers, &job, &mut |_| (), &cancel).await.unwrap();
    assert!(matches!(failed.verdict, Verdict::Failed { .. }), "{failed:?}");
    assert_eq!(world.entries(Kind::Source).await, ["drive"]);
    assert_eq!(world.entries(Kind::Store).await, ["sealed"]);

    // It is dropped while it reads again.
    let plakar = world.meddled("backup", "sleep 600");
    let mut silent = |_: RestoreProgress| ();
    tokio::select! {
        ended = plakar.restore(&world.browsers, &job, &mut silent, &cancel) => panic!("{ended:?}"),
        () = world.has_entries(2) => {}
    }
    world.has_entries(1).await;
}
