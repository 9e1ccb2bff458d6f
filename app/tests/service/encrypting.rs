//! What becomes of an app's store: encrypted unless somebody says otherwise, and never by mistake.

use plakar_driver::{Kind, Options, Store, StoreState};
use source_app::service::{Assign, Error, Problem, SecondStore, Work};
use source_app::state::{AppKind, TaskState};

use crate::serving::{everything, run};
use crate::world::{World, name, options};

/// Long enough, and found wherever it does not belong.
const PASSPHRASE: &str = "mule lantern orbit pickle 47";

impl World {
    /// A source that goes to a store which is made.
    fn source(&self, called: &str, store: &str, of_store: &[(&str, &str)]) -> Assign {
        Assign {
            store: Some(store.to_owned()),
            store_options: options(of_store),
            create_store: true,
            unencrypted: false,
            ..self.assign(
                AppKind::Source,
                called,
                "opendrive://Documents",
                self.simulator.password(),
            )
        }
    }

    async fn store_entry(&self, called: &str) -> Options {
        self.plakar.configured(Kind::Store, &name(called)).await.unwrap()
    }
}

#[tokio::test]
async fn a_new_store_is_encrypted_and_its_passphrase_is_in_plakars_configuration_alone() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let vault = world.user.path("safe");

    // Without a passphrase, or with one that is guessed, nothing is made and nothing saved.
    for (given, said) in
        [(&[][..], "has no passphrase"), (&[("passphrase", "password1234567890")], "is weak")]
    {
        let refused = service.assign(world.source("docs", &vault, given)).await;
        let Err(Error::Faults(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(faults[0].key.as_deref(), Some("store.passphrase"));
        assert!(faults[0].message.contains(said), "{faults:?}");
        assert!(!world.user.home().join("safe").exists());
    }
    assert!(service.apps().await.unwrap().is_empty());
    assert!(world.plakar.configurations(Kind::Store).await.unwrap().is_empty());

    let with = [("passphrase", PASSPHRASE)];
    let app = service.assign(world.source("docs", &vault, &with)).await.unwrap();
    assert_eq!(app.spec.store.as_deref(), Some("docs"), "it has a name in Plakar now");
    let entry = world.store_entry("docs").await;
    assert_eq!(
        (entry["location"].as_str(), entry["passphrase"].as_str()),
        (vault.as_str(), PASSPHRASE)
    );
    // It is encrypted: by its path alone it does not open, and that is said in words.
    let folder = Store::folder(&world.user.home().join("safe")).unwrap();
    let StoreState::BadPassphrase(said) = world.plakar.store_state(&folder).await.unwrap() else {
        panic!("it opens without a passphrase")
    };
    assert!(said.contains("the store is encrypted") && !said.contains("ioctl"), "{said}");
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");

    // A second app of the same folder finds the passphrase that Plakar has.
    let other = service.assign(world.source("other", &vault, &[])).await.unwrap();
    assert_eq!(other.spec.store.as_deref(), Some("docs"));
    // And another passphrase is refused and replaces nothing.
    let wrong = [("passphrase", "another wrong passphrase 93")];
    let refused = service.assign(world.source("third", &vault, &wrong)).await.unwrap_err();
    assert_eq!(refused.problem(), Problem::Refused);
    assert!(refused.to_string().contains("its passphrase is another one"), "{refused}");
    assert_eq!(world.store_entry("docs").await["passphrase"], PASSPHRASE);

    // Plakar's own file has it, closed to others, as the documentation says; nothing of ours has.
    let kept = world.user.home().join(".config/plakar/stores.yml");
    assert!(std::fs::read_to_string(&kept).unwrap().contains(PASSPHRASE));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    service.stop().await;
    for folder in ["state", "safe.plakar-opendrive", "tmp"] {
        for (file, bytes) in everything(&world.user.home().join(folder)) {
            let found = bytes.windows(PASSPHRASE.len()).any(|part| part == PASSPHRASE.as_bytes());
            assert!(!found, "{file}");
        }
    }
    // The copy of the state is there.
    assert_eq!(everything(&world.user.home().join("safe.plakar-opendrive")).len(), 1);
}

#[tokio::test]
async fn a_store_without_encryption_is_made_only_if_somebody_says_so() {
    let world = World::new().await;
    let service = world.service();
    world.put("Documents/letter.txt", b"Dear all,");
    let assign = async |assign: Assign| service.assign(assign).await;

    // What the documentation says of an encrypted store: `plakar store add`, then assign. Without a
    // passphrase it was made without encryption.
    let location = world.user.path("named");
    world
        .plakar
        .configure(Kind::Store, &name("named"), &options(&[("location", &location)]))
        .await
        .unwrap();
    let refused = assign(world.source("docs", "named", &[])).await.unwrap_err();
    assert!(refused.to_string().contains("the new store named has no passphrase"), "{refused}");
    assert!(!world.user.home().join("named").exists());
    let both = Assign {
        unencrypted: true,
        ..world.source("docs", "named", &[("passphrase", PASSPHRASE)])
    };
    assert!(assign(both).await.unwrap_err().to_string().contains("make it encrypted, or leave"));
    // With one it is, and the entry has it then.
    let docs = assign(world.source("docs", "@named", &[("passphrase", PASSPHRASE)])).await.unwrap();
    assert_eq!(docs.spec.store.as_deref(), Some("named"));
    assert_eq!(world.store_entry("named").await["passphrase"], PASSPHRASE);

    // One in a folder, without: as it was said.
    let open = world.user.path("open");
    let plain = Assign { unencrypted: true, ..world.source("plain", &open, &[]) };
    assert_eq!(assign(plain).await.unwrap().spec.store, Some(open.clone()));
    let folder = Store::folder(&world.user.home().join("open")).unwrap();
    assert!(matches!(world.plakar.store_state(&folder).await.unwrap(), StoreState::Ready));
    // A passphrase for it would make one believe that it is encrypted.
    let refused = assign(world.source("more", &open, &[("passphrase", PASSPHRASE)])).await;
    assert!(
        refused.unwrap_err().to_string().contains("is not encrypted: leave the passphrase out")
    );
    // And a store that is not there is not taken for one.
    let missing =
        Assign { create_store: false, ..world.source("more", &world.user.path("none"), &[]) };
    let refused = assign(missing).await.unwrap_err();
    assert!(refused.to_string().contains("no store that can be opened"), "{refused}");

    // One on the drive that is backed up has the login of the source.
    let drive =
        assign(world.source("drive-2", "opendrive://Backups", &[("passphrase", PASSPHRASE)]));
    assert_eq!(drive.await.unwrap().spec.store.as_deref(), Some("drive-2"));
    let entry = world.store_entry("drive-2").await;
    assert_eq!(entry["username"], world.simulator.username());
    assert!(world.simulator.drive().read_file("Backups/CONFIG").is_some());
    let refused = assign(world.source("more", "opendrive://More", &[("transfers", "900")])).await;
    let Err(Error::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].key.as_deref(), Some("store.transfers"));
    service.stop().await;
}

