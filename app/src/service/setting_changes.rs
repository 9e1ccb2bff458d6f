//! The record of what was changed in settings, and what is told there of Plakar's configuration.

use std::collections::BTreeSet;

use super::error::{Error, Result};
use super::handle::Service;
use super::named_secrets::name_of;
use crate::model::FieldChange;
use crate::state::{
    AppId, Author, ChangeAction, ChangeFilter, ChangeNote, ChangeSubject, SettingChange,
};
use plakar_driver::schema::is_secret;
use plakar_driver::{Name, Options};

/// The fields by which options differ, each named with what they are of before it. A secret is told
/// as one, and by its name if it has one.
pub(super) fn option_changes(
    of: &str,
    before: &Options,
    after: &Options,
    is_secret_here: impl Fn(&str) -> bool,
) -> Vec<FieldChange> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = |key: &&&String| before.get(**key) != after.get(**key);
    let told = |key: &String| {
        let (before, after) = (before.get(key), after.get(key));
        let field = format!("{of}.{key}");
        if !(is_secret(key) || is_secret_here(key)) {
            return FieldChange::new(field, before.map(String::as_str), after.map(String::as_str));
        }
        let struck_out = FieldChange::secret(field, before.is_some(), after.is_some());
        let named = |value: Option<&String>, struck: Option<String>| {
            value.and_then(|value| name_of(value)).or(struck)
        };
        FieldChange {
            before: named(before, struck_out.before),
            after: named(after, struck_out.after),
            field: struck_out.field,
        }
    };
    keys.iter().filter(changed).map(|key| told(key)).collect()
}

impl Service {
    /// The same, for somebody who came by another way than a command: so his changes are recorded.
    #[must_use]
    pub fn by(&self, author: Author) -> Self {
        Self { state: self.state.by(author), ..self.clone() }
    }

    /// The changes of settings that a filter lets through, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn setting_changes(&self, filter: ChangeFilter) -> Result<Vec<SettingChange>> {
        self.state(move |state| state.setting_changes(&filter)).await
    }

    /// The app that had this name when it was changed last, for the record of one that is gone.
    ///
    /// # Errors
    /// No change of an app of this name is known.
    pub async fn app_once_named(&self, name: &str) -> Result<AppId> {
        let wanted = name.to_owned();
        let found = self.state(move |state| state.app_once_named(&wanted)).await?;
        found.ok_or_else(|| {
            let name: String = name.escape_debug().take(70).collect();
            Error::NotFound(format!(
                "there is no app \"{name}\", and no change of one is known; `plakar-opendrive app changes` shows all"
            ))
        })
    }

    /// What Plakar's configuration comes to have of stores, as the record tells it.
    pub(super) async fn store_changes(
        &self,
        stores: &[(&str, Option<&(Name, Options)>)],
    ) -> Result<Vec<FieldChange>> {
        let mut changes = Vec::new();
        for (of, entry) in stores {
            let Some((name, options)) = entry else { continue };
            let before = self.kept_store(name).await?;
            changes.extend(option_changes(of, &before, options, |_| false));
        }
        Ok(changes)
    }

    /// What Plakar's configuration has of a store; nothing of a new one.
    async fn kept_store(&self, name: &Name) -> Result<Options> {
        let known = self.plakar.configurations(plakar_driver::Kind::Store).await?;
        match known.contains_key(name.as_str()) {
            true => Ok(self.plakar.configured(plakar_driver::Kind::Store, name).await?),
            false => Ok(Options::new()),
        }
    }

    /// Records that Plakar's configuration came to have a store, or another login of an account.
    pub(super) async fn record(
        &self,
        subject: ChangeSubject,
        action: ChangeAction,
        name: String,
        fields: Vec<FieldChange>,
    ) -> Result<()> {
        let note = ChangeNote { subject, action, name, app: None, fields };
        self.state(move |state| state.record_change(note)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_by_its_name_or_not_at_all() {
        let options = |pairs: &[(&str, &str)]| -> Options {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let named = format!("{}file:/etc/secret", plakar_driver::REFERENCE);
        let before = options(&[("password", "hunter2"), ("odd", "hunter3"), ("same", "x")]);
        let after = options(&[
            ("password", &named),
            ("odd", "hunter4"),
            ("same", "x"),
            ("location", "sftp://me:hunter5@host/a"),
        ]);
        let told: Vec<String> = option_changes("options", &before, &after, |key| key == "odd")
            .into_iter()
            .map(|one| format!("{} {:?} {:?}", one.field, one.before, one.after))
            .collect();
        assert_eq!(
            told,
            [
                r#"options.location None Some("sftp://me@host/a")"#,
                r#"options.odd Some("(secret)") Some("(secret)")"#,
                r#"options.password Some("(secret)") Some("file:/etc/secret")"#,
            ]
        );
    }
}
