//! Tokens by which programs use the API.

use chrono::Utc;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::handle::Service;
use crate::state::{ApiToken, TokenAccess};

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub access: TokenAccess,
}

/// A token that was made. Its secret is never shown again.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NewToken {
    /// All but the secret.
    #[serde(flatten)]
    pub about: ApiToken,
    /// What goes into the header `Authorization`, after `Bearer`.
    pub token: String,
}

/// Without the secret.
impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Service {
    /// Makes a token.
    ///
    /// # Errors
    /// The name is taken or cannot be used.
    pub async fn add_token(&self, spec: TokenSpec) -> Result<NewToken> {
        let TokenSpec { name, access } = spec;
        let made = self.state(move |state| state.add_token(&name, access, Utc::now())).await;
        made.map(|(about, token)| NewToken { about, token })
    }

    /// All tokens by name, without their secrets.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>> {
        self.state(crate::state::State::tokens).await
    }

    /// Ends a token, at once and for good.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn revoke_token(&self, id: i64) -> Result<()> {
        self.state(move |state| state.revoke_token(id)).await
    }

    /// The token of this name.
    ///
    /// # Errors
    /// There is none.
    pub async fn token_named(&self, name: &str) -> Result<ApiToken> {
        let found = self.tokens().await?.into_iter().find(|token| token.name == name);
        found.ok_or_else(|| {
            let name: String = name.escape_debug().take(70).collect();
            Error::NotFound(format!(
                "there is no token \"{name}\"; `plakar-opendrive app token list` shows all"
            ))
        })
    }

    /// All of a token but its secret, if it is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn use_token(&self, token: &str) -> Result<Option<ApiToken>> {
        let token = token.to_owned();
        self.state(move |state| state.use_token(&token, Utc::now())).await
    }
}
