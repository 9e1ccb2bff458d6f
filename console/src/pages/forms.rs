//! Forms: what is shown of a field.

use plakar_driver::schema::{self, FieldKind};
use source_app::model::Retention;

/// The names of fields of connectors begin so.
pub const OPTION_PREFIX: &str = "option.";

/// How a value is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Widget {
    /// A day.
    Date,
    /// One line.
    Text,
    /// Several lines.
    Lines,
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

    /// Texts, one a line.
    pub fn lines(name: &str, label: &str, lines: &[String]) -> Self {
        Self { widget: Widget::Lines, ..Self::text(name, label, &lines.join("\n")) }
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

    /// A day.
    pub fn date(name: &str, label: &str, value: &str) -> Self {
        Self { widget: Widget::Date, ..Self::text(name, label, value) }
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

    /// Its id: the name, without what an id cannot hold.
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
        suggested: &[String],
        chosen: &[String],
    ) -> Self {
        let own = chosen.iter().filter(|one| !suggested.contains(one)).cloned();
        let suggested = suggested
            .iter()
            .map(|one| CheckboxItem { value: one.clone(), chosen: chosen.contains(one) });
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

    /// Whether there is a help or a fault.
    pub fn has_description(&self) -> bool {
        self.error.is_some() || !self.help.is_empty()
    }

    /// The ids of its fault and its help.
    pub fn description(&self) -> String {
        let fault = self.error.as_ref().map(|_| format!("{}-fault", self.name));
        let help = (!self.help.is_empty()).then(|| format!("{}-help", self.name));
        fault.into_iter().chain(help).collect::<Vec<_>>().join(" ")
    }
}

/// The numbers of a retention, for `m::retention`, in the order of [`Retention::numbers`]; their names
/// are those of its fields. What says nothing is not shown.
pub fn retention_fields(mut retention: Retention) -> Vec<Field> {
    let labels = ["Hours", "Days", "Weeks", "Months", "Years"];
    let labels = labels.into_iter().chain([
        "Of an hour",
        "Of a day",
        "Of a week",
        "Of a month",
        "Of a year",
    ]);
    let nothing = Retention::default().numbers().map(|(_, number)| *number);
    let fields = labels.zip(retention.numbers()).zip(nothing);
    let field = |((label, (name, number)), nothing): ((&str, (&str, &mut u32)), u32)| {
        let text = if *number == nothing { String::new() } else { number.to_string() };
        Field::number(name, label, &text, Some(10_000))
    };
    fields.map(field).collect()
}

/// Whether several restore points of a period are kept, or something is wrong with how many: then
/// they are shown at once.
pub fn has_several(fields: &[Field]) -> bool {
    let is_one = |field: &Field| field.name.starts_with("per_");
    fields.iter().any(|field| is_one(field) && (!field.value.is_empty() || field.error.is_some()))
}
