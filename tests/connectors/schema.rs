//! The schemas in the package, by which forms are made and checked before Plakar runs, against our
//! own check.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use plakar_opendrive::connector::{Role, Settings, Source, check};
use proptest::prelude::*;
use serde_json::Value;
use support_plugin::place::Place;

const ROLES: [(Role, &str); 3] =
    [(Role::Source, "source"), (Role::Destination, "destination"), (Role::Store, "store")];

fn schema(name: &str) -> Value {
    let path = format!("{}/packaging/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn config(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// By an engine that knows no look-ahead, as Go's: Plakar's own tools read the schemas with that
/// one.
fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .unwrap()
}

/// What a form says that shows a schema's `errorMessage`, a line for each fault.
fn lines_of_a_form(
    schema: &Value,
    validator: &Validator,
    config: &HashMap<String, String>,
) -> Vec<String> {
    let instance = serde_json::to_value(config).unwrap();
    let mut lines: Vec<String> =
        validator.iter_errors(&instance).flat_map(|error| lines(schema, &error)).collect();
    lines.sort();
    lines
}

fn lines(schema: &Value, error: &ValidationError) -> Vec<String> {
    let path = error
        .schema_path()
        .as_str()
        .replace("/if/then", "/then")
        .replace("/propertyNames/not", "/propertyNames");
    let (parent, keyword) = path.rsplit_once('/').unwrap();
    let words = &schema.pointer(parent).unwrap()["errorMessage"];
    let words = words.get(keyword).unwrap_or(words);
    let filled = |words: &Value, name: &str, value: &str| {
        words
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {words}"))
            .replace("{key}", name)
            .replace("${0}", value)
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            vec![filled(&words[property.as_str().unwrap()], "", "")]
        }
        ValidationErrorKind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap();
            vec![filled(words, &format!("{name:?}"), "").replace("{name}", name)]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            // Which names to write instead no schema can say.
            let problem = words.as_str().unwrap().split_once(": ").unwrap().0;
            unexpected.iter().map(|name| problem.replace("{key}", &format!("{name:?}"))).collect()
        }
        _ => vec![filled(words, "", &error.instance().to_string())],
    }
}

/// What our own check says, in the same order.
fn lines_of_ours(role: Role, config: &HashMap<String, String>) -> Vec<String> {
    let faults = check(role, config).err().unwrap_or_default();
    let unknown = |line: &str| line.starts_with("unknown option");
    let mut lines: Vec<String> = faults
        .iter()
        .map(
            |fault| if unknown(&fault.problem) { fault.problem.clone() } else { fault.to_string() },
        )
        .collect();
    lines.sort();
    lines
}

/// What the plugin says: the configuration, then the options by the backend and by rclone.
async fn accepts(role: Role, config: &HashMap<String, String>) -> Result<(), String> {
    let settings = Settings::parse(role, config, "host").map_err(|error| error.to_string())?;
    Source::open(settings).await.map(drop).map_err(|error| error.to_string())
}

/// What is changed in a good configuration; "-" takes the key away.
type Pairs = &'static [(&'static str, &'static str)];

