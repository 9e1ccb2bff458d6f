//! Forms: what is shown of a field, and what was posted.

use std::fmt;

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};

use super::error::PageError;
use plakar_driver::schema::{self, FieldKind};
use source_app::model::Retention;

/// The names of fields of connectors begin so.
pub const OPTION_PREFIX: &str = "option.";

/// How a value is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Widget {
    /// One line.
    Text,
    /// A line that is neither shown nor kept.
    Secret,
    /// A number of at least 0.
    Number {
        /// `1` for whole ones, `any`.
        step: &'static str,
        /// The greatest.
        most: Option<u32>,
    },
    /// One of these: value and text.
    Select(Vec<(String, String)>),
    /// Yes or no: `true` or nothing.
    Checkbox,
}

/// A field: `m::field`.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the form; also its id.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it is for; may be empty.
    pub help: String,
    /// What is in it; never a secret.
    pub value: String,
    /// What is shown while nothing is in it.
    pub placeholder: String,
    /// Whether it has to be filled in.
    pub required: bool,
    /// What was wrong with it.
    pub error: Option<String>,
    /// What to suggest, for texts.
    pub suggestions: Vec<String>,
    /// How it is entered.
    pub widget: Widget,
}

impl Field {
    /// One line of text that may be left empty.
    pub fn text(name: &str, label: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            help: String::new(),
            value: value.to_owned(),
            placeholder: String::new(),
            required: false,
            error: None,
            suggestions: Vec::new(),
            widget: Widget::Text,
        }
    }

    /// One of several: value and text.
    pub fn select(name: &str, label: &str, options: Vec<(String, String)>, value: &str) -> Self {
        Self { widget: Widget::Select(options), required: true, ..Self::text(name, label, value) }
    }

    /// A line that is neither shown nor kept.
    pub fn secret(name: &str, label: &str) -> Self {
        Self { widget: Widget::Secret, ..Self::text(name, label, "") }
    }

    /// Yes or no.
    pub fn checkbox(name: &str, label: &str, checked: bool) -> Self {
        Self {
            widget: Widget::Checkbox,
            ..Self::text(name, label, if checked { "true" } else { "" })
        }
    }

    /// A whole number.
    pub fn number(name: &str, label: &str, value: &str, most: Option<u32>) -> Self {
        Self { widget: Widget::Number { step: "1", most }, ..Self::text(name, label, value) }
    }

    /// With a help text.
    pub fn help(self, help: &str) -> Self {
        Self { help: help.to_owned(), ..self }
    }

    /// It has to be filled in.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// With suggestions.
    pub fn suggest<T: Into<String>>(self, suggestions: impl IntoIterator<Item = T>) -> Self {
        Self { suggestions: suggestions.into_iter().map(Into::into).collect(), ..self }
    }

    /// With what is wrong, if anything is.
    pub fn fault(self, error: Option<String>) -> Self {
        Self { error, ..self }
    }

    /// A field of a connector, by the name `option.KEY`. `set`: a secret is there already.
    pub fn option(field: &schema::Field, value: Option<&str>, set: bool) -> Self {
        let yes_or_no = || ["true", "false"].map(str::to_owned).to_vec();
        let choices = |mut choices: Vec<String>| {
            // Nothing chosen: what the connector takes then.
            if !field.required {
                choices.insert(0, String::new());
            }
            let text = |choice: &String| match (choice.as_str(), &field.default) {
                ("", Some(default)) => format!("default ({default})"),
                ("", None) => "default".to_owned(),
                (choice, _) => choice.to_owned(),
            };
            Widget::Select(choices.iter().map(|choice| (choice.clone(), text(choice))).collect())
        };
        let widget = match &field.kind {
            FieldKind::Text => Widget::Text,
            FieldKind::Secret => Widget::Secret,
            FieldKind::Number { whole } => {
                Widget::Number { step: if *whole { "1" } else { "any" }, most: None }
            }
            FieldKind::Choice(all) => choices(all.clone()),
            FieldKind::Boolean => choices(yes_or_no()),
        };
        let secret = widget == Widget::Secret;
        let placeholder = match (&field.default, field.examples.first()) {
            _ if secret && set => "set; leave empty to keep it".to_owned(),
            (Some(default), _) if !default.is_empty() && !secret => default.clone(),
            (_, Some(example)) if !secret => format!("such as {example}"),
            _ => String::new(),
        };
        Self {
            name: format!("{OPTION_PREFIX}{}", field.key),
            label: field.title.clone(),
            help: field.help.clone(),
            value: value.filter(|_| !secret).unwrap_or_default().to_owned(),
            placeholder,
            required: field.required && !(secret && set),
            error: None,
            suggestions: Vec::new(),
            widget,
        }
    }

    /// Whether to say that it may be left empty; of a secret that is set its placeholder says what
    /// that does.
    pub fn is_optional(&self) -> bool {
        !self.required && (self.widget != Widget::Secret || self.placeholder.is_empty())
    }

    /// Whether its label stands behind it.
    pub fn is_checkbox(&self) -> bool {
        self.widget == Widget::Checkbox
    }

    /// Its id: the name, without what an id can't hold.
    pub fn id(&self) -> String {
        self.name
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' }
            })
            .collect()
    }

    /// Whether something describes it.
    pub fn has_description(&self) -> bool {
        self.error.is_some() || !self.help.is_empty()
    }

    /// The ids of what describes it.
    pub fn description(&self) -> String {
        let part = |there: bool, what: &str| {
            if there { format!("{}-{what}", self.id()) } else { String::new() }
        };
        format!("{} {}", part(self.error.is_some(), "fault"), part(!self.help.is_empty(), "help"))
            .trim()
            .to_owned()
    }
}