#[tokio::test]
async fn a_store_without_compression_is_made_if_somebody_says_so_and_says_it() {
    let world = World::new().await;
    let service = world.service();
    // What repeats itself within a chunk, and no chunk repeats.
    let text: String =
        (0..200_000).map(|line| format!("{line:08} to all of you, once more\n")).collect();
    world.put("Documents/letters.txt", text.as_bytes());
    let mut taken = Vec::new();
    for (called, uncompressed, compression) in [("small", false, "LZ4"), ("large", true, "none")] {
        let store = world.user.path(called);
        let with = [("passphrase", PASSPHRASE)];
        let assign = Assign { uncompressed, ..world.source(called, &store, &with) };
        let app = service.assign(assign).await.unwrap();
        let (made, log) = run(&service, &app, Work::Backup).await;
        assert_eq!(made.state, TaskState::Succeeded, "{log}");
        let known = service.read_store(called).await.unwrap().known.unwrap().facts;
        assert_eq!(known.compression.as_deref(), Some(compression));
        assert_eq!(known.encrypted, Some(true), "one is not the other");
        taken.push(known.stored.unwrap());
    }
    let size = text.len() as u64;
    assert!(taken[0] < size && taken[1] >= size, "{taken:?}");

    // So with a second store.
    let mut copied = world.source("copied", "@small", &[]);
    copied.second_store = Some(SecondStore {
        place: world.user.path("copies"),
        options: options(&[("passphrase", PASSPHRASE)]),
        create: true,
        uncompressed: true,
        ..SecondStore::default()
    });
    let second = service.assign(copied).await.unwrap().spec.second_store.unwrap();
    let known = service.read_store(&second).await.unwrap().known.unwrap().facts;
    assert_eq!(known.compression.as_deref(), Some("none"));
    service.stop().await;
}
