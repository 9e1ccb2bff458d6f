//! What was posted with a form.

use std::fmt;

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};

use super::error::PageError;
use super::forms::{Field, retention_fields};
use source_app::model::Retention;

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

    /// What was ticked of [`CheckboxGroup`](super::forms::CheckboxGroup), and the own ones; each once.
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

    /// The lines of a field, as they were entered, without those that are empty.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.raw(name).unwrap_or_default().lines();
        lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
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
        for (field, (_, number)) in fields.iter_mut().zip(retention.numbers()) {
            self.get(&field.name).clone_into(&mut field.value);
            match self.number(&field.name) {
                Ok(_) if field.value.is_empty() => {}
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
                Err(PageError::input(&format!("The form cannot be read: {error}.")).into_response())
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
