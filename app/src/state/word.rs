//! Environments and data classes that forms offer, and where each is used.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::check::{check_list, check_text};
use super::columns::words;
use super::database::State;
use super::error::{Result, StateError};
use super::setting_change::{ChangeAction, ChangeNote, ChangeSubject};
use super::{app, policy};

words! {
    /// What a word classifies by.
    WordKind, "kind of word" {
        /// An environment.
        Environment = "environment",
        /// A data class.
        DataClass = "data class",
    }
}

/// A word that forms offer, or that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferedWord {
    /// What it classifies by.
    pub kind: WordKind,
    /// The word.
    pub word: String,
    /// Whether forms offer it by itself; one that is not was typed into a form.
    pub offered: bool,
    /// The apps that have it, by name.
    pub apps: Vec<String>,
    /// The policies that name it.
    pub policies: Vec<String>,
    /// Whether a policy that is enabled can match an app by it: one that names it, or one that asks
    /// for no word of this kind.
    pub matched: bool,
}

impl OfferedWord {
    /// Whether nothing has it or names it.
    pub fn is_unused(&self) -> bool {
        self.apps.is_empty() && self.policies.is_empty()
    }

    /// What is said of a word that no policy matches.
    pub fn warning(&self) -> Option<String> {
        (!self.matched).then(|| {
            format!(
                "No policy matches the {} {}: an app with it gets no schedules and no retention from policies.",
                self.kind, self.word
            )
        })
    }
}

fn offered(connection: &Connection, kind: WordKind) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare_cached("SELECT word FROM word WHERE kind = ?1 ORDER BY id")?;
    let words = statement.query_map([kind], |row| row.get("word"))?;
    Ok(words.collect::<rusqlite::Result<_>>()?)
}

fn all(connection: &Connection, kind: WordKind) -> Result<Vec<OfferedWord>> {
    let (offered, apps, policies) =
        (offered(connection, kind)?, app::load_all(connection)?, policy::load_all(connection)?);
    let of_app = |app: &app::App| match kind {
        WordKind::Environment => vec![app.spec.environment.clone()],
        WordKind::DataClass => app.spec.data_classes.clone(),
    };
    let of_policy = |policy: &policy::Policy| match kind {
        WordKind::Environment => policy.spec.environments.clone(),
        WordKind::DataClass => policy.spec.data_classes.clone(),
    };
    let used: BTreeSet<String> = apps
        .iter()
        .flat_map(of_app)
        .chain(policies.iter().flat_map(of_policy))
        .filter(|word| !word.is_empty() && !offered.contains(word))
        .collect();
    let count = offered.len();
    let word = |(place, word): (usize, String)| {
        let is_matching = |policy: &&policy::Policy| {
            let words = of_policy(policy);
            policy.spec.enabled && (words.is_empty() || words.contains(&word))
        };
        OfferedWord {
            kind,
            offered: place < count,
            apps: apps
                .iter()
                .filter(|app| of_app(app).contains(&word))
                .map(|app| app.spec.name.clone())
                .collect(),
            policies: policies
                .iter()
                .filter(|policy| of_policy(policy).contains(&word))
                .map(|policy| policy.spec.name.clone())
                .collect(),
            matched: policies.iter().any(|policy| is_matching(&policy)),
            word,
        }
    };
    Ok(offered.into_iter().chain(used).enumerate().map(word).collect())
}

fn note(kind: WordKind, action: ChangeAction, word: &str) -> ChangeNote {
    let subject = match kind {
        WordKind::Environment => ChangeSubject::Environment,
        WordKind::DataClass => ChangeSubject::DataClass,
    };
    ChangeNote { subject, action, name: word.to_owned(), app: None, fields: Vec::new() }
}

impl State {
    /// The words of a kind: those that forms offer in their order, then others that are used.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn words(&self, kind: WordKind) -> Result<Vec<OfferedWord>> {
        self.read(|connection| all(connection, kind))
    }

    /// Makes forms offer a word.
    ///
    /// # Errors
    ///
    /// It cannot be used, or is offered already.
    pub fn add_word(&self, kind: WordKind, word: &str) -> Result<OfferedWord> {
        check_text(kind.as_str(), word, false)?;
        check_list(kind.as_str(), &[word.to_owned()])?;
        self.change(|transaction| {
            let insert = "INSERT INTO word (kind, word) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            if transaction.execute(insert, params![kind, word])? == 0 {
                let message =
                    format!("the {kind} {word} is there already; nothing has to be added");
                return Err(StateError::Conflict(message));
            }
            let found = all(transaction, kind)?.into_iter().find(|one| one.word == word);
            let found =
                found.ok_or_else(|| StateError::NotFound(format!("there is no {kind} {word}")))?;
            Ok((found, Some(note(kind, ChangeAction::Added, word))))
        })
    }

    /// Makes forms offer a word no more.
    ///
    /// # Errors
    ///
    /// It is not offered, or an app or a policy uses it.
    pub fn remove_word(&self, kind: WordKind, word: &str) -> Result<()> {
        self.change(|transaction| {
            let found = all(transaction, kind)?.into_iter().find(|one| one.word == word);
            let Some(found) = found.filter(|one| one.offered) else {
                let shown = word.escape_debug();
                return Err(StateError::NotFound(format!(
                    "there is no {kind} \"{shown}\" in the list"
                )));
            };
            if !found.is_unused() {
                let users: Vec<String> = found
                    .apps
                    .iter()
                    .map(|name| format!("the app {name}"))
                    .chain(found.policies.iter().map(|name| format!("the policy {name}")))
                    .collect();
                return Err(StateError::Conflict(format!(
                    "the {kind} {word} is used by {}; change that first",
                    users.join(", ")
                )));
            }
            let delete = "DELETE FROM word WHERE kind = ?1 AND word = ?2";
            transaction.execute(delete, params![kind, word])?;
            Ok(((), Some(note(kind, ChangeAction::Removed, word))))
        })
    }
}
