//! Several apps at once: all of them or none.

use plakar_driver::{Kind, Options};
use source_app::service::{Assign, Error, Problem};
use source_app::state::{AppKind, ChangeFilter};

use crate::world::World;

#[tokio::test]
async fn several_apps_are_assigned_together_or_not_at_all() {
    let world = World::new().await;
    let service = world.service();
    let password = world.simulator.password();
    let vault = world.user.path("vault");
    let one = |name: &str, password: &str| Assign {
        create_store: false,
        unencrypted: false,
        store: Some(world.user.path("store")),
        ..world.assign(AppKind::Source, name, "opendrive://", password)
    };
    let before = world.plakar.configurations(Kind::Source).await.unwrap().len();
    let nothing = async || {
        assert!(service.apps().await.unwrap().is_empty());
        let sources = world.plakar.configurations(Kind::Source).await.unwrap();
        let stores = world.plakar.configurations(Kind::Store).await.unwrap();
        assert_eq!((sources.len(), stores.len()), (before, 0));
    };

    // All that cannot be assigned is told, by its place.
    let all = vec![
        one("a", password),
        one("b", "wrong"),
        Assign { store: Some(vault), ..one("c", password) },
    ];
    let faults = service.assign_all(all, false).await.unwrap_err();
    let told: Vec<(usize, Problem)> =
        faults.iter().map(|(place, error)| (*place, error.problem())).collect();
    assert_eq!(told, [(1, Problem::Refused), (2, Problem::Refused)]);
    nothing().await;
    // One that fails when the others are kept already takes them along, and their stores.
    let encrypted = Assign {
        store: Some(world.user.path("safe")),
        create_store: true,
        store_options: Options::from([("passphrase".into(), "mule lantern orbit pickle".into())]),
        ..one("a", password)
    };
    let faults = service.assign_all(vec![encrypted, one("b", password), one("a", password)], false);
    let faults = faults.await.unwrap_err();
    assert!(matches!(&faults[..], [(2, Error::State(_))]), "{faults:?}");
    nothing().await;
    // Only looked at.
    let both = || vec![one("a", password), one("b", password)];
    assert!(service.assign_all(both(), true).await.unwrap().is_empty());
    nothing().await;
    let made = service.assign_all(both(), false).await.unwrap();
    assert_eq!(made.iter().map(|app| app.spec.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let changes = service.setting_changes(ChangeFilter::default()).await.unwrap();
    let newest = &changes[0];
    let secret = newest.fields.iter().find(|one| one.field == "options.password").unwrap();
    assert_eq!((newest.name.as_str(), secret.after.as_deref()), ("b", Some("(secret)")));
    assert!(!format!("{changes:?}").contains(password));
    // One new store for two apps has one entry.
    let passphrase = Options::from([("passphrase".into(), "mule lantern orbit pickle".into())]);
    let safe = |name: &str| Assign {
        store: Some(world.user.path("safe")),
        store_options: passphrase.clone(),
        ..one(name, password)
    };
    let made = service.assign_all(vec![safe("c"), safe("d")], false).await.unwrap();
    assert_eq!(made[0].spec.store, made[1].spec.store);
    let stores = world.plakar.configurations(Kind::Store).await.unwrap();
    assert_eq!(stores.keys().collect::<Vec<_>>(), [made[0].spec.store.as_ref().unwrap()]);
    service.stop().await;
}
