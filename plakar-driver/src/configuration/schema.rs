//! A form from a connector's JSON schema, and the check of what was entered.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::error::ValidationErrorKind as ErrorKind;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, Result};

/// The names of keys that hold secrets, alone or after a `_`: those that plakar itself masks.
const SECRET_KEYS: [&str; 10] = [
    "access_key",
    "secret_access_key",
    "passphrase",
    "password",
    "pass",
    "private_key",
    "token",
    "client_id",
    "client_secret",
    "auth_token",
];

const UNKNOWN_OPTION: &str = "unknown option";

/// What kind of value a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A number, whole if so said.
    Number {
        /// No fractions.
        whole: bool,
    },
    /// One of these.
    Choice(Vec<String>),
    /// `true` or `false`.
    Boolean,
    /// Text that is never shown.
    Secret,
}

/// A field of the form.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key in the configuration.
    pub key: String,
    /// Its name for people.
    pub title: String,
    /// What it is for; may be empty.
    pub help: String,
    /// It has to be filled in.
    pub required: bool,
    /// What holds if it is not filled in.
    pub default: Option<String>,
    /// What it may look like.
    pub examples: Vec<String>,
    /// What it takes.
    pub kind: FieldKind,
}

impl Field {
    /// The field of a key of which only the name is known.
    pub fn named(key: &str) -> Self {
        field(key, &Value::Null, false)
    }
}

/// Something that is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, or nothing if the fault is in all of it.
    pub key: Option<String>,
    /// One line that says what is wrong and what would be right.
    pub message: String,
}

/// A connector's schema.
pub struct Schema {
    fields: Vec<Field>,
    /// The `errorMessage` of fields that have one, as ajv-errors knows it: one text, or one for
    /// each keyword.
    words: BTreeMap<String, Value>,
    validator: jsonschema::Validator,
}

/// Whether a key holds a secret, as far as its name tells.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|secret| {
        key == *secret || key.strip_suffix(secret).is_some_and(|rest| rest.ends_with('_'))
    })
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`Error::Answer`] for one that is none.
    pub fn new(text: &str) -> Result<Self> {
        let wrong = |error: String| Error::Answer(format!("the connector's schema: {error}"));
        let root: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let ordered: OrderedProperties =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let validator =
            jsonschema::draft202012::new(&root).map_err(|error| wrong(error.to_string()))?;
        let required: Vec<&str> =
            root["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = ordered
            .0
            .iter()
            .map(|(key, schema)| field(key, schema, required.contains(&key.as_str())))
            .collect();
        let words = ordered
            .0
            .iter()
            .map(|(key, schema)| (key.clone(), schema["errorMessage"].clone()))
            .collect();
        Ok(Self { fields, words, validator })
    }

    /// The fields in the schema's order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether a key's value must never be shown: by the schema or by its name.
    pub fn is_secret(&self, key: &str) -> bool {
        is_secret(key)
            || self.fields.iter().any(|field| field.key == key && field.kind == FieldKind::Secret)
    }

    /// Whether the connector takes this key at all.
    pub fn takes(&self, key: &str) -> bool {
        let one = serde_json::json!({ key: "x" });
        let refuses = |error: jsonschema::ValidationError<'_>| {
            matches!(error.kind(), ErrorKind::AdditionalProperties { .. })
        };
        !self.validator.iter_errors(&one).any(refuses)
    }

    /// The field of a key that the schema does not list.
    pub fn other(&self, key: &str) -> Field {
        Field::named(key)
    }

    /// What is wrong with these values, one line each; nothing if the connector takes them.
    pub fn faults(&self, values: &BTreeMap<String, String>) -> Vec<Fault> {
        let instance = Value::Object(
            values.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect(),
        );
        let mut faults = Vec::new();
        for error in self.validator.iter_errors(&instance) {
            match error.kind() {
                ErrorKind::AdditionalProperties { unexpected } => {
                    faults.extend(unexpected.iter().map(|key| unknown(key)))
                }
                ErrorKind::PropertyNames { error } => {
                    let key = error.instance().as_str().unwrap_or_default();
                    faults.push(Fault {
                        key: Some(key.to_owned()),
                        message: format!("option \"{key}\" does not go with this location"),
                    });
                }
                ErrorKind::Required { property } => {
                    let key = property.as_str().unwrap_or_default();
                    faults.push(Fault {
                        key: Some(key.to_owned()),
                        message: format!("option \"{key}\" is missing"),
                    });
                }
                _ => faults.push(self.wrong_value(&error)),
            }
        }
        // One line for each key; that it is unknown says most.
        let place = |fault: &Fault| {
            (fault.key.clone(), !fault.message.starts_with(UNKNOWN_OPTION), fault.message.clone())
        };
        faults.sort_by_key(place);
        faults.dedup_by(|a, b| a.key == b.key);
        faults
    }

    /// A line about a value that never shows the value of a secret.
    fn wrong_value(&self, error: &jsonschema::ValidationError<'_>) -> Fault {
        let pointer = error.instance_path().to_string();
        let key = pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~");
        if key.is_empty() {
            return Fault {
                key: None,
                message: format!(
                    "the options do not go together: {}",
                    clip(&error.masked().to_string())
                ),
            };
        }
        let value = error.instance().as_str().unwrap_or_default();
        if let Some(words) = self.own_words(&key, &error.schema_path().to_string()) {
            let shown = if self.is_secret(&key) {
                "\"…\"".to_owned()
            } else {
                Value::from(clip(value)).to_string()
            };
            return Fault {
                message: words.replace("${0}", &shown).replace("{key}", &format!("\"{key}\"")),
                key: Some(key),
            };
        }
        let what = match (value.is_empty(), self.is_secret(&key)) {
            (true, _) => format!("option \"{key}\" is empty"),
            (false, true) => format!("option \"{key}\" is not as it has to be"),
            (false, false) => format!(
                "option \"{key}\": \"{}\" is not as it has to be",
                clip(&crate::file_name(value))
            ),
        };
        let field = self.fields.iter().find(|field| field.key == key);
        let hint = match field {
            Some(Field { kind: FieldKind::Choice(choices), .. }) => {
                format!("; choose one of {}", choices.join(", "))
            }
            Some(Field { examples, .. }) if !examples.is_empty() && !value.is_empty() => {
                format!("; an example: {}", examples[0])
            }
            Some(Field { help, .. }) if !help.is_empty() => format!("; {help}"),
            _ => String::new(),
        };
        Fault { key: Some(key), message: what + &hint }
    }
}