/// Several of a list, and own ones: `m::several`.
#[derive(Clone, Debug)]
pub struct CheckboxGroup {
    /// The name in the form; own ones are in `NAME-own`.
    pub name: &'static str,
    /// What they are.
    pub legend: &'static str,
    /// May be empty.
    pub help: &'static str,
    /// What to tick.
    pub choices: Vec<CheckboxItem>,
    /// Others, separated by commas.
    pub own: String,
    /// What is wrong.
    pub error: Option<String>,
}

/// One of [`CheckboxGroup`].
#[derive(Clone, Debug)]
pub struct CheckboxItem {
    /// What.
    pub value: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

impl CheckboxGroup {
    /// The suggested ones, and those that are chosen.
    pub fn new(
        name: &'static str,
        legend: &'static str,
        suggested: &[&str],
        chosen: &[String],
    ) -> Self {
        let own = chosen.iter().filter(|one| !suggested.contains(&one.as_str())).cloned();
        let suggested = suggested.iter().map(|one| CheckboxItem {
            value: (*one).to_owned(),
            chosen: chosen.iter().any(|other| other == one),
        });
        let own: Vec<CheckboxItem> =
            own.map(|value| CheckboxItem { value, chosen: true }).collect();
        Self {
            name,
            legend,
            help: "",
            choices: suggested.chain(own).collect(),
            own: String::new(),
            error: None,
        }
    }
}

/// The numbers of a retention, for `m::retention`; their names are those of its fields.
pub fn retention_fields(retention: Retention) -> Vec<Field> {
    let fields = [
        ("daily", "Days", retention.daily),
        ("weekly", "Weeks", retention.weekly),
        ("monthly", "Months", retention.monthly),
        ("yearly", "Years", retention.yearly),
    ];
    let text = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    fields
        .into_iter()
        .map(|(name, label, number)| Field::number(name, label, &text(number), Some(10_000)))
        .collect()
}

/// What a form was filled in with. Secrets may be among it, so `{:?}` shows the names of its fields
/// alone.
#[derive(Clone, Default)]
pub struct FormData(Vec<(String, String)>);

impl fmt::Debug for FormData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl FormData {
    /// A field's value without spaces around it; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).unwrap_or_default().trim()
    }

    /// A field's value as it was entered.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    /// All values of a field that is there several times, without empty ones.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, value)| key == name && !value.trim().is_empty());
        values.map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// What was ticked of [`CheckboxGroup`], and the own ones; each once.
    pub fn several(&self, name: &str) -> Vec<String> {
        let mut chosen = self.all(name);
        let own = self
            .get(&format!("{name}-own"))
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty());
        for one in own {
            if !chosen.iter().any(|other| other == one) {
                chosen.push(one.to_owned());
            }
        }
        chosen
    }

    /// The fields whose names begin so, by the rest of their names.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    /// A whole number; nothing entered is 0.
    ///
    /// # Errors
    /// It is none: what to write.
    pub fn number<T: std::str::FromStr + Default>(&self, name: &str) -> Result<T, String> {
        match self.get(name) {
            "" => Ok(T::default()),
            text => text.parse().map_err(|_| {
                format!("\"{text}\" is not a valid number; write a whole number of 0 or more")
            }),
        }
    }

    /// The numbers of [`retention_fields`], and the fields again with what was entered and what is
    /// wrong.
    pub fn retention(&self) -> (Retention, Vec<Field>) {
        let mut retention = Retention::default();
        let mut fields = retention_fields(retention);
        let numbers = [
            &mut retention.daily,
            &mut retention.weekly,
            &mut retention.monthly,
            &mut retention.yearly,
        ];
        for (field, number) in fields.iter_mut().zip(numbers) {
            self.get(&field.name).clone_into(&mut field.value);
            match self.number(&field.name) {
                Ok(given) => *number = given,
                Err(error) => field.error = Some(error),
            }
        }
        (retention, fields)
    }
}

impl<S: Send + Sync> FromRequest<S> for FormData {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(error) => {
                Err(PageError::input(&format!("The form can't be read: {error}.")).into_response())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_is_not_shown() {
        let data = FormData(vec![("option.password".into(), "correct horse".into())]);
        assert_eq!(data.get("option.password"), "correct horse");
        assert_eq!(format!("{data:?}"), r#"["option.password"]"#);
    }
}
