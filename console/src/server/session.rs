//! Browser sessions of the console, and their cookie.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum_extra::extract::cookie::{Cookie, SameSite};
use subtle::ConstantTimeEq;

use super::secret::{self, SecretHash};

/// Timeout of a session that is not used.
const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(12 * 3600);

/// Maximum age of a session, however much it is used.
const MAX_SESSION_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Maximum number of sessions; with one more, the one that was not used for the longest goes.
const MAX_SESSIONS: usize = 64;

/// Maximum number of cookies of our name that are looked at in one request.
const MAX_COOKIES_TRIED: usize = 8;

/// Whose request it is. Handlers take it as an argument; it is there wherever they are reached.
#[derive(Clone)]
pub struct Session {
    pub(super) key: SecretHash,
    csrf: Arc<str>,
}

impl Session {
    fn of(id: &str) -> Self {
        // Made from the id instead of kept beside it, so that nothing in memory is good for
        // anything.
        Self {
            key: secret::hash("session", id),
            csrf: secret::hex(&secret::hash("csrf", id)).into(),
        }
    }

    /// What each form carries in a hidden field `csrf`, and each change by JSON in the header
    /// `X-CSRF-Token`.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    pub(super) fn is_csrf(&self, given: &str) -> bool {
        self.csrf.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// A session if there is one, for the few pages that need none.
impl<S: Sync> axum::extract::OptionalFromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// When a session began, and when it was used last.
struct SessionTimes {
    began: SystemTime,
    used: SystemTime,
}

impl SessionTimes {
    fn is_over(&self, now: SystemTime) -> bool {
        // A clock that was set back makes no session older.
        let since = |time| now.duration_since(time).unwrap_or_default();
        since(self.used) >= SESSION_IDLE_TIMEOUT || since(self.began) >= MAX_SESSION_AGE
    }
}

/// The sessions, in memory: they end with the server.
pub(super) struct Sessions {
    cookie: String,
    secure: bool,
    times: Mutex<HashMap<SecretHash, SessionTimes>>,
}

impl Sessions {
    pub fn new(tls: bool, port: u16) -> Self {
        // Browsers send a cookie to every port of its host; the name keeps those of several
        // consoles apart. The prefix makes the browser refuse it from anybody but this very host
        // over TLS.
        let prefix = if tls { "__Host-" } else { "" };
        Self {
            cookie: format!("{prefix}plakar-opendrive-{port}"),
            secure: tls,
            times: Mutex::default(),
        }
    }

    /// Begins a session and gives its cookie. The id is always a new one.
    pub fn begin(&self, now: SystemTime) -> Cookie<'static> {
        let id = secret::random::<32>();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|_, session| !session.is_over(now));
        if times.len() >= MAX_SESSIONS {
            let oldest = times.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.map(|key| times.remove(&key));
        }
        times.insert(Session::of(&id).key, SessionTimes { began: now, used: now });
        self.cookie(id)
    }

    /// The session that a request's cookie names. Other servers on this host can add cookies of the
    /// same name, so each is tried.
    pub fn find(&self, headers: &HeaderMap, now: SystemTime) -> Option<Session> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let ids =
            pairs.filter(|(name, id)| *name == self.cookie && id.len() == 64).map(|(_, id)| id);
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        for session in ids.take(MAX_COOKIES_TRIED).map(Session::of) {
            match times.get_mut(&session.key) {
                Some(found) if found.is_over(now) => drop(times.remove(&session.key)),
                Some(found) => {
                    found.used = now;
                    return Some(session);
                }
                None => {}
            }
        }
        None
    }

    pub fn end(&self, session: &Session) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).remove(&session.key);
    }

    pub fn end_all(&self) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What makes the browser forget its cookie.
    pub fn removal(&self) -> Cookie<'static> {
        let mut cookie = self.cookie(String::new());
        cookie.make_removal();
        cookie
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        // No expiry and no domain: it ends with the browser and goes to this host alone.
        Cookie::build((self.cookie.clone(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self.secure)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, cookie.parse().unwrap())).collect()
    }

    fn begin(sessions: &Sessions, now: SystemTime) -> String {
        let cookie = sessions.begin(now);
        format!("{}={}", cookie.name(), cookie.value())
    }

    #[test]
    fn sessions_end() {
        let (sessions, now) = (Sessions::new(false, 81), SystemTime::now());
        let second = Duration::from_secs(1);
        let cookie = begin(&sessions, now);
        let found = |cookie: &str, now| sessions.find(&headers(&[cookie]), now).is_some();
        assert!(found(&cookie, now + SESSION_IDLE_TIMEOUT - second));
        assert!(found(&cookie, now + 2 * SESSION_IDLE_TIMEOUT - 2 * second), "each use counts");
        assert!(!found(&cookie, now + 3 * SESSION_IDLE_TIMEOUT));
        assert!(!found(&cookie, now), "over is over");

        let cookie = begin(&sessions, now);
        let mut time = now;
        while time < now + MAX_SESSION_AGE - SESSION_IDLE_TIMEOUT / 2 {
            assert!(found(&cookie, time));
            time += SESSION_IDLE_TIMEOUT / 2;
        }
        assert!(!found(&cookie, now + MAX_SESSION_AGE), "however much it is used");

        let (one, two) = (begin(&sessions, now), begin(&sessions, now));
        sessions.end(&sessions.find(&headers(&[&one]), now).unwrap());
        assert!(!found(&one, now) && found(&two, now));
        sessions.end_all();
        assert!(!found(&two, now));
        assert!(found(&begin(&sessions, now), now - second), "a clock that is set back");
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let (sessions, now) = (Sessions::new(false, 81), SystemTime::now());
        let cookies: Vec<_> = (0..=MAX_SESSIONS as u64)
            .map(|n| begin(&sessions, now + Duration::from_secs(n)))
            .collect();
        let there = |cookie: &String| sessions.find(&headers(&[cookie]), now).is_some();
        assert!(!there(&cookies[0]), "unused for the longest");
        assert!(cookies[1..].iter().all(there));
    }

    #[test]
    fn cookies_of_others_do_not_hide_ours() {
        let (sessions, now) = (Sessions::new(false, 81), SystemTime::now());
        let cookie = begin(&sessions, now);
        let fixed = format!("plakar-opendrive-81={}", "0".repeat(64));
        let session = sessions.find(&headers(&[&format!("a=b; {fixed}; {cookie}")]), now).unwrap();
        assert!(sessions.find(&headers(&[&fixed, &cookie]), now).is_some());
        for other in [
            fixed.as_str(),
            "",
            "plakar-opendrive-81",
            &cookie[..cookie.len() - 1],
            &cookie.replace("81=", "82="),
        ] {
            assert!(sessions.find(&headers(&[other]), now).is_none(), "{other}");
        }
        assert!(session.is_csrf(session.csrf()));
        assert!(!session.is_csrf("") && !session.is_csrf(&session.csrf()[1..]));
        assert_ne!(
            sessions.find(&headers(&[&begin(&sessions, now)]), now).unwrap().csrf(),
            session.csrf()
        );
        assert_eq!(format!("{session:?}"), "Session { .. }");
        assert!(!cookie.contains(session.csrf()));
    }
}
