//! The words that apps are classified by: environments and data classes.

use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use crate::state::{OfferedWord, WordKind};

/// All words, with where they are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classification {
    /// Those that forms offer in their order, then others that are used.
    pub environments: Vec<OfferedWord>,
    /// The same of data classes.
    pub data_classes: Vec<OfferedWord>,
}

/// What forms offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    /// Environments.
    pub environments: Vec<String>,
    /// Data classes.
    pub data_classes: Vec<String>,
}

/// A word that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddedWord {
    /// The word.
    #[serde(flatten)]
    pub word: OfferedWord,
    /// What has to be said of it: that no policy matches it.
    pub warning: Option<String>,
}

impl Service {
    /// All words, with where they are used.
    ///
    /// # Errors
    /// The database failed.
    pub async fn classification(&self) -> Result<Classification> {
        self.state(|state| {
            Ok(Classification {
                environments: state.words(WordKind::Environment)?,
                data_classes: state.words(WordKind::DataClass)?,
            })
        })
        .await
    }

    /// What forms offer: the words of the list, and others that are used.
    ///
    /// # Errors
    /// The database failed.
    pub async fn suggestions(&self) -> Result<Suggestions> {
        let Classification { environments, data_classes } = self.classification().await?;
        let words = |words: Vec<OfferedWord>| words.into_iter().map(|one| one.word).collect();
        Ok(Suggestions { environments: words(environments), data_classes: words(data_classes) })
    }

    /// Makes forms offer a word.
    ///
    /// # Errors
    /// It cannot be used, or is offered already.
    pub async fn add_word(&self, kind: WordKind, word: &str) -> Result<AddedWord> {
        let word = word.trim().to_owned();
        let word = self.state(move |state| state.add_word(kind, &word)).await?;
        Ok(AddedWord { warning: word.warning(), word })
    }

    /// Makes forms offer a word no more.
    ///
    /// # Errors
    /// It is not in the list, or an app or a policy uses it.
    pub async fn remove_word(&self, kind: WordKind, word: &str) -> Result<()> {
        let word = word.to_owned();
        self.state(move |state| state.remove_word(kind, &word)).await
    }
}
