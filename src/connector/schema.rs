//! The options of each connector, as the schemas in the package say them.
//!
//! The files in packaging/schema are the one place that tells which configurations are good, and in
//! which words a bad one is refused. This check reads them, so a form, the command line and the
//! plugin say the same line. It knows the keywords that our schemas use and no more: a whole
//! validator would add 6 MB to the executable and 5 to 12 ms to each start (jsonschema 0.60,
//! measured). tests/connectors/schema.rs holds it against that validator.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

use once_cell::sync::Lazy;
use regex_lite::Regex;
use serde::Deserialize;

use super::role::Role;
use terminal::text;

/// Maximum length of a value that is quoted, in bytes: the advice comes after it.
const MAX_QUOTED_VALUE_BYTES: usize = 300;

/// Minimum similarity of an option's name to a known one that is taken for it, from 0 to 1 (Jaro
/// and Winkler).
const MIN_NAME_SIMILARITY: f64 = 0.88;

static SOURCE: Lazy<Schema> =
    Lazy::new(|| Schema::read(include_str!("../../packaging/schema/source.json")));
static DESTINATION: Lazy<Schema> =
    Lazy::new(|| Schema::read(include_str!("../../packaging/schema/destination.json")));
static STORE: Lazy<Schema> =
    Lazy::new(|| Schema::read(include_str!("../../packaging/schema/store.json")));

/// What is wrong with one option. Shown, it is one line: the problem, a colon, the advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the option, which may be missing in the configuration.
    pub option: String,
    /// What is wrong; a password is never shown.
    pub problem: String,
    /// What to write instead.
    pub advice: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&text::line(&format!("{}: {}", self.problem, self.advice)))
    }
}

/// Checks a configuration as Plakar hands it over. The options that the backend of an imported
/// rclone remote has are known to rclone alone, which checks them when the remote is opened.
///
/// # Errors
/// Every fault, those of the location first; never an empty list.
pub fn check<S: BuildHasher>(
    role: Role,
    config: &HashMap<String, String, S>,
) -> Result<(), Vec<Fault>> {
    let schema = match role {
        Role::Source => &*SOURCE,
        Role::Destination => &*DESTINATION,
        Role::Store => &*STORE,
    };
    let faults =
        schema.faults(&config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect());
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    #[serde(flatten)]
    object: ObjectRules,
    properties: BTreeMap<String, PropertyRules>,
    pattern_properties: BTreeMap<String, serde_json::Value>,
    all_of: Vec<ConditionalRules>,
}

/// What holds for the configuration as a whole, or for one of its forms.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRules {
    required: Vec<String>,
    property_names: Option<NamesRule>,
    error_message: ObjectMessages,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMessages {
    required: BTreeMap<String, String>,
    #[serde(default)]
    property_names: String,
    #[serde(default)]
    additional_properties: String,
}

#[derive(Deserialize)]
struct NamesRule {
    not: PatternRule,
}

#[derive(Deserialize)]
struct PatternRule {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyRules {
    pattern: Option<String>,
    not: Option<PatternRule>,
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    #[serde(default)]
    min_length: usize,
    error_message: Option<PropertyMessages>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PropertyMessages {
    One(String),
    ByKeyword { pattern: String, not: String },
}

/// What holds if the location has a scheme.
#[derive(Deserialize)]
struct ConditionalRules {
    r#if: FormCondition,
    then: ObjectRules,
}

#[derive(Deserialize)]
struct FormCondition {
    properties: BTreeMap<String, PatternRule>,
}

/// Whether a pattern of a schema is found in a text.
fn matches(pattern: &str, text: &str) -> bool {
    // The patterns are constants; a bad one fails the tests.
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// A text in quotes as a form in a browser writes it, cut if it is long.
fn quoted(text: &str) -> String {
    let shown = text::cut(text, MAX_QUOTED_VALUE_BYTES);
    format!("{}{}", serde_json::Value::from(shown), if shown == text { "" } else { "…" })
}

impl Schema {
    fn read(json: &str) -> Self {
        serde_json::from_str(json).expect("our own schema")
    }

    fn faults(&self, config: &BTreeMap<&str, &str>) -> Vec<Fault> {
        let forms: Vec<&ObjectRules> =
            self.all_of.iter().filter(|form| form.applies(config)).map(|form| &form.then).collect();
        let mut faults = Vec::new();
        for (&key, &value) in config {
            if let Some(property) = self.properties.get(key) {
                faults.extend(
                    property
                        .wrong(value)
                        .into_iter()
                        .flatten()
                        .map(|words| Fault::new(key, words, value)),
                );
            } else if !self.pattern_properties.keys().any(|pattern| matches(pattern, key)) {
                faults.push(self.unknown(key, &forms));
            }
        }
        for object in forms.into_iter().chain([&self.object]) {
            let words = &object.error_message;
            let misplaced = config.keys().filter(|key| object.forbids(key));
            faults.extend(misplaced.map(|key| Fault::new(key, &words.property_names, "")));
            let missing = object.required.iter().filter(|key| !config.contains_key(key.as_str()));
            faults.extend(missing.map(|key| Fault::new(key, &words.required[key], "")));
        }
        faults.sort_by_key(|fault| fault.option != "location");
        faults
    }

    fn unknown(&self, key: &str, forms: &[&ObjectRules]) -> Fault {
        let names = self
            .properties
            .keys()
            .map(String::as_str)
            .filter(|name| !forms.iter().any(|form| form.forbids(name)));
        let names: Vec<&str> = names.collect();
        let mut fault = Fault::new(key, &self.object.error_message.additional_properties, "");
        let likeness = |name: &str| strsim::jaro_winkler(key, name);
        fault.advice = match names
            .iter()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        {
            Some(name) if likeness(name) > MIN_NAME_SIMILARITY => format!("did you mean {name:?}?"),
            _ => fault.advice.replace("{names}", &names.join(", ")),
        };
        fault
    }
}

impl ObjectRules {
    fn forbids(&self, key: &str) -> bool {
        self.property_names.as_ref().is_some_and(|names| matches(&names.not.pattern, key))
    }
}

impl ConditionalRules {
    fn applies(&self, config: &BTreeMap<&str, &str>) -> bool {
        let holds = |(key, condition): (&String, &PatternRule)| {
            config.get(key.as_str()).is_some_and(|value| matches(&condition.pattern, value))
        };
        self.r#if.properties.iter().all(holds)
    }
}

impl PropertyRules {
    /// The words for what is wrong with a value.
    fn wrong(&self, value: &str) -> [Option<&str>; 2] {
        let (for_pattern, for_not) = match &self.error_message {
            None => return [None, None],
            Some(PropertyMessages::One(words)) => (words, words),
            Some(PropertyMessages::ByKeyword { pattern, not }) => (pattern, not),
        };
        let missed = self.pattern.as_ref().is_some_and(|pattern| !matches(pattern, value))
            || self
                .values
                .as_ref()
                .is_some_and(|values| !values.iter().any(|known| known == value))
            || value.chars().count() < self.min_length;
        let banned = self.not.as_ref().is_some_and(|not| matches(&not.pattern, value));
        [missed.then_some(for_pattern.as_str()), banned.then_some(for_not.as_str())]
    }
}

impl Fault {
    /// Fills the words of a schema in.
    fn new(option: &str, words: &str, value: &str) -> Self {
        let (problem, advice) = words.split_once(": ").unwrap_or((words, ""));
        let problem = problem.replace("{key}", &quoted(option)).replace("${0}", &quoted(value));
        Self { option: option.to_owned(), problem, advice: advice.replace("{name}", option) }
    }
}
