//! Light, dark, or as the system says: kept in a cookie of the browser's, set by a form.

use axum::http::{HeaderMap, Method, Uri};
use axum_extra::extract::CookieJar;

/// The cookie. It is no secret, and other consoles on this host may look the same.
pub(super) const COOKIE: &str = "plakar-opendrive-theme";

/// How pages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them, as the form has them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the form, the cookie and the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// For the browser's own colours.
    pub fn color_scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Of a request; what is no theme is as the system says.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        jar.get(COOKIE).and_then(|cookie| Self::named(cookie.value())).unwrap_or_default()
    }

    /// The theme of this word.
    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word)
    }
}

/// Where a change of the theme leads back to: the page itself, if it can be asked for again.
pub(super) fn here(method: &Method, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let again = *method == Method::GET && is_ours(path);
    // A notice is for once.
    let path = if path.contains("notice=") { uri.path() } else { path };
    if again { path.to_owned() } else { "/".to_owned() }
}

/// Whether it is a path of this console, and leads to no other host.
pub(super) fn is_ours(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leads_back_to_the_page_and_nowhere_else() {
        let back = |method: Method, uri: &str| here(&method, &uri.parse().unwrap());
        assert_eq!(back(Method::GET, "/tasks?app=1&day=2026-01-01"), "/tasks?app=1&day=2026-01-01");
        assert_eq!(back(Method::GET, "/settings?notice=saved"), "/settings");
        assert_eq!(back(Method::POST, "/settings/words"), "/");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb"] {
            assert!(!is_ours(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_theme_is_as_the_system_says() {
        let of = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookie.parse().unwrap());
            Theme::of(&headers)
        };
        assert_eq!(of("a=b; plakar-opendrive-theme=dark"), Theme::Dark);
        assert_eq!(of("plakar-opendrive-theme=%22%3E"), Theme::System);
        assert_eq!(Theme::of(&HeaderMap::new()), Theme::System);
    }
}
