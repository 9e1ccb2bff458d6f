//! The package that came with the program is put into Plakar, or the one from before stays.

use std::path::Path;

use plakar_driver::{CancellationToken, Error, Kind, NewStore, Plakar, Store};
use support::installed::installed;

use crate::world::{APP, World, environment, guard, name, options, write_program};

impl World {
    /// The same Plakar, run by a program with which a package of this version was installed.
    fn installed(&self, version: &str) -> Plakar {
        self.installed_with(version, &crate::plakar::plakar())
    }

    /// The same, by another program for plakar.
    fn installed_with(&self, version: &str, plakar: &Path) -> Plakar {
        let (program, share) = installed(&self.user.home().join(version), version);
        let mut environment = environment(&self.user, &self.simulator);
        environment.push(("PLAKAR_OPENDRIVE".into(), program.into()));
        environment.push(("PLAKAR_OPENDRIVE_SHARE".into(), share.into()));
        Plakar::new(plakar, guard(), environment).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_that_came_with_the_program_is_put_in_place_of_another() {
    let world = World::new().await;
    assert_eq!(world.plakar.own_package().unwrap(), None, "built, and not installed");
    let plakar = world.installed("v9.1.0");
    let own = plakar.own_package().unwrap().unwrap();
    assert_eq!(own.version, "v9.1.0");
    let before = plakar.installed_package().await.unwrap().unwrap();
    // An older version of the same executable.
    assert_eq!((&*before.version, before.same), ("v0.0.1", Some(true)));
    let said = plakar.add_own_package(&own).await.unwrap();
    assert_eq!(said, "took rclone@v0.0.1 out and added rclone@v9.1.0; configurations stay");
    let now = plakar.installed_package().await.unwrap().unwrap();
    assert_eq!((&*now.version, now.same), ("v9.1.0", Some(true)));
    let cancel = CancellationToken::new();
    plakar.ping(Kind::Source, &name("drive"), &cancel).await.unwrap();

    // One that cannot be made: nothing was taken out.
    let plakar = world.installed("v9.2.0");
    let own = plakar.own_package().unwrap().unwrap();
    std::fs::write(own.script.with_file_name("package").join("manifest.yaml"), "nothing").unwrap();
    let refused = plakar.add_own_package(&own).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(_)), "{refused:?}");
    assert!(refused.to_string().contains("does not make the package"), "{refused}");
    assert_eq!(plakar.installed_package().await.unwrap().unwrap().version, "v9.1.0");

    // One that Plakar does not take: the one from before is back in its place.
    let refusing = world.user.home().join("refusing");
    let real = crate::plakar::plakar();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'pkg add'*v9.3.0*) echo 'no, thank you' >&2; exit 1;; esac\nexec {} \"$@\"\n",
        real.display()
    );
    write_program(&refusing, &script);
    let plakar = world.installed_with("v9.3.0", &refusing);
    let refused = plakar.add_own_package(&plakar.own_package().unwrap().unwrap()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("does not take the package"), "{refused}");
    let now = plakar.installed_package().await.unwrap().unwrap();
    assert_eq!((&*now.version, now.same), ("v9.1.0", Some(true)));

    // Another build than the one beside this program.
    let (program, _) = installed(&world.user.home().join("other"), "v9.1.0");
    let mut bytes = std::fs::read(&program).unwrap();
    bytes.push(0);
    std::fs::write(&program, bytes).unwrap();
    let mut environment = environment(&world.user, &world.simulator);
    environment.push(("PLAKAR_OPENDRIVE".into(), program.into()));
    let plakar = Plakar::new(&crate::plakar::plakar(), guard(), environment).unwrap();
    assert_eq!(plakar.installed_package().await.unwrap().unwrap().same, Some(false));
}

#[tokio::test]
async fn a_store_of_another_package_of_our_name_is_not_trusted_to_keep_its_states() {
    let world = World::new().await;
    let location = format!("rclone://{}", world.user.path("copies"));
    let configured = options(&[("location", &location), ("rclone_type", "local")]);
    world.plakar.configure(Kind::Store, &name("copies"), &configured).await.unwrap();
    let store = Store::named(name("copies"));
    world.plakar.create_store(&store, NewStore::UNENCRYPTED).await.unwrap();
    let keeps_states = async || {
        let seen = world.plakar.seen_anew(&store, APP, &CancellationToken::new()).await;
        seen.unwrap().keeps_states
    };
    assert!(keeps_states().await);

    // As Plakar's own rclone package is, by what plakar has unpacked of it.
    let unpacked = world.user.home().join(".cache/plakar/plugins/v1.1.0");
    let mut packages = std::fs::read_dir(unpacked).unwrap().flatten();
    let ours = packages.find(|entry| entry.file_name().to_string_lossy().starts_with("rclone_"));
    let manifest = ours.unwrap().path().join("manifest.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("[rclone, opendrive]", "[rclone]")).unwrap();
    assert!(!keeps_states().await);
}
