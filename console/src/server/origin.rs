//! Whether a request was made by one of our own pages (or by its user), as far as the browser says.

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method};

use super::hosts::{AllowedHosts, KnownHost};

/// The methods that change nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Refuses what another page made the browser send, by headers that no page can set itself. A
/// request without them is no browser's, or that of one from before 2023, which
/// [`super::admission`]'s token keeps out.
pub(super) fn is_foreign(
    hosts: &AllowedHosts,
    host: &KnownHost,
    method: &Method,
    headers: &HeaderMap,
) -> bool {
    let value = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().unwrap_or("unreadable"));
        if values.next().is_some() { Some("given twice") } else { first }
    };
    let site = value("sec-fetch-site");
    let own_origin = match value(ORIGIN.as_str()) {
        None => true,
        // What browsers say for a form of ours too, because our pages send no referrer.
        Some("null") => site == Some("same-origin"),
        Some(origin) => hosts.is_origin(origin, host),
    };
    let own_site = match site {
        None | Some("same-origin" | "none") => true,
        // A link somewhere else may lead here. "same-site" is what another port of this host is.
        Some("same-site" | "cross-site") => {
            is_safe(method)
                && value("sec-fetch-mode") == Some("navigate")
                && value("sec-fetch-dest") == Some("document")
        }
        Some(_) => false,
    };
    !(own_origin && own_site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_other_pages_are_refused() {
        let hosts = AllowedHosts::new(false, 80, &[]);
        let host = hosts.find("localhost", "127.0.0.1:80".parse().unwrap()).unwrap();
        let foreign = |method: Method, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            is_foreign(&hosts, &host, &method, &headers)
        };
        let own = ("origin", "http://localhost");
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(!foreign(Method::GET, &[]));
        assert!(!foreign(Method::POST, &[]));
        assert!(!foreign(Method::POST, &[own]));
        assert!(!foreign(Method::POST, &[own, ("sec-fetch-site", "same-origin")]));
        assert!(!foreign(Method::POST, &[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(!foreign(Method::GET, &[("sec-fetch-site", "none")]));
        assert!(!foreign(Method::GET, &link));
        assert!(foreign(Method::POST, &link));
        assert!(foreign(Method::GET, &[link[0], link[1], ("sec-fetch-dest", "iframe")]));
        for site in ["same-site", "cross-site", "other", ""] {
            assert!(foreign(Method::GET, &[("sec-fetch-site", site)]), "{site}");
            assert!(foreign(Method::POST, &[own, ("sec-fetch-site", site)]), "{site}");
        }
        assert!(foreign(Method::POST, &[("origin", "null")]));
        assert!(foreign(Method::POST, &[("origin", "null"), ("sec-fetch-site", "none")]));
        assert!(foreign(Method::GET, &[("origin", "http://localhost:3000")]));
        assert!(foreign(Method::POST, &[own, own]), "twice");
        assert!(foreign(Method::GET, &[("sec-fetch-site", "none"), ("sec-fetch-site", "none")]));
    }
}
