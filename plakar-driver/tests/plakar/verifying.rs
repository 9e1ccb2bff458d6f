//! What the verification of a restore leaves in the store: nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plakar_driver::{
    BackupJob, CancellationToken, Kind, NewStore, RestoreJob, RestoreTarget, Store, Verdict,
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
}

#[tokio::test]
async fn a_verified_restore_leaves_nothing_in_the_store() {
    let world = World::new().await;
    world.put("letter.txt", b"7 bytes");
    world.put("sub/large.bin", &noise(1, 200_000));
    world.there_and_back(&world.store, "store", RestoreTarget::Destination(name("drive"))).await;

    // One with a passphrase, which only plakar's configuration knows.
    let location = world.user.path("sealed");
    let passphrase = "correct horse battery staple, 7 times";
    let configured = options(&[("location", &location), ("passphrase", passphrase)]);
    world.plakar.configure(Kind::Store, &name("sealed"), &configured).await.unwrap();
    let sealed = Store::named(name("sealed"));
    world.plakar.create_store(&sealed, NewStore::ENCRYPTED).await.unwrap();
    world
        .there_and_back(
            &sealed,
            "sealed",
            RestoreTarget::Folder(world.user.home().join("restored")),
        )
        .await;
    let stores = world.plakar.configurations(Kind::Store).await.unwrap();
    assert_eq!(stores.keys().collect::<Vec<_>>(), ["sealed"]);
    let left: Vec<_> = world
        .temporary()
        .into_iter()
        .filter(|name| name.to_string_lossy().starts_with("pk-verify"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