const GOOD: Pairs = &[
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

const BAD: Pairs = &[
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

const NATIVE_GOOD: Pairs = &[
    ("chunk_size", "64Mi"),
    ("pacer_min_sleep", "1ms"),
    ("pacer_min_sleep", "1.5ms"),
    ("pacer_min_sleep", "10000ms"),
    ("pacer_min_sleep", "10s"),
    ("pacer_min_sleep", "0.001"),
    ("pacer_min_sleep", ".5s"),
    ("pacer_min_sleep", "1s500ms"),
    ("access", "hidden"),
    ("encoding", "Slash,Dot"),
    ("override.timeout", "1m"),
    ("location", "opendrive://Documents/"),
];

const NATIVE_BAD: Pairs = &[
    ("username", "-"),
    ("username", ""),
    ("password", "-"),
    ("password", ""),
    ("rclone_type", "local"),
    ("type", "opendrive"),
    ("pacer_min_sleep", ""),
    ("pacer_min_sleep", "0"),
    ("pacer_min_sleep", "0.0009s"),
    ("pacer_min_sleep", "0.9ms"),
    ("pacer_min_sleep", "10001ms"),
    ("pacer_min_sleep", "10.1s"),
    ("pacer_min_sleep", "1m"),
    ("pacer_min_sleep", "-10ms"),
    ("pacer_min_sleep", "10 ms"),
    ("pacer_min_sleep", "off"),
    ("chunk_size", "large"),
    ("chunk_size", "0"),
    ("chunk_size", ""),
    ("access", "everybody"),
    ("encoding", "Slashes"),
    ("encoding", ""),
];

const IMPORTED_GOOD: Pairs = &[("rclone_copy_links", "true"), ("rclone_override.timeout", "1m")];

const IMPORTED_BAD: Pairs =
    &[("rclone_type", "-"), ("rclone_type", ""), ("username", "me"), ("override.timeout", "1m")];

const STORE_GOOD: Pairs = &[
    ("cache_size", "1Mi"),
    ("cache_size", "64GiB"),
    ("cache_size", "1048576b"),
    ("cache_size", "1024"),
    ("cache_size", "1.5Gi"),
    ("cache_size", ".5Gi"),
    ("passphrase", "p"),
    ("passphrase_cmd", "cat /p"),
];

const STORE_BAD: Pairs = &[
    ("cache_size", ""),
    ("cache_size", "64"),
    ("cache_size", "1T"),
    ("cache_size", "0Mi"),
    ("cache_size", "-1M"),
    ("cache_size", "65Gi"),
    ("cache_size", "0001023k"),
    ("cache_size", "1048575b"),
];

/// What a source alone has; a local remote lists no MD5 to compare.
const SOURCE_GOOD: Pairs = &[("checksum", "false")];

const SOURCE_BAD: Pairs =
    &[("checksum", ""), ("checksum", "yes"), ("checksum", "1"), ("checksum", "True")];

/// What a destination has not.
const READING_GOOD: Pairs = &[("downloads", "1"), ("downloads", " 06 ")];

const READING_BAD: Pairs =
    &[("downloads", "0"), ("downloads", "7"), ("downloads", "15"), ("downloads", "")];

#[tokio::test]
async fn the_schemas_and_our_own_check_agree() {
    let (drive, local) = (Place::drive(), Place::Local(tempfile::tempdir().unwrap()));
    drive.make_folder("Documents");
    let mut count = 0;
    for (role, name) in ROLES {
        let schema = schema(name);
        jsonschema::meta::validate(&schema).unwrap();
        // Go, by which Plakar's own tools read it, knows neither.
        let text = schema.to_string();
        assert!(!text.contains("(?") && !text.contains("\\\\u"), "{name}");
        let validator = validator(&schema);
        for (place, more_good, more_bad) in
            [(&drive, NATIVE_GOOD, NATIVE_BAD), (&local, IMPORTED_GOOD, IMPORTED_BAD)]
        {
            let is_store = role == Role::Store;
            let cases = [(&[("location", "")][..0], true)].into_iter().chain([
                (GOOD, true),
                (BAD, false),
                (more_good, true),
                (more_bad, false),
                (READING_GOOD, role != Role::Destination),
                (READING_BAD, false),
                (STORE_GOOD, is_store),
                (STORE_BAD, false),
                (SOURCE_GOOD, role == Role::Source),
                (SOURCE_BAD, false),
            ]);
            for (pairs, valid) in cases {
                for (key, value) in pairs {
                    let mut config = place.config("");
                    match *value {
                        "-" => drop(config.remove(*key)),
                        value => drop(config.insert((*key).to_owned(), value.to_owned())),
                    }
                    let case = format!("{name}, {}: {key} = {value:?}", place.name());
                    agree(&case, (role, &schema, &validator), &config, valid).await;
                    count += 1;
                }
            }
        }
    }
    assert!(count > 250, "{count}");
}

/// The form, the check and the plugin take a configuration or refuse it, in the same words.
async fn agree(
    case: &str,
    (role, schema, validator): (Role, &Value, &Validator),
    config: &HashMap<String, String>,
    valid: bool,
) {
    let ours = accepts(role, config).await;
    assert_eq!(ours.is_ok(), valid, "{case}: {ours:?}");
    let theirs = lines_of_a_form(schema, validator, config);
    assert_eq!(theirs.is_empty(), valid, "{case}: {theirs:?}");
    assert_eq!(lines_of_ours(role, config), theirs, "{case}");
    if let Err(line) = ours {
        assert!(theirs.iter().any(|other| line.starts_with(other.as_str())), "{line}: {theirs:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever somebody writes, a form and our own check say the same.
    #[test]
    fn any_configuration_gets_the_same_words(
        role in 0..3_usize,
        pairs in prop::collection::hash_map(
            prop_oneof![
                prop::sample::select(vec![
                    "location", "username", "password", "transfers", "checkers", "downloads", "tpslimit", "bwlimit", "chunk_size", "pacer_min_sleep", "access",
                    "encoding", "description", "checksum", "cache_size", "passphrase", "rclone_type", "rclone_x", "override.timeout",
                ]).prop_map(str::to_owned),
                "[a-z_.]{0,9}",
            ],
            prop_oneof![
                "(opendrive|rclone)://(a|b/c|\\.\\./x|/\\.\\.)?", "[0-9.:,]{0,4}[bkMGiBT]{0,2}", "[ -~]{0,5}", "opendrive|local|private|Dot,Ctl|\0",
            ],
            0..6,
        ),
    ) {
        static SCHEMAS: LazyLock<Vec<(Value, Validator)>> =
            LazyLock::new(|| ROLES.iter().map(|(_, name)| schema(name)).map(|schema| (schema.clone(), validator(&schema))).collect());
        let (schema, validator) = &SCHEMAS[role];
        prop_assert_eq!(lines_of_ours(ROLES[role].0, &pairs), lines_of_a_form(schema, validator, &pairs));
    }
}

#[test]
fn a_fault_names_the_option_and_never_shows_a_secret() {
    let faults = check(
        Role::Source,
        &config(&[
            ("location", "opendrive://"),
            ("pasword", "hunter2"),
            ("rclone_password", "hunter2"),
        ]),
    );
    let faults = faults.unwrap_err();
    let shown: Vec<(&str, String)> =
        faults.iter().map(|fault| (fault.option.as_str(), fault.to_string())).collect();
    let expected = [
        ("pasword", "unknown option \"pasword\": did you mean \"password\"?"),
        (
            "rclone_password",
            "option \"rclone_password\" does not go with a location opendrive://: write a location rclone:// for an imported rclone remote, or leave it out",
        ),
        ("username", "option \"username\" is missing: write `plakar source set NAME username=…`"),
        ("password", "option \"password\" is missing: write `plakar source set NAME password=…`"),
    ];
    assert_eq!(shown, expected.map(|(option, line)| (option, line.to_owned())));
    let faults = check(
        Role::Source,
        &config(&[("location", "rclone://"), ("rclone_type", "local"), ("colour", "red")]),
    )
    .unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "unknown option \"colour\": there are bwlimit, checkers, checksum, downloads, location, rclone_type, tpslimit, transfers"
    );
}

/// Each option has words, a default or a requirement, and examples that are right.
#[test]
fn every_option_is_documented_and_its_examples_are_valid() {
    let mut shared: HashMap<String, Value> = HashMap::new();
    for (role, name) in ROLES {
        let schema = schema(name);
        for (key, option) in schema["properties"].as_object().unwrap() {
            assert!(
                option["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "{name}: {key}"
            );
            let validator = validator(option);
            let examples = option["examples"]
                .as_array()
                .unwrap_or_else(|| panic!("{name}: {key} has no example"));
            for example in examples.iter().chain(option.get("default")) {
                assert!(validator.is_valid(example), "{name}: {key}: {example}");
            }
            // Plakar's forms are made of single values, each with a type, and of choices between
            // texts.
            assert!(
                option.get("type").is_some() && option.get("properties").is_none(),
                "{name}: {key}"
            );
            // What our own check does not know would be checked by forms alone.
            let known = "description type examples default format writeOnly errorMessage pattern not enum minLength minimum maximum";
            assert!(
                option.as_object().unwrap().keys().all(|keyword| known.contains(keyword.as_str())),
                "{name}: {key}"
            );
            // The same option is the same everywhere, but for what names the connector.
            let mut option = option.clone();
            if key == "location" || key == "transfers" {
                continue;
            }
            if let Some(words) = option["errorMessage"].as_str() {
                option["errorMessage"] =
                    words.replace(&format!("plakar {name} "), "plakar source ").into();
            }
            assert_eq!(
                *shared.entry(key.clone()).or_insert_with(|| option.clone()),
                option,
                "{name}: {key}"
            );
        }
        // What the schema calls the default is what the connector takes.
        let settings = Settings::parse(
            role,
            &config(&[("location", "rclone:///x"), ("rclone_type", "local")]),
            "",
        )
        .unwrap();
        let default = |key: &str| schema["properties"][key]["default"].as_str().unwrap().to_owned();
        assert_eq!(
            (settings.transfers.to_string(), settings.checkers.to_string()),
            (default("transfers"), default("checkers")),
            "{name}"
        );
        assert_eq!(
            (settings.tpslimit, settings.bwlimit),
            (default("tpslimit"), default("bwlimit")),
            "{name}"
        );
        if role == Role::Source {
            assert_eq!(settings.checksum.to_string(), default("checksum"));
        }
        if role == Role::Store {
            assert_eq!(format!("{}Mi", settings.cache_size >> 20), default("cache_size"));
        }
    }
}
