//! The schemas in the package, by which forms are made and checked before Plakar runs, against our own check.

mod common;

use std::collections::HashMap;

use common::place::Place;
use plakar_opendrive::connector::{Role, Settings, Source};
use serde_json::Value;

const ROLES: [(Role, &str); 3] = [(Role::Source, "source"), (Role::Destination, "destination"), (Role::Store, "store")];

fn schema(name: &str) -> Value {
    let path = format!("{}/packaging/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Our own check: the configuration, then the options by the backend and by rclone.
async fn accepts(role: Role, config: &HashMap<String, String>) -> Result<(), String> {
    let settings = Settings::parse(role, config, "host").map_err(|error| error.to_string())?;
    Source::open(settings).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_schemas_and_our_own_check_agree() {
    let (drive, local) = (Place::drive(), Place::Local(tempfile::tempdir().unwrap()));
    drive.make_folder("Documents");
    // What is changed in a good configuration; "-" takes the key away.
    let good: &[(&str, &str)] = &[
        ("transfers", "1"),
        ("transfers", " 64 "),
        ("checkers", "007"),
        ("tpslimit", "0.5e3"),
        ("tpslimit", "1000."),
        ("tpslimit", ""),
        ("bwlimit", "off"),
        ("bwlimit", "1000M"),
        ("bwlimit", "900Gi:1000M"),
        ("bwlimit", "off:off"),
        ("bwlimit", "Mon-00:00,off 23:59,1000M"),
        ("bwlimit", "00:00,off"),
        ("bwlimit", ""),
    ];
    let bad: &[(&str, &str)] = &[
        ("location", "-"),
        ("location", "Documents"),
        ("location", "s3://bucket"),
        ("location", "opendrive://a/../b"),
        ("location", "rclone://.."),
        ("transfers", "0"),
        ("transfers", "65"),
        ("transfers", ""),
        ("transfers", "many"),
        ("checkers", "-1"),
        ("checkers", "1.5"),
        ("tpslimit", "-1"),
        ("tpslimit", "ten"),
        ("tpslimit", "NaN"),
        ("tpslimit", "inf"),
        ("tpslimit", "0x10"),
        ("bwlimit", "fast"),
        ("bwlimit", "-1M"),
        ("bwlimit", "10Q"),
        ("bwlimit", "25:00,1M"),
        ("bwlimit", "1M:"),
        ("bwlimit", "Mon-1M"),
        ("colour", "red"),
    ];
    let native_good: &[(&str, &str)] =
        &[("chunk_size", "64Mi"), ("access", "hidden"), ("override.timeout", "1m"), ("location", "opendrive://Documents/")];
    let native_bad: &[(&str, &str)] = &[
        ("username", "-"),
        ("username", ""),
        ("password", "-"),
        ("password", ""),
        ("rclone_type", "local"),
        ("type", "opendrive"),
        ("chunk_size", "large"),
    ];
    let imported_good: &[(&str, &str)] = &[("rclone_copy_links", "true"), ("rclone_override.timeout", "1m")];
    let imported_bad: &[(&str, &str)] = &[("rclone_type", "-"), ("username", "me"), ("override.timeout", "1m")];
    let store_good: &[(&str, &str)] = &[
        ("cache_size", "1Mi"),
        ("cache_size", "64GiB"),
        ("cache_size", "1048576b"),
        ("cache_size", "1024"),
        ("passphrase", "p"),
        ("passphrase_cmd", "cat /p"),
    ];
    let store_bad: &[(&str, &str)] = &[
        ("cache_size", ""),
        ("cache_size", "64"),
        ("cache_size", "1T"),
        ("cache_size", "0Mi"),
        ("cache_size", "-1M"),
        ("cache_size", "65Gi"),
    ];

    let mut count = 0;
    for (role, name) in ROLES {
        let schema = schema(name);
        jsonschema::meta::validate(&schema).unwrap();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        for (place, more_good, more_bad) in [(&drive, native_good, native_bad), (&local, imported_good, imported_bad)] {
            let is_store = role == Role::Store;
            let cases = [(&[("location", "")][..0], true)].into_iter().chain([
                (good, true),
                (bad, false),
                (more_good, true),
                (more_bad, false),
                (store_good, is_store),
                (store_bad, false),
            ]);
            for (pairs, valid) in cases {
                for (key, value) in pairs {
                    let mut config = place.config("");
                    match *value {
                        "-" => drop(config.remove(*key)),
                        value => drop(config.insert((*key).to_owned(), value.to_owned())),
                    }
                    let ours = accepts(role, &config).await;
                    assert_eq!(ours.is_ok(), valid, "{name}, {}: {key} = {value:?}: {ours:?}", place.name());
                    let instance = serde_json::to_value(&config).unwrap();
                    let theirs: Vec<String> = schema.iter_errors(&instance).map(|error| error.to_string()).collect();
                    assert_eq!(theirs.is_empty(), valid, "{name}, {}: {key} = {value:?}: {theirs:?}", place.name());
                    count += 1;
                }
            }
        }
    }
    assert!(count > 250, "{count}");
}

/// Each option has words, and an example or a default that is right.
#[test]
fn every_option_is_documented_and_its_examples_are_valid() {
    for (_, name) in ROLES {
        let schema = schema(name);
        for (key, option) in schema["properties"].as_object().unwrap() {
            assert!(option["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {key}");
            let validator = jsonschema::draft202012::new(option).unwrap();
            let examples = option["examples"].as_array().into_iter().flatten().chain(option.get("default"));
            for example in examples {
                assert!(validator.is_valid(example), "{name}: {key}: {example}");
            }
        }
    }
}
