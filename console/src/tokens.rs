//! The tokens of the state, for the server to ask.

use futures::future::BoxFuture;

use crate::server::{Grant, TokenCheck};
use source_app::service::Service;
use source_app::state::TokenAccess;

/// Asks the state, for each request.
pub struct StateTokens(pub Service);

impl TokenCheck for StateTokens {
    fn check<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Option<Grant>> {
        Box::pin(async move {
            match self.0.use_token(token).await {
                Ok(token) => token.map(|token| Grant {
                    name: token.name,
                    may_write: token.access == TokenAccess::Full,
                }),
                Err(error) => {
                    tracing::error!(%error, "a token could not be looked up");
                    None
                }
            }
        })
    }
}