impl Schema {
    /// What the schema itself says about a fault, by the keyword at the end of the path to it.
    fn own_words(&self, key: &str, path: &str) -> Option<&str> {
        let words = self.words.get(key)?;
        let inside =
            path.split_once(&format!("/properties/{key}/")).map_or("", |(_, inside)| inside);
        let words = words.as_str().or_else(|| words[inside.split('/').next()?].as_str())?;
        // Some say which command of plakar's to run, which is not for who fills in a form.
        Some(words).filter(|words| !words.contains("`plakar "))
    }
}

fn clip(text: &str) -> String {
    text.chars().take(200).collect()
}

fn unknown(key: &str) -> Fault {
    Fault {
        key: Some(key.to_owned()),
        message: format!("{UNKNOWN_OPTION} \"{}\"", crate::file_name(key)),
    }
}

fn field(key: &str, schema: &Value, required: bool) -> Field {
    let text = |name: &str| schema[name].as_str().map(str::to_owned);
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let choices: Option<Vec<String>> =
        schema["enum"].as_array().map(|choices| choices.iter().map(plain).collect());
    let secret = is_secret(key)
        || schema["writeOnly"] == Value::Bool(true)
        || schema["format"] == "password";
    let kind = match choices {
        _ if secret => FieldKind::Secret,
        Some(choices) if choices.iter().all(|choice| choice == "true" || choice == "false") => {
            FieldKind::Boolean
        }
        Some(choices) => FieldKind::Choice(choices),
        None if types.contains(&"boolean") => FieldKind::Boolean,
        None if types.contains(&"number") => FieldKind::Number { whole: false },
        None if types.contains(&"integer") => FieldKind::Number { whole: true },
        None => FieldKind::Text,
    };
    Field {
        key: key.to_owned(),
        title: text("title").unwrap_or_else(|| title(key)),
        help: text("description").unwrap_or_default(),
        required,
        default: (!schema["default"].is_null()).then(|| plain(&schema["default"])),
        examples: schema["examples"].as_array().into_iter().flatten().map(plain).collect(),
        kind,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `chunk_size` is "Chunk size".
fn title(key: &str) -> String {
    let words = key.replace(['_', '.', '-'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// The properties of a schema in the order of the file, which a JSON object does not keep here.
struct OrderedProperties(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for OrderedProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SchemaVisitor;
        impl<'de> Visitor<'de> for SchemaVisitor {
            type Value = OrderedProperties;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON schema")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<OrderedProperties, A::Error> {
                let mut found = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "properties" {
                        found = map.next_value::<OrderedPairs>()?.0;
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(OrderedProperties(found))
            }
        }
        deserializer.deserialize_map(SchemaVisitor)
    }
}

struct OrderedPairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for OrderedPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = OrderedPairs;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("properties")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderedPairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(OrderedPairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
