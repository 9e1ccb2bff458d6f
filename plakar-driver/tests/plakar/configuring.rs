//! Packages, forms, configurations, Test Connection, stores.

use std::collections::BTreeMap;

use plakar_driver::packages::{ConnectorKind, compatible, for_location, installed};
use plakar_driver::schema::{FieldKind, Schema};
use plakar_driver::{CancellationToken, Error, Kind, Name, NewStore, Plakar, Store, StoreState};

use crate::world::{World, environment, guard, name, options};

#[tokio::test]
async fn the_installed_integration_is_found_by_class_and_its_form_checks_values() {
    let world = World::new().await;
    let installed = installed(&world.plakar).await.unwrap();
    for kind in [ConnectorKind::Importer, ConnectorKind::Exporter, ConnectorKind::Storage] {
        let found = compatible(&installed, kind, "file-storage", "");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].0.name.as_str(), &found[0].1.protocols[..]),
            ("rclone", &["rclone".to_owned(), "opendrive".to_owned()][..])
        );
    }
    assert!(compatible(&installed, ConnectorKind::Importer, "database", "").is_empty());
    let (_, connector) =
        for_location(&installed, ConnectorKind::Importer, "opendrive://x").unwrap();
    let schema = Schema::new(connector.schema.as_ref().unwrap()).unwrap();
    let keys: Vec<&str> = schema.fields().iter().map(|field| field.key.as_str()).take(4).collect();
    assert_eq!(keys, ["location", "rclone_type", "username", "password"]);
    let field = |key: &str| schema.fields().iter().find(|field| field.key == key).unwrap();
    assert!(field("location").required && !field("username").required);
    assert_eq!(
        (&field("password").kind, &field("location").kind),
        (&FieldKind::Secret, &FieldKind::Text)
    );
    assert!(
        matches!(&field("access").kind, FieldKind::Choice(choices) if choices.contains(&"hidden".to_owned()))
    );
    assert!(
        matches!(field("transfers").kind, FieldKind::Number { .. })
            && field("transfers").default.as_deref() == Some("16")
    );
    assert_eq!(field("chunk_size").title, "Chunk size");
    assert!(
        schema.is_secret("rclone_password")
            && schema.takes("rclone_type")
            && !schema.takes("passwort")
    );

    let faults = |pairs: &[(&str, &str)]| -> Vec<String> {
        schema.faults(&options(pairs)).into_iter().map(|fault| fault.message).collect()
    };
    let good = [("location", "opendrive://Documents"), ("username", "me"), ("password", "p")];
    assert_eq!(faults(&good), Vec::<String>::new());
    let with = |more: (&'static str, &'static str)| faults(&[&good[..], &[more]].concat());
    assert_eq!(with(("passwort", "geheim")), ["unknown option \"passwort\""]);
    assert_eq!(
        with(("transfers", "900")),
        ["option \"transfers\" is \"900\": write a number from 1 to 64, for example 16"]
    );
    assert_eq!(
        with(("access", "all")),
        ["option \"access\" is \"all\": write private, public or hidden"]
    );
    let above =
        faults(&[("location", "opendrive://a/../b"), ("username", "me"), ("password", "p")]);
    assert!(
        above[0].starts_with("location \"opendrive://a/../b\" has a \"..\" in its path"),
        "{above:?}"
    );
    assert_eq!(faults(&[("username", "me")])[0], "option \"location\" is missing");
    let secret = faults(&[("location", "opendrive://"), ("username", "me"), ("password", "")]);
    assert_eq!(
        secret,
        [
            "option \"password\" is empty; The password of the account, in plain text (location opendrive://)."
        ]
    );
}

/// Values that INI, YAML or a shell would change.
const HOSTILE: [&str; 11] = [
    "p#a;s\"w'o\\r\\\\d",
    "🦀 e\u{301} \u{2028}\u{85}\u{feff}",
    "0123",
    "1e5",
    "true",
    "~",
    " leading and trailing ",
    "- list: {a: b}",
    "$HOME `id` $(id)",
    "line\nbreak\ttab",
    "%s@*&!|>",
];

