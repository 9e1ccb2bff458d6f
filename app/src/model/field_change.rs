//! What is different between two versions of a setting, field by field, as people read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::without_password;
use super::words::plain_text;

/// Maximum length of a value that is told, in letters.
const MAX_VALUE_LETTERS: usize = 300;

/// Maximum number of fields that are told of one change.
const MAX_FIELDS: usize = 100;

/// Stands for the value of a secret.
const SECRET: &str = "(secret)";

/// A field that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which, such as `retention.daily`.
    pub field: String,
    /// What it was; nothing if it was not set.
    pub before: Option<String>,
    /// What it is now; nothing if it is set no more.
    pub after: Option<String>,
}

impl FieldChange {
    /// One with its values as they may be shown: short, in one line, and without a password in them.
    pub fn new(field: impl Into<String>, before: Option<&str>, after: Option<&str>) -> Self {
        let shown = |value: &str| plain_text(&without_password(value), MAX_VALUE_LETTERS);
        Self { field: field.into(), before: before.map(shown), after: after.map(shown) }
    }

    /// One of a secret: only whether it was set is told.
    pub fn secret(field: impl Into<String>, before: bool, after: bool) -> Self {
        let shown = |set: bool| set.then_some(SECRET);
        Self::new(field, shown(before), shown(after))
    }
}

/// The fields by which two versions of a setting differ. Of one that was made or removed, where the
/// other version is none, what is empty, 0 or false is left out.
pub fn field_changes<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Vec<FieldChange> {
    let one_sided = before.is_none() || after.is_none();
    let values = |version: Option<&T>| {
        let mut values = BTreeMap::new();
        if let Some(value) = version.and_then(|version| serde_json::to_value(version).ok()) {
            flatten(String::new(), &value, &mut values);
        }
        values.retain(|_, value| !one_sided || !matches!(value.as_str(), "0" | "false"));
        values
    };
    let (before, after) = (values(before), values(after));
    let fields: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |field: &&&String| before.get(**field) != after.get(**field);
    let told = |field: &String| {
        let of = |values: &BTreeMap<String, String>| values.get(field).cloned();
        FieldChange::new(field.clone(), of(&before).as_deref(), of(&after).as_deref())
    };
    fields.iter().filter(differs).take(MAX_FIELDS).map(|field| told(field)).collect()
}

/// Each value by its path; what is empty is not set.
fn flatten(path: String, value: &Value, values: &mut BTreeMap<String, String>) {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let below = |name: &str| if path.is_empty() { name.into() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(below(name), value, values));
        }
        Value::Array(items) => match items.iter().map(scalar).collect::<Option<Vec<String>>>() {
            Some(texts) if texts.is_empty() => (),
            Some(texts) => {
                values.insert(path, texts.join(", "));
            }
            None => {
                let numbered = items.iter().zip(1..);
                numbered.for_each(|(item, at)| flatten(below(&at.to_string()), item, values));
            }
        },
        value => {
            let text = scalar(value).filter(|text| !text.is_empty());
            text.into_iter().for_each(|text| drop(values.insert(path.clone(), text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: Option<Value>, after: Option<Value>) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        field_changes(before.as_ref(), after.as_ref())
            .into_iter()
            .map(|one| format!("{}: {} > {}", one.field, text(one.before), text(one.after)))
            .collect()
    }

    #[test]
    fn what_differs_is_told_field_by_field() {
        let before = json!({
            "name": "a", "store": "sftp://me:hunter2@host/x", "labels": ["x", "y"], "limit": 0,
            "retention": { "daily": 7, "weekly": 4 }, "note": "", "none": null,
        });
        let mut after = before.clone();
        assert!(told(Some(before.clone()), Some(after.clone())).is_empty());
        after["retention"]["daily"] = json!(0);
        after["labels"] = json!([]);
        after["note"] = json!("two\nlines");
        after["store"] = json!("/srv/x");
        after["parts"] = json!([{ "at": 1 }]);
        assert_eq!(
            told(Some(before.clone()), Some(after)),
            [
                "labels: x, y > -",
                "note: - > two\u{fffd}lines",
                "parts.1.at: - > 1",
                "retention.daily: 7 > 0",
                "store: sftp://me@host/x > /srv/x",
            ]
        );
        let made = told(None, Some(before.clone()));
        assert_eq!(made[..2], ["labels: - > x, y", "name: - > a"]);
        assert_eq!((made.len(), told(Some(before), None).len()), (5, 5));
    }

    #[test]
    fn a_long_value_is_cut_and_a_secret_struck_out() {
        let long = "ä".repeat(5000);
        let cut = FieldChange::new("x", None, Some(&long)).after.unwrap();
        assert!(cut.chars().count() <= MAX_VALUE_LETTERS + 1, "{}", cut.chars().count());
        let secret = FieldChange::secret("password", true, false);
        assert_eq!((secret.before.as_deref(), secret.after), (Some(SECRET), None));
    }
}
