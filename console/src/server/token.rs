//! Tokens of programs: `Authorization: Bearer`, instead of a cookie.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use futures::future::BoxFuture;

use super::throttle::Throttle;

/// Maximum length of a token that is looked for, in bytes.
const MAX_TOKEN_BYTES: usize = 256;

/// What a token is good for. A request that came with one carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The token's name.
    pub name: String,
    /// Whether it may do more than GET and HEAD.
    pub may_write: bool,
}

/// Knows which tokens are good. It is asked for each request, so that one that was revoked ends at
/// once.
pub trait TokenCheck: Send + Sync + 'static {
    /// What a token is good for; none if it is none of ours.
    fn check<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Option<Grant>>;
}

/// Why a token does not let anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenFault {
    /// The header is not `Bearer` and a token.
    Form,
    /// It is none of ours, or it was revoked.
    Wrong,
    /// There were too many wrong ones: so long is to be waited.
    TooMany(Duration),
}

#[derive(Default)]
pub(super) struct Tokens {
    check: OnceLock<Arc<dyn TokenCheck>>,
    throttle: Throttle,
}

impl Tokens {
    pub fn accept(&self, check: Arc<dyn TokenCheck>) {
        // The first stays.
        let _ = self.check.set(check);
    }

    /// What the token of a request is good for; none without the header.
    ///
    /// A good token is good however many wrong ones came before: it has 256 random bits, so nobody
    /// gains by guessing, and nobody shall lock a monitor out.
    pub async fn find(&self, headers: &HeaderMap) -> Result<Option<Grant>, TokenFault> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let Some(first) = given.next() else { return Ok(None) };
        let text = first.to_str().ok().filter(|_| given.next().is_none());
        let token = text.and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            let fits = (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(plain);
            (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(token)
        });
        let token = token.ok_or(TokenFault::Form)?;
        let grant = match self.check.get() {
            Some(check) => check.check(token).await,
            None => None,
        };
        if grant.is_none() {
            tracing::warn!("a wrong token was given");
            self.throttle.attempt(Instant::now()).map_err(TokenFault::TooMany)?;
        }
        grant.map(Some).ok_or(TokenFault::Wrong)
    }
}