#[tokio::test]
async fn secrets_are_kept_exactly_and_not_shown() {
    let world = World::new().await;
    let mut given = options(&[("location", "opendrive://")]);
    given.extend(
        HOSTILE
            .iter()
            .enumerate()
            .map(|(n, value)| (format!("secret{n}_password"), (*value).to_owned())),
    );
    world.plakar.configure(Kind::Source, &name("odd"), &given).await.unwrap();
    assert_eq!(world.plakar.configured(Kind::Source, &name("odd")).await.unwrap(), given);
    let shown = world.plakar.configurations(Kind::Source).await.unwrap();
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["drive", "odd"]);
    assert!(
        shown["odd"].iter().all(|(key, value)| key == "location" || value == "********"),
        "{:?}",
        shown["odd"]
    );
    // It is replaced whole.
    let less = options(&[("location", "opendrive://x")]);
    world.plakar.configure(Kind::Source, &name("odd"), &less).await.unwrap();
    assert_eq!(world.plakar.configured(Kind::Source, &name("odd")).await.unwrap(), less);

    world.plakar.unconfigure(Kind::Source, &name("odd")).await.unwrap();
    world.plakar.unconfigure(Kind::Source, &name("odd")).await.unwrap();
    assert!(matches!(
        world.plakar.configured(Kind::Source, &name("odd")).await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(world.plakar.configurations(Kind::Source).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_side_by_side_lose_nothing() {
    let world = World::new().await;
    // Two handles, as of two processes: the lock is a file's.
    let other =
        Plakar::new(&crate::plakar::plakar(), guard(), environment(&world.user, &world.simulator))
            .unwrap();
    let put = |n: usize| {
        let (plakar, kind) = (
            if n < 6 { &world.plakar } else { &other }.clone(),
            if n.is_multiple_of(3) { Kind::Store } else { Kind::Destination },
        );
        tokio::spawn(async move {
            plakar
                .configure(kind, &name(&format!("n{n}")), &options(&[("location", "opendrive://")]))
                .await
        })
    };
    for task in (0..12).map(put).collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let count = async |kind| world.plakar.configurations(kind).await.unwrap().len();
    assert_eq!(
        (count(Kind::Store).await, count(Kind::Destination).await, count(Kind::Source).await),
        (4, 9, 1)
    );
}

#[tokio::test]
async fn test_connection_tells_the_reason() {
    let world = World::new().await;
    let ping =
        async |kind| world.plakar.ping(kind, &name("drive"), &CancellationToken::new()).await;
    ping(Kind::Source).await.unwrap();
    ping(Kind::Destination).await.unwrap();
    let wrong = options(&[
        ("location", "opendrive://"),
        ("username", world.simulator.username()),
        ("password", "wrong"),
    ]);
    world.plakar.configure(Kind::Source, &name("drive"), &wrong).await.unwrap();
    let error = ping(Kind::Source).await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused(reason) if reason.contains("opendrive refused the login of user@example.com")),
        "{error:?}"
    );
    assert!(!error.to_string().contains('\n'), "{error}");
    let missing = world.plakar.ping(Kind::Source, &name("none"), &CancellationToken::new()).await;
    assert_eq!(missing.unwrap_err().to_string(), "the source none does not exist");
    assert!(Name::new("../drive").is_err());
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert!(matches!(
        world.plakar.ping(Kind::Destination, &name("drive"), &cancel).await,
        Err(Error::Cancelled)
    ));
    world.quiet().await;
    assert!(world.temporary().is_empty());
}

#[tokio::test]
async fn a_store_is_there_or_not_or_locked() {
    let world = World::new().await;
    assert!(matches!(world.plakar.store_state(&world.store).await.unwrap(), StoreState::Ready));
    let elsewhere = Store::folder(&world.user.home().join("none")).unwrap();
    let StoreState::Unavailable(reason) = world.plakar.store_state(&elsewhere).await.unwrap()
    else {
        panic!("it is there")
    };
    assert!(reason.contains("no such file or directory"), "{reason}");
    assert!(
        world.plakar.create_store(&world.store, NewStore::UNENCRYPTED).await.is_err(),
        "made twice"
    );
    assert!(
        world.plakar.create_store(&elsewhere, NewStore::ENCRYPTED).await.is_err(),
        "encrypted without a name"
    );

    let location = world.user.path("encrypted");
    let configure = async |passphrase: &str| {
        let given: BTreeMap<String, String> =
            options(&[("location", &location), ("passphrase", passphrase)]);
        world.plakar.configure(Kind::Store, &name("safe"), &given).await.unwrap();
    };
    configure("correct horse battery staple 42!").await;
    let safe = Store::named(name("safe"));
    world.plakar.create_store(&safe, NewStore::ENCRYPTED).await.unwrap();
    assert!(matches!(world.plakar.store_state(&safe).await.unwrap(), StoreState::Ready));
    configure("wrong").await;
    assert!(matches!(world.plakar.store_state(&safe).await.unwrap(), StoreState::BadPassphrase(_)));
    assert!(matches!(world.browsers.of(&world.plakar, &safe).await, Err(Error::Passphrase(_))));
}
